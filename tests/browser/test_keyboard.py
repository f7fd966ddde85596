"""The main jobs without a mouse, and without a script."""

import pytest
from playwright.sync_api import Page, expect

from booking.preferences.actions import current
from tests.browser.conftest import PHONE, OpenPage
from tests.databases import DatabaseKind
from tests.mailbox import Mailbox
from tests.site import Site
from tests.world import World

pytestmark = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)
FAR = 80
"""more presses of Tab than any page has stops on the way to its main button"""


def tab_to(page: Page, role: str, name: str) -> None:
    """As somebody who sees where the focus is: Tab until it stands there."""
    wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
    expect(wanted).to_be_attached()
    for _ in range(FAR):
        if wanted.evaluate("(each) => each === document.activeElement"):
            assert page.evaluate(RING), f"{name} has the focus and does not show it"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not come to {role} {name!r} on {page.url}")


# The ring may be drawn around the row, the label or the drawing that stands for the control.
RING = """() => {
  const own = document.activeElement;
  const near = [own, own.closest('.choice, .switch, li, label'), own.nextElementSibling];
  return near.some((each) => each && getComputedStyle(each).outlineStyle !== 'none');
}"""


def tab_and_type(page: Page, name: str, text: str) -> None:
    tab_to(page, "textbox", name)
    page.keyboard.type(text)


def test_a_visit_is_booked_by_keyboard_alone(
    open_page: OpenPage, world: World, mailbox: Mailbox
) -> None:
    page = open_page()
    page.goto("/happy-paws")
    tab_to(page, "link", "Book a visit")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Which service?")
    page.keyboard.press("Tab")
    for _ in range(FAR):
        if page.evaluate("document.activeElement.type === 'radio'"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("With whom?")
    tab_to(page, "button", "Continue")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("When would suit you?")
    for _ in range(FAR):
        if page.evaluate("document.activeElement.name === 'start'"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You and your pet")
    tab_and_type(page, "First name", "Nora")
    tab_and_type(page, "Last name", "Quist")
    tab_and_type(page, "E-mail", "nora@example.com")
    tab_and_type(page, "Name of your pet", "Pip")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your answers")
    tab_to(page, "button", "Book this visit")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your visit is booked").first).to_be_visible()
    assert mailbox.to("nora@example.com")


def test_the_switch_is_moved_and_saved_by_keyboard(
    open_page: OpenPage, world: World, site: Site
) -> None:
    page = open_page(world.owner)
    page.goto("/manage/happy-paws/preferences")
    tab_to(page, "switch", "Allow Client Online Account Access")
    page.keyboard.press("Space")
    tab_to(page, "button", "Save Changes")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_be_visible()
    with site.reading() as session:
        assert not current(session).client_settings.allow_client_online_account_access


def test_without_a_script_a_visit_is_booked(
    open_page: OpenPage, world: World, mailbox: Mailbox
) -> None:
    page = open_page(width=PHONE, scripts=False)
    page.goto("/happy-paws")
    page.get_by_role("link", name="Book a visit").click()
    page.locator("label", has_text="Full grooming").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue").click()
    page.locator("button[name=start]").first.click()
    page.get_by_label("First name").fill("Nora")
    page.get_by_label("Last name").fill("Quist")
    page.get_by_label("E-mail").fill("nora@example.com")
    page.get_by_label("Name of your pet").fill("Pip")
    page.get_by_role("button", name="Continue", exact=True).last.click()
    page.get_by_role("button", name="Book this visit").click()
    assert page.get_by_text("Your visit is booked").count()
    assert mailbox.to("nora@example.com")


def test_without_a_script_preferences_are_saved(
    open_page: OpenPage, world: World, site: Site
) -> None:
    page = open_page(world.owner, width=PHONE, scripts=False)
    page.goto("/manage/happy-paws/preferences")
    page.get_by_text("Allow Client Online Account Access").first.click()
    page.get_by_role("button", name="Save Changes").click()
    assert page.get_by_role("status").count()
    with site.reading() as session:
        assert not current(session).client_settings.allow_client_online_account_access
