"""Who may somebody be, and what waits for a decision."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from booking.clients.models import Client, Link
from booking.clients.models import Pet as KeptPet
from booking.database import Base, is_writing
from booking.errors import NotFound
from booking.matching import candidates, profiles
from booking.matching.models import Match, MatchState, Origin, Scan
from booking.matching.renewal import renew_due_keys
from booking.matching.rules.people import Person, Pet, Profile, profile
from booking.matching.rules.verdicts import Verdict, judge

_MOST_RELATED = 50
_MOST_STEPS = 8
_MOST_COUNTED = 1_000
_RAISED_BY = [origin for origin in Origin if origin is not Origin.LIST]


@dataclass(frozen=True, slots=True)
class After:
    """Where a page goes on: the last match seen."""

    score: float
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Counts:
    """Of each kind at most 1,000 are counted: these stand on every page."""

    matches: int
    duplicates: int


def person_of(client: Client, pets: Iterable[KeptPet]) -> Person:
    """`pets` are those that are not archived."""
    return Person(
        client.first_name,
        client.last_name,
        client.email,
        client.mobile_phone,
        client.home_phone,
        client.address_1,
        client.address_2,
        client.city,
        client.region,
        client.postal_code,
        tuple(Pet(pet.name, pet.breed) for pet in pets),
    )


def look_alikes(session: Session, person: Person, *, without: uuid.UUID | None = None) -> Verdict:
    """Who of the list this may be; `without` is their own record, where they have one.

    Those who changed just now count as they are now: a session that writes renews their keys, one
    that reads compares them directly.
    """
    them = profile(person, country=profiles.country(session))
    writing = is_writing(session)
    if writing:
        renew_due_keys(session, most=candidates.MOST_DUE)
    found = candidates.candidates_of(session, them, without=without, due=not writing)
    return judge(them, found.known, found.shared)


def look_alikes_of_many(session: Session, profiles: Sequence[Profile]) -> list[Verdict]:
    """A verdict each, in their order. Keys that are due are not renewed here."""
    found = candidates.candidates_of_many(session, [(them, None) for them in profiles])
    return [
        judge(them, near.known, near.shared) for them, near in zip(profiles, found, strict=True)
    ]


def find(session: Session, match_id: uuid.UUID) -> Match:
    """Raises NotFound."""
    match = session.scalar(select(Match).where(Match.id == match_id))
    if match is None:
        raise NotFound
    return match


def open_matches(session: Session, *, after: After | None = None, limit: int = 50) -> list[Match]:
    """What newcomers raised, and visits and logins that wait, best first."""
    return _page(session, _raised(Match), after, limit)


def decided(
    session: Session, state: MatchState, *, after: After | None = None, limit: int = 50
) -> list[Match]:
    """What staff said of all sorts of pairs, as far as it stands: a login that was taken from its
    client on the client's page is linked no more."""
    return _page(session, _answered(state), after, limit)


def of_client(session: Session, client_id: uuid.UUID, state: MatchState) -> list[Match]:
    """What was asked about that client and stands so, the likeliest first."""
    theirs = or_(Match.client_id == client_id, Match.other_id == client_id)
    query = _answered(state).where(theirs)
    return list(session.scalars(query.order_by(Match.score.desc(), Match.id.desc())))


def duplicates(session: Session, *, after: After | None = None, limit: int = 50) -> list[Match]:
    """All pairs of clients that nobody has decided about, best first."""
    return _page(session, _pairs(Match), after, limit)


def counts(session: Session) -> Counts:
    return Counts(*(_count(session, which) for which in (_raised(Match.id), _pairs(Match.id))))


def _count(session: Session, which: Select[Any]) -> int:
    some = which.limit(_MOST_COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _raised(what: Any) -> Select[Any]:
    return select(what).where(
        Match.state == MatchState.OPEN, Match.origin.in_(_RAISED_BY), _waits()
    )


def _answered(state: MatchState) -> Select[Any]:
    """The matches in that state; OPEN is the answer that is still to come."""
    query = select(Match).where(Match.state == state)
    if state is MatchState.OPEN:
        return query.where(_waits())
    return query.where(~_waits()) if state is MatchState.LINKED else query


def _waits() -> ColumnElement[bool]:
    """Nothing is asked about a visit or a login that has its client, for as long as it has it.

    Visits are of a room above, and known here by what the foreign key leads to.
    """
    visit = Base.metadata.tables["appointment"]
    has_client = select(visit.c.id).where(
        visit.c.business_id == Match.business_id,
        visit.c.id == Match.appointment_id,
        visit.c.client_id.is_not(None),
    )
    is_linked = select(Link.id).where(
        Link.business_id == Match.business_id, Link.account_id == Match.account_id
    )
    return and_(
        or_(Match.appointment_id.is_(None), ~has_client.exists()),
        or_(Match.account_id.is_(None), ~is_linked.exists()),
    )


def _pairs(what: Any) -> Select[Any]:
    return select(what).where(Match.state == MatchState.OPEN, Match.other_id.is_not(None))


def _page(session: Session, query: Select[Any], after: After | None, limit: int) -> list[Match]:
    if after is not None:
        query = query.where(tuple_(Match.score, Match.id) < tuple_(after.score, after.id))
    return list(session.scalars(query.order_by(Match.score.desc(), Match.id.desc()).limit(limit)))


def household_of(session: Session, client_id: uuid.UUID) -> list[uuid.UUID]:
    """Whom staff put in one household with this client, by whichever way around."""
    return _reachable(session, client_id, MatchState.HOUSEHOLD)


def group_of(session: Session, client_id: uuid.UUID) -> list[uuid.UUID]:
    """Everybody who may be the same person as this client, or as one of those."""
    return _reachable(session, client_id, MatchState.OPEN)


def groups(session: Session, client_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, set[uuid.UUID]]:
    """For each of these clients everybody who may be the same person, themselves among them."""
    joined: dict[uuid.UUID, set[uuid.UUID]] = {one: {one} for one in client_ids}
    edge = set(client_ids)
    for _ in range(_MOST_STEPS):
        pairs = _pairs_with(session, edge, MatchState.OPEN)
        edge = {one for pair in pairs for one in pair} - joined.keys()
        for one, other in pairs:
            together = joined.get(one, {one}) | joined.get(other, {other})
            joined |= dict.fromkeys(together, together)
        if not edge:
            break
    return {one: joined[one] for one in client_ids}


def _reachable(session: Session, client_id: uuid.UUID, state: MatchState) -> list[uuid.UUID]:
    """The nearest first; at most some fifty."""
    found: dict[uuid.UUID, None] = {client_id: None}
    edge = {client_id}
    while edge and len(found) <= _MOST_RELATED:
        pairs = _pairs_with(session, edge, state)
        edge = {one for pair in pairs for one in pair} - found.keys()
        found |= dict.fromkeys(sorted(edge))
    return list(found)[1 : _MOST_RELATED + 1]


def _pairs_with(
    session: Session, client_ids: set[uuid.UUID], state: MatchState
) -> list[tuple[uuid.UUID, uuid.UUID]]:
    pairs = select(Match.client_id, Match.other_id).where(
        Match.state == state, Match.other_id.is_not(None)
    )
    found: list[tuple[uuid.UUID, uuid.UUID]] = []
    for column in (Match.client_id, Match.other_id):
        rows = session.execute(pairs.where(column.in_(client_ids)))
        found += [(one, other) for one, other in rows if other is not None]
    return found


def last_scan(session: Session) -> Scan | None:
    """How far the latest look through the whole list is."""
    return session.scalar(select(Scan).order_by(Scan.id.desc()).limit(1))
