"""Every page of the product, on a phone in the dark and on a desk by day: nothing in anybody's way.

BOOKING_SCREENSHOTS=folder keeps pictures of all of them, at both widths, in light and dark.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request
from playwright.sync_api import Error as PlaywrightError

from tests.browser import screens
from tests.browser.axe import barriers
from tests.browser.conftest import DESK, PHONE
from tests.browser.filled import Filled, Filler
from tests.browser.screens import Screen
from tests.databases import DatabaseKind
from tests.live import LiveServer
from tests.mailbox import Mailbox
from tests.pages import Pages
from tests.site import Site
from tests.times import Clock
from tests.world import World

pytestmark = [
    pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str),
    pytest.mark.settings(rate_limits="off"),
]
MOST_BYTES = 100 * 1024
OF_A_SITE = re.compile(r"/\{slug\}|/i/|/u/")
LOOK = """() => ({
  headings: document.querySelectorAll('h1').length,
  title: document.title,
  tooWide: Math.max(0, document.scrollingElement.scrollWidth - innerWidth),
  foot: [...document.querySelectorAll('footer a')].map((link) => link.textContent.trim()),
  ids: [...document.querySelectorAll('[id]')].map((each) => each.id),
  bytes: performance.getEntries().reduce((sum, each) => sum + (each.encodedBodySize || 0), 0),
})"""


class Viewer:
    """Looks at pages, one browser profile a person, and writes down all that is wrong."""

    def __init__(self, chromium: Browser, live: LiveServer, filled: Filled) -> None:
        self._chromium, self._live, self._filled = chromium, live, filled
        self._pages: dict[str, Page] = {}
        self._contexts: list[BrowserContext] = []
        self._now = ""
        self.complaints: list[str] = []

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def look_at(self, table: Sequence[Screen]) -> list[str]:
        for screen in table:
            self._now = screen.name
            try:
                self._look(screen)
            except PlaywrightError as error:  # the others are looked at all the same
                self._complain(f"could not be looked at: {error}")
        return self.complaints

    def _look(self, screen: Screen) -> None:
        page = self._page_of(screen.who)
        _set(page, DESK, "light")
        answer = page.goto(screen.path.format_map(self._filled.links))
        if answer is None or answer.status != screen.status:
            self._complain(f"answered {answer and answer.status}")
        if screen.then is not None:
            screen.then(page)
            page.wait_for_load_state()
        self._judge(screen, page, page.evaluate(LOOK))
        _set(page, PHONE, "dark")
        seen: dict[str, Any] = page.evaluate(LOOK)
        if seen["tooWide"]:
            self._complain(f"{seen['tooWide']} px too wide for a phone")
        for each in barriers(page):
            self._complain(f"on a phone in the dark: {each}")
        self._take_pictures(page)

    def _judge(self, screen: Screen, page: Page, seen: dict[str, Any]) -> None:
        if seen["headings"] != 1:
            self._complain(f"{seen['headings']} h1")
        if len(seen["title"]) < 4:
            self._complain(f"title {seen['title']!r}")
        if seen["bytes"] > MOST_BYTES:
            self._complain(f"{seen['bytes']} bytes")
        if twice := {each for each in seen["ids"] if seen["ids"].count(each) > 1}:
            self._complain(f"ids that stand twice: {sorted(twice)}")
        is_of_a_site = OF_A_SITE.match(screen.route) and screen.status != 404
        if is_of_a_site and "Manage Site" not in seen["foot"]:
            self._complain("no Manage Site at the foot")
        for each in barriers(page):
            self._complain(f"on a desk by day: {each}")

    def _page_of(self, who: str) -> Page:
        if who not in self._pages:
            context = self._chromium.new_context(
                base_url=self._live.url, reduced_motion="reduce", timezone_id="America/New_York"
            )
            self._contexts.append(context)
            context.set_default_timeout(30_000)
            for name, value in self._filled.people[who]:
                context.add_cookies([{"name": name, "value": value, "url": self._live.url}])
            page = self._pages[who] = context.new_page()
            page.on("pageerror", lambda error: self._complain(f"script: {error}"))
            page.on("console", self._hear)
            page.on("request", self._see)
        return self._pages[who]

    def _hear(self, message: ConsoleMessage) -> None:
        is_answer = "the server responded with a status of" in message.text
        if message.type == "error" and not is_answer:
            self._complain(f"console: {message.text}")

    def _see(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self._live.url).netloc:
            self._complain(f"asks elsewhere: {request.url}")

    def _complain(self, text: str) -> None:
        self.complaints.append(f"{self._now}: {text}")

    def _take_pictures(self, page: Page) -> None:
        folder = os.environ.get("BOOKING_SCREENSHOTS")
        if not folder:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        for width in (PHONE, DESK):
            for colours in ("light", "dark"):
                _set(page, width, colours)
                tall: int = page.evaluate("document.documentElement.scrollHeight")
                page.set_viewport_size({"width": width, "height": max(800, min(tall, 8000))})
                name = f"{self._now.replace(' ', '-')}-{width}-{colours}.png"
                page.screenshot(path=Path(folder) / name, full_page=True)


def _set(page: Page, width: int, colours: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if colours == "dark" else "light")


@pytest.fixture
def filled(world: World, site: Site, pages: Pages, mailbox: Mailbox, clock: Clock) -> Filled:
    return Filler(world, site, pages, mailbox, clock).fill()


@pytest.fixture
def viewer(chromium: Browser, live: LiveServer, filled: Filled) -> Viewer:
    return Viewer(chromium, live, filled)


@pytest.mark.parametrize("part", ["OF_THE_SITE", "OF_THE_DESK", "ON_THE_FIRST_DAY"])
def test_nothing_is_in_anybodys_way(viewer: Viewer, part: str) -> None:
    complaints = viewer.look_at(getattr(screens, part))
    viewer.close()
    assert not complaints, "\n".join(complaints)


def test_nothing_is_in_the_way_where_something_is_switched_off(
    viewer: Viewer, filled: Filled, pages: Pages, site: Site, clock: Clock
) -> None:
    page = pages.owner.get("/manage/happy-paws/clients/invite?answer=yes")
    filled.links["stuck"] = page.submit("/clients/invite").path
    clock.move(minutes=3)
    viewer.look_at(screens.WITH_NOBODY_AT_WORK)
    site.prefer("client_settings", require_login_to_book=True, self_registration="off")
    viewer.look_at(screens.WITH_LOGINS_ONLY)
    site.prefer(
        "client_settings",
        require_login_to_book=False,
        allow_client_online_account_access=False,
    )
    site.prefer("booking_window", online_booking_enabled=False)
    complaints = viewer.look_at(screens.WITH_THE_SWITCH_AT_NO)
    viewer.close()
    assert not complaints, "\n".join(complaints)


def test_every_page_of_the_app_is_in_the_table(app: FastAPI) -> None:
    routes = {
        each.path
        for each in iter_route_contexts(app.routes)
        if "GET" in (each.methods or ()) and not (each.path or "").startswith("/api/")
    }
    assert len(routes) > 80, "the app's routes are no longer found this way"
    known = {screen.route for screen in screens.ALL} | screens.NO_PAGES
    assert routes - known == set(), "pages that nobody looks at"
    assert known - routes == set(), "pages that are no more"
