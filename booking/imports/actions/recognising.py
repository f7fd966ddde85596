"""Who of the list each person of a file is: by the client's number, by what an earlier file said in
the same words, or by the matching rule. Writes nothing.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from booking.imports.actions import asking
from booking.imports.actions.asking import Known, Staged
from booking.imports.models import Import
from booking.imports.rules.differences import is_somebody_else
from booking.imports.rules.lookups import Lookup, as_person, kinds, lookup_of
from booking.imports.rules.rows import ImportedClient
from booking.matching import candidates, index
from booking.matching.index import Holder
from booking.matching.rules.keys import CROWD, LIMIT, KeyKind
from booking.matching.rules.people import Profile, profile
from booking.matching.rules.verdicts import Comparison, Decision, Verdict, judge

Holders = dict[int, list[Holder]]


class Newcomer:
    """What somebody is looked up by. The normal form is made when it is first asked for: of most
    it never is, where another process has made the keys."""

    __slots__ = ("_country", "_profile", "keys", "name", "said")

    def __init__(self, said: ImportedClient, country: str, lookup: Lookup | None = None) -> None:
        self.said, self._country = said, country
        self._profile: Profile | None = None
        name, *_ = lookup = lookup or lookup_of(self.profile)
        self.name: int = name
        self.keys: dict[int, KeyKind] = kinds(lookup)

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


@dataclass(slots=True)
class Fresh:
    """Those whom the file brings and the list can't find yet, by their keys, and the numbers
    that clients without one are about to get. `people` are those of the chunk in hand. It is
    not asked, nor told, of a chunk in which all are told apart; `misses` where it does not know
    all whom the file brought before.
    """

    people: dict[uuid.UUID, Newcomer] = field(default_factory=dict)
    numbers: dict[uuid.UUID, str] = field(default_factory=dict)
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
        lookups: Mapping[uuid.UUID, Lookup],
    ) -> None:
        self._fresh = fresh
        self._just_added: set[int] = set()
        self._made = asking.made_by(session, row)
        self._by_number = asking.by_number(session, staged)
        self._by_said = asking.by_said(session, row, staged)
        unknown = [one for one in staged if self._known_as(one) is None]
        if not fresh.is_asked and not asking.is_anybody_besides(session, self._made):
            unknown = []
        country = candidates.country(session)
        self.newcomers = {
            one.id: Newcomer(one.person, country, lookups.get(one.id)) for one in unknown
        }
        wanted = {key for one in self.newcomers.values() for key in one.keys}
        self._held = index.holders(session, wanted) if wanted else {}
        around = unknown if self._held or fresh.is_asked else []
        self._around = {one.id: self._look_around(one) for one in around}
        near = {each for found, _ in self._around.values() for each in found}
        self._known = asking.known(session, near, row, country)

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
            return Meant(None)
        near, shared = self._around.get(one.id, ([], {}))
        if not (one.is_told_apart or self._just_added.isdisjoint(newcomer.keys)):
            near, shared = self._look_around(one)
        them = {each: known for each in near if (known := self._somebody(each)) is not None}
        meant = Meant(None)
        if them:
            profiles = [(each, known.profile) for each, known in them.items()]
            meant = self._verdict(one, judge(newcomer.profile, profiles, shared), them)
        if meant.client_id is None:
            self._add(one, newcomer)
        elif meant.client_id is not None and one.person.external_id:
            self._fresh.numbers[meant.client_id] = one.person.external_id
        return meant

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
            return Meant(None)
        return Meant(None, looks_like=tuple(alike))

    def _has_other_number(self, one: Staged, known: Known) -> bool:
        """Two different client numbers are two clients until staff says otherwise."""
        number = known.number or self._fresh.numbers.get(known.client_id, "")
        return bool(one.person.external_id and number and number != one.person.external_id)
