"""Signing up and proving the mailbox: over the API."""

import pytest
from sqlalchemy import func, select

from booking.accounts.models import Account
from booking.clients.models import Client, Link, LinkedBy
from booking.clients.queries import clients_with_email
from booking.linking.models import SignUp
from tests import make
from tests.api.client_logins import FORM, NEW_PASSWORD, confirm, me, sign_in, sign_up, token_in
from tests.front_door import Api, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.site import Site
from tests.times import Clock
from tests.world import World


def test_a_proved_mailbox_becomes_a_login_with_a_new_client(
    api: Api, mailbox: Mailbox, site: Site
) -> None:
    answer = sign_up(api)
    assert answer.status_code == 202
    assert set(answer.json()) == {"sign_up_token"}

    confirmed = confirm(
        api,
        token=token_in(mailbox, FORM["email"]),
        sign_up_token=answer.json()["sign_up_token"],
    )

    assert confirmed.status_code == 200, confirmed.text
    body = confirmed.json()
    assert body["account"]["email"] == FORM["email"]
    assert body["candidates"] == []
    assert [each["first_name"] for each in body["linked"]] == ["Nina"]
    assert me(api, body["token"])["mobile_phone"] == "555 0199"
    assert sign_in(api, FORM["email"], NEW_PASSWORD).status_code == 201
    assert "Nina New" in mailbox.latest("olivia.owner@example.com").text


def test_the_code_proves_as_well_as_the_link(api: Api, mailbox: Mailbox) -> None:
    token = sign_up(api).json()["sign_up_token"]
    code = mailbox.latest(FORM["email"]).code
    answer = confirm(api, email=FORM["email"].upper(), code=code, sign_up_token=token)
    assert answer.status_code == 200, answer.text


def test_a_known_client_without_a_login_is_linked_and_no_second_one_made(
    api: Api, world: World, mailbox: Mailbox, site: Site
) -> None:
    token = sign_up(api, email="kim.cold@example.com").json()["sign_up_token"]
    body = confirm(api, token=token_in(mailbox, world.kim.email), sign_up_token=token).json()
    assert [each["id"] for each in body["linked"]] == [str(world.kim.id)]
    assert body["linked"][0]["pets"] == ["Fluffy"]
    with site.reading() as session:
        assert len(clients_with_email(session, "kim.cold@example.com")) == 1
        link = session.scalars(select(Link).where(Link.client_id == world.kim.id)).one()
        assert link.linked_by is LinkedBy.CONFIRMATION


def test_an_inactive_namesake_does_not_stand_in_the_way_and_stays_unlinked(
    api: Api, world: World, mailbox: Mailbox, site: Site
) -> None:
    with site.writing() as session:
        old = make.client(session, first_name="Old", email=world.kim.email, status="inactive")
    token = sign_up(api, email=world.kim.email).json()["sign_up_token"]
    body = confirm(api, token=token_in(mailbox, world.kim.email), sign_up_token=token).json()
    assert [each["id"] for each in body["linked"]] == [str(world.kim.id)]
    assert str(old.id) not in str(me(api, body["token"]))


def test_a_household_sees_nobodys_record_until_one_is_chosen(
    api: Api, world: World, mailbox: Mailbox, site: Site
) -> None:
    with site.writing() as session:
        other = make.client(session, first_name="Ken", last_name="Cold", email=world.kim.email)
        stranger = make.client(session, first_name="Zoe", email="zoe@example.com")
    token = sign_up(api, email=world.kim.email).json()["sign_up_token"]
    body = confirm(api, token=token_in(mailbox, world.kim.email), sign_up_token=token).json()
    assert body["linked"] == []
    assert {each["first_name"] for each in body["candidates"]} == {"Kim", "Ken"}
    caller = api.bearing(body["token"])
    assert me(api, body["token"])["id"] is None

    problem_of(caller.post("/businesses/{b}/me/clients", json={"client_id": str(stranger.id)}), 404)
    problem_of(caller.post("/businesses/{b}/me/clients", json={"client_id": str(world.jo.id)}), 404)
    chosen = caller.post("/businesses/{b}/me/clients", json={"client_id": str(other.id)})
    assert chosen.status_code == 201, chosen.text
    assert [each["first_name"] for each in chosen.json()["candidates"]] == ["Kim"]
    assert me(api, body["token"])["id"] == str(other.id)


