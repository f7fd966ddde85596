"""Card numbers, wherever somebody types one: they are refused, and so never stored or logged.

A number counts as one when its length (13 to 19 digits, ISO/IEC 7812-1), an issuer's prefix and the
Luhn check digit fit together. Issuers' ranges as the schemes publish them.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

CODE = "card_number_not_accepted"
SENTENCE = (
    "This looks like a payment card's number, which we never keep. Take it out. "
    "If it is a telephone number, begin it with +."
)
TAKEN_OUT = "(card number taken out)"
EXEMPT = {"payment_token", "microchip", "external_id"}
"""Fields whose values only look like one: tokens and numbers that others give out."""

_SHORTEST, _LONGEST = 13, 19
# Digits in groups, as people write them; a telephone number says what it is by its +.
_WRITTEN = re.compile(r"(?<![\w+])\d(?:[ \u00a0.\-]?\d){12,}(?!\w)")
_PERHAPS = re.compile(r"\d[\d \u00a0.\-]{12}")
"""Quick to look for: without it there is nothing written so."""
_GROUP = re.compile(r"\d+")

_PREFIXES: tuple[tuple[int, int, frozenset[int]], ...] = (
    (4, 4, frozenset({13, 16, 19})),  # Visa
    (51, 55, frozenset({16})),  # Mastercard
    (2221, 2720, frozenset({16})),
    (34, 34, frozenset({15})),  # American Express
    (37, 37, frozenset({15})),
    (300, 305, frozenset(range(14, 20))),  # Diners Club
    (36, 36, frozenset(range(14, 20))),
    (38, 39, frozenset(range(16, 20))),
    (6011, 6011, frozenset(range(16, 20))),  # Discover
    (644, 659, frozenset(range(16, 20))),
    (3528, 3589, frozenset(range(16, 20))),  # JCB
    (62, 62, frozenset(range(16, 20))),  # UnionPay
    (81, 81, frozenset(range(16, 20))),
    (2200, 2204, frozenset(range(16, 20))),  # Mir
    (50, 50, frozenset(range(13, 20))),  # Maestro
    (56, 58, frozenset(range(13, 20))),
    (6304, 6304, frozenset(range(13, 20))),
    (6759, 6763, frozenset(range(13, 20))),
)


def holds_one(text: str) -> bool:
    """Whether a card's number stands somewhere in a text, in any script's digits."""
    if _PERHAPS.search(text) is None:
        return False
    return any(_is_written(found[0], _SHORTEST) for found in _WRITTEN.finditer(text))


def taken_out(text: str, *, shortest: int = _SHORTEST) -> str:
    """The text without them, for a list that comes from elsewhere and shall lose nothing else.
    `shortest`: 14 where telephone numbers stand, whose country may be written without a +."""
    return _WRITTEN.sub(
        lambda found: TAKEN_OUT if _is_written(found[0], shortest) else found[0], text
    )


def is_one(digits: str) -> bool:
    return (
        _SHORTEST <= len(digits) <= _LONGEST
        and any(
            len(digits) in lengths and first <= int(digits[: len(str(first))]) <= last
            for first, last, lengths in _PREFIXES
        )
        and _luhn(digits)
    )


def fields_with_one(body: Any) -> list[str]:
    """Paths like `client.note` or `pets.0.name` within decoded JSON, as deep as it may be."""
    found: list[str] = []
    waiting: list[tuple[tuple[str, ...], Any]] = [((), body)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*path, key), each) for key, each in value.items() if key not in EXEMPT]
        elif isinstance(value, list):
            waiting += [((*path, str(place)), each) for place, each in enumerate(value)]
        elif isinstance(value, str | int) and holds_one(str(value)):
            found.append(".".join(path) or "body")
    return sorted(found)


def _is_written(written: str, shortest: int) -> bool:
    groups = [_plain(group) for group in _GROUP.findall(written)]
    return any(len(digits) >= shortest and is_one(digits) for digits in _runs(groups))


def _runs(groups: list[str]) -> Iterator[str]:
    """Every row of neighbouring groups: a security code may follow the number."""
    for first in range(len(groups)):
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) > _LONGEST:
                break
            yield digits


def _plain(digits: str) -> str:
    return "".join(str(unicodedata.digit(each)) for each in digits)


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
