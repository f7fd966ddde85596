"""The questions about appointments: one of them, the diary, a client's own, what waits."""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import and_, bindparam, func, not_, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from booking import clock
from booking.appointments.models import Appointment, AppointmentState
from booking.appointments.rules import (
    OPEN,
    Notice,
    Policy,
    Verdict,
    Visit,
    may_cancel,
    may_reschedule,
)
from booking.businesses.queries import this_business
from booking.catalogue.models import StaffMember
from booking.clients.models import Link
from booking.database import (
    UtcDateTime,
    business_of,
    keyring_of,
)
from booking.errors import NotFound
from booking.preferences.actions import current
from booking.preferences.rules import Preferences
from booking.tokens import Purpose

When = Literal["upcoming", "past"]
MANAGE_LINK_LIVES = timedelta(days=30)


def find(session: Session, appointment_id: uuid.UUID) -> Appointment:
    """Raises NotFound, also for another business's."""
    found = session.scalar(select(Appointment).where(Appointment.id == appointment_id))
    if found is None:
        raise NotFound
    return found


def find_of_account(
    session: Session, account_id: uuid.UUID, appointment_id: uuid.UUID
) -> Appointment:
    """One of the visits of a login's clients. Raises NotFound for anybody else's."""
    mine = (
        select(Appointment)
        .join(Link, Link.client_id == Appointment.client_id)
        .where(Appointment.id == appointment_id, Link.account_id == account_id)
    )
    found = session.scalar(mine)
    if found is None:
        raise NotFound
    return found


def manage_token(session: Session, appointment: Appointment) -> str:
    """The secret of the link in a guest's e-mail: `/{slug}/booking/{token}`."""
    keyring = keyring_of(session)
    return keyring.derive(Purpose.MANAGE_BOOKING, appointment.id, appointment.generation)


def of_manage_token(session: Session, token: str, *, now: datetime) -> Appointment:
    """Raises NotFound for a link that is unknown, another business's, or long over."""
    if not token.isascii():
        raise NotFound
    digest = keyring_of(session).digest(Purpose.MANAGE_BOOKING, token)
    found = session.scalar(select(Appointment).where(Appointment.manage_digest == digest))
    if found is None or found.ends_at + MANAGE_LINK_LIVES < now:
        raise NotFound
    return found


# The diary of the people behind the counter.


@dataclass(frozen=True, slots=True)
class DiaryFilter:
    """[since, until); `staff_id` and `states` narrow it."""

    since: datetime | None = None
    until: datetime | None = None
    staff_id: uuid.UUID | None = None
    states: tuple[AppointmentState, ...] = ()


@dataclass(frozen=True, slots=True)
class After:
    """Where a list goes on: start and id of the last one seen."""

    starts_at: datetime
    id: uuid.UUID


def diary(
    session: Session, wanted: DiaryFilter, *, after: After | None = None, limit: int = 500
) -> Sequence[Appointment]:
    """Appointments by their start. Visits that have begun before `since` and go on are in it."""
    query = select(Appointment).order_by(Appointment.starts_at, Appointment.id).limit(limit)
    if wanted.since is not None:
        query = query.where(
            Appointment.ends_at > wanted.since,
            Appointment.starts_at > wanted.since - timedelta(days=1),
        )
    if wanted.until is not None:
        query = query.where(Appointment.starts_at < wanted.until)
    if wanted.staff_id is not None:
        query = query.where(Appointment.staff_id == wanted.staff_id)
    if wanted.states:
        query = query.where(Appointment.state.in_(wanted.states))
    if after is not None:
        place = tuple_(Appointment.starts_at, Appointment.id)
        query = query.where(place > _place(after))
    return session.scalars(query).all()


def _place(after: After) -> Any:
    return tuple_(
        bindparam(None, after.starts_at, type_=UtcDateTime()),
        bindparam(None, after.id, type_=Uuid()),
    )


def staff_names(session: Session) -> dict[uuid.UUID, str]:
    """Of everyone who ever performed anything here."""
    return {row.id: row.name for row in session.execute(select(StaffMember.id, StaffMember.name))}


def waiting(session: Session, limit: int = 50) -> Sequence[Appointment]:
    """Requests that need a decision, those that lapse first standing first."""
    pending = select(Appointment).where(Appointment.state == AppointmentState.PENDING)
    return session.scalars(pending.order_by(Appointment.hold_expires_at).limit(limit)).all()


