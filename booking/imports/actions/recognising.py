"""Who of the list each person of a file is: by the client's number, by what an earlier file said in
the same words, or by the matching rule. Writes nothing.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from booking.imports.actions import asking
from booking.imports.actions.asking import Known, Staged
from booking.imports.models import Import
from booking.imports.rules.differences import is_somebody_else
from booking.imports.rules.rows import ImportedClient
from booking.matching import candidates, index
from booking.matching.index import Holder
from booking.matching.rules.keys import CROWD, KeyKind, keys, name_number
from booking.matching.rules.people import Profile, profile
from booking.matching.rules.verdicts import Comparison, Decision, Verdict, judge

Holders = dict[int, list[Holder]]


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What somebody is looked up by."""

    profile: Profile
    keys: dict[int, KeyKind]
    name: int


@dataclass(frozen=True, slots=True)
class LooksLike:
    """Somebody who may be the same person, and why that is not certain."""

    known: Known
    comparison: Comparison
    other_number: bool


@dataclass(frozen=True, slots=True)
class Meant:
    """`client_id` is None for somebody new, who may yet look like others."""

    client_id: uuid.UUID | None
    same_number: bool = False
    several: bool = False
    looks_like: tuple[LooksLike, ...] = ()


@dataclass(slots=True)
class Fresh:
    """Those whom the file brings and the list does not have yet, by their keys, and the numbers
    that clients without one are about to get. `people` are those of the chunk in hand; `is_kept`
    where later chunks ask for them too.
    """

    is_kept: bool = False
    holders: Holders = field(default_factory=dict)
    people: dict[uuid.UUID, Known] = field(default_factory=dict)
    numbers: dict[uuid.UUID, str] = field(default_factory=dict)

    def add(self, client_id: uuid.UUID, newcomer: Newcomer) -> None:
        holder = Holder(client_id.hex, str(newcomer.name))
        for key in newcomer.keys:
            self.holders.setdefault(key, []).append(holder)


class Recogniser:
    """Asks the database for everybody at once, and then answers one by one in the order of the
    rows, for each may be the next one's twin.

    A file that numbers its clients has said who is who among them: they are only looked for among
    those who were there before. What is alike within the list is for the look
    through the list to find.
    """

    def __init__(
        self, session: Session, row: Import, staged: Sequence[Staged], fresh: Fresh
    ) -> None:
        self._fresh = fresh
        self._asks_fresh = fresh.is_kept or not all(one.is_told_apart for one in staged)
        self._made = asking.made_by(session, row)
        self._by_number = asking.by_number(session, staged)
        self._by_said = asking.by_said(session, row, staged)
        unknown = [one for one in staged if self._known_as(one) is None]
        country = candidates.country(session)
        self.newcomers = {one.id: newcomer_of(one.person, country) for one in unknown}
        self._held = self._holders(session, unknown)
        around = unknown if self._held or self._asks_fresh else []
        self._around = {one.id: self._look_around(one) for one in around}
        wanted = {each for near, _ in self._around.values() for each in near}
        self._known = asking.known(session, wanted, row, country)

    def meant(self, one: Staged) -> Meant:
        return self._known_as(one) or self._judged(one)

    def _known_as(self, one: Staged) -> Meant | None:
        number = one.person.external_id
        if number and (numbered := self._by_number.get(number)):
            return Meant(numbered[0], same_number=True, several=len(numbered) > 1)
        told = self._by_said.get(one.said)
        if told is None or is_somebody_else(told, one.person):
            return None
        return Meant(told["id"])

    def _holders(self, session: Session, unknown: Sequence[Staged]) -> Holders:
        told_apart = all(one.is_told_apart for one in unknown)
        if told_apart and not asking.is_anybody_besides(session, self._made):
            return {}
        wanted = {key for one in unknown for key in self.newcomers[one.id].keys}
        return index.holders(session, wanted)

    def _look_around(self, one: Staged) -> tuple[list[uuid.UUID], dict[int, int]]:
        """Those who share the most that few share, and how many names have each key: one that a
        crowd has brings nobody. Nor do a surname and a pet's name alone: two in five of all who
        share anything share just these, and one in four hundred of them was worth a look.
        """
        weights: dict[str, float] = {}
        shared: dict[int, int] = {}
        besides: list[tuple[Sequence[Holder], float]] = []
        for key, kind in self.newcomers[one.id].keys.items():
            if not (there := self._there(one, key)):
                continue
            shared[key] = names = len({each.name for each in there})
            if names >= CROWD:
                continue
            if kind is KeyKind.FAMILY_PET:
                besides.append((there, 1 / names))
                continue
            for each in self._others(one, there):
                weights[each.client] = weights.get(each.client, 0) + 1 / names
        for there, weight in besides:
            for each in there:
                if each.client in weights:
                    weights[each.client] += weight
        ranked = sorted(weights, key=lambda client: (-weights[client], client))
        return [uuid.UUID(client) for client in ranked[: candidates.MOST]], shared

    def _there(self, one: Staged, key: int) -> Sequence[Holder]:
        there = self._held.get(key, [])
        if one.is_told_apart or key not in self._fresh.holders:
            return there
        return [*there, *self._fresh.holders[key]]

    def _others(self, one: Staged, holders: Sequence[Holder]) -> Sequence[Holder]:
        """Those among whom this person is looked for."""
        if not one.is_told_apart:
            return holders
        first, last = self._made
        return [each for each in holders if not first <= each.client <= last]

    def _judged(self, one: Staged) -> Meant:
        newcomer = self.newcomers[one.id]
        near, shared = self._around.get(one.id, ([], {}))
        if not one.is_told_apart and any(key in self._fresh.holders for key in newcomer.keys):
            near, shared = self._look_around(one)
        found = ((each, self._known.get(each) or self._fresh.people.get(each)) for each in near)
        them = {each: known for each, known in found if known is not None}
        meant = Meant(None)
        if them:
            profiles = [(each, known.profile) for each, known in them.items()]
            meant = self._verdict(one, judge(newcomer.profile, profiles, shared), them)
        if meant.client_id is None and self._asks_fresh:
            self._fresh.add(one.id, newcomer)
            self._fresh.people[one.id] = asking.as_known(one.id, one.person, newcomer.profile)
        elif meant.client_id is not None and one.person.external_id:
            self._fresh.numbers[meant.client_id] = one.person.external_id
        return meant

    def _verdict(self, one: Staged, verdict: Verdict, them: dict[uuid.UUID, Known]) -> Meant:
        alike = [
            LooksLike(known, each.comparison, self._has_other_number(one, known))
            for each in verdict.ranked
            if isinstance(each.client_id, uuid.UUID) and (known := them.get(each.client_id))
        ]
        certain = [each for each in alike if each.comparison.certain and not each.other_number]
        if verdict.decision is Decision.LINK and certain:
            oldest = min(certain, key=lambda each: (not each.known.is_active, each.known.client_id))
            return Meant(oldest.known.client_id, several=len(certain) > 1)
        if verdict.decision is Decision.NEW:
            return Meant(None)
        return Meant(None, looks_like=tuple(alike))

    def _has_other_number(self, one: Staged, known: Known) -> bool:
        """Two different client numbers are two clients until staff says otherwise."""
        number = known.number or self._fresh.numbers.get(known.client_id, "")
        return bool(one.person.external_id and number and number != one.person.external_id)


def newcomer_of(said: ImportedClient, country: str) -> Newcomer:
    them = profile(asking.as_person(said), country=country)
    return Newcomer(them, keys(them), name_number(them))
