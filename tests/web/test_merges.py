"""Two records become one: chosen, looked at, done, found again under the old address, undone."""

import uuid
from typing import Any

import pytest

from booking.clients import queries as clients
from booking.merges import queries as merges
from tests import make
from tests.mailbox import Mailbox
from tests.pages import Page, Pages
from tests.site import Site
from tests.times import START, Clock
from tests.world import World

HOME = "/manage/happy-paws"
NOBODY = "01890000-0000-7000-8000-000000000000"
Two = tuple[uuid.UUID, uuid.UUID]


@pytest.fixture
def two(site: Site) -> Two:
    """One person twice: the second with another name and city, a telephone and the same pet."""
    with site.writing() as session:
        one = make.client(
            session, first_name="Bob", last_name="Lang", email="b@example.net", city="Ithaca"
        )
        other = make.client(
            session, first_name="Robert", last_name="Lang", mobile_phone="555 0144", city="Utica"
        )
        for owner in (one, other):
            make.pet(session, owner, name="Bruno")
        return one.id, other.id


def preview(pages: Pages, two: Two) -> Page:
    return pages.staff.get(f"{HOME}/merges/new?keep={two[0]}&merge={two[1]}")


def merged(pages: Pages, two: Two) -> Page:
    return preview(pages, two).submit("/merges")


def test_the_other_record_is_found_from_a_client_s_page(pages: Pages, two: Two) -> None:
    page = pages.staff.get(f"{HOME}/clients/{two[0]}").follow("Merge with another client")
    page = page.submit("q", q="Robert").follow("Robert Lang")
    assert page.says("Two records become one")
    assert page.says("Merge into Bob Lang")


def test_before_it_is_done_one_sees_what_stays_and_what_comes_along(pages: Pages, two: Two) -> None:
    page = preview(pages, two)
    assert page.says("Bruno is the same pet and stays one.")
    assert page.says("Mobile phone, from Robert Lang 555 0144")
    assert page.says("What is the same")
    fields = page.form("/merges").names
    assert {"field.first_name", "field.address"} <= fields
    assert not {"field.last_name", "field.mobile_phone", "login"} & fields


def test_choosing_the_other_record_to_stay_turns_the_page_around(pages: Pages, two: Two) -> None:
    page = preview(pages, two).submit("/new", keep=str(two[1]))
    assert page.says("Merge into Robert Lang")
    assert page.form("/merges").values()["merge"] == [str(two[0])]


def test_what_was_chosen_stays_and_the_old_address_leads_on(
    pages: Pages, site: Site, two: Two
) -> None:
    chosen: dict[str, Any] = {"field.first_name": str(two[1]), "field.address": str(two[1])}
    page = preview(pages, two).submit("/merges", **chosen)
    assert page.says("2 records became one: Robert Lang. It can be undone until Wed 31 Mar.")
    with site.reading() as session:
        kept = clients.find(session, two[0])
        assert (kept.first_name, kept.city, kept.email) == ("Robert", "Utica", "b@example.net")
        assert kept.mobile_phone == "555 0144"
    old = pages.staff.get(f"{HOME}/clients/{two[1]}")
    assert old.path == f"{HOME}/clients/{two[0]}"
    assert old.says("That record is part of this one.")


def test_undoing_gives_both_back(pages: Pages, site: Site, two: Two) -> None:
    merged(pages, two)
    page = pages.staff.get(f"{HOME}/merges").follow("Undo the merge into Bob Lang")
    page = page.submit("/undo")
    assert page.says("Undone. Robert Lang is a record of their own again.")
    assert page.path == f"{HOME}/clients/{two[1]}"
    with site.reading() as session:
        assert clients.find(session, two[0]).mobile_phone == ""
        assert clients.pets_of(session, [two[1]])[two[1]]
    assert pages.staff.get(f"{HOME}/merges").says("Undone by Stella Staff")


