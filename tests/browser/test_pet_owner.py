"""A pet owner's pages in a real browser: by phone and at a desk, light and dark."""

from typing import Literal

import pytest

from tests.browser.axe import barriers
from tests.browser.conftest import OpenPage
from tests.databases import DatabaseKind
from tests.world import World

# What a page shows does not hang on the database.
pytestmark = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)

Colours = Literal["light", "dark"]
LOOKS: list[tuple[int, Colours]] = [(360, "light"), (1280, "dark")]


@pytest.mark.parametrize(("width", "colours"), LOOKS)
def test_every_page_of_the_account_is_without_barriers(
    open_page: OpenPage, world: World, width: int, colours: Colours
) -> None:
    page = open_page(world.jo, width=width, colours=colours)
    visit = f"appointments/{world.jo.visit}"
    pet = f"pets/{world.jo.pet_ids[0]}"
    below = ["past", "details", "email", "pets", pet, "calendar", "sessions", "password"]
    for path in ["", *below, visit, f"{visit}/cancel", f"{visit}/move"]:
        page.goto(f"/happy-paws/account/{path}".rstrip("/"))
        assert barriers(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize(("width", "colours"), LOOKS)
def test_every_page_for_anyone_is_without_barriers(
    open_page: OpenPage, width: int, colours: Colours
) -> None:
    page = open_page(width=width, colours=colours)
    pages = ["/", "/status", "/help", "/happy-paws"]
    pages += [f"/happy-paws/{each}" for each in ("sign-in", "sign-in/code", "forgot", "sign-up")]
    for path in [*pages, "/happy-paws/sign-up/confirm"]:
        page.goto(path)
        assert barriers(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_visit_is_booked_on_a_phone(open_page: OpenPage, world: World, scripts: bool) -> None:
    page = open_page(width=360, scripts=scripts)

    def check() -> None:
        if scripts:
            assert barriers(page) == [], page.url

    page.goto("/happy-paws")
    page.get_by_role("link", name="Book a visit").click()
    check()
    page.locator(f"label[for]:near(input[value='{world.salon.grooming}'])").first.click()
    page.get_by_role("button", name="Continue").click()
    check()
    page.get_by_role("button", name="Continue").click()
    check()
    page.locator(".time").nth(1).click()
    check()
    page.get_by_label("First name").fill("Nora")
    page.get_by_label("Last name").fill("Quist")
    page.get_by_label("E-mail").fill("nora@example.com")
    page.get_by_label("Name of your pet").fill("Pip")
    page.locator(".actions").get_by_role("button", name="Continue").click()
    check()
    page.get_by_role("button", name="Book this visit").click()
    check()
    assert page.get_by_role("heading", name="Thank you").is_visible()
