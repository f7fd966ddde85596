"""Names of people: their normal form, and how far two of them agree."""

import re
from collections.abc import Iterable
from enum import IntEnum
from functools import cache, lru_cache
from typing import NamedTuple

from nicknames import NickNamer
from rapidfuzz.distance import OSA, JaroWinkler

from booking.matching.rules.letters import LONGEST, plain, sound, words

_TITLES = frozenset(
    {
        "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev", "sir", "madam", "herr", "frau", "mme",
        "sr", "sra",
    }
)  # fmt: skip
_LETTERS_AFTER = frozenset({"esq", "md", "phd", "dvm", "rn", "cpa", "dds", "vmd"})
_GENERATIONS = {
    "sr": "sr", "senior": "sr", "snr": "sr", "jr": "jr", "junior": "jr", "jnr": "jr",
    "ii": "2", "2nd": "2", "iii": "3", "3rd": "3", "iv": "4", "4th": "4",
}  # fmt: skip
# Small words of a surname, which forms drop or glue at will.
_PARTICLES = frozenset(
    {
        "de", "da", "do", "dos", "das", "del", "della", "di", "du", "la", "le", "van", "von", "der",
        "den", "ten", "y", "e", "bin", "al",
    }
)  # fmt: skip
_NOTES = re.compile(r"[(\[{][^)\]}]*[)\]}]?|\s[-–—]\s.*")
_COUPLE = re.compile(r"\s*(?:&|\+|/|\band\b|\bund\b|\bet\b|\by\b)\s*", re.IGNORECASE)
_NOBODY = re.compile(r"^(unknown|none|n/?a|null|test|client|customer|owner|x+|[-.?]+)$")
# A nickname of more names than these tells little.
_FEW = 3


class Given(IntEnum):
    """How two given names agree, the best first."""

    SAME = 0
    NICKNAME = 1
    """One is short for the other."""
    SHORT = 2
    """One is short for the other, and for many besides: Sam is Samuel, or Samantha."""
    COUSIN = 3
    """Both are short for the same name."""
    SPELLING = 4
    TYPO = 5
    PART = 6
    INITIAL = 7
    MISSING = 8
    CONFUSABLE = 9
    """Two names that look or sound alike: of twins as often as of one person."""
    DIFFERENT = 10


class Family(IntEnum):
    """How two surnames agree, the best first."""

    SAME = 0
    PART = 1
    SPELLING = 2
    TYPO = 3
    INITIAL = 4
    MISSING = 5
    DIFFERENT = 6


class Name(NamedTuple):
    """`givens` has one given name, or those of a couple kept in one record; `more` is what follows
    the first of them (middle names or their letters). `family` is the surname in one word,
    `families` its parts. `shown` is the name as people read it."""

    givens: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    family: str = ""
    families: tuple[str, ...] = ()
    generation: str = ""
    shown_given: str = ""
    shown_family: str = ""

    @property
    def couple(self) -> bool:
        return len(self.givens) > 1


@lru_cache(maxsize=65_536)
def name_of(first: str, last: str) -> Name:
    """The normal form of a name as typed into two fields, whatever went into which."""
    if _is_word(first) and _is_word(last):
        given, family = first.lower(), last.lower()
        return Name((given,), (), family, (family,), "", first, last)
    return _name_of(first, last)


def _is_word(typed: str) -> bool:
    """Is it a single word of plain letters, as most are? There is nothing to take apart."""
    return (
        typed.isascii() and typed.isalpha() and len(typed) <= LONGEST
        and _NOBODY.match(typed.lower()) is None
    )  # fmt: skip