def test_somebody_new_is_made_only_when_the_person_says_so_and_only_once(
    api: Api, world: World, mailbox: Mailbox, site: Site
) -> None:
    with site.writing() as session:
        make.client(session, first_name="Ken", last_name="Cold", email=world.kim.email)
    token = sign_up(api, email=world.kim.email).json()["sign_up_token"]
    body = confirm(api, token=token_in(mailbox, world.kim.email), sign_up_token=token).json()
    caller = api.bearing(body["token"])
    made = [caller.post("/businesses/{b}/me/clients", json={"new": True}) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json()["id"] == made[1].json()["id"]
    with site.reading() as session:
        assert len(clients_with_email(session, world.kim.email)) == 3


def test_where_staff_do_the_linking_a_known_address_waits(
    api: Api, world: World, mailbox: Mailbox, site: Site
) -> None:
    site.prefer("client_settings", link_by_verified_email="off")
    token = sign_up(api, email=world.kim.email).json()["sign_up_token"]
    body = confirm(api, token=token_in(mailbox, world.kim.email), sign_up_token=token).json()
    assert (body["linked"], body["candidates"]) == ([], [])
    caller = api.bearing(body["token"])
    for choice in ({"client_id": str(world.kim.id)}, {"new": True}):
        problem_of(caller.post("/businesses/{b}/me/clients", json=choice), 404)


def test_the_answer_is_the_same_for_a_known_and_an_unknown_address(
    api: Api, world: World, mailbox: Mailbox
) -> None:
    unknown = sign_up(api)
    with_login = sign_up(api, email=world.jo.email)
    client_only = sign_up(api, email=world.kim.email)
    for answer in (unknown, with_login, client_only):
        assert answer.status_code == 202
        assert set(answer.json()) == {"sign_up_token"}
        assert len(answer.json()["sign_up_token"]) == 43
    assert mailbox.latest(world.jo.email).subject == "You already have a login"


def test_a_stranger_s_typed_password_never_becomes_the_owner_s(
    api: Api, mailbox: Mailbox, world: World
) -> None:
    sign_up(api, email=world.kim.email)  # a stranger, who can't read the mail
    token = token_in(mailbox, world.kim.email)
    problem = problem_of(confirm(api, token=token), 422)
    assert problem["code"] == "password_needed"
    problem_of(confirm(api, token=token, sign_up_token="x" * 43), 422)

    answer = confirm(api, token=token, password="owner of this very mailbox")
    assert answer.status_code == 200, "the proof was not used by the refusals"
    problem_of(sign_in(api, world.kim.email, NEW_PASSWORD), 401)
    assert sign_in(api, world.kim.email, "owner of this very mailbox").status_code == 201


def test_a_pending_sign_up_gives_no_session_and_dies_with_an_accepted_invitation(
    api: Api, world: World, mailbox: Mailbox
) -> None:
    waiting = sign_up(api, email=world.kim.email).json()["sign_up_token"]
    confirmation = token_in(mailbox, world.kim.email)
    problem_of(sign_in(api, world.kim.email, NEW_PASSWORD), 401)
    problem_of(api.bearing(waiting).get("/businesses/{b}/me"), 401)
    api.owner.post("/businesses/{b}/campaigns", json={"audience": "active_without_account"})
    invitation = mailbox.latest(world.kim.email).link("/i/").removeprefix("/i/")

    accepted = api.visitor.post(
        f"/invitations/{invitation}/accept", json={"password": "the invited person's own"}
    )

    assert accepted.status_code == 201, accepted.text
    problem_of(sign_in(api, world.kim.email, NEW_PASSWORD), 401)
    problem_of(confirm(api, token=confirmation, sign_up_token=waiting), 410)


@pytest.mark.settings(rate_limits="off")
def test_a_proof_works_once(api: Api, mailbox: Mailbox) -> None:
    waiting = sign_up(api).json()["sign_up_token"]
    token = token_in(mailbox, FORM["email"])
    assert confirm(api, token=token, sign_up_token=waiting).status_code == 200
    assert problem_of(confirm(api, token=token, sign_up_token=waiting), 410)["code"] == "used"


def test_a_proof_ends_after_a_day(api: Api, mailbox: Mailbox, clock: Clock) -> None:
    waiting = sign_up(api).json()["sign_up_token"]
    token = token_in(mailbox, FORM["email"])
    clock.move(hours=25)
    assert problem_of(confirm(api, token=token, sign_up_token=waiting), 410)["code"] == "expired"


def test_five_wrong_codes_end_the_code_and_the_link_lives(api: Api, mailbox: Mailbox) -> None:
    waiting = sign_up(api).json()["sign_up_token"]
    mail = mailbox.latest(FORM["email"])
    wrong = "000000" if mail.code != "000000" else "111111"
    for _ in range(5):
        answer = confirm(api, email=FORM["email"], code=wrong, sign_up_token=waiting)
        assert fields_of(answer) == {"code": "wrong_code"}
    right = confirm(api, email=FORM["email"], code=mail.code, sign_up_token=waiting)
    assert fields_of(right) == {"code": "wrong_code"}
    unknown = confirm(api, email="nobody@example.com", code=wrong, sign_up_token=waiting)
    assert unknown.json()["code"] == right.json()["code"]
    token = mail.link("/happy-paws/sign-up/confirm/").rpartition("/")[2]
    assert confirm(api, token=token, sign_up_token=waiting).status_code == 200


def test_a_right_code_without_a_password_is_not_used_up(api: Api, mailbox: Mailbox) -> None:
    waiting = sign_up(api).json()["sign_up_token"]
    code = mailbox.latest(FORM["email"]).code
    answer = confirm(api, email=FORM["email"], code=code)
    assert problem_of(answer, 422)["code"] == "password_needed"
    answer = confirm(api, email=FORM["email"], code=code, sign_up_token=waiting)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"email": ["a@example.com"]}', b'"\\ud800"', b"null"]
)
def test_with_the_switch_at_no_nothing_sent_matters(api: Api, site: Site, content: bytes) -> None:
    site.allow_client_access(False)
    answer = api.visitor.post("/businesses/{b}/accounts", content=content)
    assert problem_of(answer, 404)["code"] == "not_available"


