"""Signing in as staff through the API, ending sessions, and a forgotten password."""

import pyotp
import pytest
from sqlalchemy import select

from booking.accounts.actions import second_factor
from booking.accounts.models import Account
from booking.audit.models import AuditEntry
from tests.front_door import Api, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.site import Site
from tests.times import Clock
from tests.world import PASSWORD, World

NEW_PASSWORD = "four green boats sail"
OWNER = "olivia.owner@example.com"
RESET = "/manage/reset/"


def _credentials(email: str = OWNER, password: str = PASSWORD, **more: str) -> dict[str, str]:
    return {"email": email, "password": password, **more}


def _with_second_step(site: Site) -> pyotp.TOTP:
    """Switch the owner's second step on, as confirming a code of an app does."""
    with site.writing() as session:
        account = session.get_one(Account, site.world.owner.account_id)
        second_factor.begin(account)
        account.second_factor_since = account.created_at
        session.flush()
        return pyotp.TOTP(second_factor.secret(session, account))


def _reset_token(api: Api, mailbox: Mailbox) -> str:
    assert api.visitor.post("/staff/password-resets", json={"email": OWNER}).status_code == 202
    return mailbox.latest(OWNER).link(RESET).removeprefix(RESET)


def test_staff_sign_in_and_see_their_businesses(api: Api, world: World) -> None:
    answer = api.visitor.post("/staff/sessions", json=_credentials("Olivia.Owner@EXAMPLE.com"))
    assert answer.status_code == 201
    signed_in = answer.json()
    assert signed_in["account"] == {
        "id": str(world.owner.account_id),
        "email": OWNER,
        "name": "Olivia Owner",
    }
    assert signed_in["businesses"] == [
        {"slug": "happy-paws", "name": "Happy Paws", "role": "owner"}
    ]
    assert api.bearing(signed_in["token"]).get("/businesses/{b}/members").status_code == 200


@pytest.mark.parametrize(
    "credentials",
    [
        _credentials(password="not the password"),
        _credentials("nobody@example.com"),
        _credentials("jo.bright@example.com"),
        _credentials("not an address"),
        _credentials(password="x" * 1000),
    ],
    ids=["wrong password", "unknown", "a client", "no address", "very long"],
)
def test_whatever_is_wrong_the_answer_is_the_same(api: Api, credentials: dict[str, str]) -> None:
    usual = api.visitor.post("/staff/sessions", json=_credentials(password="wrong"))
    answer = api.visitor.post("/staff/sessions", json=credentials)
    assert problem_of(answer, 401)["code"] == "wrong_credentials"
    assert answer.json() == usual.json()
    assert answer.headers.keys() == usual.headers.keys()


@pytest.mark.parametrize(
    "body",
    [
        {"email": [OWNER, "evil@example.com"], "password": PASSWORD},
        {"email": OWNER, "password": [PASSWORD]},
        {"email": OWNER, "password": "a\0b"},
        {"email": OWNER, "password": PASSWORD, "role": "owner"},
        {"email": OWNER},
    ],
)
def test_odd_bodies_are_refused_without_an_echo(api: Api, body: dict[str, object]) -> None:
    answer = api.visitor.post("/staff/sessions", json=body)
    assert answer.status_code == 422
    assert PASSWORD not in answer.text


def test_a_lone_surrogate_is_refused(api: Api) -> None:
    body = '{"email": "olivia.owner@example.com", "password": "\\ud800"}'
    headers = {"Content-Type": "application/json"}
    answer = api.visitor.post("/staff/sessions", content=body, headers=headers)
    assert fields_of(answer) == {"password": "characters"}


def test_a_sign_in_and_a_failed_try_stand_in_the_audit_log(api: Api, site: Site) -> None:
    api.visitor.post("/staff/sessions", json=_credentials(password="wrong"))
    api.visitor.post("/staff/sessions", json=_credentials())
    with site.reading() as session:
        actions = session.scalars(
            select(AuditEntry.action).where(
                AuditEntry.business_id == site.world.salon.id,
                AuditEntry.action.startswith("account.sign"),
            )
        ).all()
    assert list(actions) == ["account.sign_in_failed", "account.signed_in"]


