"""Is this person that client? The verdict, told in examples and held to its promises."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from booking.matching.rules.keys import KeyKind, key, keys, name_number
from booking.matching.rules.people import Person, Pet, Profile, profile
from booking.matching.rules.verdicts import Decision, Verdict, compare, judge

ROBERT = Person(
    first_name="Robert",
    last_name="King",
    email="robert.king@example.com",
    mobile_phone="(617) 495-1000",
    home_phone="617-495-2000",
    address_1="85 Spring St",
    city="Boston",
    region="MA",
    postal_code="02108",
    pets=(Pet("Luna", "Labrador"), Pet("Max")),
)
NOBODY_SHARES: Mapping[int, int] = {}


def verdict(newcomer: Person, *known: Person, shared: Mapping[int, int] = NOBODY_SHARES) -> Verdict:
    listed = [(f"client {at}", profile(person)) for at, person in enumerate(known)]
    return judge(profile(newcomer), listed, shared)


def decision(
    newcomer: Person, *known: Person, shared: Mapping[int, int] = NOBODY_SHARES
) -> Decision:
    return verdict(newcomer, *known, shared=shared).decision


@pytest.mark.parametrize(
    "newcomer",
    [
        ROBERT,
        replace(ROBERT, first_name="ROBERT", email="Robert.King@Example.com"),
        Person("Robert", "King", email="robert.king@example.com"),
        Person("Robert", "King", mobile_phone="617.495.1000 (cell)"),
        Person("King", "Robert", email="robert.king@example.com"),
        Person("Robert King", "", email="robert.king@example.com"),
        replace(ROBERT, last_name="Kinng"),
        replace(ROBERT, first_name="Bob"),
        replace(ROBERT, first_name="Roebrt"),
        replace(ROBERT, address_1="9 Elm Rd", pets=()),
    ],
)
def test_name_and_contact_agree_and_nothing_differs_so_it_is_linked(newcomer: Person) -> None:
    found = verdict(newcomer, ROBERT)

    assert (found.decision, found.client_id) == (Decision.LINK, "client 0")


@pytest.mark.parametrize(
    "newcomer",
    [
        pytest.param(replace(ROBERT, last_name="King Jr."), id="a son of the same name"),
        pytest.param(replace(ROBERT, first_name="Robert & Sue"), id="a couple in one record"),
        pytest.param(
            replace(ROBERT, mobile_phone="857-555-3210", home_phone=""), id="another number"
        ),
        pytest.param(
            replace(ROBERT, mobile_phone="857-288-3210"), id="a number of his own besides"
        ),
        pytest.param(
            Person("Robert", "King", pets=ROBERT.pets, postal_code="02108"), id="name and pets only"
        ),
        pytest.param(
            Person("Bob", "King", mobile_phone="617-495-1000"), id="nickname and number only"
        ),
        pytest.param(
            Person("", "", email="robert.king@example.com"), id="an e-mail and no name at all"
        ),
    ],
)
def test_where_something_differs_or_lacks_a_person_decides(newcomer: Person) -> None:
    found = verdict(newcomer, ROBERT)

    assert found.decision is Decision.REVIEW
    assert [ranked.client_id for ranked in found.ranked] == ["client 0"]


@pytest.mark.parametrize(
    "newcomer",
    [
        pytest.param(
            replace(ROBERT, first_name="Susan", mobile_phone="857-288-3210"), id="a spouse"
        ),
        pytest.param(Person("Susan", "King", home_phone="617-495-2000"), id="a child"),
        pytest.param(Person("Susan", "Walsh", mobile_phone="617-495-1000"), id="a number given on"),
        pytest.param(Person("Susan", "Walsh"), id="a stranger"),
        pytest.param(Person(), id="nobody"),
    ],
)
def test_another_given_name_on_a_shared_key_is_left_in_peace(newcomer: Person) -> None:
    assert decision(newcomer, ROBERT) is Decision.NEW


def test_an_address_that_many_names_use_links_nobody() -> None:
    made_up = "none@example.com"
    known = Person("Robert", "King", email=made_up)
    shared = {key(KeyKind.EMAIL, made_up): 12}

    assert decision(known, known) is Decision.LINK
    assert decision(known, known, shared=shared) is Decision.REVIEW


def test_several_records_of_one_person_are_no_doubt_and_the_best_is_linked() -> None:
    older = replace(ROBERT, email="", pets=())

    found = verdict(ROBERT, older, ROBERT)

    assert (found.decision, found.client_id) == (Decision.LINK, "client 1")


def test_two_people_who_both_might_be_are_a_doubt() -> None:
    father = Person("Robert", "King", mobile_phone="617-495-1000", email="r@example.com")
    son = Person("Robert", "King", mobile_phone="857-288-3210", email="bobby@example.org")
    newcomer = Person("Robert", "King", mobile_phone="617-495-1000", email="bobby@example.org")

    assert decision(newcomer, father) is Decision.LINK
    assert decision(newcomer, father, son) is Decision.REVIEW


def test_at_most_five_are_shown_and_the_likeliest_first() -> None:
    known = [replace(ROBERT, mobile_phone=f"617-495-10{at:02}") for at in range(9)]

    scores = [ranked.comparison.score for ranked in verdict(ROBERT, *known).ranked]

    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)


def test_the_reasons_are_said_in_words() -> None:
    newcomer = Person(
        "Bob",
        "King",
        email="bob@example.org",
        mobile_phone="617-495-1000",
        address_1="9 Elm St",
        postal_code="02108",
        pets=(Pet("luna"),),
    )

    found = compare(profile(newcomer), profile(ROBERT), NOBODY_SHARES)

    assert found.agrees == (
        "same mobile number",
        "first name Bob ~ Robert",
        "same last name",
        "same pet: Luna",
    )
    assert found.differs == ("different e-mail", "different street")


def test_a_key_says_its_kind_and_records_of_one_person_share_some() -> None:
    mine = keys(profile(ROBERT))
    theirs = keys(profile(replace(ROBERT, first_name="Bob", last_name="KING", mobile_phone="")))

    assert len(mine) <= 14
    assert set(mine.values()) == set(KeyKind)
    assert {mine[number] for number in mine.keys() & theirs.keys()} >= {
        KeyKind.EMAIL,
        KeyKind.PHONE,
        KeyKind.NAME,
        KeyKind.FAMILY_STREET,
    }
    assert all(-(2**63) <= number < 2**63 for number in mine)
    assert -(2**31) <= name_number(profile(ROBERT)) < 2**31


# Everything Python calls a text: half surrogate pairs and NULs too.
ANYTHING = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.sampled_from(["\0", "\ud800", "a" * 100_000, "+1" + "9" * 10_000, "@" * 5_000, "((((", "&"]),
)
NAMES = st.sampled_from(
    ["", "Ann", "Anne", "Bob", "Robert", "Bob & Ann", "Mary Ann", "R.", "King", "King Jr", "Kign"]
)
PEOPLE = st.builds(
    Person,
    first_name=NAMES,
    last_name=NAMES,
    email=st.sampled_from(["", "a@x.org", "a@x.org; b@x.org", "a.b@gmail.com", "ab+c@gmail.com"]),
    mobile_phone=st.sampled_from(["", "617-495-1000", "495-1000", "617-495-1001"]),
    home_phone=st.sampled_from(["", "617-495-1000", "617-495-2000 / 617-495-1000"]),
    address_1=st.sampled_from(["", "85 Spring St", "85 Spring St #3", "86 Spring St"]),
    postal_code=st.sampled_from(["", "02108", "2108"]),
    pets=st.lists(st.builds(Pet, st.sampled_from(["", "Luna", "Lunna", "Max"]))).map(tuple),
)


STRANGE = st.builds(
    Person, *[ANYTHING] * 10, pets=st.builds(Pet, ANYTHING, ANYTHING).map(lambda pet: (pet,))
)


@given(person=STRANGE)
@settings(max_examples=200, deadline=None)
def test_no_text_is_too_strange(person: Person) -> None:
    strange = profile(person)

    assert 0 <= compare(strange, profile(ROBERT), NOBODY_SHARES).score <= 1
    assert judge(strange, [("it", strange)], NOBODY_SHARES).decision in Decision
    assert all(-(2**63) <= number < 2**63 for number in keys(strange))
    assert -(2**31) <= name_number(strange) < 2**31


@given(one=PEOPLE, other=PEOPLE, names=st.integers(0, 50))
@example(one=Person("Ann", "Bob"), other=Person("Bob", "Anne"), names=0)
@settings(deadline=None)
def test_a_pair_is_the_same_from_both_sides(one: Person, other: Person, names: int) -> None:
    mine, theirs = profile(one), profile(other)
    shared = dict.fromkeys(keys(mine).keys() & keys(theirs).keys(), names)

    there, back = compare(mine, theirs, shared), compare(theirs, mine, shared)

    assert (there.score, there.certain) == (back.score, back.certain)
    assert (len(there.agrees), len(there.differs)) == (len(back.agrees), len(back.differs))


@given(newcomer=PEOPLE, known=st.lists(PEOPLE, max_size=6), data=st.data())
@settings(deadline=None)
def test_the_order_of_candidates_does_not_matter(
    newcomer: Person, known: list[Person], data: st.DataObject
) -> None:
    listed: list[tuple[str, Profile]] = [
        (f"client {at}", profile(person)) for at, person in enumerate(known)
    ]
    mixed = data.draw(st.permutations(listed))

    assert judge(profile(newcomer), listed, {}) == judge(profile(newcomer), mixed, {})
