"""Whoever signs up or books online and looks like somebody known: staff is asked, the visitor
learns nothing, and nothing of the record is read or changed."""

import uuid
from typing import Any

from sqlalchemy import select

from booking.appointments.queries import find as find_visit
from booking.clients.models import Client, Link, Pet
from booking.clients.queries import clients_with_email
from booking.matching.models import Newcomer
from tests import make
from tests.api.client_logins import me
from tests.front_door import Api
from tests.mailbox import Mailbox
from tests.matching.people import (
    ALL_OF_HER,
    DANA,
    NOBODY,
    OTHER_ADDRESS,
    PET,
    VISITS,
    asked_about,
    booking,
    compare,
    dana,
    items,
    logged_in,
)
from tests.site import Site
from tests.world import World


def everything_about(site: Site, client_id: uuid.UUID) -> list[list[Any]]:
    """Her record, her pets and her links, as the tables have them; compared or not."""
    with site.reading() as session:
        rows = []
        for kind, column in ((Client, Client.id), (Pet, Pet.client_id), (Link, Link.client_id)):
            names = [each.name for each in kind.__table__.columns if each.name != "compared"]
            found = session.scalars(select(kind).where(column == client_id))
            rows.append([{name: getattr(row, name) for name in names} for row in found])
        return rows


def test_a_sign_up_with_every_field_of_a_client_but_the_mailbox_reads_and_changes_nothing(
    api: Api, site: Site, mailbox: Mailbox, world: World
) -> None:
    known = dana(site)
    before = everything_about(site, known)

    body, caller = logged_in(api, mailbox, **ALL_OF_HER, email=OTHER_ADDRESS)
    compare(site.database)

    assert body["candidates"] == []
    (mine,) = body["linked"]
    assert mine["id"] != str(known)
    said = [
        caller.get(f"/businesses/{{b}}/me{path}")
        for path in ("", "/pets", "/appointments?when=upcoming", "/appointments?when=past")
    ]
    said.append(caller.post("/businesses/{b}/me/clients", json={"client_id": str(known)}))
    said.append(caller.get(f"/businesses/{{b}}/clients/{known}"))
    assert [answer.status_code for answer in said] == [200, 200, 200, 200, 404, 403]
    for answer in said:
        for secret in (str(known), DANA["email"], PET, DANA["address_1"], "617-555-0187", "mat"):
            assert secret not in answer.text
    assert everything_about(site, known) == before
    assert asked_about(site) == {frozenset((known, uuid.UUID(mine["id"])))}
    (match,) = items(api, "matches")
    assert match["origin"] == "sign_up"


def test_who_looks_like_a_client_is_answered_like_anybody_else(
    api: Api, site: Site, mailbox: Mailbox, world: World
) -> None:
    dana(site)
    her = api.visitor.post(VISITS, json=booking(world, 4, {**ALL_OF_HER, "email": OTHER_ADDRESS}))
    new = api.visitor.post(VISITS, json=booking(world, 4, {**NOBODY, "email": "q@example.org"}))
    assert (her.status_code, new.status_code) == (201, 201)
    changing = {"id", "staff", "manage_token"}
    answers = [
        {name: value for name, value in answer.json().items() if name not in changing}
        for answer in (her, new)
    ]
    assert answers[0] == answers[1]
    mails = [mailbox.latest(address).subject for address in (OTHER_ADDRESS, "q@example.org")]
    assert mails[0] == mails[1]

    one, _ = logged_in(api, mailbox, **ALL_OF_HER, email="another.of.hers@example.org")
    other, _ = logged_in(api, mailbox, **NOBODY, email="another.of.his@example.org")
    assert one.keys() == other.keys()
    assert [len(each["linked"]) for each in (one, other)] == [1, 1]
    assert [each["candidates"] for each in (one, other)] == [[], []]


def test_a_booking_leaves_as_much_to_do_whoever_it_is_from(
    api: Api, site: Site, world: World
) -> None:
    """Nothing is looked up while the visitor waits, so that the time tells nothing either."""
    dana(site)
    people = (
        {**ALL_OF_HER, "email": OTHER_ADDRESS},
        {**ALL_OF_HER, "email": DANA["email"]},
        {**NOBODY, "email": "q@example.org"},
    )
    for day, person in enumerate(people, 4):
        assert api.visitor.post(VISITS, json=booking(world, day, person)).status_code == 201
    with site.reading() as session:
        assert len(list(session.scalars(select(Newcomer)))) == len(people)
    assert asked_about(site) == set()


