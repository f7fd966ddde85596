import uuid
from typing import Any

import pytest
from sqlalchemy import select

from booking.appointments.models import Appointment, AppointmentState
from booking.appointments.queries import find
from booking.availability.models import Busy
from booking.clients.models import Client
from booking.clients.queries import clients_with_email, pets_of
from tests.front_door import Api, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.site import Site
from tests.world import World

PATH = "/businesses/{b}/appointments"
THURSDAY = "2027-03-04T10:00:00-05:00"
GUEST = {"first_name": "Gus", "last_name": "Guest", "email": "gus@example.com"}


def asked(world: World, **other: Any) -> dict[str, Any]:
    return {
        "service_id": str(world.salon.grooming),
        "starts_at": THURSDAY,
        "client": GUEST,
        "pets": [{"name": "Bruno", "species": "dog", "breed": "Poodle"}],
        **other,
    }


def test_a_guest_books_and_becomes_a_client(
    api: Api, world: World, site: Site, mailbox: Mailbox
) -> None:
    answer = api.visitor.post(PATH, json=asked(world, note="He bites."))
    assert answer.status_code == 201, answer.text
    booked = answer.json()
    assert booked["state"] == "confirmed"
    assert booked["starts_at"] == "2027-03-04T15:00:00Z"
    assert booked["ends_at"] == "2027-03-04T16:00:00Z"
    assert booked["service"] == {"id": str(world.salon.grooming), "name": "Full grooming"}
    assert booked["staff"]["name"] == "Ana"
    assert booked["price_minor"] == 6000
    with site.reading() as session:
        kept = find(session, uuid.UUID(booked["id"]))
        assert kept.note == "He bites."
        (client,) = clients_with_email(session, "gus@example.com")
        assert kept.client_id == client.id
        assert [pet.name for pet in pets_of(session, [client.id])[client.id]] == ["Bruno"]
    mail = mailbox.latest("gus@example.com")
    assert mail.link("/happy-paws/booking/").endswith(booked["manage_token"])
    assert mail.attachments[0].content_type == "text/calendar"
    assert "New booking" in mailbox.latest(world.owner.email).subject


def test_a_known_address_books_and_learns_nothing(
    api: Api, world: World, site: Site, mailbox: Mailbox
) -> None:
    known = {**GUEST, "email": world.kim.email}
    answers = [
        api.visitor.post(PATH, json=asked(world)).json(),
        api.visitor.post(PATH, json=asked(world, client=known)).json(),
    ]
    assert answers[0].keys() == answers[1].keys()
    for answer in answers:
        seen = api.visitor.get(f"/businesses/{{b}}/bookings/{answer['manage_token']}").json()
        assert seen["client_id"] is None
        assert seen["pets"] == [{"id": None, "name": "Bruno", "species": "dog", "breed": "Poodle"}]
    with site.reading() as session:
        assert find(session, uuid.UUID(answers[1]["id"])).client_id is None
        assert len(clients_with_email(session, world.kim.email)) == 1
        assert [pet.name for pet in pets_of(session, [world.kim.id])[world.kim.id]] == ["Fluffy"]
    assert mailbox.latest(world.kim.email).link("/happy-paws/confirm/")


def test_a_taken_slot_is_refused_with_the_nearest(api: Api, world: World) -> None:
    ana = asked(world, staff_id=str(world.salon.ana))
    assert api.visitor.post(PATH, json=ana).status_code == 201
    refused = problem_of(api.visitor.post(PATH, json=ana), 409)
    assert refused["code"] == "slot_taken"
    assert refused["nearest"]
    for slot in refused["nearest"]:
        again = {**ana, "starts_at": slot["starts_at"], "staff_id": slot["staff"][0]}
        break
    assert api.visitor.post(PATH, json=again).status_code == 201


def test_anyone_is_whoever_is_still_free(api: Api, world: World) -> None:
    names = [
        api.visitor.post(PATH, json=asked(world)).json().get("staff", {}).get("name")
        for _ in range(3)
    ]
    assert names == ["Ana", "Ben", None]


def test_a_visit_can_follow_right_after_the_buffer(api: Api, world: World) -> None:
    ana = asked(world, staff_id=str(world.salon.ana))
    assert api.visitor.post(PATH, json=ana).status_code == 201
    in_the_buffer = {**ana, "starts_at": "2027-03-04T11:00:00-05:00"}
    assert problem_of(api.visitor.post(PATH, json=in_the_buffer), 409)["code"] == "slot_taken"
    after_it = {**ana, "starts_at": "2027-03-04T11:15:00-05:00"}
    assert api.visitor.post(PATH, json=after_it).status_code == 201