def test_tries_at_one_address_are_limited_and_others_are_not(api: Api) -> None:
    for _ in range(10):
        problem_of(api.visitor.post("/staff/sessions", json=_credentials(password="x")), 401)
    answer = api.visitor.post("/staff/sessions", json=_credentials())
    assert problem_of(answer, 429)["code"] == "too_often"
    assert int(answer.headers["Retry-After"]) > 0
    other = _credentials("mark.manager@example.com")
    assert api.visitor.post("/staff/sessions", json=other).status_code == 201


@pytest.mark.settings(hashing_slots=1, hashing_queue=0)
def test_beyond_the_queue_the_answer_is_503(api: Api) -> None:
    hashing = api._door.app.state.hashing
    with hashing.place():
        answer = api.visitor.post("/staff/sessions", json=_credentials())
    assert problem_of(answer, 503)["code"] == "overloaded"
    assert int(answer.headers["Retry-After"]) > 0


def test_the_second_step_is_asked_for_after_the_password(
    api: Api, site: Site, clock: Clock
) -> None:
    totp = _with_second_step(site)
    wrong = api.visitor.post("/staff/sessions", json=_credentials(password="wrong"))
    assert problem_of(wrong, 401)["code"] == "wrong_credentials"
    asked = api.visitor.post("/staff/sessions", json=_credentials())
    assert problem_of(asked, 401)["code"] == "second_factor_needed"
    code = totp.at(clock.now())
    answer = api.visitor.post("/staff/sessions", json=_credentials(code=code))
    assert answer.status_code == 201
    again = api.visitor.post("/staff/sessions", json=_credentials(code=code))
    assert problem_of(again, 401)["code"] == "second_factor_needed"


def test_sessions_are_listed_and_ended_one_by_one(api: Api, world: World) -> None:
    listed = api.owner.get("/sessions").json()
    assert [each["current"] for each in listed["items"]].count(True) == 1
    browser = next(each for each in listed["items"] if each["kind"] == "browser")
    assert api.owner.delete(f"/sessions/{browser['id']}").status_code == 204
    assert problem_of(api.owner.delete(f"/sessions/{browser['id']}"), 404)
    assert api.bearing(world.owner.cookie).get("/sessions").status_code == 401
    assert api.owner.get("/sessions").status_code == 200


def test_the_session_of_somebody_else_is_as_unknown(api: Api) -> None:
    theirs = api.manager.get("/sessions").json()["items"][0]["id"]
    unknown = "01a1ffcc-26d5-7243-90c6-ef0a1be451e6"
    for caller in (api.owner, api.client, api.outsider):
        answer = caller.delete(f"/sessions/{theirs}")
        assert answer.json() == caller.delete(f"/sessions/{unknown}").json()
        assert answer.status_code == 404


def test_signing_out_ends_the_token_at_once(api: Api) -> None:
    assert api.owner.delete("/sessions/current").status_code == 204
    assert problem_of(api.owner.get("/sessions"), 401)["code"] == "sign_in_needed"


def test_a_session_ends_by_itself(api: Api, clock: Clock) -> None:
    token = api.visitor.post("/staff/sessions", json=_credentials()).json()["token"]
    clock.move(days=13)
    assert api.bearing(token).get("/sessions").status_code == 200
    clock.move(days=2)
    assert api.bearing(token).get("/sessions").status_code == 401


def test_a_clients_sessions_end_with_the_switch(api: Api, site: Site) -> None:
    assert api.client.get("/sessions").status_code == 200
    site.allow_client_access(False)
    assert problem_of(api.client.get("/sessions"), 401)


