"""Serial numbers: what is typed is read, and what is mistyped is always noticed."""

from datetime import date, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.serial_numbers import (
    ALPHABET,
    FIRST_DAY,
    LAST_DAY,
    MARKS,
    Kind,
    Mistyped,
    SerialNumber,
    read,
)

KNOWN = SerialNumber(Kind.REGISTERED, date(2027, 4, 8), 123_456_789_012)
numbers = st.builds(
    SerialNumber,
    st.sampled_from(Kind),
    st.dates(FIRST_DAY, LAST_DAY),
    st.integers(0, MARKS - 1),
)
places = st.lists(st.integers(0, 15), min_size=2, max_size=2, unique=True)


def plain(number: SerialNumber) -> str:
    return str(number).replace("-", "")


def is_noticed(typed: str) -> bool:
    try:
        read(typed)
    except Mistyped:
        return True
    return False


def test_the_format_stays() -> None:
    """Numbers are printed, kept and typed for years."""
    assert str(KNOWN) == "R3X6-34MA-Z9ND-ZUZH"
    assert read("R3X6-34MA-Z9ND-ZUZH") == KNOWN


@given(numbers)
def test_what_was_written_is_read(number: SerialNumber) -> None:
    assert read(str(number)) == number
    assert read(f" {str(number).lower().replace('-', ' ')}\n") == number
    assert read(plain(number)) == number


@given(numbers)
def test_one_mistyped_character_is_noticed_wherever_it_stands(number: SerialNumber) -> None:
    text = plain(number)
    for place, right in enumerate(text):
        for wrong in {*ALPHABET, *"01258BGILOQSV"} - {right}:
            assert is_noticed(text[:place] + wrong + text[place + 1 :])


@given(numbers)
def test_two_swapped_characters_are_noticed_however_far_apart(number: SerialNumber) -> None:
    text = plain(number)
    for one, other in combinations(range(len(text)), 2):
        if text[one] != text[other]:
            swapped = list(text)
            swapped[one], swapped[other] = swapped[other], swapped[one]
            assert is_noticed("".join(swapped))


@given(numbers, places, st.sampled_from(ALPHABET), st.sampled_from(ALPHABET))
def test_two_mistyped_characters_are_noticed(
    number: SerialNumber, where: list[int], first: str, second: str
) -> None:
    text = list(plain(number))
    before = list(text)
    text[where[0]], text[where[1]] = first, second
    assert is_noticed("".join(text)) or text == before


@given(numbers)
def test_a_lost_or_an_added_character_is_noticed(number: SerialNumber) -> None:
    text = plain(number)
    assert is_noticed(text[1:])
    assert is_noticed(text + text[0])


@pytest.mark.parametrize("typed", ["", "-", "R", "é" * 16, "\0" * 16, "R3X6" * 4, "3" * 16])
def test_what_was_never_a_number_is_none(typed: str) -> None:
    assert is_noticed(typed)


@given(st.text(ALPHABET + "abz01 -–ßıſK\0\n😀", max_size=40))
def test_no_text_breaks_the_reader(typed: str) -> None:
    is_noticed(typed)


def test_a_number_counts_to_the_end_of_its_last_day() -> None:
    assert KNOWN.counts_on(KNOWN.last_day)
    assert not KNOWN.counts_on(KNOWN.last_day + timedelta(days=1))


@pytest.mark.parametrize(
    "impossible",
    [
        SerialNumber(Kind.TEMPORARY, FIRST_DAY - timedelta(days=1), 0),
        SerialNumber(Kind.TEMPORARY, LAST_DAY + timedelta(days=1), 0),
        SerialNumber(Kind.TEMPORARY, FIRST_DAY, MARKS),
    ],
    ids=["too early", "too late", "too many"],
)
def test_what_does_not_fit_is_not_written(impossible: SerialNumber) -> None:
    with pytest.raises(ValueError, match="digits"):
        str(impossible)
