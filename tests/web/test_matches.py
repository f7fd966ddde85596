"""Is this the same person? From the question to the link and back, by buttons alone."""

import uuid
from typing import Any

import pytest

from booking.audit.actions import SYSTEM
from booking.clients import queries as clients
from booking.clients.actions import link, unlink
from booking.clients.models import LinkedBy
from booking.linking.actions.sign_up import make_account
from booking.matching import actions, queries
from booking.matching.models import MatchState, Origin
from booking.matching.rules.people import Person
from tests.front_door import Api
from tests.pages import Page, Pages
from tests.site import Site
from tests.web.questions import a_question, ask, newcomer_like
from tests.world import World

HOME = "/manage/happy-paws"
NOBODY = "01890000-0000-7000-8000-000000000000"
ANOTHER_PHONE = {"mobile_phone": "+1 212 555 0177"}


def is_there(site: Site, client_id: uuid.UUID) -> bool:
    with site.reading() as session:
        return client_id in clients.find_many(session, [client_id])


def test_a_question_stands_on_today_and_in_the_menu(pages: Pages, site: Site, world: World) -> None:
    a_question(site, world.jo.id)
    today = pages.staff.get(HOME)
    assert today.says("1 time somebody came who looks like a client you know")
    assert today.says("Matches 1 waiting")
    page = today.follow("Look at it")
    assert page.path == f"{HOME}/matches"
    assert page.says("Is this the same person?")


def test_both_are_shown_with_what_is_the_same_and_what_is_not(
    pages: Pages, site: Site, world: World
) -> None:
    a_question(site, world.jo.id, pet="Rex", first_name="Joanna", origin=Origin.BOOKING)
    page = pages.staff.get(f"{HOME}/matches")
    assert page.says("Joanna Bright and Jo Bright")
    assert page.says("E-mail Same")
    assert page.says("Name Alike")
    assert page.says("Booked online")


def test_where_nothing_must_be_chosen_linking_is_one_press_and_so_is_undoing(
    pages: Pages, site: Site, world: World
) -> None:
    newcomer = a_question(site, world.jo.id)
    page = pages.staff.get(f"{HOME}/matches").submit("/link")
    assert page.says("2 records became one: Jo Bright. It can be undone until")
    assert not is_there(site, newcomer)
    page = page.submit("/undo")
    assert page.says("is a record of their own again")
    assert is_there(site, newcomer)


def test_where_they_differ_one_chooses_before_they_are_linked(
    pages: Pages, site: Site, world: World
) -> None:
    newcomer = a_question(site, world.jo.id, first_name="Joanna")
    page = pages.staff.get(f"{HOME}/matches").submit("/link")
    assert page.path.startswith(f"{HOME}/merges/new?keep={world.jo.id}")
    assert page.says("Two records become one")
    chosen: dict[str, Any] = {"field.first_name": str(newcomer)}
    page = page.submit("/merges", **chosen)
    assert page.says("2 records became one: Joanna Bright")
    with site.reading() as session:
        assert clients.find(session, world.jo.id).first_name == "Joanna"
    page = page.submit("/undo")
    with site.reading() as session:
        assert clients.find(session, world.jo.id).first_name == "Jo"
        assert clients.find(session, newcomer).first_name == "Joanna"


def test_not_the_same_is_remembered_and_can_be_asked_again(
    pages: Pages, site: Site, world: World
) -> None:
    newcomer = a_question(site, world.jo.id)
    page = pages.staff.get(f"{HOME}/matches").submit("/reject")
    assert page.says("Noted: not the same person.")
    assert page.says("Nobody to look at")
    with site.writing() as session:
        assert not queries.open_matches(session)
        ask(session, clients.find(session, newcomer))
        assert not queries.open_matches(session)
    page = page.follow("Not the same").submit("/reopen")
    assert page.says("Taken back.")
    page = page.follow("To decide")
    assert page.says("What speaks for it")


def test_an_answer_is_taken_back_by_its_notice(pages: Pages, site: Site, world: World) -> None:
    a_question(site, world.jo.id)
    page = pages.staff.get(f"{HOME}/matches").submit("/reject").submit("/reopen")
    assert page.says("Taken back. The question is open again.")
    assert page.says("To decide 1")


def test_a_household_stands_on_both_records_until_it_is_taken_back(
    pages: Pages, site: Site, world: World
) -> None:
    newcomer = a_question(site, world.jo.id, first_name="Joanna")
    page = pages.staff.get(f"{HOME}/matches").submit("/household")
    assert page.says("Noted: two people of one household.")
    page = pages.staff.get(f"{HOME}/clients/{newcomer}")
    assert page.follow("Jo Bright").path == f"{HOME}/clients/{world.jo.id}"
    page = pages.staff.get(f"{HOME}/clients/{world.jo.id}")
    assert page.says("Joanna Bright")
    page = page.submit("/reopen")
    assert page.path == f"{HOME}/clients/{world.jo.id}"
    assert page.says("Nobody is noted as living in the same household.")
    assert page.says("Perhaps the same person as Joanna Bright")


def test_somebody_faster_is_no_error_page(pages: Pages, site: Site, world: World) -> None:
    a_question(site, world.jo.id, first_name="Joanna")
    mine, theirs = (browser.get(f"{HOME}/matches") for browser in (pages.staff, pages.manager))
    theirs.submit("/reject")
    page = mine.submit("/household")
    assert page.status == 200
    assert page.says("Somebody has decided about these two already.")


