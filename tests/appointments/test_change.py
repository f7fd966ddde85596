import uuid
from datetime import datetime

import pytest

from booking.appointments.queries import find
from booking.availability.models import Busy
from tests import make
from tests.front_door import Api, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.site import Site
from tests.times import Clock
from tests.world import VISIT_TO_COME, World

MINE = "/businesses/{b}/me/appointments"
STAFF = "/businesses/{b}/appointments"
THURSDAY = "2027-03-04T10:00:00-05:00"


def test_a_client_cancels_in_time(api: Api, world: World, site: Site, mailbox: Mailbox) -> None:
    answer = api.client.post(f"{MINE}/{world.jo.visit}/cancel", json={"reason": "Rex is ill"})
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    mail = mailbox.latest(world.jo.email)
    assert b"METHOD:CANCEL" in mail.attachments[0].content
    assert "cancelled" in mailbox.latest(world.owner.email).subject
    with site.reading() as session:
        assert find(session, world.jo.visit).reason == "Rex is ill"
        assert session.get(Busy, world.jo.visit) is None


def test_too_late_says_what_is_possible_instead(
    api: Api, world: World, site: Site, clock: Clock
) -> None:
    site.prefer("cancel_and_reschedule", reschedule_notice=1)
    clock.move(days=1, hours=2)
    refused = problem_of(api.client.post(f"{MINE}/{world.jo.visit}/cancel"), 409)
    assert refused["code"] == "too_late"
    assert refused["latest"] == "2027-03-02T15:00:00Z"
    assert refused["possible"] == ["reschedule", "contact"]
    assert refused["contact"].keys() == {"phone", "email"}
    assert api.staff.post(f"{STAFF}/{world.jo.visit}/cancel").status_code == 200


def test_a_days_notice_is_judged_at_the_salon_s_midnight(
    api: Api, world: World, site: Site, clock: Clock
) -> None:
    site.prefer("cancel_and_reschedule", cancel_notice=1, cancel_notice_unit="days")
    clock.set(datetime.fromisoformat("2027-03-02T23:58:00-05:00"))
    until = api.client.get(f"{MINE}/{world.jo.visit}").json()["cancel_until"]
    assert until == "2027-03-03T05:00:00Z"
    clock.set(datetime.fromisoformat("2027-03-03T00:00:01-05:00"))
    assert problem_of(api.client.post(f"{MINE}/{world.jo.visit}/cancel"), 409)


def test_cancelling_can_be_left_to_staff(api: Api, world: World, site: Site) -> None:
    site.prefer("cancel_and_reschedule", client_may_cancel=False)
    refused = problem_of(api.client.post(f"{MINE}/{world.jo.visit}/cancel"), 403)
    assert refused["code"] == "not_offered"


def test_a_reason_is_asked_for_as_the_business_wants_it(api: Api, world: World, site: Site) -> None:
    site.prefer("cancel_and_reschedule", cancel_reason="required")
    assert fields_of(api.client.post(f"{MINE}/{world.jo.visit}/cancel")) == {"reason": "required"}
    site.prefer("cancel_and_reschedule", cancel_reason="off")
    api.client.post(f"{MINE}/{world.jo.visit}/cancel", json={"reason": "secret"})
    with site.reading() as session:
        assert find(session, world.jo.visit).reason == ""


def test_a_move_keeps_the_appointment_and_frees_the_old_time(
    api: Api, world: World, site: Site, mailbox: Mailbox
) -> None:
    answer = api.client.post(f"{MINE}/{world.jo.visit}/reschedule", json={"starts_at": THURSDAY})
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == str(world.jo.visit)
    assert answer.json()["starts_at"] == "2027-03-04T15:00:00Z"
    mail = mailbox.latest(world.jo.email)
    assert "has moved" in mail.subject
    assert b"SEQUENCE:1" in mail.attachments[0].content
    with site.writing() as session:
        sam = make.client(session, first_name="Next", email="next@example.com")
        make.appointment(session, sam, world.salon.grooming, world.salon.ana, VISIT_TO_COME)


def test_a_visit_can_move_into_its_own_time(api: Api, world: World) -> None:
    half_an_hour_later = {"starts_at": "2027-03-03T10:30:00-05:00"}
    visit = f"{MINE}/{world.jo.visit}/reschedule"
    assert api.client.post(visit, json=half_an_hour_later).status_code == 200
    assert api.client.post(visit, json=half_an_hour_later).status_code == 200


