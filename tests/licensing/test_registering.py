"""A program registers with a password and is given its numbers: `POST /registrations`."""

import contextlib
from datetime import datetime, timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from booking.accounts.actions import second_factor
from booking.accounts.models import Account
from booking.audit.actions import SYSTEM
from booking.audit.models import AuditEntry
from booking.billing.rules.standing import GRACE, BillingStatus
from booking.businesses.models import Member, Role
from booking.database import across_businesses, new_id
from booking.licensing import queries
from booking.licensing.actions import NoSeatLeft, Program, register
from booking.licensing.models import IssuedNumber
from booking.serial_numbers import Kind, read
from tests.front_door import Api, fields_of, problem_of
from tests.licensing.programs import DESK, at_once, licence_of, registered, renewed, stand, wanted
from tests.mailbox import Mailbox
from tests.site import Site
from tests.times import START, Clock
from tests.world import World

OWNER = "olivia.owner@example.com"
PERIOD_ENDS = datetime.fromisoformat("2027-03-19T14:00:00Z")
"""The salon was opened on 19 February, at two."""


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def numbers(site: Site) -> list[IssuedNumber]:
    with site.reading() as session:
        return list(session.scalars(select(IssuedNumber).order_by(IssuedNumber.id)))


def actions(site: Site) -> list[str]:
    with site.reading() as session:
        wanted = AuditEntry.record_type.in_(["registration", "serial_number"])
        return list(session.scalars(select(AuditEntry.action).where(wanted).order_by("id")))


def test_a_program_registers_and_has_a_number_for_each_period(
    api: Api, site: Site, clock: Clock, mailbox: Mailbox
) -> None:
    granted = registered(api)
    until = moment(granted["valid_until"])
    assert abs(until - PERIOD_ENDS - GRACE) < timedelta(minutes=1)
    assert START < moment(granted["next_check_at"]) <= START + timedelta(days=1, minutes=1)
    number = read(granted["serial_number"])
    assert (number.kind, number.last_day) == (Kind.REGISTERED, until.date())
    licence = licence_of(api, granted)
    assert (licence.business, licence.serial_number) == ("happy-paws", granted["serial_number"])
    assert abs(licence.valid_until - until) < timedelta(seconds=1)
    assert "Front desk" in mailbox.latest(OWNER).text

    clock.move(days=10)
    again = renewed(api, granted).json()
    assert again["serial_number"] == granted["serial_number"]
    assert again["registration_token"] == granted["registration_token"]
    clock.set(moment(again["next_check_at"]))
    clock.move(days=8)
    later = renewed(api, granted).json()
    assert later["serial_number"] != granted["serial_number"]
    assert moment(later["valid_until"]) == until + timedelta(days=31)
    assert len(numbers(site)) == 2

    released = api.bearing(granted["registration_token"])
    assert released.delete(f"/registrations/{granted['id']}").status_code == 204
    assert problem_of(renewed(api, granted), 410)["code"] == "released"
    assert registered(api)["id"] != granted["id"]
    assert actions(site) == [
        "registration.created",
        "serial_number.issued",
        "serial_number.issued",
        "registration.released",
        "registration.created",
        "serial_number.issued",
    ]


def test_the_same_installation_keeps_its_seat_and_gets_a_new_token(api: Api, site: Site) -> None:
    first = registered(api)
    second = registered(api, machine_name="Front desk, new disk")
    assert second["id"] == first["id"]
    assert second["serial_number"] == first["serial_number"]
    assert problem_of(renewed(api, first), 401)["code"] == "unknown_token"
    assert renewed(api, second).status_code == 200
    shown = api.owner.get("/businesses/{b}/registrations").json()
    assert (len(shown["items"]), shown["seats"]) == (1, 3)
    assert actions(site)[-1] == "registration.repeated"


