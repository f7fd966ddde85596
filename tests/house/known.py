"""Ids of things that are there: of everything the API names in an address, one of each."""

import uuid
from typing import Any

from booking.database import new_id
from tests.front_door import ApiCaller
from tests.house.operations import CSV
from tests.mailbox import Mailbox
from tests.world import KnownClient, Salon, World


def known_ids(
    staff: ApiCaller, client: ApiCaller, salon: Salon, person: KnownClient, mailbox: Mailbox
) -> dict[str, str]:
    """All of one business; `staff` and `client` call there, `person` is the client."""
    invited = made(staff.post("/businesses/{b}/clients", json={"email": f"in.{salon.slug}@x.org"}))
    campaign = made(staff.post("/businesses/{b}/campaigns", json={"client_ids": [invited["id"]]}))
    invitation = mailbox.latest(f"in.{salon.slug}@x.org").link("/i/")
    found = made(staff.get(f"/businesses/{{b}}/campaigns/{campaign['id']}/invitations"))
    member = {"email": f"member.{salon.slug}@x.org", "name": "Nell", "role": "staff"}
    files = {"file": ("clients.csv", CSV, "text/csv")}
    ids = {
        "session_id": made(client.get("/sessions"))["items"][0]["id"],
        "invited_member_id": made(staff.post("/businesses/{b}/members", json=member))["id"],
        "member_id": made(staff.get("/businesses/{b}/members"))["items"][0]["id"],
        "service_id": salon.grooming,
        "staff_id": salon.ana,
        "interval_id": made(staff.get("/businesses/{b}/opening-hours"))["items"][0]["id"],
        "closure_id": made(
            staff.post(
                "/businesses/{b}/closures",
                json={"first_day": "2027-04-01", "last_day": "2027-04-02"},
            )
        )["id"],
        "client_id": person.id,
        "pet_id": person.pet_ids[0],
        "appointment_id": person.visit,
        "campaign_id": campaign["id"],
        "invitation_id": found["items"][0]["id"],
        "token": invitation.removeprefix("/i/"),
        "import_id": made(staff.post("/businesses/{b}/imports?dry_run=true", files=files))["id"],
        "manage_token": guest_booking(staff, salon)["manage_token"],
    }
    return {name: str(value) for name, value in ids.items()}


def guest_booking(caller: ApiCaller, salon: Salon) -> Any:
    body = {
        "service_id": str(salon.grooming),
        "staff_id": str(salon.ben),
        "starts_at": "2027-03-09T15:00:00Z",
        "client": {
            "first_name": "Gus",
            "last_name": "Guest",
            "email": f"gus.{salon.slug}@x.org",
            "mobile_phone": "",
        },
        "pets": [{"name": "Tip", "species": "dog", "breed": ""}],
    }
    return made(caller.bare().post("/businesses/{b}/appointments", json=body))


def random_ids(ids: dict[str, str]) -> dict[str, str]:
    """For each id one that nothing has."""
    return {name: unlike(value) for name, value in ids.items()}


def unlike(value: str) -> str:
    try:
        uuid.UUID(value)
    except ValueError:
        return "A" * len(value)
    return str(new_id())


def made(response: Any) -> Any:
    assert response.status_code < 300, f"{response.request.url} {response.text}"
    return response.json()


def ids_of_the_salon(
    owner: ApiCaller, client: ApiCaller, world: World, mailbox: Mailbox
) -> dict[str, str]:
    return known_ids(owner, client, world.salon, world.jo, mailbox)