def test_a_question_of_another_business_is_not_found(
    pages: Pages, site: Site, world: World
) -> None:
    newcomer = a_question(site, world.jo.id)
    with site.reading() as session:
        match = queries.of_client(session, newcomer, MatchState.OPEN)[0].id
    for verb in ("link", "reject", "household", "reopen"):
        address = f"/manage/outsiders-kennels/matches/{match}/{verb}"
        assert pages.outsider.request("POST", address).status == 404
    assert not pages.outsider.get("/manage/outsiders-kennels/matches").says("Jo Bright")


@pytest.mark.parametrize("nonsense", ["x", NOBODY, "%00"])
def test_an_address_that_was_cut_short_still_shows_the_page(pages: Pages, nonsense: str) -> None:
    for name in ("after", "answered", "merged", "show"):
        assert pages.staff.get(f"{HOME}/matches?{name}={nonsense}").status == 200
        assert pages.staff.get(f"{HOME}/duplicates?{name}={nonsense}").status == 200
        assert pages.staff.get(f"{HOME}/merges?{name}={nonsense}").status == 200


def test_many_questions_are_asked_a_page_at_a_time(pages: Pages, site: Site, world: World) -> None:
    with site.writing() as session:
        for number in range(8):
            newcomer = newcomer_like(session, world.jo.id, pet=f"Pet {number}")
            ask(session, newcomer)
    page = pages.staff.get(f"{HOME}/matches")
    seen = questions_on(page)
    while any(words.startswith("Next") for words, _ in page.links):
        page = page.follow("Next")
        seen |= questions_on(page)
    with site.reading() as session:
        assert len(seen) == queries.counts(session).matches


def questions_on(page: Page) -> set[str]:
    return {form.action for form in page.forms if form.action.endswith("/link")}


def test_who_looks_like_somebody_known_is_shown_before_they_are_added(
    pages: Pages, site: Site, world: World
) -> None:
    typed: dict[str, Any] = {
        "first_name": "Jo",
        "last_name": "Bright",
        "email": world.jo.email,
        "city": "Ithaca",
    }
    page = pages.staff.get(f"{HOME}/clients/new").submit("/new", **typed)
    assert page.status == 409
    assert page.says("This looks like somebody you know")
    assert page.form("city").values()["city"] == ["Ithaca"]
    assert page.follow("Open this client").path == f"{HOME}/clients/{world.jo.id}"
    page = page.submit("/new", button="yes")
    assert page.says("Jo Bright is added.")
    assert not page.says("Perhaps the same person")
    assert pages.staff.get(f"{HOME}/matches?show=rejected").says("Jo Bright and Jo Bright")


def test_who_looks_like_nobody_is_added_at_once(pages: Pages) -> None:
    page = pages.staff.get(f"{HOME}/clients/new")
    page = page.submit("/new", first_name="Xenia", last_name="Quell")
    assert page.says("Xenia Quell is added.")


def test_a_guest_whose_address_is_known_is_asked_about_and_linked(
    pages: Pages, api: Api, site: Site, world: World
) -> None:
    body = {
        "service_id": str(world.salon.grooming),
        "starts_at": "2027-03-04T10:00:00-05:00",
        "client": {"first_name": "Kim", "last_name": "Cold", "email": world.kim.email},
    }
    visit = api.visitor.post("/businesses/{b}/appointments", json=body).json()
    with site.writing() as session:
        person = Person("Kim", "Cold", world.kim.email)
        actions.raise_for_visit(session, uuid.UUID(visit["id"]), person)
    page = pages.staff.get(f"{HOME}/matches")
    assert page.says("A guest’s visit")
    page = page.submit("/link")
    assert page.says("The visit is linked to Kim Cold now.")
    assert page.says("Nobody to look at")
    assert page.follow("Open the visit").follow("Open the client").says("Kim Cold")
    page = page.submit("/reopen")
    assert page.says("Taken back. The question is open again.")
    assert page.says("A guest’s visit")
    page = page.submit("/link").follow("Linked")
    assert page.says("Kim Cold and Kim Cold Linked")
    page = page.submit("/reopen")
    assert page.says("Nothing linked yet")
    assert pages.staff.get(f"{HOME}/clients/{world.kim.id}").says(
        "A visit or a login may be theirs."
    )


def test_a_login_without_a_record_is_linked_to_the_one_staff_know(
    pages: Pages, site: Site, world: World
) -> None:
    with site.writing() as session:
        account = make_account(
            session, email="kim.c@example.com", name="Kim Cold", password_hash=None
        )
        session.flush()
        actions.raise_for_login(session, account.id, Person("Kim", "Cold", world.kim.email))
    page = pages.staff.get(f"{HOME}/matches")
    assert page.says("A login without a record")
    page = page.submit("/link")
    assert page.says("The login is linked to Kim Cold now.")
    assert page.follow("Open the record").says("kim.c@example.com sees and books")
    late = pages.staff.get(f"{HOME}/matches?show=linked")
    assert late.says("Taken back, a visit is a guest’s again, and a login is signed out")
    page = page.submit("/reopen")
    assert page.says("A login without a record")
    assert pages.staff.get(f"{HOME}/clients/{world.kim.id}").says(
        "A visit or a login may be theirs."
    )
    pages.staff.get(f"{HOME}/matches").submit("/link")
    with site.writing() as session:
        kim, pat = (clients.find(session, each.id) for each in (world.kim, world.pat))
        unlink(session, kim, by=SYSTEM)
        link(session, pat, account.id, linked_by=LinkedBy.STAFF, by=SYSTEM)
    page = late.submit("/reopen")
    assert page.says("This login is Pat Silent’s by now, not Kim Cold’s any more.")
