"""A client with everything a person is recognised by, and those who look like them."""

import uuid
from typing import Any

from booking.database import Database
from booking.matching.queries import open_matches
from tests import make
from tests.front_door import Api
from tests.site import Site
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


def dana(site: Site, **different: Any) -> uuid.UUID:
    """She is on the list and compared with it, and nobody else is like her."""
    with site.writing() as session:
        client = make.client(session, **{**DANA, **different})
        make.pet(session, client, name=PET, breed="Beagle")
    compare(site.database)
    return client.id


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
