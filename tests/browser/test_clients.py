"""The Clients, Imports and Audit screens in a real browser: no barriers, no sideways scrolling."""

import io
import os
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page

from booking.audit.actions import SYSTEM
from booking.imports.actions import applying, staging
from tests import make
from tests.browser.axe import barriers
from tests.browser.conftest import DESK, PHONE, OpenPage
from tests.site import Site
from tests.world import World

HOME = "/manage/happy-paws"
LIST = "client_external_id,first_name,last_name,email,pet_name\n1,Ann,Lee,ann@example.net,Rex\nx\n"


@pytest.fixture
def addresses(site: Site, world: World) -> list[str]:
    """Every screen, with something on it."""
    with site.writing() as session:
        bad = make.client(session, first_name="Typo", email="typo at example", notes="Rings twice")
        shared = make.client(session, first_name="Joan", last_name="Bright", email=world.jo.email)
        tried, mapped = (
            staging.stage(
                session, io.BytesIO(text.encode()), file_name="list.csv", dry_run=True, by=SYSTEM
            )
            for text in (LIST, "Name des Tiers;Post\nRex;a@example.net\n")
        )
        running = staging.stage(
            session, io.BytesIO(LIST.encode()), file_name="big.csv", dry_run=False, by=SYSTEM
        )
        clients, jo = f"{HOME}/clients", f"{HOME}/clients/{world.jo.id}"
        imports = f"{HOME}/imports"
        pages = [clients, f"{clients}?q=nobody+at+all", f"{clients}/new", jo, f"{jo}/edit"]
        pages += [f"{jo}/login", f"{clients}/{world.kim.id}/login", f"{jo}/pets/new"]
        pages += [
            f"{jo}/pets/{world.jo.pet_ids[0]}",
            f"{clients}/{bad.id}",
            f"{clients}/{shared.id}",
        ]
        pages += [f"{HOME}/audit", imports, f"{imports}/{tried.id}", f"{imports}/{mapped.id}"]
        pages += [f"{imports}/{running.id}", f"{imports}/{running.id}/undo"]
    with site.database.writing() as session:
        applying.apply_next_chunk(session)
    return pages


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_no_screen_has_a_barrier(
    open_page: OpenPage,
    addresses: list[str],
    world: World,
    width: int,
    colours: Literal["light", "dark"],
) -> None:
    page = open_page(world.owner, width=width, colours=colours)
    for address in addresses:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        assert barriers(page) == [], address
        assert not scrolls_sideways(page), address
        keep_a_picture(page, f"{width}-{colours}-{addresses.index(address):02}")


def test_an_error_is_told_on_top_and_beside_its_field(open_page: OpenPage, world: World) -> None:
    page = open_page(world.staff)
    page.goto(f"{HOME}/clients/new")
    page.get_by_label("Notes").fill("a voice on the phone")
    page.get_by_role("button", name="Add this client").click()
    summary = page.get_by_role("alert")
    assert "Please give a name" in summary.inner_text()
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    assert barriers(page) == []
    summary.get_by_role("link").click()
    assert page.evaluate("document.activeElement.id") == "first_name"
    assert page.get_by_label("Notes").input_value() == "a voice on the phone"


def test_a_list_is_imported_while_the_page_watches(
    open_page: OpenPage, world: World, site: Site
) -> None:
    page = open_page(world.owner)
    page.goto(f"{HOME}/imports")
    page.get_by_label("Your list as a CSV file").set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": LIST.encode()}
    )
    page.get_by_role("button", name="Look at this list").click()
    page.get_by_role("heading", name="Looking at list.csv").wait_for()
    work(site)
    page.get_by_role("button", name="Import 1 client").click()
    page.get_by_role("heading", name="Importing list.csv").wait_for()
    work(site)
    page.get_by_role("heading", name="The list is imported").wait_for()
    page.get_by_role("link", name="New clients").click()
    page.get_by_role("link", name="Ann Lee").click()
    page.get_by_role("heading", name="Ann Lee").wait_for()


def work(site: Site) -> None:
    """What the worker would do."""
    while True:
        with site.database.writing() as session:
            if applying.apply_next_chunk(session) is None:
                return


def scrolls_sideways(page: Page) -> bool:
    wide: bool = page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    return wide


def keep_a_picture(page: Page, name: str) -> None:
    """For people who look at the screens: name a folder in BOOKING_PICTURES."""
    if folder := os.environ.get("BOOKING_PICTURES"):
        page.screenshot(path=Path(folder) / f"clients-{name}.png", full_page=True)