def test_a_guest_with_name_phone_and_pet_of_a_client_is_a_client_of_their_own(
    api: Api, site: Site, world: World
) -> None:
    known = dana(site)
    body = booking(world, 4, {**ALL_OF_HER, "email": OTHER_ADDRESS})
    visit_id = api.visitor.post(VISITS, json=body).json()["id"]
    compare(site.database)
    with site.reading() as session:
        (made,) = clients_with_email(session, OTHER_ADDRESS)
        assert find_visit(session, uuid.UUID(visit_id)).client_id == made.id
        assert session.scalar(select(Link).where(Link.client_id == made.id)) is None
        newcomer = made.id
    assert asked_about(site) == {frozenset((known, newcomer))}
    (match,) = items(api, "matches")
    assert match["origin"] == "booking"
    assert any(PET in reason for reason in match["reasons"]["agrees"])


def test_a_booking_with_a_known_address_waits_for_the_mailbox_or_for_staff(
    api: Api, site: Site, world: World, mailbox: Mailbox
) -> None:
    known = dana(site)
    body = booking(world, 4, {**NOBODY, "email": DANA["email"]}, pet="Tip")
    visit_id = api.visitor.post(VISITS, json=body).json()["id"]
    compare(site.database)
    (match,) = items(api, "matches")
    assert (match["client"]["id"], match["other"]["kind"]) == (str(known), "visit")
    assert match["other"]["visit"]["id"] == visit_id
    assert match["other"]["visit"]["first_name"] == "Quentin"

    linked = api.staff.post(f"/businesses/{{b}}/matches/{match['id']}/link")
    assert linked.json()["client_id"] == str(known), linked.text
    with site.reading() as session:
        assert find_visit(session, uuid.UUID(visit_id)).client_id == known
    assert items(api, "matches") == []


def test_once_the_mailbox_is_proved_nothing_is_asked_about_the_visit(
    api: Api, site: Site, world: World, mailbox: Mailbox
) -> None:
    known = dana(site)
    body = booking(world, 4, {**ALL_OF_HER, "email": DANA["email"]})
    api.visitor.post(VISITS, json=body)
    compare(site.database)
    assert len(items(api, "matches")) == 1
    done, _ = logged_in(api, mailbox, **ALL_OF_HER, email=DANA["email"])
    assert [each["id"] for each in done["linked"]] == [str(known)]
    assert items(api, "matches") == []


def test_two_clients_of_one_address_are_nobodys_before_a_choice(
    api: Api, site: Site, mailbox: Mailbox
) -> None:
    known = dana(site)
    with site.writing() as session:
        other = make.client(session, first_name="Lee", last_name="Whitfield", email=DANA["email"])
    body, caller = logged_in(api, mailbox, **ALL_OF_HER, email=DANA["email"])
    compare(site.database)
    assert body["linked"] == []
    assert {each["id"] for each in body["candidates"]} == {str(known), str(other.id)}
    assert me(api, body["token"])["id"] is None
    assert caller.get("/businesses/{b}/me/pets").json()["items"] == []


def test_where_staff_do_the_linking_the_login_waits_in_the_queue(
    api: Api, site: Site, mailbox: Mailbox
) -> None:
    site.prefer("client_settings", link_by_verified_email="off")
    known = dana(site)
    body, _ = logged_in(api, mailbox, **ALL_OF_HER, email=DANA["email"])
    compare(site.database)
    (match,) = items(api, "matches")
    assert (match["client"]["id"], match["other"]["kind"]) == (str(known), "login")
    assert match["other"]["login"]["email"] == DANA["email"]
    assert me(api, body["token"])["id"] is None
    assert api.staff.post(f"/businesses/{{b}}/matches/{match['id']}/link").status_code == 200
    assert me(api, body["token"])["id"] == str(known)
    assert items(api, "matches") == []
    answered = "matches?state=linked"
    assert [one["id"] for one in items(api, answered)] == [match["id"]]
    assert api.staff.delete(f"/businesses/{{b}}/clients/{known}/account").status_code == 204
    assert items(api, answered) == items(api, "matches") == []
