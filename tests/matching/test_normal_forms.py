"""What is left of a name, an address, a number, once how it was typed no longer matters."""

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.matching.rules.addresses import Home, address_of, home_agreement
from booking.matching.rules.emails import Mail, emails_of, mail_agreement
from booking.matching.rules.names import (
    Family,
    Given,
    family_agreement,
    given_agreement,
    name_agreement,
    name_of,
)
from booking.matching.rules.people import Person, Pet, profile
from booking.matching.rules.pets import Pets, pets_agreement
from booking.matching.rules.phones import Call, exists, phone_agreement, phones_of


@pytest.mark.parametrize(
    ("first", "last", "givens", "family", "generation"),
    [
        ("Mary", "Smith", ("mary",), "smith", ""),
        ("JOSÉ", "Muñoz", ("jose",), "munoz", ""),
        ("JosÃ©", "MuÃ±oz", ("jose",), "munoz", ""),
        ("Siobhán", "O’Brien", ("siobhan",), "obrien", ""),
        ("Siobhan", "O Brien", ("siobhan",), "obrien", ""),
        ("Mrs. Ann", "Lee", ("ann",), "lee", ""),
        ("Brittany M.", "Salmon", ("brittany",), "salmon", ""),
        ("Robert", "King, Jr.", ("robert",), "king", "jr"),
        ("Robert", "King III", ("robert",), "king", "3"),
        ("Bob & Sue", "King", ("bob", "sue"), "king", ""),
        ("Bob and Sue", "King", ("bob", "sue"), "king", ""),
        ("Bob/Sue", "King", ("bob", "sue"), "king", ""),
        ("Ann", "Lee (Biscuit)", ("ann",), "lee", ""),
        ("Ann", "Lee - Biscuit", ("ann",), "lee", ""),
        ("Ann Lee", "", ("ann",), "lee", ""),
        ("", "Lee, Ann", ("ann",), "lee", ""),
        ("Anna J. Lee", "", ("anna",), "lee", ""),
        ("Ann", "L.", ("ann",), "l", ""),
        ("Unknown", "Lee", (), "lee", ""),
        ("Ольга", "Иванова", ("ольга",), "иванова", ""),
        ("", "", (), "", ""),
    ],
)
def test_a_name_is_read_however_it_was_typed(
    first: str, last: str, givens: tuple[str, ...], family: str, generation: str
) -> None:
    name = name_of(first, last)

    assert (name.givens, name.family, name.generation) == (givens, family, generation)


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("mary", "mary", Given.SAME),
        ("bob", "robert", Given.NICKNAME),
        ("liz", "elizabeth", Given.NICKNAME),
        ("kate", "kathy", Given.COUSIN),
        ("chris", "christopher", Given.SHORT),
        ("chris", "christina", Given.SHORT),
        ("christopher", "christina", Given.DIFFERENT),
        ("samuel", "samantha", Given.DIFFERENT),
        ("paul", "paula", Given.CONFUSABLE),
        ("catherine", "kathryn", Given.SPELLING),
        ("phylip", "philip", Given.SPELLING),
        ("timohty", "timothy", Given.TYPO),
        ("rnady", "randall", Given.TYPO),
        ("m", "mary", Given.INITIAL),
        ("m", "john", Given.DIFFERENT),
        ("", "john", Given.MISSING),
        ("dana", "tony", Given.DIFFERENT),
        ("lisa", "luis", Given.DIFFERENT),
    ],
)
def test_two_given_names_agree_so_far(one: str, other: str, level: Given) -> None:
    assert given_agreement(one, other) is level
    assert given_agreement(other, one) is level


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("Smith", "SMITH", Family.SAME),
        ("Garcia-Lopez", "Garcia Lopez", Family.SAME),
        ("Garcia-Lopez", "Lopez", Family.PART),
        ("Johnson", "Jonson", Family.SPELLING),
        ("Carter", "Catrer", Family.TYPO),
        ("Carter", "C.", Family.INITIAL),
        ("Carter", "", Family.MISSING),
        ("Carter", "Walsh", Family.DIFFERENT),
    ],
)
def test_two_surnames_agree_so_far(one: str, other: str, level: Family) -> None:
    assert family_agreement(name_of("Ann", one), name_of("Ann", other)) is level


