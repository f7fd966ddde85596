"""Every pair of a whole list that may be one person, found in memory."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from booking.matching.rules.certainty import certain
from booking.matching.rules.evidence import evidence
from booking.matching.rules.keys import CROWD, keys, name_number
from booking.matching.rules.people import Profile
from booking.matching.rules.reasons import reasons
from booking.matching.rules.verdicts import Comparison
from booking.matching.rules.weights import chance, odds

Id = uuid.UUID | str
FLOOR = 0.02
"""Pairs less likely than this are not told: there is no end of them."""
_STEP = 1_000


def pairs(
    profiles: Iterable[tuple[Id, Profile]],
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[Id, Id, Comparison]]:
    """Pairs in no order. `progress` hears now and then how many of how many people are done."""
    people = list(profiles)
    holders = _holders(people)
    names = [name_number(them) for _, them in people]
    shared = {number: len({names[at] for at in found}) for number, found in holders.items()}
    near = _near(holders)
    for place, (client_id, one) in enumerate(people):
        for other_place in sorted(near.pop(place, ())):
            other_id, other = people[other_place]
            seen = evidence(one, other, shared)
            score = chance(odds(seen))
            if score >= FLOOR:
                agrees, differs = reasons(one, other, seen)
                yield client_id, other_id, Comparison(score, agrees, differs, certain(seen))
        if progress is not None and ((place + 1) % _STEP == 0 or place + 1 == len(people)):
            progress(place + 1, len(people))


def _holders(people: Sequence[tuple[Id, Profile]]) -> dict[int, list[int]]:
    """Who of the list carries each key that more than one carries."""
    only: dict[int, int] = {}
    holders: dict[int, list[int]] = {}
    for place, (_, them) in enumerate(people):
        for number in keys(them):
            first = only.setdefault(number, place)
            if first != place:
                holders.setdefault(number, [first]).append(place)
    return holders


def _near(holders: Mapping[int, Sequence[int]]) -> dict[int, set[int]]:
    """For each of the list, those after it with a key in common that is no crowd's."""
    near: dict[int, set[int]] = {}
    for found in holders.values():
        if len(found) <= CROWD:
            for at, first in enumerate(found[:-1]):
                near.setdefault(first, set()).update(found[at + 1 :])
    return near
