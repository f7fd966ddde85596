"""Phone numbers: their normal form, and how far two people's agree."""

import re
from enum import IntEnum
from functools import cache, lru_cache
from typing import NamedTuple

import phonenumbers
from rapidfuzz.distance import OSA

from booking.matching.rules.letters import LONGEST

# A run of digits and the marks people put between them. What follows a letter, "x", "ext" or "#"
# is a note ("after 5pm") or an extension.
_RUN = re.compile(r"\+?\(?\d[\d\s().‐-―-]*")
_SPREADSHEET = re.compile(r"(?<=\d{7})\.0+$")
_FEWEST = 7
# Ten digits, in the countries that share +1: by far the most frequent form there, and the parser
# of the whole world takes its time over it.
_AMERICAN = re.compile(r"(?:\+?1)?(\d{10})$")
_AMERICAN_ALONE = re.compile(r"(?:\+?1[ .-]?)?\(?([0-9]{3})\)?[ .-]{0,2}([0-9]{3})[ .-]?([0-9]{4})")
_AMERICAN_WHOLE = re.compile(r"\+1[2-9]\d{9}", re.ASCII)


class Call(IntEnum):
    """How the numbers of two records agree, the best first."""

    SAME = 0
    TAIL = 1
    """The last seven digits agree, and one of the two has no more."""
    SLIP = 2
    """One digit differs, or two neighbours changed places."""
    MISSING = 3
    DIFFERENT = 4


class Phone(NamedTuple):
    """`number` is E.164, or empty when the area is unknown; `tail` its last seven digits."""

    number: str
    tail: str


@lru_cache(maxsize=65_536)
def phones_of(typed: str, country: str) -> tuple[Phone, ...]:
    """The numbers in a field, at most two."""
    typed = typed[:LONGEST]
    if not typed or typed.isspace():
        return ()
    if _dialled_as_in_america(country) and (alone := _AMERICAN_ALONE.fullmatch(typed)):
        area, exchange, line = alone.groups()
        return (Phone(f"+1{area}{exchange}{line}", exchange + line),)
    found: list[Phone] = []
    for run in _RUN.findall(typed):
        run = _SPREADSHEET.sub("", run.strip())
        digits = "".join(c for c in run if "0" <= c <= "9")
        if _FEWEST <= len(digits) <= 17:
            phone = _phone(("+" if run.startswith("+") else "") + digits, country)
            if phone not in found:
                found.append(phone)
    return tuple(found[:2])


@cache
def _dialled_as_in_america(country: str) -> bool:
    return phonenumbers.country_code_for_region(country) == 1


def _phone(digits: str, country: str) -> Phone:
    bare = digits.lstrip("+")
    if _dialled_as_in_america(country) and (number := _AMERICAN.match(digits)):
        return Phone(f"+1{number.group(1)}", bare[-_FEWEST:])
    try:
        parsed = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return Phone("", bare[-_FEWEST:])
    national = str(parsed.national_number)
    if len(national) <= _FEWEST:
        return Phone("", national.zfill(_FEWEST))
    return Phone(f"+{parsed.country_code}{national}", national[-_FEWEST:])


@lru_cache(maxsize=8_192)
def exists(phone: Phone) -> bool:
    """Can there be such a number? Those made up to get past a form mostly can't."""
    if not phone.number:
        return len(set(phone.tail)) > 1
    if _AMERICAN_WHOLE.fullmatch(phone.number):
        american = phonenumbers.PhoneNumber(1, int(phone.number[2:]))
        there = phonenumbers.is_valid_number_for_region(american, "US")
        return there or phonenumbers.is_valid_number(american)
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(phone.number))
    except phonenumbers.NumberParseException:
        return False


def phone_agreement(
    one: tuple[Phone, ...], other: tuple[Phone, ...]
) -> tuple[Call, list[tuple[Phone, Phone]]]:
    """The best agreement between two records' numbers, and the pairs it rests on."""
    if not one or not other:
        return Call.MISSING, []
    best, pairs = Call.DIFFERENT, []
    for mine in one:
        for theirs in other:
            level = _pair(mine, theirs)
            if level < best:
                best, pairs = level, [(mine, theirs)]
            elif level == best < Call.DIFFERENT:
                pairs.append((mine, theirs))
    return best, pairs


def _pair(one: Phone, other: Phone) -> Call:
    if one.tail == other.tail:
        if one.number and other.number:
            return Call.SAME if one.number == other.number else Call.DIFFERENT
        return Call.TAIL
    if one.number and other.number and OSA.distance(one.number, other.number, score_cutoff=1) == 1:
        return Call.SLIP
    return Call.DIFFERENT