@pytest.mark.parametrize(
    "changed",
    [
        {"password": "not the password"},
        {"username": "nobody@example.com"},
        {"username": "jo.bright@example.com"},
        {"username": "not an address"},
    ],
    ids=["wrong password", "unknown", "a client", "no address"],
)
def test_whatever_is_wrong_the_answer_is_the_same(api: Api, changed: dict[str, str]) -> None:
    usual = api.visitor.post("/registrations", json=wanted(password="wrong"))
    answer = api.visitor.post("/registrations", json=wanted(**changed))
    assert problem_of(answer, 401)["code"] == "wrong_credentials"
    assert (answer.json(), answer.headers.keys()) == (usual.json(), usual.headers.keys())


def test_passwords_are_tried_here_no_oftener_than_at_a_sign_in(api: Api, site: Site) -> None:
    for _ in range(5):
        api.visitor.post("/registrations", json=wanted(password="x"))
        staff = {"email": OWNER, "password": "x"}
        problem_of(api.visitor.post("/staff/sessions", json=staff), 401)
    problem_of(api.visitor.post("/registrations", json=wanted()), 429)
    with site.reading() as session:
        failed = select(AuditEntry).where(AuditEntry.action == "account.sign_in_failed")
        assert len(session.scalars(failed).all()) == 10


def test_the_second_step_is_asked_for_here_too(api: Api, site: Site) -> None:
    with site.writing() as session:
        account = session.get_one(Account, site.world.owner.account_id)
        second_factor.begin(account)
        account.second_factor_since = account.created_at
        session.flush()
        app = pyotp.TOTP(second_factor.secret(session, account))
    for body in (wanted(), wanted(code="000000")):
        answer = api.visitor.post("/registrations", json=body)
        assert problem_of(answer, 401)["code"] == "second_factor_needed"
    code = app.at(START)
    assert registered(api, code=code)["id"]
    assert api.visitor.post("/registrations", json=wanted(code=code)).status_code == 401


def test_only_owners_register_and_owners_of_several_say_for_which(
    api: Api, site: Site, world: World
) -> None:
    manager = wanted(username=world.manager.email)
    assert problem_of(api.visitor.post("/registrations", json=manager), 403)["code"] == (
        "not_an_owner"
    )
    assert registered(api, business="happy-paws")["id"]
    elsewhere = api.visitor.post("/registrations", json=wanted(business=world.kennels.slug))
    assert fields_of(elsewhere) == {"business": "choose"}
    with site.writing(world.kennels) as session:
        session.add(
            Member(
                id=new_id(),
                business_id=world.kennels.id,
                account_id=world.owner.account_id,
                role=Role.OWNER,
                created_at=START,
            )
        )
    answer = api.visitor.post("/registrations", json=wanted())
    assert problem_of(answer, 422)["code"] == "business_needed"
    assert [each["slug"] for each in answer.json()["businesses"]] == [
        "happy-paws",
        "outsiders-kennels",
    ]
    there = registered(api, business=world.kennels.slug)
    assert licence_of(api, there).business == world.kennels.slug


def test_seats_are_those_of_the_plan(api: Api) -> None:
    granted = [registered(api, f"computer-{number}") for number in range(3)]
    fourth = wanted("computer-4")
    refused = api.visitor.post("/registrations", json=fourth)
    assert problem_of(refused, 409)["code"] == "no_seat_left"
    assert refused.json()["seats"] == 3
    registered(api, "computer-1")
    lost = f"/businesses/{{b}}/registrations/{granted[1]['id']}"
    assert api.manager.post(f"{lost}/revoke").status_code == 403
    assert api.owner.patch(lost, json={"name": "Van"}).json()["name"] == "Van"
    assert api.owner.post(f"{lost}/revoke").status_code == 204
    assert api.owner.post(f"{lost}/revoke").status_code == 404
    assert registered(api, "computer-4")["id"]
    other = granted[0]
    gone = api.bearing(other["registration_token"]).post(f"/registrations/{granted[2]['id']}/renew")
    assert gone.status_code == 404
    assert api.owner.delete(f"/businesses/{{b}}/registrations/{other['id']}").status_code == 204
    assert problem_of(renewed(api, other), 410)["code"] == "released"


