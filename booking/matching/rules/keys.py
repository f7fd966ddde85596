"""What people are looked up by: a few numbers for each, of which two records of one person share
at least one."""

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from zlib import crc32

from booking.matching.rules.letters import sound
from booking.matching.rules.names import Name, formal
from booking.matching.rules.people import Profile

LIMIT = 50
"""Most holders of one key that are looked at; a key with more tells nothing about anybody."""
CROWD = LIMIT


class KeyKind(StrEnum):
    EMAIL = "email"
    MAILBOX = "mailbox"
    PHONE = "phone"
    NAME = "name"
    GIVEN_HOUSE = "given_house"
    FAMILY_STREET = "family_street"
    FAMILY_PET = "family_pet"


_MOST_PETS = 3


def keys(profile: Profile) -> dict[int, KeyKind]:
    """Signed 64-bit numbers, each with its kind."""
    return {_number(kind, value): kind for kind, value in _values(profile)}


def key(kind: KeyKind, value: str) -> int:
    return _number(kind, value)


@lru_cache(maxsize=65_536)
def _number(kind: KeyKind, value: str) -> int:
    text = f"{kind}\0{value}".encode(errors="surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def _values(profile: Profile) -> Iterator[tuple[KeyKind, str]]:
    for email in profile.emails:
        yield KeyKind.EMAIL, email.address
        yield KeyKind.MAILBOX, email.mailbox
    for phone in profile.phones:
        yield KeyKind.PHONE, phone.tail
    name, home = profile.name, profile.address
    givens, families = given_codes(name), family_codes(name)
    for code in name_codes(name):
        yield KeyKind.NAME, code
    if home.number and home.postcode:
        for given in givens[:2]:
            yield KeyKind.GIVEN_HOUSE, f"{given} {home.number} {home.postcode}"
    if home.number and home.street and families:
        yield KeyKind.FAMILY_STREET, f"{families[0]} {home.number} {sound(home.street)}"
    for pet in profile.pets[:_MOST_PETS]:
        for family in families[:2]:
            yield KeyKind.FAMILY_PET, f"{family} {pet}"


@lru_cache(maxsize=32_768)
def given_codes(name: Name) -> tuple[str, ...]:
    """How the given name is heard, and the names it is short for when they are few."""
    codes: dict[str, None] = {}
    for given in name.givens[:2]:
        longer = sorted(formal(given), key=lambda word: (-_likeness(given, word), word))
        for word in (given, *longer[:2]):
            codes[sound(word)] = None
    return tuple(codes)[:3]


def _likeness(nickname: str, word: str) -> int:
    return sum(a == b for a, b in zip(nickname, word, strict=False))


@lru_cache(maxsize=32_768)
def family_codes(name: Name) -> tuple[str, ...]:
    """How the surname is heard: the whole, then its first and last parts."""
    if not name.family:
        return ()
    parts = [sound(word) for word in (name.families[0], name.families[-1])]
    return tuple(dict.fromkeys(parts))


def name_codes(name: Name) -> tuple[str, ...]:
    codes: dict[str, None] = {}
    for given in given_codes(name):
        for family in family_codes(name):
            first, second = sorted((given, family))
            codes[f"{first} {second}"] = None
    return tuple(codes)[:4]


def name_number(profile: Profile) -> int:
    """A signed 32-bit number for the visible name, to count how many names share a key."""
    name = profile.name
    heard = f"{sound(name.givens[0]) if name.givens else ''} {sound(name.family)}"
    return crc32(heard.encode(errors="surrogatepass")) - 2**31
