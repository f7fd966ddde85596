"""A client with everything a person is recognised by, and those who look like them."""

import uuid
from typing import Any

from booking.database import Database
from booking.matching.queries import open_matches
from tests import make
from tests.api.client_logins import confirm, sign_up, token_in
from tests.front_door import Api, ApiCaller
from tests.mailbox import Mailbox
from tests.site import Site
from tests.world import World
from workers import jobs

DANA: dict[str, Any] = {
    "first_name": "Dana",
    "last_name": "Whitfield",
    "email": "dana.whitfield@example.com",
    "mobile_phone": "(617) 555-0142",
    "home_phone": "617-555-0187",
    "address_1": "48 Linden Street",
    "city": "Boston",
    "region": "MA",
    "postal_code": "02118",
    "notes": "Pays late. Key under the mat.",
}
PET = "Biscuit"
OTHER_ADDRESS = "dw.mailbox@example.org"
ALL_OF_HER = {name: DANA[name] for name in ("first_name", "last_name", "mobile_phone")}
NOBODY = {"first_name": "Quentin", "last_name": "Abernathy", "mobile_phone": "212 555 0173"}
VISITS = "/businesses/{b}/appointments"


def dana(site: Site, **different: Any) -> uuid.UUID:
    """She is on the list and compared with it, and nobody else is like her."""
    with site.writing() as session:
        client = make.client(session, **{**DANA, **different})
        make.pet(session, client, name=PET, breed="Beagle")
    compare(site.database)
    return client.id


def booking(world: World, day: int, person: dict[str, str], pet: str = PET) -> dict[str, Any]:
    return {
        "service_id": str(world.salon.grooming),
        "starts_at": f"2027-03-{day:02}T10:00:00-05:00",
        "client": person,
        "pets": [{"name": pet, "species": "dog", "breed": "Beagle"}],
    }


def logged_in(api: Api, mailbox: Mailbox, **form: str) -> tuple[dict[str, Any], ApiCaller]:
    """Signed up and confirmed by whoever reads that mailbox."""
    token = sign_up(api, **form).json()["sign_up_token"]
    answer = confirm(api, token=token_in(mailbox, form["email"]), sign_up_token=token)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body, api.bearing(body["token"])


def compare(database: Database) -> int:
    """What the worker does a moment later."""
    return jobs.compare_due_clients(database)


def asked_about(site: Site) -> set[frozenset[uuid.UUID | None]]:
    """Whom staff is asked about, as pairs: of a visit or a login, its id."""
    with site.reading() as session:
        return {
            frozenset((one.client_id, one.other_id or one.appointment_id or one.account_id))
            for one in open_matches(session)
        }


def items(api: Api, path: str) -> list[dict[str, Any]]:
    answer = api.staff.get(f"/businesses/{{b}}/{path}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found