def test_first_and_last_name_may_be_exchanged() -> None:
    found = name_agreement(name_of("Hicks", "Benjamin"), name_of("Ben", "Hicks"))

    assert (found.given, found.family, found.swapped) == (Given.NICKNAME, Family.SAME, True)


def test_two_given_names_may_be_one_or_the_second_be_used() -> None:
    assert name_agreement(name_of("Mary Ann", "Lee"), name_of("Maryann", "Lee")).given is Given.SAME
    assert name_agreement(name_of("Mary Ann", "Lee"), name_of("Ann", "Lee")).given is Given.PART


@pytest.mark.parametrize(
    ("typed", "addresses"),
    [
        ("Ann.Lee@Example.com ", ["ann.lee@example.com"]),
        ("mailto:ann@example.com", ["ann@example.com"]),
        ("Ann Lee <ann@example.com>;", ["ann@example.com"]),
        ("ann@example.com; bob@example.com", ["ann@example.com", "bob@example.com"]),
        ("ann@example.com / bob@example.com", ["ann@example.com", "bob@example.com"]),
        ("ann@googlemail.com", ["ann@gmail.com"]),
        ("none", []),
        ("ann@", []),
        ("", []),
    ],
)
def test_addresses_are_found_in_what_was_typed(typed: str, addresses: list[str]) -> None:
    assert [email.address for email in emails_of(typed)] == addresses


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("ann@example.com", "ANN@example.com", Mail.SAME),
        ("ann.lee@gmail.com", "annlee+dog@gmail.com", Mail.MAILBOX),
        ("ann.lee@example.com", "annlee@example.com", Mail.SLIP),
        ("annlee@gmail.com", "annlee@gmial.com", Mail.SLIP),
        ("annlee@gmail.com", "annleee@gmail.com", Mail.SLIP),
        ("annlee81@gmail.com", "annlee82@gmail.com", Mail.DIFFERENT),
        ("annlee@gmail.com", "annlee@example.org", Mail.DIFFERENT),
        ("annlee@gmail.com", "", Mail.MISSING),
        ("bob@example.com; ann@example.com", "ann@example.com", Mail.SAME),
    ],
)
def test_two_addresses_agree_so_far(one: str, other: str, level: Mail) -> None:
    assert mail_agreement(emails_of(one), emails_of(other))[0] is level


@pytest.mark.parametrize(
    "typed",
    [
        "(617) 495-1000",
        "617-495-1000",
        "617.495.1000",
        "6174951000.0",
        "+1 617 495 1000",
        "1-617-495-1000",
        "(617)495–1000",
        "617-495-1000 ext. 12",
        "617-495-1000 x457",
        "617-495-1000#31",
        "cell 617-495-1000",
        "(H) 617-495-1000",
        "617-495-1000 after 5pm",
        "617-495-1000 - Mom",
        "'+16174951000",
    ],
)
def test_a_number_is_the_same_whatever_stands_around_it(typed: str) -> None:
    assert [phone.number for phone in phones_of(typed, "US")] == ["+16174951000"]


def test_numbers_are_read_as_dialled_in_the_country() -> None:
    assert phones_of("030 901820", "DE") == phones_of("+49 30 901820", "US")
    assert phones_of("020 7946 0958", "GB")[0].number == "+442079460958"
    assert phones_of("call me", "US") == ()


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("617-495-1000", "+1 617 495 1000", Call.SAME),
        ("495-1000", "617-495-1000", Call.TAIL),
        ("857-495-1000", "617-495-1000", Call.DIFFERENT),
        ("617-495-1000", "617-495-1008", Call.SLIP),
        ("617-495-1000", "617-495-0100", Call.SLIP),
        ("617-495-1000", "", Call.MISSING),
    ],
)
def test_two_numbers_agree_so_far(one: str, other: str, level: Call) -> None:
    assert phone_agreement(phones_of(one, "US"), phones_of(other, "US"))[0] is level