def without_client(session: Session, now: datetime, limit: int = 20) -> Sequence[Appointment]:
    """Guest visits to come with a known address that nobody has proved or linked yet."""
    query = select(Appointment).where(
        Appointment.client_id.is_(None), Appointment.state.in_(OPEN), Appointment.ends_at > now
    )
    return session.scalars(query.order_by(Appointment.starts_at).limit(limit)).all()


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of Today."""

    today: int
    next_seven_days: int
    waiting: int
    new_this_week: int


def summary(session: Session, now: datetime) -> Summary:
    zone = this_business(session).timezone
    midnight = clock.to_local(now, zone).replace(
        hour=0, minute=0, second=0, microsecond=0, tzinfo=None
    )
    today, tomorrow, week = (
        clock.to_utc(midnight + timedelta(days=days), zone) for days in (0, 1, 7)
    )
    kept = Appointment.state.in_([*OPEN, AppointmentState.COMPLETED])
    soon = and_(kept, Appointment.starts_at >= today, Appointment.starts_at < week)
    counts = session.execute(
        select(
            func.count().filter(Appointment.starts_at < tomorrow),
            func.count(),
        )
        .select_from(Appointment)
        .where(soon)
    ).one()
    return Summary(
        today=counts[0],
        next_seven_days=counts[1],
        waiting=_count(session, Appointment.state == AppointmentState.PENDING),
        new_this_week=_count(session, Appointment.created_at >= now - timedelta(days=7)),
    )


def _count(session: Session, *conditions: Any) -> int:
    return session.scalar(select(func.count()).select_from(Appointment).where(*conditions)) or 0


def of_client(session: Session, client_id: uuid.UUID, limit: int = 200) -> Sequence[Appointment]:
    """For staff: all visits of a client, the latest first."""
    query = select(Appointment).where(Appointment.client_id == client_id)
    return session.scalars(query.order_by(Appointment.starts_at.desc()).limit(limit)).all()


def upcoming_counts(
    session: Session, client_ids: Collection[uuid.UUID], now: datetime
) -> dict[uuid.UUID, int]:
    """How many visits are still to come, for each client that has any."""
    query = (
        select(Appointment.client_id, func.count())
        .where(
            Appointment.client_id.in_(list(client_ids)),
            Appointment.ends_at > now,
            Appointment.state.in_(OPEN),
        )
        .group_by(Appointment.client_id)
    )
    return {client_id: count for client_id, count in session.execute(query) if client_id}


# What a client sees of their own: the hottest question, so plain rows of one statement.


class Mine(NamedTuple):
    """One visit as its client sees it."""

    id: uuid.UUID
    client_id: uuid.UUID
    state: AppointmentState
    starts_at: datetime
    ends_at: datetime
    service_id: uuid.UUID
    service_name: str
    staff_id: uuid.UUID
    staff_name: str
    price_minor: int | None
    currency: str
    pets: list[dict[str, Any]]
    note: str
    reschedules: int
    sequence: int
    updated_at: datetime


_visits, _links, _staff = Appointment.__table__, Link.__table__, StaffMember.__table__
_shown = [
    _staff.c.name.label("staff_name") if name == "staff_name" else _visits.c[name]
    for name in Mine._fields
]
# Visits are found through their client alone, which is of the same business as its link: were they
# found through their business too, SQLite, which has no statistics, would walk all of its diary.
_mine = (
    select(*_shown)
    .select_from(_links)
    .join(_visits, _visits.c.client_id == _links.c.client_id)
    .join(_staff, _staff.c.id == _visits.c.staff_id)
    .where(
        _links.c.business_id == bindparam("business_id"),
        _links.c.account_id == bindparam("account_id"),
    )
    .limit(bindparam("limit"))
)
# What it must not be rather than what it must: else SQLite would go through all that are confirmed.
_closed = [state for state in AppointmentState if state not in OPEN]
_to_come = and_(_visits.c.ends_at > bindparam("now"), _visits.c.state.not_in(_closed))
_soonest_first = tuple_(_visits.c.starts_at, _visits.c.id)
_after = tuple_(bindparam("after_start", type_=UtcDateTime()), bindparam("after_id", type_=Uuid()))
_UPCOMING = _mine.where(_to_come).order_by(_visits.c.starts_at, _visits.c.id)
_PAST = _mine.where(not_(_to_come)).order_by(_visits.c.starts_at.desc(), _visits.c.id.desc())
_LISTS = {
    ("upcoming", False): _UPCOMING,
    ("upcoming", True): _UPCOMING.where(_soonest_first > _after),
    ("past", False): _PAST,
    ("past", True): _PAST.where(_soonest_first < _after),
}


def mine(
    session: Session,
    account_id: uuid.UUID,
    when: When,
    *,
    now: datetime,
    after: After | None = None,
    limit: int = 50,
) -> list[Mine]:
    """The visits of all clients of a login: to come, the soonest first; or over and called off,
    the latest first."""
    values = {
        "business_id": business_of(session),
        "account_id": account_id,
        "now": now,
        "limit": limit,
    }
    if after is not None:
        values |= {"after_start": after.starts_at, "after_id": after.id}
    rows = session.execute(_LISTS[when, after is not None], values)
    return [Mine._make(row) for row in rows]


# What the policy lets a client do.


def policy_of(preferences: Preferences) -> Policy:
    chosen = preferences.cancel_and_reschedule
    return Policy(
        may_cancel=chosen.client_may_cancel,
        cancel_notice=Notice(chosen.cancel_notice, chosen.cancel_notice_unit),
        may_reschedule=chosen.client_may_reschedule,
        reschedule_notice=Notice(chosen.reschedule_notice, chosen.reschedule_notice_unit),
        reschedule_limit=chosen.reschedule_limit,
    )


@dataclass(frozen=True, slots=True)
class Choices:
    """What the client may do with a visit now, and until when."""

    cancel: Verdict
    reschedule: Verdict


def choices(session: Session, appointment: Appointment | Mine, now: datetime) -> Choices:
    return chooser(session, current(session), now)(appointment)


def chooser(
    session: Session, preferences: Preferences, now: datetime
) -> Callable[[Appointment | Mine], Choices]:
    """The same for many visits, without asking again what the business has chosen."""
    zone = clock.zone(this_business(session).timezone)
    policy = policy_of(preferences)

    def choose(appointment: Appointment | Mine) -> Choices:
        visit = Visit(appointment.state, appointment.starts_at, appointment.reschedules)
        return Choices(
            may_cancel(policy, visit, now=now, zone=zone),
            may_reschedule(policy, visit, now=now, zone=zone),
        )

    return choose
