"""The verdict on a pair of records, and on a newcomer against those who may be the same person."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from booking.matching.rules.certainty import certain
from booking.matching.rules.evidence import Evidence, evidence
from booking.matching.rules.names import Family, Given
from booking.matching.rules.people import Profile
from booking.matching.rules.phones import Call
from booking.matching.rules.reasons import reasons
from booking.matching.rules.weights import chance, odds

WORTH_A_LOOK = 0.1
"""A pair less likely than this is nobody's work."""


class Decision(StrEnum):
    LINK = "link"
    REVIEW = "review"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`score` is how likely the two are one person, 0 to 1; `agrees` and `differs` say why in
    words for people; `certain` is whether they may be linked with nobody looking."""

    score: float
    agrees: tuple[str, ...]
    differs: tuple[str, ...]
    certain: bool = False


@dataclass(frozen=True, slots=True)
class Ranked:
    client_id: uuid.UUID | str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Verdict:
    decision: Decision
    client_id: uuid.UUID | str | None
    ranked: tuple[Ranked, ...]


def compare(one: Profile, other: Profile, shared: Mapping[int, int]) -> Comparison:
    """`shared` is how many different names of the list carry a key; absent is none."""
    seen = evidence(one, other, shared)
    agrees, differs = reasons(one, other, seen)
    return Comparison(chance(odds(seen)), agrees, differs, certain(seen))


_MOST = 5
_SAME = 0.9
"""Two records of the list so alike are taken for one person's: either may be linked to."""
_FAR = 20.0
"""How many times likelier the best must be, for the second not to matter."""


class _Candidate(NamedTuple):
    client_id: uuid.UUID | str
    them: Profile
    seen: Evidence
    score: float
    certain: bool


def judge(
    newcomer: Profile,
    known: Sequence[tuple[uuid.UUID | str, Profile]],
    shared: Mapping[int, int],
) -> Verdict:
    """`ranked` holds at most five, the likeliest first."""
    candidates = sorted(
        (_candidate(newcomer, client_id, them, shared) for client_id, them in known),
        key=lambda it: (-it.score, str(it.client_id)),
    )
    worth = [it for it in candidates if it.score >= WORTH_A_LOOK]
    if not worth:
        return Verdict(Decision.NEW, None, ())
    ranked = tuple(_ranked(newcomer, it) for it in worth[:_MOST])
    best = min(worth, key=_rank)
    others = (it for it in candidates if it is not best)
    if best.certain and not any(_casts_doubt(best, it, shared) for it in others):
        return Verdict(Decision.LINK, best.client_id, ranked)
    return Verdict(Decision.REVIEW, None, ranked)


def _candidate(
    newcomer: Profile, client_id: uuid.UUID | str, them: Profile, shared: Mapping[int, int]
) -> _Candidate:
    seen = evidence(newcomer, them, shared)
    return _Candidate(client_id, them, seen, chance(odds(seen)), certain(seen))


def _ranked(newcomer: Profile, it: _Candidate) -> Ranked:
    agrees, differs = reasons(newcomer, it.them, it.seen)
    return Ranked(it.client_id, Comparison(it.score, agrees, differs, it.certain))


def _rank(it: _Candidate) -> tuple[bool, bool, float, str]:
    """Of several records of a person, the one to link to is the one there is no question about."""
    exact = it.certain and it.seen.given is Given.SAME
    return not it.certain, not exact, -it.score, str(it.client_id)


def _casts_doubt(best: _Candidate, other: _Candidate, shared: Mapping[int, int]) -> bool:
    """Does this other record of the list make it doubtful that the newcomer is the best one?"""
    seen = other.seen
    namesake = seen.given <= Given.COUSIN and seen.family <= Family.TYPO
    if namesake and seen.generations_differ and seen.call is not Call.DIFFERENT:
        return not seen.other_calls
    if other.score < 0.5:
        return False
    if best.seen.given is not Given.SAME and seen.given is Given.SAME:
        return True
    # An e-mail alone led to the best; who else uses it under this name has another number.
    if best.seen.call is Call.MISSING and seen.call is Call.DIFFERENT:
        return True
    near = other.certain or _odds(best) / _odds(other) < _FAR
    return near and chance(odds(evidence(best.them, other.them, shared))) < _SAME


def _odds(it: _Candidate) -> float:
    return it.score / (1 - it.score)