def test_the_last_seat_is_given_once_however_many_ask(site: Site) -> None:
    """Eight at once, of four computers, for three seats."""

    def ask(number: int) -> None:
        program = Program("booking", f"computer-{number % 4}", "A computer")
        with contextlib.suppress(NoSeatLeft), site.writing() as session:
            register(session, program, by=SYSTEM)

    at_once(ask, 8)
    with site.reading() as session:
        assert len(queries.active(session)) == 3
    assert len(numbers(site)) == 3


def test_a_revoked_machine_is_told_so(api: Api) -> None:
    granted = registered(api)
    api.owner.post(f"/businesses/{{b}}/registrations/{granted['id']}/revoke")
    assert problem_of(renewed(api, granted), 410)["code"] == "revoked"


def test_past_due_is_told_with_the_way_to_pay_and_once_paid_it_works(
    api: Api, site: Site, clock: Clock
) -> None:
    ends = START + timedelta(days=5)
    stand(site, BillingStatus.ACTIVE, ends)
    granted = registered(api)
    clock.set(ends + timedelta(minutes=5))
    waiting = renewed(api, granted).json()  # it is being paid just now
    assert waiting["serial_number"] == granted["serial_number"]
    stand(site, BillingStatus.PAST_DUE, ends)
    for answer in (renewed(api, granted), api.visitor.post("/registrations", json=wanted())):
        problem = problem_of(answer, 402)
        assert problem["code"] == "payment_needed"
        assert problem["billing_url"] == "http://localhost:8000/manage/happy-paws/billing"
    next_ends = ends + timedelta(days=31)
    stand(site, BillingStatus.ACTIVE, next_ends)
    paid = renewed(api, granted).json()
    assert moment(paid["valid_until"]) == next_ends + GRACE
    stand(site, BillingStatus.CANCELLED, next_ends)
    assert renewed(api, granted).json()["serial_number"] == paid["serial_number"]
    clock.set(next_ends + timedelta(minutes=1))
    problem_of(renewed(api, granted), 402)


def test_a_repeat_under_its_key_is_the_same_registration_without_a_kept_token(
    api: Api, site: Site
) -> None:
    keyed = {"Idempotency-Key": "registers-once"}
    answers = [api.visitor.post("/registrations", json=wanted(), headers=keyed) for _ in "12"]
    assert answers[0].json() == answers[1].json()
    assert actions(site).count("registration.created") == 1
    assert renewed(api, answers[0].json()).status_code == 200


def test_a_token_opens_its_own_registration_and_nothing_else(api: Api, world: World) -> None:
    granted = registered(api)
    bearer = api.bearing(granted["registration_token"])
    assert bearer.get("/sessions").status_code == 401
    assert bearer.get("/businesses/{b}/registrations").status_code == 401
    for caller in (api.visitor, api.owner, api.bearing("x" * 5_000)):
        assert caller.post(f"/registrations/{granted['id']}/renew").status_code == 401
    assert bearer.post(f"/registrations/{new_id()}/renew").status_code == 404
    there = f"/businesses/{{b}}/registrations/{granted['id']}"
    at_home = api.outsider.at(world.kennels.slug)
    assert at_home.patch(there, json={"name": "Mine"}).status_code == 404


@pytest.mark.parametrize(
    "changed",
    [
        {"installation_id": "short"},
        {"installation_id": f"{DESK}\n"},
        {"installation_id": ["a", "b"]},
        {"machine_name": ""},
        {"product": "x" * 61},
        {"role": "owner"},
    ],
    ids=["short", "a line break", "a list", "no name", "a long product", "an extra field"],
)
def test_odd_bodies_are_refused(api: Api, changed: dict[str, Any]) -> None:
    assert list(fields_of(api.visitor.post("/registrations", json=wanted(**changed)))) == [
        next(iter(changed))
    ]


def test_two_businesses_may_have_the_same_installation(api: Api, world: World, site: Site) -> None:
    registered(api)
    registered(api, username=world.outsider.email)
    with site.reading() as session, across_businesses(session):
        assert len(session.scalars(select(IssuedNumber)).all()) == 2