def _name_of(first: str, last: str) -> Name:
    first, last = _NOTES.sub(" ", first[:LONGEST]), _NOTES.sub(" ", last[:LONGEST])
    couple = [part for part in _COUPLE.split(plain(first)) if part.strip()]
    generation = ""
    given: list[str] = []
    partners: list[str] = []
    for place, part in enumerate(couple):
        rest, found = _bare(part)
        generation = generation or found
        if place == 0:
            given = rest
        elif rest:
            partners.append(rest[0])
    family, found = _bare(plain(last))
    generation = generation or found
    if not family and len(given) > 1 and not partners:
        given, family = _divided(first, given)
    elif not given and len(family) > 1:
        given, family = _divided(last, family)
    givens = tuple(dict.fromkeys([*given[:1], *partners]))
    parts = tuple(w for w in family if w not in _PARTICLES) or tuple(family)
    return Name(
        givens=givens,
        more=tuple(given[1:]),
        family="".join(family),
        families=parts,
        generation=generation,
        shown_given=" ".join(first.split()),
        shown_family=" ".join(last.split()),
    )


def _bare(text: str) -> tuple[list[str], str]:
    """The words of a name without titles and letters after it, and the generation it tells."""
    if _NOBODY.match(text.strip()):
        return [], ""
    found = words(text)
    generation = ""
    if len(found) > 1 and found[-1] in _GENERATIONS:
        generation = _GENERATIONS[found.pop()]
    while len(found) > 1 and found[0] in _TITLES:
        found.pop(0)
    while len(found) > 1 and found[-1] in _LETTERS_AFTER:
        found.pop()
    return found, generation


def _divided(typed: str, found: list[str]) -> tuple[list[str], list[str]]:
    """A whole name in one field: "Ann Smith", or "Smith, Ann"."""
    before, comma, after = typed.partition(",")
    if comma and words(after):
        return words(after), words(before)
    second = 2 if len(found) > 2 and len(found[1]) == 1 else 1
    return found[:second], found[second:]


@cache
def _nicknames() -> NickNamer:
    return NickNamer()


@lru_cache(maxsize=32_768)
def formal(given: str) -> frozenset[str]:
    """The names that this one is short for."""
    return frozenset(_nicknames().canonicals_of(given))


@lru_cache(maxsize=32_768)
def known(given: str) -> bool:
    """Is it a given name of its own (and hardly a slip of the pen)?"""
    return bool(formal(given) or _nicknames().nicknames_of(given))


@lru_cache(maxsize=65_536)
def given_agreement(one: str, other: str) -> Given:
    if not one or not other:
        return Given.MISSING
    if one == other:
        return Given.SAME
    if len(one) == 1 or len(other) == 1:
        return Given.INITIAL if one[0] == other[0] else Given.DIFFERENT
    mine, theirs = formal(one), formal(other)
    if other in mine or one in theirs:
        many = len(mine if other in mine else theirs) > _FEW
        return Given.SHORT if many else Given.NICKNAME
    if mine & theirs:
        return Given.COUSIN
    return _alike_given(one, other)


def _alike_given(one: str, other: str) -> Given:
    edits = OSA.distance(one, other, score_cutoff=2)
    shorter = min(len(one), len(other))
    slip = (edits == 1 and shorter >= 3) or (edits == 2 and shorter >= 6)
    heard = sound(one) == sound(other) and OSA.normalized_similarity(one, other) > 0.5
    if heard and not _two_names(one, other, edits):
        return Given.SPELLING
    if known(one) and known(other):
        near = slip or heard or JaroWinkler.similarity(one, other) >= 0.9
        return Given.CONFUSABLE if near else Given.DIFFERENT
    if slip or _slip_of_nickname(one, other) or _slip_of_nickname(other, one):
        return Given.TYPO
    if shorter >= 3 and (one.startswith(other) or other.startswith(one)):
        return Given.PART
    return Given.DIFFERENT


def _two_names(one: str, other: str, edits: int) -> bool:
    """Are these two established names, and not two spellings of one? Paul is not Paula, but
    Catherine may be Kathryn: both are Kathy to their friends."""
    if not (known(one) and known(other)):
        return False
    if one.endswith("a") != other.endswith("a"):
        return True
    nicknames = _nicknames()
    return edits > 1 and nicknames.nicknames_of(one).isdisjoint(nicknames.nicknames_of(other))


def _slip_of_nickname(typed: str, given: str) -> bool:
    """ "Rnady" is Randy, and so Randall; "Bobby" is no slip, but a name."""
    if len(typed) < 4 or known(typed):
        return False
    names = formal(given) | _nicknames().nicknames_of(given)
    return any(OSA.distance(typed, name, score_cutoff=1) == 1 for name in names if len(name) > 3)


