"""A real Chromium before a real server, on the database of the test.

`open_page(world.owner)` gives a page signed in as that person; whatever goes wrong in its scripts,
or against the content security policy, fails the test.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.live import LiveServer
from tests.missing import NO_CHROMIUM
from tests.world import KnownClient, Person, World

# Without these Chromium looks for its maker's servers at every start.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PHONE, DESK = 360, 1280


class OpenPage(Protocol):
    def __call__(
        self,
        who: Person | KnownClient | None = None,
        *,
        width: int = DESK,
        colours: Literal["light", "dark"] = "light",
        scripts: bool = True,
    ) -> Page:
        """A page in a browser profile of its own; addresses may begin with `/`."""
        ...


def find_chromium() -> str | None:
    named = os.environ.get("BOOKING_CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Of one file of tests: while Playwright runs, nothing else may use asyncio in this thread."""
    with sync_playwright() as playwright:
        program = find_chromium() or playwright.chromium.executable_path
        if not Path(program).exists():
            if os.environ.get("BOOKING_REQUIRE_BROWSER"):
                pytest.fail(NO_CHROMIUM)
            pytest.skip(NO_CHROMIUM)
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, live: LiveServer, world: World) -> Iterator[OpenPage]:
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(
        who: Person | KnownClient | None = None,
        *,
        width: int = DESK,
        colours: Literal["light", "dark"] = "light",
        scripts: bool = True,
    ) -> Page:
        context = chromium.new_context(
            base_url=live.url,
            viewport={"width": width, "height": 800},
            color_scheme=colours,
            java_script_enabled=scripts,
            reduced_motion="reduce",
            timezone_id="America/New_York",
        )
        contexts.append(context)
        context.set_default_timeout(30_000)
        if who is not None:
            name, value = _cookie(who, world)
            context.add_cookies([{"name": name, "value": value, "url": live.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", _complain_to(complaints, page))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _cookie(who: Person | KnownClient, world: World) -> tuple[str, str]:
    if isinstance(who, Person):
        return "manage", who.cookie
    salon = world.kennels if who == world.max else world.salon
    return f"visit-{salon.slug}", who.person.cookie


def _complain_to(complaints: list[str], page: Page) -> Callable[[ConsoleMessage], None]:
    def complain(message: ConsoleMessage) -> None:
        is_answer = "the server responded with a status of" in message.text
        if message.type == "error" and not is_answer:
            complaints.append(f"{page.url}: {message.text}")

    return complain
