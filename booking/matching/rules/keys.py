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
_STARTS = {kind: f"{kind.value}\0" for kind in KeyKind}


def keys(profile: Profile) -> dict[int, KeyKind]:
    """Signed 64-bit numbers, each with its kind."""
    return {_number(kind, value): kind for kind, value in _values(profile)}


def key(kind: KeyKind, value: str) -> int:
    return _number(kind, value)


def _number(kind: KeyKind, value: str) -> int:
    text = (_STARTS[kind] + value).encode(errors="surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def _values(profile: Profile) -> Iterator[tuple[KeyKind, str]]:
    for email in profile.emails:
        yield KeyKind.EMAIL, email.address
        yield KeyKind.MAILBOX, email.mailbox
    for phone in profile.phones:
        yield KeyKind.PHONE, phone.tail
    name, home = profile.name, profile.address
    givens, families = given_codes(name), family_codes(name)
    for code in name_codes(givens, families):
        yield KeyKind.NAME, code
    if home.number and home.postcode:
        for given in givens[:2]:
            yield KeyKind.GIVEN_HOUSE, f"{given} {home.number} {home.postcode}"
    if home.number and home.street and families:
        yield KeyKind.FAMILY_STREET, f"{families[0]} {home.number} {sound(home.street)}"
    for pet in profile.pets[:_MOST_PETS]:
        for family in families[:2]:
            yield KeyKind.FAMILY_PET, f"{family} {pet}"


def given_codes(name: Name) -> tuple[str, ...]:
    """How the given name is heard, and the names it is short for when they are few."""
    if len(name.givens) == 1:
        return _codes(name.givens[0])
    return tuple(dict.fromkeys(code for given in name.givens[:2] for code in _codes(given)))[:3]


@lru_cache(maxsize=16_384)
def _codes(given: str) -> tuple[str, ...]:
    longer = sorted(formal(given), key=lambda word: (-_likeness(given, word), word))
    return tuple(dict.fromkeys(sound(word) for word in (given, *longer[:2])))


def _likeness(nickname: str, word: str) -> int:
    return sum(a == b for a, b in zip(nickname, word, strict=False))


def family_codes(name: Name) -> tuple[str, ...]:
    """How the surname is heard: the whole, then its first and last parts."""
    if not name.family:
        return ()
    parts = [sound(word) for word in (name.families[0], name.families[-1])]
    return tuple(dict.fromkeys(parts))


def name_codes(givens: tuple[str, ...], families: tuple[str, ...]) -> tuple[str, ...]:
    """The two together, whichever was typed first."""
    codes: dict[str, None] = {}
    for given in givens:
        for family in families:
            codes[f"{given} {family}" if given < family else f"{family} {given}"] = None
    return tuple(codes)[:4]


def name_number(profile: Profile) -> int:
    """A signed 32-bit number for the visible name, to count how many names share a key."""
    name = profile.name
    heard = f"{sound(name.givens[0]) if name.givens else ''} {sound(name.family)}"
    return crc32(heard.encode(errors="surrogatepass")) - 2**31