def test_a_reset_looks_the_same_for_any_address(api: Api, mailbox: Mailbox) -> None:
    known = api.visitor.post("/staff/password-resets", json={"email": OWNER})
    unknown = api.visitor.post("/staff/password-resets", json={"email": "nobody@example.com"})
    client = api.visitor.post("/staff/password-resets", json={"email": "jo.bright@example.com"})
    assert known.status_code == unknown.status_code == client.status_code == 202
    assert known.json() == unknown.json() == client.json()
    assert mailbox.latest(OWNER).link(RESET)
    for stranger in ("nobody@example.com", "jo.bright@example.com"):
        assert mailbox.latest(stranger).subject == "There is no login with this address"
    assert len(mailbox.all) == 3


def test_a_reset_ends_every_session_and_signs_nobody_in(
    api: Api, mailbox: Mailbox, world: World
) -> None:
    token = _reset_token(api, mailbox)
    body = {"token": token, "password": NEW_PASSWORD}
    answer = api.visitor.post("/staff/password-resets/confirm", json=body)
    assert answer.status_code == 204
    assert not answer.content
    assert api.owner.get("/sessions").status_code == 401
    assert api.bearing(world.owner.cookie).get("/sessions").status_code == 401
    problem_of(api.visitor.post("/staff/sessions", json=_credentials()), 401)
    signed_in = api.visitor.post("/staff/sessions", json=_credentials(password=NEW_PASSWORD))
    assert signed_in.status_code == 201
    assert mailbox.latest(OWNER).subject == "Your password was changed"


def test_a_reset_link_works_once(api: Api, mailbox: Mailbox) -> None:
    body = {"token": _reset_token(api, mailbox), "password": NEW_PASSWORD}
    api.visitor.post("/staff/password-resets/confirm", json=body)
    answer = api.visitor.post("/staff/password-resets/confirm", json=body)
    assert problem_of(answer, 410)["code"] == "used"


def test_an_unknown_reset_link_is_as_an_expired_one(
    api: Api, mailbox: Mailbox, clock: Clock
) -> None:
    body = {"token": _reset_token(api, mailbox), "password": NEW_PASSWORD}
    clock.move(minutes=61)
    expired = api.visitor.post("/staff/password-resets/confirm", json=body)
    unknown = api.visitor.post("/staff/password-resets/confirm", json={**body, "token": "x" * 43})
    assert problem_of(expired, 410) == problem_of(unknown, 410)


def test_a_weak_new_password_leaves_the_link_usable(api: Api, mailbox: Mailbox) -> None:
    body = {"token": _reset_token(api, mailbox), "password": "olivia.owner2027"}
    answer = api.visitor.post("/staff/password-resets/confirm", json=body)
    assert fields_of(answer) == {"password": "too_personal"}
    body["password"] = NEW_PASSWORD
    assert api.visitor.post("/staff/password-resets/confirm", json=body).status_code == 204


def test_a_mailbox_is_not_bombed(api: Api, mailbox: Mailbox) -> None:
    for _ in range(9):
        answer = api.visitor.post("/staff/password-resets", json={"email": OWNER})
        assert answer.status_code == 202
    assert len(mailbox.to(OWNER)) == 6


def test_a_repeated_sign_in_gives_the_same_answer_with_a_new_token(api: Api) -> None:
    headers = {"Idempotency-Key": "one"}
    first = api.visitor.post("/staff/sessions", json=_credentials(), headers=headers).json()
    again = api.visitor.post("/staff/sessions", json=_credentials(), headers=headers).json()
    assert again.pop("token") != first.pop("token")
    assert again == first


def test_a_repeated_sign_in_after_a_reset_opens_nothing(api: Api, mailbox: Mailbox) -> None:
    headers = {"Idempotency-Key": "one"}
    api.visitor.post("/staff/sessions", json=_credentials(), headers=headers)
    body = {"token": _reset_token(api, mailbox), "password": NEW_PASSWORD}
    api.visitor.post("/staff/password-resets/confirm", json=body)
    answer = api.visitor.post("/staff/sessions", json=_credentials(), headers=headers)
    assert answer.status_code == 401
