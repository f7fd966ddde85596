"""Every pair of a whole list that may be one person, found in memory."""

import uuid
from collections.abc import Callable, Iterable, Iterator

from booking.matching.rules.certainty import certain
from booking.matching.rules.evidence import evidence
from booking.matching.rules.keys import CROWD, keys, name_number
from booking.matching.rules.people import Profile
from booking.matching.rules.reasons import reasons
from booking.matching.rules.verdicts import Comparison
from booking.matching.rules.weights import chance, odds

Id = uuid.UUID | str
FLOOR = 0.02


def pairs(
    profiles: Iterable[tuple[Id, Profile]],
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[Id, Id, Comparison]]:
    """Pairs in no order. `progress` hears how many of all people are done."""
    people = list(profiles)
    holders: dict[int, list[int]] = {}
    for place, (_, them) in enumerate(people):
        for number in keys(them):
            holders.setdefault(number, []).append(place)
    holders = {number: found for number, found in holders.items() if len(found) > 1}
    names = [name_number(them) for _, them in people]
    shared = {number: len({names[p] for p in found}) for number, found in holders.items()}
    near: dict[int, set[int]] = {}
    for found in holders.values():
        if len(found) <= CROWD:
            for at, first in enumerate(found):
                near.setdefault(first, set()).update(found[at + 1 :])
    for place, (client_id, one) in enumerate(people):
        for second in sorted(near.pop(place, ())):
            other_id, other = people[second]
            seen = evidence(one, other, shared)
            score = chance(odds(seen))
            if score >= FLOOR:
                agrees, differs = reasons(one, other, seen)
                yield client_id, other_id, Comparison(score, agrees, differs, certain(seen))
        if progress is not None and (place + 1) % 1000 == 0:
            progress(place + 1, len(people))
