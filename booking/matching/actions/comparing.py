"""Whoever came or changed is held against the list, a few at a time."""

import uuid
from collections.abc import Collection

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from booking.audit.actions import SYSTEM
from booking.businesses.models import Business
from booking.clients.models import Client, Compared, Link
from booking.database import across_businesses, business_of
from booking.matching import candidates, profiles
from booking.matching.actions.raising import (
    Pair,
    ask_about,
    open_pairs,
    pair_of,
    raise_for_login,
    raise_for_visit,
    typed_by,
)
from booking.matching.actions.scans import start_scan
from booking.matching.candidates import Candidates
from booking.matching.models import Match, MatchState, Newcomer, Origin
from booking.matching.renewal import mark, renew_due_keys
from booking.matching.rules.people import Profile
from booking.matching.rules.verdicts import WORTH_A_LOOK, compare

MANY = 2_000
"""With more than so many to compare it is quicker to look through the whole list once."""
KEYS_AT_ONCE = 250
_CLIENTS_AT_ONCE = 100
_NEWCOMERS_AT_ONCE = 20


def businesses_with_due(session: Session) -> list[uuid.UUID]:
    """Where somebody waits to be compared."""
    changed = select(Client.id).where(Client.business_id == Business.id, profiles.NOT_DONE)
    came = select(Newcomer.id).where(Newcomer.business_id == Business.id)
    query = select(Business.id).where(or_(changed.exists(), came.exists()))
    with across_businesses(session):
        return list(session.scalars(query))


def compare_due(session: Session) -> int:
    """The next few of this business: their keys, then newcomers, then the pairs they are in.

    One transaction around this is one batch: call it again, in a new one, until it answers 0.
    Whoever is held by another is passed over.
    """
    keyed = renew_due_keys(session, most=KEYS_AT_ONCE)
    return keyed or _look_at_newcomers(session) or _compare_keyed(session)


def _look_at_newcomers(session: Session) -> int:
    query = (
        select(Newcomer)
        .order_by(Newcomer.id)
        .limit(_NEWCOMERS_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    due = list(session.scalars(query))
    for newcomer in due:
        _look_at(session, newcomer)
        session.delete(newcomer)
    return len(due)


def _look_at(session: Session, newcomer: Newcomer) -> None:
    person, origin = typed_by(newcomer), newcomer.origin
    if newcomer.client_id is not None:
        ask_about(session, session.get_one(Client, newcomer.client_id), origin=origin)
    elif newcomer.appointment_id is not None:
        raise_for_visit(session, newcomer.appointment_id, person, origin=origin)
    elif newcomer.account_id is not None and not _has_client(session, newcomer.account_id):
        raise_for_login(session, newcomer.account_id, person, origin=origin)


def _has_client(session: Session, account_id: uuid.UUID) -> bool:
    query = select(Link.id).where(Link.account_id == account_id).limit(1)
    return session.scalar(query) is not None


def _compare_keyed(session: Session) -> int:
    if _are_many(session):
        start_scan(session, by=SYSTEM)
        return 0
    due = profiles.held_in_state(session, Compared.KEYED, _CLIENTS_AT_ONCE)
    if not due:
        return 0
    people = list(due.items())
    found = candidates.candidates_of_many(session, [(them, one) for one, them in people])
    pairs = {
        (pair.client_id, pair.other_id): pair
        for (client_id, them), near in zip(people, found, strict=True)
        for pair in _pairs_of(client_id, them, near)
    }
    open_pairs(session, pairs.values(), origin=Origin.LIST)
    _withdraw(session, due.keys(), pairs.keys())
    mark(session, due.keys(), Compared.DONE)
    return len(due)


def _are_many(session: Session) -> bool:
    waiting = (
        select(Client.id)
        .where(Client.compared == Compared.KEYED, profiles.NOT_DONE)
        .limit(MANY + 1)
        .subquery()
    )
    return (session.scalar(select(func.count()).select_from(waiting)) or 0) > MANY


def _pairs_of(client_id: uuid.UUID, them: Profile, near: Candidates) -> list[Pair]:
    compared = ((one, compare(them, other, near.shared)) for one, other in near.known)
    return [pair_of(client_id, one, it) for one, it in compared if it.score >= WORTH_A_LOOK]


def _withdraw(
    session: Session,
    client_ids: Collection[uuid.UUID],
    alike: Collection[tuple[uuid.UUID, uuid.UUID]],
) -> None:
    """Open pairs of the list that look alike no more; what a newcomer raised is to be decided."""
    query = select(Match.id, Match.client_id, Match.other_id).where(
        Match.state == MatchState.OPEN,
        Match.origin == Origin.LIST,
        or_(Match.client_id.in_(client_ids), Match.other_id.in_(client_ids)),
    )
    gone = [row.id for row in session.execute(query) if (row.client_id, row.other_id) not in alike]
    if gone:
        session.execute(
            delete(Match).where(Match.business_id == business_of(session), Match.id.in_(gone))
        )