def test_with_self_registration_off_nobody_signs_up(api: Api, site: Site) -> None:
    site.prefer("client_settings", self_registration="off")
    assert problem_of(sign_up(api), 404)["code"] == "not_available"


@pytest.mark.parametrize(
    "email",
    [
        ["nina@example.com"],
        {"a": 1},
        None,
        "a@example.com,b@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "nobody",
        "a b@example.com",
        "<a@example.com>",
        "n\0@example.com",
        "x" * 300 + "@example.com",
    ],
)
def test_what_is_no_single_address_is_refused_and_nobody_written_to(
    api: Api, mailbox: Mailbox, email: object
) -> None:
    assert "email" in fields_of(sign_up(api, email=email))
    assert mailbox.all == []


@pytest.mark.parametrize(
    "twin",
    ["K\u0131m.cold@example.com", "kim.cold+1@example.com", "kimcold@example.com",
     "kim.cold@ex\u0430mple.com", "kim.cold@xn--exmple-4nf.com"],
)  # fmt: skip
def test_a_twin_of_an_address_is_another_address(
    api: Api, world: World, mailbox: Mailbox, site: Site, twin: str
) -> None:
    token = sign_up(api, email=twin).json()["sign_up_token"]
    (mail,) = [each for each in mailbox.all if each.subject == "Confirm your e-mail address"]
    assert mail.to.lower() != world.kim.email
    secret = mail.link("/happy-paws/sign-up/confirm/").rpartition("/")[2]
    body = confirm(api, token=secret, sign_up_token=token).json()
    assert str(world.kim.id) not in str(body)


def test_a_weak_password_is_refused_with_its_field(api: Api) -> None:
    assert fields_of(sign_up(api, password="short")) == {"password": "too_short"}
    assert fields_of(sign_up(api, password="nina.new@example.com")) == {"password": "too_personal"}


def test_more_than_asked_for_is_refused(api: Api) -> None:
    for extra in ({"role": "owner"}, {"client_id": "x"}, {"verified": True}):
        assert set(fields_of(sign_up(api, **extra))) == set(extra)


def test_the_same_key_gives_the_same_answer_and_one_mail(api: Api, mailbox: Mailbox) -> None:
    headers = {"Idempotency-Key": "one"}
    first = api.visitor.post("/businesses/{b}/accounts", json=FORM, headers=headers)
    again = api.visitor.post("/businesses/{b}/accounts", json=FORM, headers=headers)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(mailbox.to(FORM["email"])) == 1
    other = api.visitor.post(
        "/businesses/{b}/accounts", json=FORM | {"first_name": "X"}, headers=headers
    )
    assert problem_of(other, 422)["code"] == "idempotency_key_reused"


def test_one_address_gets_only_so_many_mails_and_the_answer_stays_the_same(
    api: Api, mailbox: Mailbox
) -> None:
    answers = [sign_up(api).status_code for _ in range(9)]
    assert set(answers) == {202}
    assert len(mailbox.to(FORM["email"])) == 6


def test_nothing_typed_is_kept_as_it_was(api: Api, site: Site, mailbox: Mailbox) -> None:
    token = sign_up(api).json()["sign_up_token"]
    with site.reading() as session:
        waiting = session.scalars(select(SignUp)).one()
        assert token not in (waiting.browser_digest, waiting.password_hash)
        assert (waiting.password_hash or "").startswith("$argon2id$")
        assert session.scalar(select(func.count()).select_from(Client)) == 4
        assert session.scalar(
            select(func.count()).select_from(Account).where(Account.email_key == FORM["email"])
        ) == 0  # fmt: skip
