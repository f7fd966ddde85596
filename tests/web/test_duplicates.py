"""Who stands in the list twice: found by looking through it, and decided pair by pair."""

from booking.clients.models import Client
from tests import make
from tests.pages import Pages
from tests.site import Site
from tests.web.questions import ask, newcomer_like
from tests.world import World
from workers import jobs

HOME = "/manage/happy-paws"


def twice(site: Site, name: str = "Vera") -> None:
    with site.writing() as session:
        for _ in range(2):
            known: Client = make.client(
                session, first_name=name, last_name="Moll", mobile_phone="212 555 0143"
            )
            make.pet(session, known, name="Olga")


def test_the_whole_list_is_looked_through_and_shows_how_far_it_is(pages: Pages, site: Site) -> None:
    twice(site)
    page = pages.owner.get(f"{HOME}/duplicates")
    assert page.says("The whole list was not looked through yet.")
    page = page.submit("/scan")
    assert page.says("0 of 6")
    part = pages.owner.get(f"{HOME}/duplicates", headers={"X-Partial": "1"})
    assert "data-running" in part.html
    assert "<html" not in part.html
    jobs.scan_due_lists(site.database)
    page = pages.owner.get(f"{HOME}/duplicates")
    assert page.says("The whole list was looked through")
    assert page.says("Vera Moll and Vera Moll")
    assert page.says("Same name")


def test_a_pair_is_compared_and_merged_and_is_no_pair_any_more(pages: Pages, site: Site) -> None:
    twice(site)
    pages.owner.request("POST", f"{HOME}/duplicates/scan")
    jobs.scan_due_lists(site.database)
    page = pages.owner.get(f"{HOME}/duplicates").follow("Compare and merge")
    assert page.submit("/merges").says("2 records became one: Vera Moll.")
    assert not pages.owner.get(f"{HOME}/duplicates").says("Vera Moll and Vera Moll")


def test_an_answer_brings_one_back_to_the_list_and_is_taken_back_there(
    pages: Pages, site: Site
) -> None:
    twice(site)
    pages.owner.request("POST", f"{HOME}/duplicates/scan")
    jobs.scan_due_lists(site.database)
    page = pages.owner.get(f"{HOME}/duplicates").submit("/reject")
    assert page.path.startswith(f"{HOME}/duplicates?answered=")
    assert page.says("Noted: not the same person.")
    assert not page.says("Vera Moll and Vera Moll")
    jobs.scan_due_lists(site.database)
    assert page.submit("/reopen").says("Taken back.")
    assert pages.owner.get(f"{HOME}/duplicates").says("Vera Moll and Vera Moll")


def test_three_of_one_person_can_be_put_together_at_once(
    pages: Pages, site: Site, world: World
) -> None:
    with site.writing() as session:
        for phone in ("212 555 0120", "212 555 0121"):
            ask(session, newcomer_like(session, world.jo.id, mobile_phone=phone))
    page = pages.owner.get(f"{HOME}/duplicates")
    assert page.says("3 records look like this person")
    page = page.follow("Compare all 3")
    assert page.says("3 records become one")
    assert page.submit("/merges").says("3 records became one: Jo Bright.")


def test_nobody_twice_is_said_plainly(pages: Pages, site: Site) -> None:
    page = pages.owner.get(f"{HOME}/duplicates").submit("/scan")
    jobs.scan_due_lists(site.database)
    assert pages.owner.get(page.path).says("No duplicates")


def test_an_outsider_sees_nothing_of_it(pages: Pages, site: Site) -> None:
    twice(site)
    assert pages.outsider.get(f"{HOME}/duplicates").status == 404
    assert pages.outsider.request("POST", f"{HOME}/duplicates/scan").status == 404
