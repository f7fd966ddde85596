"""The envelope, from the question to an accepted invitation, in a real browser."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.browser.axe import barriers
from tests.browser.conftest import DESK, PHONE, OpenPage
from tests.databases import DatabaseKind
from tests.mailbox import Mailbox
from tests.site import Site
from tests.world import World

# What a page shows does not hang on the database. The staff press on a desk, their clients on a
# phone; every page is looked at in both widths and schemes.
pytestmark = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)
Colours = Literal["light", "dark"]
QUESTION = (
    "Send e-mail login information to all active clients that do not already have an account?"
)


def look(page: Page, name: str) -> None:
    pressed_at = page.viewport_size
    assert pressed_at is not None
    looks: tuple[tuple[int, Colours], ...] = ((PHONE, "light"), (DESK, "dark"))
    for width, colours in looks:
        page.set_viewport_size({**pressed_at, "width": width})
        page.emulate_media(color_scheme=colours)
        seen = f"{name}, {width} px, {colours}"
        assert barriers(page) == [], seen
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"{seen}: too wide"
        )
    page.set_viewport_size(pressed_at)


def test_from_the_question_to_an_accepted_invitation(
    open_page: OpenPage, world: World, site: Site, mailbox: Mailbox
) -> None:
    with site.writing() as session:
        for number in range(12):
            make.client(
                session,
                first_name=f"Client{number}",
                last_name="Many",
                email=f"client{number}@example.com",
            )
        make.client(session, first_name="Wrong", last_name="Address", email="not an address")
        make.client(session, first_name="Gone", email="gone@example.com", status="inactive")
    owner = open_page(world.owner, width=DESK)
    owner.goto("/manage/happy-paws/clients/invite")
    expect(owner.get_by_role("heading", level=1)).to_have_text(QUESTION)
    look(owner, "ask")
    owner.get_by_role("button", name="Yes").click()
    expect(owner.get_by_role("heading", level=1)).to_have_text("13 clients will receive the e-mail")
    look(owner, "count")
    owner.get_by_role("button", name="Send 13 invitations").click()
    expect(owner.locator("[data-running]")).to_be_attached()
    look(owner, "queued")
    mailbox.send_due()
    expect(owner.locator("[data-running]")).not_to_be_attached()
    expect(owner.get_by_text("13 of 13").first).to_be_visible()
    look(owner, "finished")

    link = mailbox.latest(world.kim.email).link("/i/")
    kim = open_page(width=PHONE)
    kim.goto(link)
    look(kim, "invited")
    kim.get_by_label("Password", exact=True).fill("short")
    kim.get_by_role("button", name="Make my account").click()
    expect(kim.get_by_role("alert")).to_contain_text("at least 8 characters")
    look(kim, "weak")
    kim.get_by_label("Password", exact=True).fill("six brown foxes under a bed")
    kim.get_by_role("button", name="Make my account").click()
    expect(kim).to_have_url(re.compile("/happy-paws/account"))

    owner.reload()
    owner.goto(owner.url + "?state=accepted")
    expect(owner.get_by_role("rowheader", name="Kim Cold")).to_be_visible()
    look(owner, "accepted")
    late = open_page(width=PHONE)
    late.goto(link)
    look(late, "used")
    jo = open_page(world.jo, width=PHONE)
    jo.goto(mailbox.latest("client3@example.com").link("/i/"))
    expect(jo.get_by_text("You are signed in here as")).to_be_visible()
    look(jo, "another")


def test_the_other_pages_around_the_envelope(
    open_page: OpenPage, world: World, site: Site, mailbox: Mailbox
) -> None:
    owner = open_page(world.owner, width=DESK)
    owner.goto(f"/manage/happy-paws/clients/invite?client={world.kim.id}")
    look(owner, "one")
    owner.get_by_role("button", name="Send the invitation").click()
    expect(owner.get_by_text("The invitation is on its way.")).to_be_visible()
    owner.goto(f"/manage/happy-paws/clients/invite?client={world.pat.id}")
    look(owner, "one-not")
    letter = mailbox.latest(world.kim.email)
    owner.goto("/manage/happy-paws/campaigns")
    look(owner, "campaigns")
    stranger = open_page(width=PHONE)
    stranger.goto(letter.link("/u/"))
    look(stranger, "unsubscribe")
    stranger.get_by_role("button", name="Stop these e-mails").click()
    look(stranger, "unsubscribed")
    stranger.goto("/mailbox")
    look(stranger, "mailbox")
    stranger.get_by_role("link", name="Your online account is ready").click()
    expect(stranger.locator("main a[href*='/i/']")).to_be_visible()
    look(stranger, "letter")
    stranger.goto("/i/unknown")
    look(stranger, "unknown")
    site.allow_client_access(False)
    owner.goto("/manage/happy-paws/clients/invite")
    look(owner, "off")
    stranger.goto(letter.link("/i/"))
    look(stranger, "invitation-off")


class _Elsewhere(BaseHTTPRequestHandler):
    """Somebody else's site: it writes down what it is told."""

    heard: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.heard.append(f"{self.path} {self.headers}")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


def test_b4_nobody_elsewhere_is_told_the_token(
    open_page: OpenPage, world: World, mailbox: Mailbox
) -> None:
    owner = open_page(world.owner)
    owner.goto(f"/manage/happy-paws/clients/invite?client={world.kim.id}")
    owner.get_by_role("button", name="Send the invitation").click()
    expect(owner.get_by_text("The invitation is on its way.")).to_be_visible()
    link = mailbox.latest(world.kim.email).link("/i/")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as elsewhere:
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        kim = open_page()
        asked: list[str] = []
        kim.on("request", lambda request: asked.append(request.url))
        kim.goto(link)
        assert {urlsplit(url).netloc for url in asked} == {urlsplit(kim.url).netloc}
        kim.evaluate(
            "url => document.querySelector('main').append("
            "Object.assign(document.createElement('a'), {href: url, textContent: 'Elsewhere'}))",
            f"http://127.0.0.1:{elsewhere.server_port}/",
        )
        with kim.expect_request(f"http://127.0.0.1:{elsewhere.server_port}/"):
            kim.get_by_text("Elsewhere").click()
        elsewhere.shutdown()
    (heard,) = _Elsewhere.heard
    assert "Referer" not in heard
    assert link.removeprefix("/i/") not in heard
