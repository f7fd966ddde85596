import uuid
from typing import Any

import pytest
from sqlalchemy import select

from booking.appointments.actions.decide import expire_pending
from booking.appointments.models import AppointmentState
from booking.appointments.queries import find
from booking.audit.models import AuditEntry
from booking.availability.models import Busy
from tests.front_door import Api, problem_of
from tests.mailbox import Mailbox
from tests.site import Site
from tests.times import Clock
from tests.world import World

PATH = "/businesses/{b}/appointments"


def request(api: Api, world: World, email: str = "gus@example.com", **other: Any) -> str:
    body = {
        "service_id": str(world.salon.grooming),
        "staff_id": str(world.salon.ana),
        "starts_at": "2027-03-04T10:00:00-05:00",
        "client": {"first_name": "Gus", "email": email},
        **other,
    }
    answer = api.visitor.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    booked: dict[str, str] = answer.json()
    return booked["id"]


@pytest.fixture
def _approving(site: Site) -> None:
    site.prefer("staff_and_confirmation", confirmation_mode="approve")


@pytest.mark.usefixtures("_approving")
def test_a_request_is_confirmed_and_the_client_told(
    api: Api, world: World, mailbox: Mailbox
) -> None:
    asked = request(api, world)
    answer = api.staff.post(f"{PATH}/{asked}/confirm")
    assert answer.json()["state"] == "confirmed"
    assert answer.json()["hold_expires_at"] is None
    mail = mailbox.latest("gus@example.com")
    assert "is booked" in mail.subject
    assert b"METHOD:REQUEST" in mail.attachments[0].content
    assert problem_of(api.staff.post(f"{PATH}/{asked}/confirm"), 409)["code"] == "wrong_state"


@pytest.mark.usefixtures("_approving")
def test_a_request_is_declined_with_a_reason(
    api: Api, world: World, site: Site, mailbox: Mailbox
) -> None:
    asked = request(api, world)
    answer = api.staff.post(f"{PATH}/{asked}/decline", json={"reason": "Ana is away."})
    assert answer.json()["state"] == "declined"
    assert "Ana is away." in mailbox.latest("gus@example.com").text
    with site.reading() as session:
        assert session.get(Busy, uuid.UUID(asked)) is None
    assert request(api, world, "next@example.com")


def test_requests_that_hold_nothing_compete(api: Api, world: World, site: Site) -> None:
    site.prefer("staff_and_confirmation", confirmation_mode="approve", pending_holds_slot=False)
    first, second = request(api, world), request(api, world, "next@example.com")
    assert api.staff.post(f"{PATH}/{first}/confirm").status_code == 200
    assert problem_of(api.staff.post(f"{PATH}/{second}/confirm"), 409)["code"] == "slot_taken"
    later = {"starts_at": "2027-03-04T13:00:00-05:00"}
    assert api.staff.post(f"{PATH}/{second}/reschedule", json=later).status_code == 200
    assert api.staff.post(f"{PATH}/{second}/confirm").status_code == 200


@pytest.mark.usefixtures("_approving")
def test_an_unanswered_request_lapses(
    api: Api, world: World, site: Site, mailbox: Mailbox, clock: Clock
) -> None:
    asked = request(api, world)
    clock.move(hours=23)
    assert _expire(site, clock) == 0
    clock.move(hours=1, seconds=1)
    assert _expire(site, clock) == 1
    assert _expire(site, clock) == 0
    with site.reading() as session:
        kept = find(session, uuid.UUID(asked))
        assert kept.state is AppointmentState.DECLINED
        assert session.get(Busy, kept.id) is None
    assert "not answered in time" in mailbox.latest("gus@example.com").subject


def test_requests_lapse_in_every_business(api: Api, world: World, site: Site, clock: Clock) -> None:
    for salon in (world.salon, world.kennels):
        with site.writing(salon) as session:
            visit = world.jo.visit if salon is world.salon else world.max.visit
            row = find(session, visit)
            row.state, row.hold_expires_at = AppointmentState.PENDING, clock.now()
    assert [_expire(site, clock) for _ in range(3)] == [1, 1, 0]


def _expire(site: Site, clock: Clock) -> int:
    with site.database.writing() as session:
        return expire_pending(session, clock.now())


def test_a_visit_is_completed_or_missed_and_a_slip_mended(api: Api, world: World) -> None:
    visit = f"{PATH}/{world.jo.visit}"
    assert api.staff.post(f"{visit}/no-show").json()["state"] == "no_show"
    assert api.staff.post(f"{visit}/complete").json()["state"] == "completed"
    assert problem_of(api.staff.post(f"{visit}/cancel"), 409)["code"] == "wrong_state"


@pytest.mark.parametrize("verb", ["confirm", "decline", "cancel", "complete", "no-show"])
def test_only_staff_of_the_business_decide(api: Api, world: World, verb: str) -> None:
    visit = f"{PATH}/{world.jo.visit}/{verb}"
    assert problem_of(api.visitor.post(visit), 401)
    assert problem_of(api.client.post(visit), 403)
    for stranger in (api.outsider, api.outsiders_client):
        unknown = f"{PATH}/{uuid.uuid4()}/{verb}"
        assert problem_of(stranger.post(visit), 404) == problem_of(stranger.post(unknown), 404)
    elsewhere = api.owner.post(f"{PATH}/{world.max.visit}/{verb}")
    assert problem_of(elsewhere, 404)["code"] == "not_found"


def test_every_decision_is_in_the_audit(api: Api, world: World, site: Site) -> None:
    api.staff.post(f"{PATH}/{world.jo.visit}/complete")
    with site.reading() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.record_id == world.jo.visit)
        ).all()[-1]
        assert (entry.action, entry.actor_name) == ("appointment.completed", "Stella Staff")
