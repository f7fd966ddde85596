"""From the question to the link and back: without a mouse, without a script, and while it moves."""

import pytest
from playwright.sync_api import expect

from booking.clients import queries as clients
from tests.browser.conftest import PHONE, OpenPage
from tests.browser.test_keyboard import tab_and_type, tab_to
from tests.databases import DatabaseKind
from tests.site import Site
from tests.web.questions import a_question
from tests.world import World
from workers import jobs

pytestmark = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)

HOME = "/manage/happy-paws"
UNKNOWN = b"Who,Reach at,Beast\nDora Moss,dora@example.com,Tilly\nEd Vance,ed@example.com,Waldo\n"


def test_by_keyboard_two_are_linked_and_taken_apart(
    open_page: OpenPage, world: World, site: Site
) -> None:
    newcomer = a_question(site, world.jo.id, first_name="Joanna")
    page = open_page(world.staff)
    page.goto(HOME)
    tab_to(page, "link", "Look at it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this the same person?")
    tab_to(page, "button", "Link: same person")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Two records become one")
    tab_to(page, "radio", "Jo")
    page.keyboard.press("ArrowDown")
    tab_to(page, "button", "Merge into")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("2 records became one")
    tab_to(page, "button", "Undo")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("of their own again")
    with site.reading() as session:
        assert clients.find(session, newcomer).first_name == "Joanna"
        assert clients.find(session, world.jo.id).first_name == "Jo"


def test_by_keyboard_an_answer_is_given_and_taken_back(
    open_page: OpenPage, world: World, site: Site
) -> None:
    a_question(site, world.jo.id)
    page = open_page(world.staff)
    page.goto(f"{HOME}/matches")
    tab_to(page, "button", "Same household")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("one household")
    tab_to(page, "button", "Undo")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Taken back")
    expect(page.get_by_role("button", name="Link: same person")).to_be_visible()


def test_choosing_which_record_stays_turns_the_page_around(
    open_page: OpenPage, world: World
) -> None:
    page = open_page(world.staff)
    page.goto(f"{HOME}/merges/new?keep={world.kim.id}&merge={world.pat.id}")
    page.locator("label", has_text="Pat Silent").first.click()
    expect(page.get_by_role("button", name="Merge into Pat Silent")).to_be_visible()
    page.get_by_role("radio", name="Pat Silent").first.focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="Merge into Pat Silent")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Merge into Kim Cold")).to_be_visible()


def test_without_a_script_from_the_question_to_the_link_and_back(
    open_page: OpenPage, world: World, site: Site
) -> None:
    newcomer = a_question(site, world.jo.id, first_name="Joanna")
    page = open_page(world.staff, width=PHONE, scripts=False)
    page.goto(f"{HOME}/matches")
    page.get_by_role("button", name="Link: same person").click()
    page.locator("label", has_text="Joanna Bright").first.click()
    page.get_by_role("button", name="Keep the chosen record").click()
    page.get_by_role("button", name="Merge into Joanna Bright").click()
    assert page.get_by_text("2 records became one: Jo").count()
    assert str(newcomer) in page.url
    page.goto(f"{HOME}/clients/{world.jo.id}")
    assert str(newcomer) in page.url
    page.goto(f"{HOME}/merges")
    page.get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Undo this merge").click()
    assert page.get_by_text("of their own again").count()


def test_without_a_script_who_looks_like_somebody_is_added_all_the_same(
    open_page: OpenPage, world: World
) -> None:
    page = open_page(world.staff, width=PHONE, scripts=False)
    page.goto(f"{HOME}/clients/new")
    page.get_by_label("First name").fill("Jo")
    page.get_by_label("Last name").fill("Bright")
    page.get_by_label("E-mail").first.fill(world.jo.email)
    page.get_by_role("button", name="Add this client").click()
    assert page.get_by_text("This looks like somebody you know").count()
    assert page.get_by_label("Last name").input_value() == "Bright"
    page.get_by_role("button", name="Add as a new client anyway").click()
    assert page.get_by_text("Jo Bright is added.").count()


def test_enter_in_a_field_never_adds_whom_we_know(open_page: OpenPage, world: World) -> None:
    page = open_page(world.staff)
    page.goto(f"{HOME}/clients/new")
    tab_and_type(page, "First name", "Jo")
    tab_and_type(page, "Last name", "Bright")
    page.keyboard.press("Enter")
    looks = page.get_by_role("heading", name="This looks like")
    expect(looks).to_be_visible()
    tab_to(page, "textbox", "Last name")
    page.keyboard.press("Enter")
    expect(looks).to_be_visible()


def test_the_look_through_the_list_moves_while_one_watches(
    open_page: OpenPage, world: World, site: Site
) -> None:
    page = open_page(world.owner)
    page.goto(f"{HOME}/duplicates")
    page.get_by_role("button", name="Look through the whole list").click()
    expect(page.get_by_role("progressbar", name="Clients compared")).to_be_visible()
    jobs.scan_due_lists(site.database)
    expect(page.get_by_role("main")).to_contain_text("The whole list was looked through")


def test_a_list_with_columns_of_its_own_comes_in_and_is_taken_back(
    open_page: OpenPage, world: World, site: Site
) -> None:
    page = open_page(world.owner, width=PHONE)
    page.goto(f"{HOME}/imports")
    page.get_by_label("Your list").set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": UNKNOWN}
    )
    page.get_by_role("button", name="Look at this list").click()
    page.get_by_label("Who holds").select_option("full_name")
    page.get_by_label("Reach at holds").select_option("email")
    page.get_by_label("Beast holds").select_option("pet_name")
    page.get_by_role("button", name="Only show the first rows").click()
    expect(page.get_by_role("heading", name="Dora Moss")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "first-rows"
    page.get_by_role("button", name="Look at the list with these columns").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Looking at list.csv")
    jobs.apply_due_imports(site.database)
    page.get_by_role("button", name="Import 2 clients").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Importing list.csv")
    jobs.apply_due_imports(site.database)
    page.get_by_role("link", name="Undo this import").click()
    assert "Nobody worked with these clients since" in page.inner_text("main")
    page.get_by_role("button", name="Undo this import").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Undoing the import of list.csv")
    expect(page.get_by_role("progressbar")).to_be_visible()
    jobs.undo_due_imports(site.database)
    expect(heading).to_have_text("This import was undone")
    assert "2 removed, 0 as they were before" in page.inner_text("main")
