"""Questions for staff: this one may be that one."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, case, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from booking import clock, wakeup
from booking.accounts.models import Account
from booking.accounts.rules import email_key
from booking.clients.models import Client
from booking.clients.queries import clients_with_email, pets_of
from booking.database import business_of, new_id
from booking.matching import candidates, profiles
from booking.matching.models import Match, MatchState, Newcomer, Origin
from booking.matching.queries import look_alikes, person_of
from booking.matching.rules.people import Person, Pet, profile
from booking.matching.rules.verdicts import (
    WORTH_A_LOOK,
    Comparison,
    Decision,
    Ranked,
    Verdict,
    compare,
)

_match = Match.__table__

JOB = "compare_due_clients"
_MOST_FOR_ONE = 5


class Pair(NamedTuple):
    """Two clients, the one with the smaller id first, as `Match` has them."""

    client_id: uuid.UUID
    other_id: uuid.UUID
    comparison: Comparison


def pair_of(one: uuid.UUID, other: uuid.UUID, comparison: Comparison) -> Pair:
    return Pair(min(one, other), max(one, other), comparison)


def note_newcomer(
    session: Session,
    person: Person,
    *,
    origin: Origin,
    client: Client | None = None,
    appointment_id: uuid.UUID | None = None,
    account: Account | None = None,
) -> None:
    """To be held against the list by the worker: a new client, or a visit or login without one."""
    session.add(
        Newcomer(
            id=new_id(),
            business_id=business_of(session),
            client_id=client.id if client else None,
            appointment_id=appointment_id,
            account_id=account.id if account else None,
            origin=origin,
            person=asdict(person),
            created_at=clock.now(),
        )
    )
    wakeup.after_commit(session, JOB)


def typed_by(newcomer: Newcomer) -> Person:
    said = newcomer.person
    return Person(**said | {"pets": tuple(Pet(**pet) for pet in said["pets"])})


def ask_about(session: Session, client: Client, *, origin: Origin) -> list[Match]:
    """Hold a record that is new against the list, and ask staff about whom it looks like."""
    session.flush()
    them = person_of(client, pets_of(session, [client.id])[client.id])
    verdict = look_alikes(session, them, without=client.id)
    return raise_match(session, client, verdict, origin=origin)


def raise_match(
    session: Session, newcomer: Client, verdict: Verdict, *, origin: Origin
) -> list[Match]:
    """Open questions for whom the newcomer may be, best first; what was decided stays decided."""
    ranked = _worth_asking(verdict)
    pairs = [pair_of(newcomer.id, _id(one), one.comparison) for one in ranked]
    open_pairs(session, pairs, origin=origin, newcomer_id=newcomer.id)
    found = open_matches_of(session, newcomer.id)
    asked = {(pair.client_id, pair.other_id) for pair in pairs}
    return [match for match in found if (match.client_id, match.other_id) in asked]


def open_matches_of(session: Session, client_id: uuid.UUID) -> list[Match]:
    """Open pairs of that client, best first."""
    query = (
        select(Match)
        .where(
            Match.state == MatchState.OPEN,
            Match.other_id.is_not(None),
            or_(Match.client_id == client_id, Match.other_id == client_id),
        )
        .order_by(Match.score.desc(), Match.id)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(query))


def open_pairs(
    session: Session,
    pairs: Iterable[Pair],
    *,
    origin: Origin,
    newcomer_id: uuid.UUID | None = None,
) -> None:
    """Each pair once: an open one gets its new score, a decided one stays as it is.

    Who has gone into another record meanwhile is left out.
    """
    pairs = list(pairs)
    there = _hold(session, {one for pair in pairs for one in pair[:2]})
    _write(
        session,
        [
            {
                **_row(session, pair.client_id, pair.comparison, origin),
                "other_id": pair.other_id,
                "newcomer_id": newcomer_id,
            }
            for pair in pairs
            if pair.client_id in there and pair.other_id in there
        ],
        other="other_id",
    )


def _hold(session: Session, client_ids: set[uuid.UUID]) -> set[uuid.UUID]:
    """Those that are there, and stay there until this transaction ends."""
    if not client_ids:
        return set()
    query = select(Client.id).where(Client.id.in_(client_ids)).order_by(Client.id)
    return set(session.scalars(query.with_for_update(read=True, key_share=True)))


def raise_for_visit(
    session: Session, appointment_id: uuid.UUID, person: Person, *, origin: Origin = Origin.BOOKING
) -> list[Match]:
    """Whose may a visit without a client be? Staff is asked, for each who has its address too."""
    return _raise_for(session, Match.appointment_id, appointment_id, person, origin)


def raise_for_login(
    session: Session, account_id: uuid.UUID, person: Person, *, origin: Origin = Origin.SIGN_UP
) -> list[Match]:
    """Whose may a login without a client be?"""
    return _raise_for(session, Match.account_id, account_id, person, origin)


def _raise_for(
    session: Session,
    other: InstrumentedAttribute[uuid.UUID | None],
    other_id: uuid.UUID,
    person: Person,
    origin: Origin,
) -> list[Match]:
    rows = [
        {**_row(session, _id(one), one.comparison, origin), other.key: other_id}
        for one in _may_be(session, person)
    ]
    _write(session, rows, other=other.key)
    query = select(Match).where(other == other_id)
    return list(session.scalars(query.order_by(Match.score.desc(), Match.id)))


def withdraw_visit(session: Session, appointment_id: uuid.UUID) -> None:
    """The visit has its client: nothing is asked about it any more."""
    kinds: tuple[tuple[type[Match | Newcomer], list[ColumnElement[bool]]], ...] = (
        (Match, [Match.state == MatchState.OPEN]),
        (Newcomer, []),
    )
    for kind, only in kinds:
        session.execute(
            delete(kind)
            .where(kind.appointment_id == appointment_id, *only)
            .execution_options(synchronize_session="fetch")
        )


def _worth_asking(verdict: Verdict) -> Sequence[Ranked]:
    match verdict.decision:
        case Decision.NEW:
            return ()
        case Decision.LINK:
            return verdict.ranked[:1]
        case Decision.REVIEW:
            return verdict.ranked


def _may_be(session: Session, person: Person) -> list[Ranked]:
    """Who is worth a look, and whoever has that very address: it waits until somebody decides."""
    them = profile(person, country=profiles.country(session))
    found = candidates.candidates_of(session, them)
    known = dict(found.known)
    with_address = {client.id for client in _with_address(session, person)}
    known |= profiles.load(session, with_address - known.keys())
    ranked = [Ranked(one, compare(them, other, found.shared)) for one, other in known.items()]
    worth = [
        one
        for one in ranked
        if one.comparison.score >= WORTH_A_LOOK or one.client_id in with_address
    ]
    worth.sort(key=lambda one: (one.client_id not in with_address, -one.comparison.score))
    return worth[:_MOST_FOR_ONE]


def _with_address(session: Session, person: Person) -> list[Client]:
    key = email_key(person.email) if person.email else None
    return clients_with_email(session, key)[:_MOST_FOR_ONE] if key else []


def _id(ranked: Ranked) -> uuid.UUID:
    assert isinstance(ranked.client_id, uuid.UUID)
    return ranked.client_id


def _row(
    session: Session, client_id: uuid.UUID, comparison: Comparison, origin: Origin
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "business_id": business_of(session),
        "client_id": client_id,
        "origin": origin,
        "score": comparison.score,
        "agrees": list(comparison.agrees),
        "differs": list(comparison.differs),
        "created_at": clock.now(),
    }


def _write(session: Session, rows: list[dict[str, Any]], *, other: str) -> None:
    """In the order of their ids, so that two who write the same wait for each other in turn."""
    if not rows:
        return
    session.flush()
    is_postgres = session.get_bind().dialect.name == "postgresql"
    assert isinstance(_match, Table)
    insert = postgresql.insert(_match) if is_postgres else sqlite.insert(_match)
    new = insert.excluded
    statement = insert.on_conflict_do_update(
        index_elements=["business_id", "client_id", other],
        set_={
            "score": new.score,
            "agrees": new.agrees,
            "differs": new.differs,
            "origin": case((new.origin == Origin.LIST, _match.c.origin), else_=new.origin),
            "newcomer_id": func.coalesce(new.newcomer_id, _match.c.newcomer_id),
        },
        where=_match.c.state == MatchState.OPEN,
    )
    session.execute(statement, sorted(rows, key=lambda row: (row["client_id"], row[other])))