def best_given(one: Name, other: Name) -> Given:
    if len(one.givens) == 1 == len(other.givens):
        level = given_agreement(one.givens[0], other.givens[0])
        if level <= Given.COUSIN or not (one.more or other.more):
            return level
    elif not one.givens or not other.givens:
        return Given.MISSING
    else:
        return min(given_agreement(a, b) for a in one.givens for b in other.givens)
    return min(level, _through_more(one, other))


def _through_more(one: Name, other: Name) -> Given:
    """ "Mary Ann" may be "Maryann", or "Ann" to her friends."""
    if one.givens[0] + "".join(one.more) == other.givens[0] + "".join(other.more):
        return Given.SAME
    mine = {one.givens[0], *one.more}
    theirs = {other.givens[0], *other.more}
    if any(len(word) > 2 for word in mine & theirs):
        return Given.PART
    return Given.DIFFERENT


@lru_cache(maxsize=65_536)
def _family_word(one: str, other: str) -> Family:
    if one == other:
        return Family.SAME
    if len(one) == 1 or len(other) == 1:
        return Family.INITIAL if one[0] == other[0] else Family.DIFFERENT
    edits = OSA.distance(one, other, score_cutoff=2)
    shorter = min(len(one), len(other))
    if sound(one) == sound(other) and OSA.normalized_similarity(one, other) >= 0.6:
        return Family.SPELLING
    if (edits == 1 and shorter >= 3) or (edits == 2 and shorter >= 6):
        return Family.TYPO
    return Family.DIFFERENT


def family_agreement(one: Name, other: Name) -> Family:
    if not one.family or not other.family:
        return Family.MISSING
    if one.family == other.family:
        return Family.SAME
    level = _family_word(one.family, other.family)
    if level is Family.DIFFERENT and (len(one.families) > 1 or len(other.families) > 1):
        if _shared_part(one.families, other.families):
            return Family.PART
        return _best_part(one.families, other.families)
    return level


def _shared_part(mine: Iterable[str], theirs: Iterable[str]) -> bool:
    return any(len(word) > 2 for word in set(mine) & set(theirs))


def _best_part(mine: tuple[str, ...], theirs: tuple[str, ...]) -> Family:
    levels = [_family_word(a, b) for a in mine for b in theirs if len(a) > 4 and len(b) > 4]
    return (
        Family.TYPO if min(levels, default=Family.DIFFERENT) < Family.INITIAL else Family.DIFFERENT
    )


class NameAgreement(NamedTuple):
    given: Given
    family: Family
    swapped: bool = False


def name_agreement(one: Name, other: Name) -> NameAgreement:
    straight = NameAgreement(best_given(one, other), family_agreement(one, other))
    if straight.given < Given.CONFUSABLE and straight.family < Family.DIFFERENT:
        return straight
    around = _crosswise(one, other)
    if around is None or (around.given, around.family) >= (straight.given, straight.family):
        return straight
    return around


def _crosswise(one: Name, other: Name) -> NameAgreement | None:
    """How the names agree if one of the two was typed with the surname first."""
    if one.couple or other.couple or not (one.givens and one.family):
        return None
    if not (other.givens and other.family):
        return None
    ways = (_exchanged(one, other), _exchanged(other, one))
    found = (way for way in ways if way)
    return min(found, key=lambda way: (way.given + way.family, way.given), default=None)


def _exchanged(one: Name, other: Name) -> NameAgreement | None:
    """As if `one` had the fields in order, and `other` had not."""
    turned = "".join((other.givens[0], *(word for word in other.more if len(word) > 1)))
    family = _family_word(one.family, turned)
    if family is Family.DIFFERENT and _shared_part(one.families, (other.givens[0], *other.more)):
        family = Family.PART
    if family is Family.DIFFERENT and one.givens[0] != other.families[0]:
        return None
    given = given_agreement(one.givens[0], other.families[0])
    return NameAgreement(given, family, swapped=True) if given <= Given.TYPO else None
