"""A maintenance notice posted by an operator, seen to come and go with time moved, in a browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import barriers
from tests.browser.conftest import DESK, PHONE, OpenPage
from tests.databases import DatabaseKind
from tests.times import Clock
from tests.world import World

pytestmark = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)
TITLE = "We move to bigger machines"


def look(page: Page) -> None:
    assert barriers(page) == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def test_maintenance_is_posted_comes_and_goes(
    open_page: OpenPage, world: World, clock: Clock
) -> None:
    operator = open_page(world.operator)
    operator.goto("/operator/notices/new")
    operator.get_by_label("Maintenance", exact=True).check(force=True)
    operator.get_by_label("Title").fill(TITLE)
    operator.get_by_label("What people should know").fill("Nothing can be booked meanwhile.")
    operator.get_by_label("Online booking").check(force=True)
    operator.get_by_label("Does not work").check(force=True)
    operator.get_by_label("Start").fill("2027-03-01T16:00")
    operator.get_by_label("Until").fill("2027-03-01T18:00")
    operator.get_by_label("Read-only meanwhile").check()
    operator.get_by_role("button", name="Post this notice").click()
    expect(operator.get_by_text("Posted. It leaves by itself")).to_be_visible()

    owner = open_page(world.jo, width=PHONE, colours="dark")
    plain = open_page(width=DESK, scripts=False)
    banner = owner.get_by_role("complementary", name="Service notices")
    owner.goto("/happy-paws")
    expect(banner).to_have_count(0)
    clock.move(hours=2, minutes=1)
    owner.goto("/happy-paws")
    expect(banner).to_contain_text("Until Mon 1 Mar 2027, 1:00 pm EST (New York)")
    look(owner)
    owner.goto("/status")
    expect(owner.get_by_text("Maintenance is going on")).to_be_visible()
    expect(owner.get_by_text("(for you Mon").first).to_be_visible()
    look(owner)
    banner.get_by_role("button", name="Dismiss").click()
    expect(banner).to_have_count(0)
    owner.goto("/happy-paws/account")
    expect(banner).to_have_count(0)

    plain.goto("/happy-paws/book?x=1")
    plain.get_by_role("button", name="Dismiss").click()
    expect(plain).to_have_url(re.compile(r"/happy-paws/book\?x=1$"))
    expect(plain.get_by_role("complementary", name="Service notices")).to_have_count(0)
    desk = open_page(world.owner)
    desk.goto("/manage/happy-paws")
    expect(desk.get_by_role("complementary", name="Service notices")).to_contain_text(TITLE)
    look(desk)
    clock.move(hours=2)
    desk.goto("/manage/happy-paws")
    expect(desk.get_by_role("complementary", name="Service notices")).to_have_count(0)
    desk.goto("/status")
    expect(desk.get_by_text("Everything works")).to_be_visible()
    expect(desk.get_by_text("Maintenance on 1 day")).to_be_visible()