@pytest.mark.parametrize(
    "starts_at",
    [
        "2027-03-01T10:00:00-05:00",  # in an hour; two are needed
        "2027-03-07T10:00:00-05:00",  # a Sunday
        "2027-03-04T16:30:00-05:00",  # would end after closing
        "2027-03-04T10:07:00-05:00",  # not on the grid
        "2027-09-01T10:00:00-04:00",  # further than 90 days
        "2027-02-01T10:00:00-05:00",  # over
    ],
)
def test_what_was_never_free_is_taken(api: Api, world: World, starts_at: str) -> None:
    answer = api.visitor.post(PATH, json=asked(world, starts_at=starts_at))
    assert problem_of(answer, 409)["code"] == "slot_taken"


@pytest.mark.parametrize(
    "starts_at", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "2031-01-01T10:00:00Z"]
)
def test_no_time_at_all_is_refused(api: Api, world: World, starts_at: str) -> None:
    answer = api.visitor.post(PATH, json=asked(world, starts_at=starts_at))
    assert "starts_at" in fields_of(answer)


@pytest.mark.parametrize("field", ["price_minor", "state", "business_id", "booked_by"])
def test_nobody_sets_what_is_ours_to_set(api: Api, world: World, field: str) -> None:
    answer = api.visitor.post(PATH, json=asked(world, **{field: 1}))
    assert fields_of(answer) == {field: "extra_forbidden"}


def test_another_business_s_service_and_staff_are_unknown(api: Api, world: World) -> None:
    service = asked(world, service_id=str(world.kennels.grooming))
    staff = asked(world, staff_id=str(world.kennels.ana))
    assert fields_of(api.visitor.post(PATH, json=service)) == {"service_id": "unknown"}
    assert fields_of(api.visitor.post(PATH, json=staff)) == {"staff_id": "unknown"}


def test_who_may_book_counts_every_guest_as_new(api: Api, world: World, site: Site) -> None:
    known = {**GUEST, "email": world.jo.email}
    site.prefer("client_settings", who_may_book="existing")
    for client in (GUEST, known):
        answer = api.visitor.post(PATH, json=asked(world, client=client))
        assert problem_of(answer, 403)["code"] == "account_needed"
    assert api.client.post(PATH, json=asked(world)).status_code == 201
    site.prefer("client_settings", who_may_book="new")
    assert problem_of(api.client.post(PATH, json=asked(world)), 403)["code"] == "not_offered"
    assert api.visitor.post(PATH, json=asked(world, client=known)).status_code == 201


def test_where_a_login_is_required_guests_need_one(api: Api, world: World, site: Site) -> None:
    site.prefer("client_settings", require_login_to_book=True)
    assert problem_of(api.visitor.post(PATH, json=asked(world)), 403)["code"] == "account_needed"
    assert api.client.post(PATH, json=asked(world)).status_code == 201


def test_online_booking_can_be_switched_off(api: Api, world: World, site: Site) -> None:
    site.prefer("booking_window", online_booking_enabled=False, disabled_message="Call us.")
    refused = problem_of(api.visitor.post(PATH, json=asked(world)), 403)
    assert (refused["code"], refused["detail"]) == ("booking_off", "Call us.")
    for_jo = {**asked(world), "client_id": str(world.jo.id)}
    del for_jo["client"]
    assert api.staff.post(PATH, json=for_jo).status_code == 201


def test_staff_choice_is_as_the_business_wants_it(api: Api, world: World, site: Site) -> None:
    site.prefer("staff_and_confirmation", staff_choice="required")
    assert fields_of(api.visitor.post(PATH, json=asked(world))) == {"staff_id": "required"}
    site.prefer("staff_and_confirmation", staff_choice="hidden")
    chosen = asked(world, staff_id=str(world.salon.ben))
    assert fields_of(api.visitor.post(PATH, json=chosen)) == {"staff_id": "not_offered"}


def test_a_client_has_only_so_many_open_visits(api: Api, world: World, site: Site) -> None:
    site.prefer("booking_window", max_open_bookings_per_client=1)
    assert api.client.post(PATH, json=asked(world)).status_code == 201
    later = asked(world, starts_at="2027-03-05T10:00:00-05:00")
    assert problem_of(api.client.post(PATH, json=later), 409)["code"] == "too_many_open"
    assert api.visitor.post(PATH, json=later).status_code == 201


