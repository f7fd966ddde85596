"""Signing in, in a real browser."""

import pytest

from tests.browser.axe import barriers
from tests.browser.conftest import OpenPage
from tests.databases import DatabaseKind
from tests.world import World

# What a page shows does not hang on the database.
pytestmark = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)


def test_the_owner_signs_in_and_out(open_page: OpenPage, world: World) -> None:
    page = open_page()
    page.goto("/manage/sign-in")
    assert barriers(page) == []
    page.get_by_label("E-mail").fill(world.owner.email)
    page.get_by_label("Password", exact=True).fill(world.owner.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/manage/happy-paws")
    page.get_by_text(world.owner.name).first.click()
    page.get_by_role("button", name="Sign out").first.click()
    page.goto("/manage/happy-paws/members")
    assert "/manage/sign-in" in page.url
