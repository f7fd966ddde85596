"""Who of the list each person of a file is: by the client's number, by what an earlier file said in
the same words, or by the matching rule. Writes nothing.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy.orm import Session

from booking.imports.actions import asking
from booking.imports.actions.asking import Known, Staged
from booking.imports.models import Import
from booking.imports.rules.differences import is_somebody_else
from booking.imports.rules.lookups import Lookup, as_person, kinds, lookup_of
from booking.imports.rules.rows import ImportedClient
from booking.matching import candidates, index, profiles
from booking.matching.index import Holder
from booking.matching.rules.keys import CROWD, LIMIT, KeyKind
from booking.matching.rules.people import Profile, profile
from booking.matching.rules.verdicts import Comparison, Decision, Verdict, judge

Holders = dict[int, list[Holder]]


class Newcomer:
    """What somebody is looked up by. The normal form is made when it is first asked for: of most
    it never is, where another process has made the keys."""

    __slots__ = ("_country", "_profile", "keys", "lookup", "name", "said")

    def __init__(self, said: ImportedClient, country: str, lookup: Lookup | None = None) -> None:
        self.said, self._country = said, country
        self._profile: Profile | None = None
        self.lookup = lookup or lookup_of(self.profile)
        self.name = self.lookup[0]
        self.keys: dict[int, KeyKind] = kinds(self.lookup)

    @property
    def profile(self) -> Profile:
        if self._profile is None:
            self._profile = profile(as_person(self.said), country=self._country)
        return self._profile


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


NOBODY = Meant(None)
Around = tuple[list[uuid.UUID], dict[int, int]]


class Ready(NamedTuple):
    """What was found for a row when it was held against the list alone, some time ago. `near` are
    all with whom it was compared."""

    lookup: Lookup
    near: tuple[uuid.UUID, ...]
    meant: Meant


@dataclass(slots=True)
class Fresh:
    """Those whom the file brings and the list can't find yet, by their keys, and the numbers
    that clients without one are about to get. `people` are those of the chunk in hand, `meant` all
    clients whom a row meant so far. It is not asked, nor told, of a chunk in which all are told
    apart; `misses` where it does not know all whom the file brought before.
    """

    people: dict[uuid.UUID, Newcomer] = field(default_factory=dict)
    numbers: dict[uuid.UUID, str] = field(default_factory=dict)
    meant: set[uuid.UUID] = field(default_factory=set)
    is_asked: bool = True
    misses: bool = False
    _holders: dict[int, Holder | list[Holder]] = field(default_factory=dict)

    def add(self, client_id: uuid.UUID, newcomer: Newcomer) -> None:
        """As in the database, more than LIMIT holders of a key tell nothing. Most keys have one
        holder: a list for each would be most of the memory a long file takes."""
        holder = Holder(client_id.hex, str(newcomer.name))
        for key in newcomer.keys:
            there = self._holders.setdefault(key, holder)
            if isinstance(there, list):
                if len(there) < LIMIT:
                    there.append(holder)
            elif there is not holder:
                self._holders[key] = [there, holder]

    def holders(self, key: int) -> Sequence[Holder]:
        there = self._holders.get(key, [])
        return there if isinstance(there, list) else [there]

    def take_back(self, client_id: uuid.UUID) -> None:
        """Their row could not be stored."""
        newcomer = self.people.pop(client_id, None)
        for key in newcomer.keys if newcomer else ():
            left = [one for one in self.holders(key) if one.client != client_id.hex]
            self._holders[key] = left


class Recogniser:
    """Asks the database for everybody at once, and then answers one by one in the order of the
    rows, for each may be the next one's twin.

    A file that numbers its clients has said who is who among them: they are only looked for among
    those who were there before. What is alike within the list is for the look
    through the list to find. Where nobody was there before, `newcomers` are not even made.
    """

    def __init__(
        self,
        session: Session,
        row: Import,
        staged: Sequence[Staged],
        fresh: Fresh,
        ready: Mapping[uuid.UUID, Ready],
    ) -> None:
        self._session, self._row = session, row
        self._fresh = fresh
        self._ready = ready
        self._just_added: set[int] = set()
        self._made = asking.made_by(session, row)
        self._by_number = asking.by_number(session, staged)
        self._by_said = asking.by_said(session, row, staged)
        unknown = [one for one in staged if self._known_as(one) is None]
        if not fresh.is_asked and not asking.is_anybody_besides(session, self._made):
            unknown = []
        self._country = profiles.country(session)
        self.newcomers = {one.id: self._newcomer(one) for one in unknown}
        self._held: dict[int, list[Holder]] = {}
        self._around: dict[uuid.UUID, Around] = {}
        self._known: dict[uuid.UUID, Known] = {}
        self._look_up(self._to_look_up(unknown))
        self._unknown = unknown

    def meant(self, one: Staged) -> Meant:
        meant = self._known_as(one) or self._judged(one)
        if meant.client_id is not None:
            self._fresh.meant.add(meant.client_id)
        return meant

    def ready(self) -> dict[uuid.UUID, Ready]:
        """Everybody against the list alone."""
        return {
            one.id: Ready(
                self.newcomers[one.id].lookup, tuple(near), self._compared(one, near, shared)
            )
            for one in self._unknown
            for near, shared in (self._around[one.id],)
        }

    def _newcomer(self, one: Staged) -> Newcomer:
        ready = self._ready.get(one.id)
        return Newcomer(one.person, self._country, ready.lookup if ready else None)

    def _to_look_up(self, unknown: Sequence[Staged]) -> list[Staged]:
        """Those of whom it was not done; and whom the file itself has a part in."""
        before: set[int] = set()
        found = []
        for one in unknown:
            keys = self.newcomers[one.id].keys
            if self._as_it_stands(one) is None or not before.isdisjoint(keys):
                found.append(one)
            if not one.is_told_apart:
                before.update(keys)
        return found

    def _as_it_stands(self, one: Staged) -> Meant | None:
        """What was found for this row, if nothing of the file has to do with it since."""
        ready = self._ready.get(one.id)
        if ready is None or not self._fresh.meant.isdisjoint(ready.near):
            return None
        if not one.is_told_apart and any(map(self._fresh.holders, self.newcomers[one.id].keys)):
            return None
        return ready.meant

    def _look_up(self, some: Sequence[Staged]) -> None:
        wanted = {key for one in some for key in self.newcomers[one.id].keys}
        if wanted:
            self._held |= index.holders(self._session, wanted)
        around = {one.id: self._look_around(one) for one in some}
        near = {each for found, _ in around.values() for each in found}
        self._known |= asking.known(
            self._session, near - self._known.keys(), self._row, self._country
        )
        self._around |= around

    def _known_as(self, one: Staged) -> Meant | None:
        number = one.person.external_id
        if number and (numbered := self._by_number.get(number)):
            return Meant(numbered[0], same_number=True, several=len(numbered) > 1)
        told = self._by_said.get(one.said)
        if told is None or is_somebody_else(told, one.person):
            return None
        return Meant(told["id"])

    def _look_around(self, one: Staged) -> Around:
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
        if one.is_told_apart or not (fresh := self._fresh.holders(key)):
            return there
        twice = {each.client for each in there}  # who got their keys from the worker meanwhile
        return [*there, *(each for each in fresh if each.client not in twice)]

    def _others(self, one: Staged, holders: Sequence[Holder]) -> Sequence[Holder]:
        """Those among whom this person is looked for."""
        if not one.is_told_apart:
            return holders
        first, last = self._made
        return [each for each in holders if not first <= each.client <= last]

    def _judged(self, one: Staged) -> Meant:
        newcomer = self.newcomers.get(one.id)
        if newcomer is None:
            return NOBODY
        meant = self._as_it_stands(one)
        if meant is None:
            if one.id not in self._around:
                self._look_up([one])
            near, shared = self._around[one.id]
            if not (one.is_told_apart or self._just_added.isdisjoint(newcomer.keys)):
                near, shared = self._look_around(one)
            meant = self._compared(one, near, shared)
        if meant.client_id is None:
            self._add(one, newcomer)
        elif one.person.external_id:
            self._fresh.numbers[meant.client_id] = one.person.external_id
        return meant

    def _compared(self, one: Staged, near: Sequence[uuid.UUID], shared: Mapping[int, int]) -> Meant:
        them = {each: known for each in near if (known := self._somebody(each)) is not None}
        if not them:
            return NOBODY
        profiles = [(each, known.profile) for each, known in them.items()]
        verdict = judge(self.newcomers[one.id].profile, profiles, shared)
        return self._verdict(one, verdict, them)

    def _add(self, one: Staged, newcomer: Newcomer) -> None:
        if self._fresh.is_asked:
            self._fresh.add(one.id, newcomer)
            self._fresh.people[one.id] = newcomer
            self._just_added.update(newcomer.keys)

    def _somebody(self, client_id: uuid.UUID) -> Known | None:
        if (known := self._known.get(client_id)) is not None:
            return known
        fresh = self._fresh.people.get(client_id)
        return asking.as_known(client_id, fresh.said, fresh.profile) if fresh else None

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
            return NOBODY
        return Meant(None, looks_like=tuple(alike))

    def _has_other_number(self, one: Staged, known: Known) -> bool:
        """Two different client numbers are two clients until staff says otherwise."""
        number = known.number or self._fresh.numbers.get(known.client_id, "")
        return bool(one.person.external_id and number and number != one.person.external_id)