def test_a_refused_move_leaves_everything_as_it_was(api: Api, world: World, site: Site) -> None:
    with site.writing() as session:
        sam = make.client(session, first_name="Next", email="next@example.com")
        thursday = datetime.fromisoformat(THURSDAY)
        make.appointment(session, sam, world.salon.grooming, world.salon.ana, thursday)
    visit = f"{MINE}/{world.jo.visit}/reschedule"
    refused = problem_of(api.client.post(visit, json={"starts_at": THURSDAY}), 409)
    assert refused["code"] == "slot_taken"
    assert refused["nearest"]
    with site.reading() as session:
        kept = find(session, world.jo.visit)
        assert (kept.starts_at, kept.sequence) == (VISIT_TO_COME, 0)
        assert session.get(Busy, kept.id) is not None
    with_ben = {"starts_at": THURSDAY, "staff_id": str(world.salon.ben)}
    assert api.client.post(visit, json=with_ben).json()["staff"]["name"] == "Ben"


def test_a_visit_is_moved_so_often_and_no_more(api: Api, world: World, site: Site) -> None:
    site.prefer("cancel_and_reschedule", reschedule_limit=1)
    visit = f"{MINE}/{world.jo.visit}/reschedule"
    assert api.client.post(visit, json={"starts_at": THURSDAY}).status_code == 200
    friday = {"starts_at": "2027-03-05T10:00:00-05:00"}
    refused = problem_of(api.client.post(visit, json=friday), 409)
    assert (refused["code"], refused["possible"]) == ("moved_too_often", ["cancel", "contact"])
    by_staff = api.staff.post(f"{STAFF}/{world.jo.visit}/reschedule", json=friday)
    assert by_staff.status_code == 200


def test_a_client_s_move_needs_a_new_yes_where_bookings_do(
    api: Api, world: World, site: Site
) -> None:
    site.prefer("staff_and_confirmation", confirmation_mode="approve")
    visit = f"{MINE}/{world.jo.visit}/reschedule"
    assert api.client.post(visit, json={"starts_at": THURSDAY}).json()["state"] == "pending"


@pytest.mark.parametrize("verb", ["cancel", "reschedule"])
def test_somebody_else_s_visit_is_not_found(api: Api, world: World, verb: str) -> None:
    body = {"starts_at": THURSDAY} if verb == "reschedule" else {}
    for visit in (world.jo.visit, world.max.visit, uuid.uuid4()):
        answer = api.other_client.post(f"{MINE}/{visit}/{verb}", json=body)
        assert problem_of(answer, 404)["code"] == "not_found"


def test_a_guest_manages_the_visit_by_its_link(api: Api, world: World) -> None:
    booked = api.visitor.post(
        STAFF,
        json={
            "service_id": str(world.salon.grooming),
            "starts_at": THURSDAY,
            "client": {"first_name": "Gus", "email": "gus@example.com"},
        },
    ).json()
    visit = f"/businesses/{{b}}/bookings/{booked['manage_token']}"
    friday = {"starts_at": "2027-03-05T10:00:00-05:00"}
    assert api.visitor.post(f"{visit}/reschedule", json=friday).status_code == 200
    assert api.visitor.post(f"{visit}/cancel").json()["state"] == "cancelled"
    elsewhere = api.visitor.at(world.kennels.slug).get(visit)
    assert problem_of(elsewhere, 404)["code"] == "not_found"
    unknown = "/businesses/{b}/bookings/" + booked["manage_token"][:-1] + "é"
    assert problem_of(api.visitor.get(unknown), 404)["code"] == "not_found"


def test_the_link_dies_some_time_after_the_visit(api: Api, world: World, clock: Clock) -> None:
    booked = api.visitor.post(
        STAFF,
        json={
            "service_id": str(world.salon.grooming),
            "starts_at": THURSDAY,
            "client": {"first_name": "Gus", "email": "gus@example.com"},
        },
    ).json()
    clock.move(days=40)
    visit = f"/businesses/{{b}}/bookings/{booked['manage_token']}"
    assert problem_of(api.visitor.get(visit), 404)["code"] == "not_found"
