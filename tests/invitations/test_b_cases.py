"""Tokens and links, by their names in the list of threats: B1, B2, B5, B7 to B10 and B12.

B3 and more of B8 stand in test_asking_again, B4 with the browser, B6 with the production server and
in tests/house/test_no_secrets_at_rest, B11 with the two ways of signing in.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from booking.clients.models import Link
from booking.errors import Expired
from booking.invitations.actions import links
from booking.tokens import Purpose, keyring
from tests.databases import DatabaseKind
from tests.front_door import Api, problem_of
from tests.invitations.test_accept import (
    CHOSEN,
    accept,
    accounts_at,
    invite,
    link_of,
    row_id,
)
from tests.mailbox import Mailbox
from tests.pages import Pages
from tests.site import Site
from tests.times import Clock
from tests.world import World


@pytest.fixture
def token(api: Api, world: World, mailbox: Mailbox) -> str:
    """Kim Cold is invited, and has the mail."""
    return invite(api, world, mailbox)


def test_b1_an_accepted_invitation_is_used(api: Api, token: str) -> None:
    accept(api, token, password=CHOSEN)
    again = problem_of(accept(api, token, password=CHOSEN), 410)
    assert again["code"] == "used"
    assert "token" not in again
    assert problem_of(api.visitor.get(f"/invitations/{token}"), 410)["code"] == "used"


@pytest.mark.settings(rate_limits="off", hashing_queue=200)
def test_b2_of_many_at_once_one_accepts(api: Api, world: World, token: str, site: Site) -> None:
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: accept(api, token, password=CHOSEN), range(50)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses.count(201) == 1, statuses
    assert set(statuses) <= {201, 409, 410}
    assert accounts_at(site, world.kim.email) == 1
    with site.reading() as session:
        links = session.scalars(select(Link).where(Link.client_id == world.kim.id)).all()
        assert len(links) == 1


@pytest.mark.parametrize("database_kind", [DatabaseKind.POSTGRESQL], indirect=True)
@pytest.mark.parametrize("is_guarded", [True, False])
def test_b2_without_the_guard_only_the_database_itself_refuses(
    site: Site, token: str, monkeypatch: pytest.MonkeyPatch, is_guarded: bool
) -> None:
    """The positive control: two accept at once, the second while the first is not committed."""
    if not is_guarded:
        monkeypatch.setattr(links, "lock", lambda *_: None)
        monkeypatch.setattr(links, "_use", lambda *_: None)
    refused: list[Exception] = []

    def second() -> None:
        try:
            with site.writing() as session:
                links.accept(session, token, password_hash="another hash")
        except (Expired, IntegrityError) as error:
            refused.append(error)

    other = threading.Thread(target=second)
    with site.writing() as session:
        links.accept(session, token, password_hash="a hash")
        other.start()
        other.join(0.5)
        assert other.is_alive(), "it waits for the first"
    other.join(20)
    (error,) = refused
    assert isinstance(error, links.InvitationUsed if is_guarded else IntegrityError)


FORGED = (
    {"X-Forwarded-Host": "evil.example"},
    {"Forwarded": "host=evil.example;proto=https"},
    {"X-Forwarded-Server": "evil.example", "X-Host": "evil.example"},
    {"X-Original-URL": "https://evil.example/i", "X-Rewrite-URL": "//evil.example"},
)


def test_b5_links_come_from_the_configuration_whatever_host_is_claimed(
    api: Api, world: World, mailbox: Mailbox
) -> None:
    kim, jo = {"client_ids": [str(world.kim.id)]}, {"email": world.jo.email}
    for header in FORGED:
        api.owner.post("/businesses/{b}/campaigns", json=kim, headers=header)
        api.visitor.post("/businesses/{b}/password-resets", json=jo, headers=header)
    for host in ("evil.example", "localhost.evil.example", "localhost:80@evil.example", ""):
        refused = api.owner.post("/businesses/{b}/campaigns", json=kim, headers={"Host": host})
        assert refused.status_code == 400, host
    letters = [*mailbox.to(world.kim.email), *mailbox.to(world.jo.email)]
    assert len(letters) >= 2
    for mail in letters:
        assert "evil" not in mail.message.as_string() + mail.text + mail.html
        assert mail.links


def test_b7_guessing_links_is_slowed(api: Api) -> None:
    statuses = [api.visitor.get(f"/invitations/{n:043d}").status_code for n in range(125)]
    assert statuses[0] == 404
    assert statuses[-1] == 429


def test_b8_secrets_of_another_purpose_open_nothing(
    api: Api, world: World, token: str, mailbox: Mailbox, site: Site
) -> None:
    api.visitor.post("/businesses/{b}/password-resets", json={"email": world.jo.email})
    reset = mailbox.latest(world.jo.email).link("/happy-paws/reset/").rpartition("/")[2]
    unsubscribe = mailbox.to(world.kim.email)[-1].link("/u/").rpartition("/")[2]
    keys = keyring(site.settings.secret)
    foreign = [keys.derive(purpose, row_id(site)) for purpose in Purpose if purpose != "invitation"]
    for secret in (reset, unsubscribe, world.jo.person.token, *foreign):
        problem_of(api.visitor.get(f"/invitations/{secret}"), 404)
    for path, body in (
        ("accounts/confirm", {"token": token, "password": CHOSEN}),
        ("password-resets/confirm", {"token": token, "password": CHOSEN}),
    ):
        problem_of(api.visitor.post(f"/businesses/{{b}}/{path}", json=body), 410)
    problem_of(api.bearing(token).get("/businesses/{b}/me"), 401)


def test_b9_sent_again_the_old_link_says_so_and_the_new_one_works(
    api: Api, token: str, site: Site, mailbox: Mailbox, clock: Clock, world: World
) -> None:
    path = f"/businesses/{{b}}/invitations/{row_id(site)}/resend"
    assert problem_of(api.owner.post(path), 409)["code"] == "too_soon"
    clock.move(days=2)
    answer = api.owner.post(path)
    assert answer.status_code == 200, answer.text
    assert token not in answer.text
    newer = link_of(mailbox, world.kim.email)
    assert newer != token
    assert problem_of(api.visitor.get(f"/invitations/{token}"), 410)["code"] == "replaced"
    assert accept(api, newer, password=CHOSEN).status_code == 201


def test_b9_nobody_is_asked_more_often_than_the_business_says(
    api: Api, token: str, site: Site, mailbox: Mailbox, clock: Clock
) -> None:
    path = f"/businesses/{{b}}/invitations/{row_id(site)}/resend"
    statuses = []
    for _ in range(3):
        clock.move(days=2)
        statuses.append(api.owner.post(path).status_code)
        mailbox.send_due()
    assert statuses == [200, 200, 409]
    assert api.owner.post(path).json()["reason"] == "invited_too_often"


def test_b10_the_server_s_clock_alone_ends_an_invitation(
    api: Api, token: str, clock: Clock
) -> None:
    told = {"Date": "Mon, 01 Jan 2001 00:00:00 GMT", "If-Modified-Since": "Mon, 01 Jan 2001"}
    clock.move(days=14, minutes=1)
    for answer in (
        api.visitor.get(f"/invitations/{token}"),
        api.visitor.get(f"/invitations/{token}", headers=told),
        accept(api, token, password=CHOSEN),
    ):
        assert problem_of(answer, 410)["code"] == "expired"


def test_b10_a_clock_set_back_revives_no_used_link(api: Api, token: str, clock: Clock) -> None:
    accept(api, token, password=CHOSEN)
    clock.move(hours=-2)
    assert problem_of(accept(api, token, password=CHOSEN), 410)["code"] == "used"


def test_b12_nobody_keeps_a_page_with_a_token_and_going_back_shows_nothing(
    pages: Pages, api: Api, token: str
) -> None:
    browser = pages.visitor()
    page = browser.get(f"/i/{token}")
    done = page.submit("password", password=CHOSEN)
    back = browser.get(f"/i/{token}")
    assert (back.status, back.says("Kim")) == (410, False)
    answers = [page.response, *done.response.history, done.response, back.response]
    answers += [api.visitor.get(f"/invitations/{each}") for each in (token, "unknown")]
    answers += [accept(api, token, password=CHOSEN)]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store", answer.url
        assert "etag" not in answer.headers
