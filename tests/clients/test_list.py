"""Finding clients: the list, its search, filters and pages."""

from booking.clients.rules import needles
from tests import make
from tests.front_door import Api, fields_of
from tests.pages import Pages
from tests.site import Site
from tests.world import World

LIST = "/businesses/{b}/clients"


def names(api: Api, **params: object) -> list[str]:
    answer = api.staff.get(LIST, params=params)
    assert answer.status_code == 200, answer.text
    return [one["first_name"] for one in answer.json()["items"]]


def test_clients_come_by_last_name_however_it_is_written(api: Api, site: Site) -> None:
    with site.writing() as session:
        make.client(session, first_name="Zoe", last_name="de Vries")
        make.client(session, first_name="Oyvind", last_name="Ås")
    assert names(api) == ["Oyvind", "Jo", "Kim", "Zoe", "Pat", "Sam"]


def test_every_word_must_be_found_in_names_email_phone_pets_or_number(api: Api, site: Site) -> None:
    with site.writing() as session:
        found = make.client(
            session,
            first_name="Łucja",
            last_name="Müller",
            email="Lucja@Example.com",
            mobile_phone="+44 7911 123-456",
            external_id="C-77",
        )
        make.pet(session, found, name="Señor Paws")
    for query in (
        "lucja",
        "MULLER luc",
        "lucja@example.com",
        "07911 123456",
        "123-456",
        "senor",
        "paws müller",
        "c-77",
    ):
        assert names(api, q=query) == ["Łucja"], query
    assert names(api, q="lucja stone") == []


def test_wildcards_in_a_search_are_only_letters(api: Api) -> None:
    for query in ("%", "_", "j%o", "\\", "'"):
        assert names(api, q=query) == [], query


def test_a_renamed_or_archived_pet_is_found_by_what_it_is_called_now(
    api: Api, world: World
) -> None:
    rex, mia = world.jo.pet_ids
    pets = f"{LIST}/{world.jo.id}/pets"
    api.staff.patch(f"{pets}/{rex}", json={"name": "Rexford"})
    api.staff.patch(f"{pets}/{mia}", json={"archived": True})
    assert names(api, q="rexford") == ["Jo"]
    assert names(api, q="mia") == []


def test_filters_narrow_the_list(api: Api, site: Site) -> None:
    with site.writing() as session:
        make.client(session, first_name="Gone", status="inactive")
        make.client(session, first_name="Typo", email="typo at example.com")
    assert names(api, status="inactive") == ["Gone"]
    assert names(api, has_account="true") == ["Jo", "Sam"]
    assert "Jo" not in names(api, has_account="false")
    assert names(api, email_valid="false") == ["Typo"]


def test_pages_follow_each_other_without_gap_or_repeat(api: Api, site: Site) -> None:
    with site.writing() as session:
        for _ in range(7):
            make.client(session, first_name="Same", last_name="Name")
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = api.staff.get(LIST, params=params).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 11


def test_a_cursor_of_ones_own_is_refused(api: Api) -> None:
    for cursor in ("x", "W10", "WyIiLCAiIl0", "WyJcdTAwMDAiLCAiMDE5Il0"):
        answer = api.staff.get(LIST, params={"cursor": cursor})
        assert set(fields_of(answer)) == {"cursor"}, cursor


def test_a_search_that_no_database_can_hold_is_refused(api: Api) -> None:
    assert set(fields_of(api.staff.get(LIST, params={"q": "a\0b"}))) == {"q"}


def test_the_list_of_another_business_is_not_seen(api: Api, world: World) -> None:
    assert api.outsider.get(LIST).status_code == 404
    theirs = api.outsider.at(world.kennels.slug).get(LIST).json()["items"]
    assert [one["first_name"] for one in theirs] == ["Max"]


def test_the_page_shows_searches_and_leads_to_the_envelope(pages: Pages) -> None:
    page = pages.staff.get("/manage/happy-paws/clients")
    assert page.says("4 in all")
    assert page.says("Jo Bright")
    assert page.says("Rex, Mia")
    assert page.says("Has a login")
    assert ("Send login invitations", "/manage/happy-paws/clients/invite") in page.links
    found = page.submit("q", q="bella")
    assert found.says("1 found")
    assert not found.says("Jo Bright")
    assert page.submit("q", q="nobody like that").says("Nobody found")


def test_a_link_that_was_damaged_still_shows_the_list(pages: Pages) -> None:
    page = pages.staff.get("/manage/happy-paws/clients?q=%00&status=nonsense&after=nothing")
    assert page.status == 200
    assert page.says("Jo Bright")


def test_long_numbers_are_compared_by_their_end() -> None:
    assert needles("+44 7911 123456") == [("911123456",)]
    assert needles("(781) 242-9407") == [("7812429407",)]
    assert needles("  ") == []
