"""Postal addresses: their normal form, and how far two people's agree."""

import re
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA

from booking.matching.rules.letters import LONGEST, plain, words

_TYPES = {
    form: forms.split()[0]
    for forms in (
        "st street str", "ave avenue av aven", "rd road", "dr drive drv", "ln lane", "ct court crt",
        "pl place", "ter terrace terr", "blvd boulevard boul", "cir circle", "hwy highway",
        "pkwy parkway", "sq square", "trl trail", "way wy", "plz plaza", "cres crescent",
        "loop lp", "aly alley", "cv cove", "pt point", "xing crossing", "row", "walk", "close",
    )
    for form in forms.split()
}  # fmt: skip
_QUARTERS = {
    "n": "n", "north": "n", "s": "s", "south": "s", "e": "e", "east": "e", "w": "w", "west": "w",
    "ne": "ne", "northeast": "ne", "nw": "nw", "northwest": "nw", "se": "se", "southeast": "se",
    "sw": "sw", "southwest": "sw",
}  # fmt: skip
_UNIT = re.compile(r"(?:\b(?:apt|apartment|unit|suite|ste|flat|rm|room|no)\b\.?|#)\s*#?\s*(\w+)")
_PLUS_FOUR = re.compile(r"^(\d{5})-?\d{4}$")


class Home(IntEnum):
    """How two addresses agree, the best first."""

    SAME = 0
    BUILDING = 1
    """The same house, another unit (or a unit in one of them only)."""
    SLIP = 2
    """The same but for a slip in the number or the postcode."""
    POSTCODE = 3
    """No street in one of them, and the same postcode."""
    MISSING = 4
    POSTCODES_DIFFER = 5
    DIFFERENT = 6


class Address(NamedTuple):
    number: str = ""
    street: str = ""
    kind: str = ""
    unit: str = ""
    postcode: str = ""
    city: str = ""


NOWHERE = Address()


@lru_cache(maxsize=32_768)
def address_of(line_1: str, line_2: str, city: str, postal_code: str) -> Address:
    """The normal form of an address. Street types and quarters are those of English; others
    simply stay in the street's name."""
    line = plain(f"{line_1[:LONGEST]} {line_2[:LONGEST]}").strip()
    unit = ""
    if found := _UNIT.search(line):
        unit = found.group(1)
        line = line[: found.start()] + " " + line[found.end() :]
    parts = words(line)
    number = _taken(parts)
    kind = ""
    if len(parts) > 1 and parts[-1] in _QUARTERS and parts[-2] in _TYPES:
        parts.insert(0, parts.pop())
    if len(parts) > 1 and parts[-1] in _TYPES:
        kind = _TYPES[parts.pop()]
    if len(parts) > 1 and parts[0] in _QUARTERS:
        parts[0] = _QUARTERS[parts[0]]
    return Address(
        number=number, street="".join(parts), kind=kind, unit=unit.lstrip("0"),
        postcode=_postcode(postal_code[:LONGEST]), city="".join(words(city)),
    )  # fmt: skip


def _taken(parts: list[str]) -> str:
    """Takes the house number out of an address's words: the first with a digit, but not "5th"."""
    for place, part in enumerate(parts):
        if part[0].isdigit() and not (place and part[-2:] in ("st", "nd", "rd", "th")):
            return parts.pop(place)
    return ""


def _postcode(typed: str) -> str:
    code = "".join(words(typed))
    if found := _PLUS_FOUR.match(code):
        return found.group(1)
    # A spreadsheet ate the zeros in front.
    return code.zfill(5) if code.isdigit() and len(code) < 5 else code


def home_agreement(one: Address, other: Address) -> Home:
    if not (one.street and one.number and other.street and other.number):
        if not one.postcode or not other.postcode:
            return Home.MISSING
        return Home.POSTCODE if one.postcode == other.postcode else Home.POSTCODES_DIFFER
    same_code = one.postcode == other.postcode or not one.postcode or not other.postcode
    if not _same_street(one, other):
        return Home.DIFFERENT
    if one.number != other.number:
        close = OSA.distance(one.number, other.number, score_cutoff=1) == 1
        return Home.SLIP if close and same_code and len(one.number) > 2 else Home.DIFFERENT
    if not same_code:
        close = OSA.distance(one.postcode, other.postcode, score_cutoff=1) == 1
        return Home.SLIP if close else Home.DIFFERENT
    return Home.SAME if one.unit == other.unit else Home.BUILDING


def _same_street(one: Address, other: Address) -> bool:
    if one.kind and other.kind and one.kind != other.kind:
        return False
    if one.street == other.street:
        return True
    longer = max(len(one.street), len(other.street))
    return longer >= 4 and OSA.distance(one.street, other.street, score_cutoff=2) <= (
        2 if longer >= 8 else 1
    )
