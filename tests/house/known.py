"""Ids of things that are there: of everything the API names in an address, one of each."""

import uuid
from typing import Any

from booking.audit.actions import SYSTEM
from booking.billing import queries as billing
from booking.billing.actions.plans import choose_plan
from booking.billing.rules.plans import STANDARD
from booking.database import new_id, set_business
from tests.front_door import Api, ApiCaller
from tests.house.operations import CSV
from tests.mailbox import Mailbox
from tests.world import KnownClient, Salon

NOTICE = {
    "kind": "incident",
    "title": "Mail is slow",
    "text": "E-mails take a few minutes longer.",
    "components": ["messaging"],
    "ends_at": "2027-03-01T20:00:00Z",
}


def known_ids(api: Api, salon: Salon, person: KnownClient, mailbox: Mailbox) -> dict[str, str]:
    """All of one business, made by its owner and by `person`, a client."""
    staff = api.as_(salon.owner).at(salon.slug)
    client = api.as_(person.person).at(salon.slug)
    visitor = api.visitor.at(salon.slug)
    invited = made(staff.post("/businesses/{b}/clients", json={"email": f"in.{salon.slug}@x.org"}))
    campaign = made(staff.post("/businesses/{b}/campaigns", json={"client_ids": [invited["id"]]}))
    invitation = mailbox.latest(f"in.{salon.slug}@x.org").link("/i/")
    found = made(staff.get(f"/businesses/{{b}}/campaigns/{campaign['id']}/invitations"))
    member = {"email": f"member.{salon.slug}@x.org", "name": "Nell", "role": "staff"}
    calendar = made(client.get("/businesses/{b}/me/calendar"))["url"]
    files = {"file": ("clients.csv", CSV, "text/csv")}
    twice = [made(staff.post("/businesses/{b}/clients", json={"first_name": "Tw"})) for _ in "12"]
    una = {"first_name": "Una", "last_name": "Ames", "mobile_phone": "617 555 0155"}
    alike = [made(staff.post("/businesses/{b}/clients", json=una)) for _ in "12"][1]
    merge = {"keep": twice[0]["id"], "merge": [twice[1]["id"]]}
    program = {
        "username": salon.owner.email,
        "password": salon.owner.password,
        "product": "booking",
        "installation_id": f"desk-of-{salon.slug}",
        "machine_name": "Front desk",
    }
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
        "calendar_token": calendar.rpartition("/")[2].removesuffix(".ics"),
        "token": invitation.removeprefix("/i/"),
        "import_id": made(staff.post("/businesses/{b}/imports?dry_run=true", files=files))["id"],
        "match_id": alike["possible_matches"][0]["id"],
        "registration_id": made(visitor.post("/registrations", json=program))["id"],
        "merge_id": made(staff.post("/businesses/{b}/merges", json=merge))["id"],
        "notice_id": made(api.operator.post("/operator/notices", json=NOTICE))["id"],
        "key": "messaging",
        "invoice_number": _invoice(mailbox, salon),
        "gateway": "sandbox",
        "manage_token": guest_booking(visitor, salon)["manage_token"],
    }
    return {name: str(value) for name, value in ids.items()}


def _invoice(mailbox: Mailbox, salon: Salon) -> str:
    """By the operator's verb, which no address of the API leads to."""
    with mailbox.database.writing() as session:
        set_business(session, salon.id)
        choose_plan(session, STANDARD.code, by=SYSTEM)
        return billing.invoices(session)[0].number


def guest_booking(visitor: ApiCaller, salon: Salon) -> Any:
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
    return made(visitor.post("/businesses/{b}/appointments", json=body))


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