def test_a_made_up_number_does_not_exist() -> None:
    assert exists(*phones_of("617-495-1000", "US"))
    assert not exists(*phones_of("0000000000", "US"))
    assert not exists(*phones_of("5555555", "US"))


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        (("85 Spring St", "02494"), ("85 SPRING Street.", "2494"), Home.SAME),
        (("85 Spring St", "02494-7610"), ("85 Spring St", "02494"), Home.SAME),
        (("85 N. Spring St Apt 3", "02494"), ("85 North Spring Street #3", "02494"), Home.SAME),
        (("85 Spring St Apt 3", "02494"), ("85 Spring St", "02494"), Home.BUILDING),
        (("85 Sprign St", "02494"), ("85 Spring St", "02494"), Home.SAME),
        (("18 Spring St", "02494"), ("85 Spring St", "02494"), Home.DIFFERENT),
        (("185 Spring St", "02494"), ("186 Spring St", "02494"), Home.SLIP),
        (("85 Spring St", "02494"), ("85 Spring Rd", "02494"), Home.DIFFERENT),
        (("85 Spring St", "02494"), ("9 Elm St", "02494"), Home.DIFFERENT),
        (("", "02494"), ("9 Elm St", "02494"), Home.POSTCODE),
        (("", "02494"), ("9 Elm St", "02139"), Home.POSTCODES_DIFFER),
        (("", ""), ("9 Elm St", "02139"), Home.MISSING),
        (("Hauptstr. 12", "10115"), ("hauptstr 12", "10115"), Home.SAME),
        (("12 5th St", "10115"), ("12 5TH Street", "10115"), Home.SAME),
        (("5 High Rd", "k1a 0b1"), ("5 High Road", "K1A0B1"), Home.SAME),
    ],
)
def test_two_addresses_of_houses_agree_so_far(
    one: tuple[str, str], other: tuple[str, str], level: Home
) -> None:
    mine, theirs = (address_of(line, "", "", code) for line, code in (one, other))

    assert home_agreement(mine, theirs) is level
    assert home_agreement(theirs, mine) is level


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        (("luna", "max"), ("luna", "max"), Pets.SEVERAL),
        (("luna", "max"), ("luna",), Pets.ONE),
        (("lunaa",), ("luna",), Pets.SLIP),
        (("luna",), ("rex",), Pets.DIFFERENT),
        (("luna",), (), Pets.MISSING),
    ],
)
def test_two_sets_of_pets_agree_so_far(
    one: tuple[str, ...], other: tuple[str, ...], level: Pets
) -> None:
    assert pets_agreement(one, other) is level


NAMES = st.text(st.sampled_from("aábcdeéfgñoöuz '-"), max_size=20)


@given(first=NAMES, last=NAMES, pet=NAMES, street=NAMES)
def test_case_and_how_accents_are_encoded_change_nothing(
    first: str, last: str, pet: str, street: str
) -> None:
    def typed(change: Literal["NFC", "NFD"]) -> Person:
        forms = [unicodedata.normalize(change, text) for text in (first, last, street, pet)]
        return Person(forms[0], forms[1], address_1=forms[2], pets=(Pet(forms[3]),))

    composed, decomposed = profile(typed("NFC")), profile(typed("NFD"))
    loud = Person(first.upper(), last.upper(), address_1=street.upper(), pets=(Pet(pet.upper()),))

    for other in (decomposed, profile(loud)):
        assert other.name.givens == composed.name.givens
        assert other.name.families == composed.name.families
        assert (other.address, other.pets) == (composed.address, composed.pets)