def test_a_client_books_for_their_own_record_and_pet(api: Api, world: World, site: Site) -> None:
    mine = {**asked(world), "pets": [{"id": str(world.jo.pet_ids[0])}]}
    del mine["client"]
    booked = api.client.post(PATH, json=mine).json()
    assert "manage_token" not in booked
    with site.reading() as session:
        kept = find(session, uuid.UUID(booked["id"]))
        assert (kept.client_id, kept.email) == (world.jo.id, world.jo.email)
        assert kept.pets[0]["name"] == "Rex"
    for_sam = {**mine, "client_id": str(world.sam.id)}
    assert problem_of(api.client.post(PATH, json=for_sam), 404)["code"] == "not_found"
    sams_pet = {**mine, "pets": [{"id": str(world.sam.pet_ids[0])}]}
    assert fields_of(api.client.post(PATH, json=sams_pet)) == {"pets.0.id": "unknown"}


def test_staff_book_at_short_notice_and_outside_hours_but_never_twice(
    api: Api, world: World
) -> None:
    wanted = {
        "service_id": str(world.salon.grooming),
        "staff_id": str(world.salon.ana),
        "starts_at": "2027-03-07T20:10:00-05:00",  # Sunday evening
        "client_id": str(world.kim.id),
    }
    assert api.staff.post(PATH, json=wanted).status_code == 201
    overlapping = {**wanted, "starts_at": "2027-03-07T20:50:00-05:00"}
    assert problem_of(api.staff.post(PATH, json=overlapping), 409)["code"] == "slot_taken"
    whose = {**wanted, "client_id": str(world.max.id)}
    assert problem_of(api.staff.post(PATH, json=whose), 404)["code"] == "not_found"


def test_a_login_is_made_while_booking(api: Api, world: World, mailbox: Mailbox) -> None:
    wanted = asked(world, create_account={"password": "walnut otter brick"})
    known = {**GUEST, "email": world.jo.email}
    answers = [
        api.visitor.post(PATH, json=wanted).json(),
        api.visitor.post(PATH, json={**wanted, "client": known}).json(),
    ]
    for answer in answers:
        assert answer["account"] == {"state": "confirmation_sent"}
        assert answer["sign_up_token"]
    assert answers[0].keys() == answers[1].keys()
    subjects = [mail.subject for mail in mailbox.to("gus@example.com")]
    assert len(subjects) == 2


def test_a_weak_password_books_nothing(api: Api, world: World, site: Site) -> None:
    answer = api.visitor.post(PATH, json=asked(world, create_account={"password": "short"}))
    assert fields_of(answer) == {"create_account.password": "too_short"}
    with site.reading() as session:
        assert session.scalar(select(Client).where(Client.email == "gus@example.com")) is None


def test_no_login_is_made_where_clients_have_none(api: Api, world: World, site: Site) -> None:
    site.allow_client_access(False)
    answer = api.visitor.post(PATH, json=asked(world, create_account={"password": "x" * 20}))
    assert problem_of(answer, 404)["code"] == "not_available"


def test_the_same_key_books_once(api: Api, world: World, site: Site) -> None:
    key = {"Idempotency-Key": "a-key-of-a-phone"}
    first = api.visitor.post(PATH, json=asked(world), headers=key)
    again = api.visitor.post(PATH, json=asked(world), headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    with site.reading() as session:
        made = session.scalars(select(Appointment).where(Appointment.email == "gus@example.com"))
        assert len(made.all()) == 1


def test_an_approved_booking_waits_and_holds_its_time(
    api: Api, world: World, site: Site, mailbox: Mailbox
) -> None:
    site.prefer("staff_and_confirmation", confirmation_mode="approve")
    booked = api.visitor.post(PATH, json=asked(world)).json()
    assert booked["state"] == "pending"
    assert mailbox.latest("gus@example.com").attachments == []
    assert "waits for your decision" in mailbox.latest(world.owner.email).subject
    with site.reading() as session:
        assert session.get(Busy, uuid.UUID(booked["id"])) is not None
        kept = find(session, uuid.UUID(booked["id"]))
        assert kept.state is AppointmentState.PENDING


def test_what_a_stranger_types_becomes_no_link_in_a_mail(
    api: Api, world: World, mailbox: Mailbox
) -> None:
    lure = {**GUEST, "first_name": "Win at evil.example", "email": world.kim.email}
    api.visitor.post(PATH, json=asked(world, client=lure, pets=[{"name": "http://evil.example"}]))
    mail = mailbox.latest(world.kim.email)
    assert "evil" not in mail.text + mail.html + mail.subject
