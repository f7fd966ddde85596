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

# What a page shows does not hang on the database; every page is seen in both schemes and widths.
pytestmark = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)
Colours = Literal["light", "dark"]
QUESTION = (
    "Send e-mail login information to all active clients that do not already have an account?"
)


def look(page: Page, name: str) -> None:
    assert barriers(page) == [], name
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        f"{name} is too wide"
    )


@pytest.mark.parametrize(("width", "colours"), [(PHONE, "light"), (DESK, "dark")])
def test_from_the_question_to_an_accepted_invitation(
    open_page: OpenPage, world: World, site: Site, mailbox: Mailbox, width: int, colours: Colours
) -> None:
    name = f"{width}-{colours}"
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
    owner = open_page(world.owner, width=width, colours=colours)
    owner.goto("/manage/happy-paws/clients/invite")
    expect(owner.get_by_role("heading", level=1)).to_have_text(QUESTION)
    look(owner, f"ask-{name}")
    owner.get_by_role("button", name="Yes").click()
    expect(owner.get_by_role("heading", level=1)).to_have_text("13 clients will receive the e-mail")
    look(owner, f"count-{name}")
    owner.get_by_role("button", name="Send 13 invitations").click()
    expect(owner.locator("[data-running]")).to_be_attached()
    look(owner, f"queued-{name}")
    mailbox.send_due()
    expect(owner.locator("[data-running]")).not_to_be_attached()
    expect(owner.get_by_text("13 of 13").first).to_be_visible()
    look(owner, f"finished-{name}")

    link = mailbox.latest(world.kim.email).link("/i/")
    kim = open_page(width=width, colours=colours)
    kim.goto(link)
    look(kim, f"invited-{name}")
    kim.get_by_label("Password", exact=True).fill("short")
    kim.get_by_role("button", name="Make my account").click()
    expect(kim.get_by_role("alert")).to_contain_text("at least 8 characters")
    look(kim, f"weak-{name}")
    kim.get_by_label("Password", exact=True).fill("six brown foxes under a bed")
    kim.get_by_role("button", name="Make my account").click()
    expect(kim).to_have_url(re.compile("/happy-paws/account"))

    owner.reload()
    owner.goto(owner.url + "?state=accepted")
    expect(owner.get_by_role("rowheader", name="Kim Cold")).to_be_visible()
    look(owner, f"accepted-{name}")
    late = open_page(width=width, colours=colours)
    late.goto(link)
    look(late, f"used-{name}")
    jo = open_page(world.jo, width=width, colours=colours)
    jo.goto(mailbox.latest("client3@example.com").link("/i/"))
    expect(jo.get_by_text("You are signed in here as")).to_be_visible()
    look(jo, f"another-{name}")


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_the_other_pages_around_the_envelope(
    open_page: OpenPage, world: World, site: Site, mailbox: Mailbox, width: int
) -> None:
    owner = open_page(world.owner, width=width)
    owner.goto(f"/manage/happy-paws/clients/invite?client={world.kim.id}")
    look(owner, f"one-{width}")
    owner.get_by_role("button", name="Send the invitation").click()
    expect(owner.get_by_text("The invitation is on its way.")).to_be_visible()
    owner.goto(f"/manage/happy-paws/clients/invite?client={world.pat.id}")
    look(owner, f"one-not-{width}")
    letter = mailbox.latest(world.kim.email)
    owner.goto("/manage/happy-paws/campaigns")
    look(owner, f"campaigns-{width}")
    stranger = open_page(width=width)
    stranger.goto(letter.link("/u/"))
    look(stranger, f"unsubscribe-{width}")
    stranger.get_by_role("button", name="Stop these e-mails").click()
    look(stranger, f"unsubscribed-{width}")
    stranger.goto("/mailbox")
    look(stranger, f"mailbox-{width}")
    stranger.get_by_role("link", name="Your online account is ready").click()
    expect(stranger.locator("main a[href*='/i/']")).to_be_visible()
    look(stranger, f"letter-{width}")
    stranger.goto("/i/unknown")
    look(stranger, f"unknown-{width}")
    site.allow_client_access(False)
    owner.goto("/manage/happy-paws/clients/invite")
    look(owner, f"off-{width}")
    stranger.goto(letter.link("/i/"))
    look(stranger, f"invitation-off-{width}")


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