def test_what_changed_since_is_decided_and_nothing_is_overwritten_before(
    pages: Pages, site: Site, two: Two
) -> None:
    page = merged(pages, two)
    pages.staff.get(f"{HOME}/clients/{two[0]}/edit").submit("/edit", mobile_phone="555 0199")
    page = page.submit("/undo")
    assert page.status == 409
    assert page.says("Mobile phone of Bob Lang")
    with site.reading() as session:
        assert clients.find(session, two[0]).mobile_phone == "555 0199"
    names = [name for name in page.form("/undo").names if name.startswith("decide.")]
    decisions: dict[str, Any] = dict.fromkeys(names, "keep")
    done = page.submit("/undo", **decisions)
    assert done.says("Undone.")
    with site.reading() as session:
        assert clients.find(session, two[0]).mobile_phone == "555 0199"
        assert clients.find(session, two[1]).mobile_phone == "555 0144"


def test_of_two_logins_one_is_chosen_and_the_other_owner_is_told(
    pages: Pages, site: Site, world: World, mailbox: Mailbox
) -> None:
    page = pages.staff.get(f"{HOME}/merges/new?keep={world.jo.id}&merge={world.sam.id}")
    refused = page.submit("/merges")
    assert refused.status == 422
    assert refused.says("Choose which login stays.")
    done = refused.submit("/merges", login=str(world.jo.person.account_id))
    assert done.says("2 records became one: Jo Bright.")
    assert pages.other_client.get("/happy-paws/account").path.startswith("/happy-paws/sign-in")
    assert mailbox.to(world.sam.email)


def test_what_was_typed_stays_when_it_is_refused(pages: Pages, site: Site, world: World) -> None:
    page = pages.staff.get(f"{HOME}/merges/new?keep={world.jo.id}&merge={world.sam.id}")
    chosen: dict[str, Any] = {"field.first_name": str(world.sam.id)}
    refused = page.submit("/merges", **chosen)
    assert refused.form("/merges").values()["field.first_name"] == [str(world.sam.id)]


def test_somebody_faster_leads_to_the_record_there_is(pages: Pages, two: Two) -> None:
    page = preview(pages, two)
    merged(pages, two)
    again = page.submit("/merges")
    assert again.path == f"{HOME}/clients/{two[0]}"
    assert again.says("These records are one already.")


def test_after_thirty_days_it_can_t_be_undone(pages: Pages, two: Two, clock: Clock) -> None:
    page = merged(pages, two)
    clock.move(days=31)
    late = page.submit("/undo")
    assert late.says("A merge can be undone for 30 days.")
    assert not pages.staff.get(f"{HOME}/clients/{two[0]}").says("Undo until")


def test_what_moves_is_counted_before(pages: Pages, site: Site, world: World, two: Two) -> None:
    with site.writing() as session:
        other = clients.find(session, two[1])
        make.appointment(session, other, world.salon.grooming, world.salon.ana, START)
    assert preview(pages, two).says("1 appointment moves to Bob Lang.")
    assert merged(pages, two).says("Full grooming")


@pytest.mark.parametrize("query", ["", "?keep=x", "?keep=x&merge=y", f"?keep={NOBODY}"])
def test_an_address_that_means_nothing_is_not_found(pages: Pages, query: str) -> None:
    assert pages.staff.get(f"{HOME}/merges/new{query}").status == 404


def test_nothing_is_merged_across_businesses(pages: Pages, world: World, two: Two) -> None:
    kennels = "/manage/outsiders-kennels"
    sent = {"keep": str(world.max.id), "merge": str(two[1])}
    assert pages.outsider.request("POST", f"{kennels}/merges", data=sent).status == 404
    merged_id = uuid.UUID(int=0)
    assert pages.outsider.get(f"{kennels}/merges/{merged_id}/undo").status == 404
    assert pages.outsider.get(f"{kennels}/clients/{two[0]}/merge").status == 404


def test_a_login_goes_along(pages: Pages, site: Site, world: World, two: Two) -> None:
    page = pages.staff.get(f"{HOME}/merges/new?keep={two[0]}&merge={world.jo.id}")
    page = page.submit("/merges")
    assert page.says("jo.bright@example.com sees and books for this client")
    with site.reading() as session:
        assert merges.where_is(session, world.jo.id) == two[0]
