"""A list comes in by its pages: columns said, looked at, brought in, taken back."""

from collections.abc import Callable
from typing import Any

import pytest

from booking.clients import queries as clients
from booking.clients.queries import ClientFilter
from tests.pages import Page, Pages
from tests.site import Site
from tests.world import World
from workers import jobs

HOME = "/manage/happy-paws"
UNKNOWN = b"Who,Reach at,Beast\nDora Moss,dora@example.com,Tilly\nEd Vance,ed@example.com,Waldo\n"
OURS = "client_external_id,first_name,last_name,email,mobile_phone,pet_name\n"

CARD = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Ito;Mika;;;\r\nFN:Mika Ito\r\n"
    b"TEL:+12125550190\r\nEND:VCARD\r\n"
)

Upload = Callable[..., Page]


@pytest.fixture
def upload(pages: Pages) -> Upload:
    def upload(content: bytes, name: str = "list.csv") -> Page:
        file = {"file": (name, content, "application/octet-stream")}
        return pages.owner.get(f"{HOME}/imports").submit("/imports", files=file)

    return upload


def worked(site: Site, page: Page) -> Page:
    """The worker came by, and one looks again."""
    jobs.apply_due_imports(site.database)
    return page.browser.get(page.path)


def known(site: Site, name: str) -> int:
    with site.reading() as session:
        return clients.count(session, ClientFilter(q=name))


def test_columns_are_said_tried_remembered_and_the_list_comes_in(
    upload: Upload, site: Site
) -> None:
    page = upload(UNKNOWN)
    assert page.says("What is in which column?")
    chosen: dict[str, Any] = {"column-0": "full_name", "column-1": "email", "column-2": "pet_name"}
    tried = page.submit("/mapping", button="yes", **chosen)
    assert tried.says("The first rows read like this")
    assert tried.says("Dora Moss Line 2 E-mail dora@example.com Pets Tilly")
    assert known(site, "Dora") == 0
    page = worked(site, tried.submit("/mapping", **chosen))
    assert page.says("What this list would bring")
    assert page.says("New clients 2")
    assert known(site, "Dora") == 0
    page = worked(site, page.submit("/apply"))
    assert page.says("The list is imported")
    assert known(site, "Dora") == 1
    again = upload(UNKNOWN)
    assert again.says("Filled in as for the list with the same columns")
    assert again.form("/mapping").values()["column-2"] == ["pet_name"]


def test_columns_that_say_nothing_of_anybody_are_refused_beside_the_form(upload: Upload) -> None:
    page = upload(UNKNOWN)
    nothing: dict[str, Any] = {"column-0": "", "column-1": "", "column-2": "pet_name"}
    for button in ("yes", None):
        refused = page.submit("/mapping", button=button, **nothing)
        assert refused.status == 422
        assert refused.says("There is a problem")
        assert refused.form("/mapping").values()["column-2"] == ["pet_name"]


def test_each_verdict_has_its_tab_and_its_reasons(upload: Upload, site: Site, world: World) -> None:
    lines = f"1,Jo,Bright,{world.jo.email},,Rex\n2,New,Body,new@example.org,,Ace\n3,,,,,Nobody\n"
    page = worked(site, upload((OURS + lines).encode()))
    assert page.says("Read as: Our own template.")
    assert page.says("Can’t be used 1")
    assert page.says("no name, no e-mail and no phone")
    assert page.follow("New clients").says("New Body")
    assert page.follow("All").says("Jo Bright")
    assert "text/csv" in page.follow("Download the whole report").response.headers["content-type"]


def test_undoing_says_before_what_stays_and_why(pages: Pages, upload: Upload, site: Site) -> None:
    lines = "1,Ann,Lee,ann@example.org,,Ace\n2,Bob,Roe,bob@example.org,,Rio\n"
    page = worked(site, upload((OURS + lines).encode()))
    page = worked(site, page.submit("/apply"))
    bob = page.follow("New clients").follow("Bob Roe")
    bob.follow("Change details").submit("/edit", notes="Came by today")
    page = page.follow("Undo this import")
    assert page.says("Clients are removed 1")
    assert page.says("Bob Roe was changed since.")
    undoing = page.submit("/undo")
    assert undoing.says("Undoing the import of list.csv")
    jobs.undo_due_imports(site.database)
    done = undoing.browser.get(undoing.path)
    assert done.says("Clients were removed 1")
    assert done.says("Stayed as they are 1")
    assert done.says("Not undone: this client was changed since.")
    assert (known(site, "Ann Lee"), known(site, "Bob Roe")) == (0, 1)


def test_contact_cards_come_in_and_go_out(upload: Upload, pages: Pages, site: Site) -> None:
    page = worked(site, upload(CARD, "friends.vcf"))
    assert page.says("New clients 1")
    worked(site, page.submit("/apply"))
    page = pages.owner.get(f"{HOME}/clients?q=Mika")
    for words, sign in (
        ("Table (CSV)", "Mika"),
        ("Contact cards", "BEGIN:VCARD"),
        ("For prog", "{"),
    ):
        file = page.follow(words)
        assert file.status == 200
        assert sign in file.html
        assert "Bright" not in file.html
