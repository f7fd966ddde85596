"""Serial numbers: sixteen characters that people type, with their last day and a check in them.

    R3X6-34MA-Z9ND-ZUZH

1. The kind: `R` of a registered installation, `T` a temporary one.
2. Three characters: the last day on which it counts (UTC), in days since 1 January 2026.
3. Ten characters: which number it is, of 23¹⁰; drawn by chance, and unique.
4. Two characters: the check.

A character is a digit of base 23. The alphabet keeps at most one of each group that looks alike (0
O Q D, 1 I L, 2 Z, 5 S, 6 G, 8 B, U V). Case, spaces and hyphens do not matter.

The digits d₁…d₁₆ satisfy Σ i·dᵢ = 0 and Σ i²·dᵢ = 0 modulo 23. As 23 is a prime above 16, no two
numbers differ in fewer than three places (a shortened Reed-Solomon code): one or two mistyped
characters, wherever they stand, are always noticed, and so are any two that changed places.

The check finds mistakes and no forgers: it is the licence that is signed.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

ALPHABET = "34679ACDEFHJKMNPRTUWXYZ"
FIRST_DAY = date(2026, 1, 1)
_PRIME = len(ALPHABET)
_DAY_DIGITS, _MARK_DIGITS, _LENGTH, _GROUP = 3, 10, 16, 4
LAST_DAY = FIRST_DAY + timedelta(days=_PRIME**_DAY_DIGITS - 1)
MARKS = _PRIME**_MARK_DIGITS
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_BETWEEN = re.compile(r"[\s\-‐‑‒–—]+")


class Mistyped(ValueError):
    """This is no serial number: a character is wrong, missing or too many."""


class Kind(StrEnum):
    REGISTERED = "R"
    TEMPORARY = "T"


@dataclass(frozen=True, slots=True)
class SerialNumber:
    """What a serial number says. `mark` is below MARKS, `last_day` at most LAST_DAY."""

    kind: Kind
    last_day: date
    mark: int

    def __str__(self) -> str:
        days = (self.last_day - FIRST_DAY).days
        digits = [
            _VALUES[self.kind.value],
            *_digits(days, _DAY_DIGITS),
            *_digits(self.mark, _MARK_DIGITS),
        ]
        text = "".join(ALPHABET[digit] for digit in (*digits, *_check(digits)))
        return "-".join(text[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))

    def counts_on(self, day: date) -> bool:
        return day <= self.last_day


def read(typed: str) -> SerialNumber:
    """The number that somebody typed. Raises Mistyped."""
    text = _BETWEEN.sub("", typed).upper()
    if len(text) != _LENGTH or not set(text) <= _VALUES.keys():
        raise Mistyped
    digits = [_VALUES[character] for character in text]
    if any(_sums(digits)):
        raise Mistyped
    try:
        kind = Kind(text[0])
    except ValueError:
        raise Mistyped from None
    day, mark = digits[1 : 1 + _DAY_DIGITS], digits[1 + _DAY_DIGITS : -2]
    return SerialNumber(kind, FIRST_DAY + timedelta(days=_number(day)), _number(mark))


def _digits(number: int, count: int) -> list[int]:
    """Raises ValueError for a number that does not fit."""
    found = []
    rest = number
    for _ in range(count):
        rest, digit = divmod(rest, _PRIME)
        found.append(digit)
    if rest:
        raise ValueError(f"{number} has more than {count} digits")
    return found[::-1]


def _number(digits: list[int]) -> int:
    found = 0
    for digit in digits:
        found = found * _PRIME + digit
    return found


def _sums(digits: list[int]) -> tuple[int, int]:
    """Both are 0 for a whole number without mistakes."""
    return (
        sum(place * digit for place, digit in enumerate(digits, 1)) % _PRIME,
        sum(place**2 * digit for place, digit in enumerate(digits, 1)) % _PRIME,
    )


def _check(digits: list[int]) -> tuple[int, int]:
    """The two digits that make both sums 0: two linear equations, solved."""
    first, second = _sums(digits)
    a, b = _LENGTH - 1, _LENGTH
    last = (a * first - second) * pow(b * (b - a), -1, _PRIME) % _PRIME
    return -(first + b * last) * pow(a, -1, _PRIME) % _PRIME, last
