"""Adding a client and importing a list, in a real browser."""

import pytest

from booking.imports.actions import applying
from tests.browser.axe import barriers
from tests.browser.conftest import OpenPage
from tests.databases import DatabaseKind
from tests.site import Site
from tests.world import World

# What a page shows does not hang on the database.
pytestmark = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)

HOME = "/manage/happy-paws"
LIST = "client_external_id,first_name,last_name,email,pet_name\n1,Ann,Lee,ann@example.net,Rex\nx\n"


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
    page.get_by_label("Your list").set_input_files(
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
