"""After everything that hands out a secret, no secret is in the database, its files or the log."""

import logging
import re
from typing import Any

import pytest

from booking.database import Database
from tests.databases import DatabaseKind
from tests.front_door import Api, ApiCaller
from tests.house.known import guest_booking, made
from tests.mailbox import Mailbox
from tests.pages import Pages
from tests.stored import cells
from tests.world import PASSWORD, World

pytestmark = pytest.mark.settings(rate_limits="off")
NEW_PASSWORD = "nine purple herons at noon"
SALON = "/businesses/{b}"
SECRET_FIELDS = {"token", "manage_token", "sign_up_token", "url"}


class Handed:
    """What was handed out, by what it was for."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}

    def by(self, what: str, answer: Any) -> Any:
        for name in SECRET_FIELDS & answer.keys():
            secret = answer[name].rpartition("/")[2].removesuffix(".ics")
            self.secrets[f"{name} of {what}"] = secret
        return answer


@pytest.fixture
def handed(
    api: Api, pages: Pages, mailbox: Mailbox, world: World, caplog: pytest.LogCaptureFixture
) -> Handed:
    caplog.set_level(logging.DEBUG)
    handed = Handed()
    _sign_in_everywhere(handed, api, pages, world)
    _ask_for_mailed_secrets(handed, api, world)
    _book_and_sign_up(handed, api, world)
    _accept_an_invitation(handed, api, mailbox, world)
    for mail in mailbox.all:
        for number, path in enumerate(mail.links):
            last = path.rpartition("/")[2].partition("?")[0]
            if len(last) >= 40:
                handed.secrets[f"link {number} of {mail.subject} to {mail.to}"] = last
        codes = re.findall(r"(?<![\d#])\d{6}(?!\d)", mail.text)
        handed.secrets |= {f"code of {mail.subject} to {mail.to}": code for code in codes}
    return handed


def test_none_is_in_the_database(handed: Handed, database: Database) -> None:
    assert len(handed.secrets) > 15
    stored = list(cells(database))
    assert len(stored) > 1_000
    found = [
        f"{what} in {where}"
        for what, secret in _all(handed).items()
        for where, value in stored
        if _holds(value, secret)
    ]
    assert found == []


@pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], indirect=True)
def test_none_is_in_the_database_files(handed: Handed, database: Database) -> None:
    """What was deleted is still in the file, and in its write-ahead log."""
    folder = database.settings.data_dir
    raw = b"".join(path.read_bytes() for path in folder.glob("booking.sqlite3*"))
    assert b"Happy Paws" in raw
    found = [
        what for what, secret in _all(handed).items() if len(secret) > 6 and secret.encode() in raw
    ]
    assert found == []


def test_none_is_logged(handed: Handed, caplog: pytest.LogCaptureFixture) -> None:
    records = caplog.get_records("setup")
    logged = [each.getMessage() for each in records if not each.name.startswith("httpx")]
    assert logged
    found = [
        f"{what} in {line[:100]}"
        for what, secret in _all(handed).items()
        for line in logged
        if len(secret) > 6 and secret in line
    ]
    assert found == []


def _all(handed: Handed) -> dict[str, str]:
    return {**handed.secrets, "a password": PASSWORD, "a new password": NEW_PASSWORD}


def _sign_in_everywhere(handed: Handed, api: Api, pages: Pages, world: World) -> None:
    staff = {"email": world.owner.email, "password": PASSWORD}
    handed.by("staff", made(api.visitor.post("/staff/sessions", json=staff)))
    client = {"email": world.jo.email, "password": PASSWORD}
    handed.by("client", made(api.visitor.post(f"{SALON}/sessions", json=client)))
    keyed = {"Idempotency-Key": "the-same"}
    for turn in ("first", "repeated"):
        answer = api.visitor.post("/staff/sessions", json=staff, headers=keyed)
        handed.by(f"staff, {turn}", made(answer))
    browser = pages.visitor()
    browser.get("/manage/sign-in").submit(
        "/manage/sign-in", email=world.owner.email, password=PASSWORD
    )
    cookies = {cookie.name: cookie.value or "" for cookie in browser.visitor.cookies.jar}
    handed.secrets["the cookie"] = cookies["manage"]


def _ask_for_mailed_secrets(handed: Handed, api: Api, world: World) -> None:
    anyone: ApiCaller = api.visitor
    jo = {"email": world.jo.email}
    made(anyone.post(f"{SALON}/sign-in-codes", json=jo))
    made(anyone.post(f"{SALON}/password-resets", json=jo))
    made(anyone.post("/staff/password-resets", json={"email": world.owner.email}))
    member = {"email": "nell@example.com", "name": "Nell", "role": "staff"}
    made(api.owner.post(f"{SALON}/members", json=member))
    change = {"email": "jo.new@example.com", "current_password": PASSWORD}
    api.client.patch(f"{SALON}/me", json=change)
    handed.by("the calendar", made(api.client.get(f"{SALON}/me/calendar")))


def _book_and_sign_up(handed: Handed, api: Api, world: World) -> None:
    handed.by("a guest", guest_booking(api.visitor, world.salon))
    new = {
        "email": "new@example.com",
        "password": NEW_PASSWORD,
        "first_name": "New",
        "last_name": "Person",
    }
    handed.by("a sign-up", made(api.visitor.post(f"{SALON}/accounts", json=new)))


def _accept_an_invitation(handed: Handed, api: Api, mailbox: Mailbox, world: World) -> None:
    made(api.owner.post(f"{SALON}/campaigns", json={"client_ids": [str(world.kim.id)]}))
    token = mailbox.latest(world.kim.email).link("/i/").removeprefix("/i/")
    accept = api.visitor.post(f"/invitations/{token}/accept", json={"password": NEW_PASSWORD})
    handed.by("an accepted invitation", made(accept))


def _holds(value: str, secret: str) -> bool:
    """Six digits stand by chance within ids and digests, but not as a word of their own."""
    if len(secret) > 6:
        return secret in value
    return re.search(rf"(?<![\w.:-]){secret}(?![\w.:-])", value) is not None
