"""The verdict on a pair of records, and on a newcomer against those who may be the same person."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from booking.matching.rules.certainty import certain
from booking.matching.rules.evidence import evidence
from booking.matching.rules.people import Profile
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
    return Comparison(chance(odds(seen)), agrees, differs, certain=certain(seen))


_MOST = 5
_SAME = 0.9
"""Two records of the list so alike are taken for one person's: a newcomer may be linked to either."""
_FAR = 20.0
"""How many times likelier the best must be, for the second not to matter."""


def _near(best: Comparison, second: Comparison) -> bool:
    if second.score < 0.5:
        return False
    ahead = (best.score / (1 - best.score)) / (second.score / (1 - second.score))
    return second.certain or ahead < _FAR




def judge(
    newcomer: Profile,
    known: Sequence[tuple[uuid.UUID | str, Profile]],
    shared: Mapping[int, int],
) -> Verdict:
    """`ranked` holds at most five, the likeliest first."""
    profiles = dict(known)
    ranked = sorted(
        (Ranked(client_id, compare(newcomer, them, shared)) for client_id, them in known),
        key=lambda it: (-it.comparison.score, str(it.client_id)),
    )
    ranked = [it for it in ranked if it.comparison.score >= WORTH_A_LOOK][:_MOST]
    if not ranked:
        return Verdict(Decision.NEW, None, ())
    best = ranked[0]
    rivals = [
        it
        for it in ranked[1:]
        if _near(best.comparison, it.comparison)
        and compare(profiles[best.client_id], profiles[it.client_id], shared).score < _SAME
    ]
    if best.comparison.certain and not rivals:
        return Verdict(Decision.LINK, best.client_id, tuple(ranked))
    return Verdict(Decision.REVIEW, None, tuple(ranked))
