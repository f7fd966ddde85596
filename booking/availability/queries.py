"""When could it happen? What that depends on is gathered here; the rules decide."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from booking import clock
from booking.availability import rules
from booking.availability.models import Calendar, Closure, OpeningHours, StaffHours, TimeOff
from booking.availability.rules import Need, Schedule, Slot, Window
from booking.availability.schedules import busy_of, week_of
from booking.businesses.models import Business
from booking.catalogue.models import Performs, Service, StaffMember
from booking.database import business_of
from booking.errors import NotFound
from booking.preferences.actions import current
from booking.preferences.rules import Preferences

_STAFF_FURTHEST_DAYS = 730
_VERSION = select(Calendar.__table__.c.version).where(
    Calendar.__table__.c.business_id == bindparam("b")
)
_service, _performs, _staff = Service.__table__, Performs.__table__, StaffMember.__table__
# A service and who performs it, in one question; without anybody, one row with a null staff id.
_SERVICE = (
    select(
        _service.c.active,
        _service.c.duration_minutes,
        _service.c.buffer_before_minutes,
        _service.c.buffer_after_minutes,
        _staff.c.id,
        _staff.c.name,
    )
    .select_from(_service)
    .outerjoin(_performs, _performs.c.service_id == _service.c.id)
    .outerjoin(_staff, and_(_staff.c.id == _performs.c.staff_id, _staff.c.active))
    .where(_service.c.business_id == bindparam("b"), _service.c.id == bindparam("service"))
    .order_by(_staff.c.position, _staff.c.name, _staff.c.id)
)


@dataclass(frozen=True, slots=True)
class FreeTimes:
    """Free times of each local date asked for, [] where there are none."""

    timezone: str
    days: dict[date, list[Slot]]


@dataclass(frozen=True, slots=True)
class Extent:
    """What one visit takes: [starts, ends) for the client, [busy_from, busy_until) of the staff."""

    starts: datetime
    ends: datetime
    busy_from: datetime
    busy_until: datetime


class Question(NamedTuple):
    """All that free times depend on, but for what only the calendar's version stands for."""

    business_id: uuid.UUID
    timezone: str
    calendar_version: int
    preferences: Preferences
    need: Need
    staff: tuple[uuid.UUID, ...]
    """who could do it, in the order the business prefers"""
    first: date
    last: date
    now: datetime
    by_staff: bool

    def fingerprint(self) -> tuple[Any, ...]:
        """Equal for two questions only if their answers are equal: a version of the answer."""
        earliest = self.now.timestamp() + self.lead_minutes * 60
        return (
            self.calendar_version,
            self.preferences.version,
            self.timezone,
            self.need,
            self.staff,
            self.first,
            self.last,
            self.by_staff,
            -int(-earliest // 60),
            clock.to_local(self.now, self.timezone).date(),
        )

    @property
    def lead_minutes(self) -> int:
        return 0 if self.by_staff else self.preferences.booking_window.lead_time_minutes

    @property
    def furthest_days(self) -> int:
        if self.by_staff:
            return _STAFF_FURTHEST_DAYS
        return self.preferences.booking_window.furthest_days


def calendar_version(session: Session) -> int:
    """Rises with every change of hours, closures, time off and what is booked."""
    version: int | None = session.scalar(_VERSION, {"b": business_of(session)})
    return version or 0


def extent(session: Session, service: Service, starts: datetime) -> Extent:
    """From when to when a visit and its buffers would last; durations are real elapsed time."""
    need = _need(
        service.duration_minutes,
        service.buffer_before_minutes,
        service.buffer_after_minutes,
        current(session),
    )
    starts = starts.astimezone(UTC)
    ends = starts + timedelta(minutes=need.duration_minutes)
    return Extent(
        starts,
        ends,
        starts - timedelta(minutes=need.buffer_before_minutes),
        ends + timedelta(minutes=need.buffer_after_minutes),
    )


def ask(
    session: Session,
    *,
    service_id: uuid.UUID,
    staff_id: uuid.UUID | None = None,
    first: date,
    last: date,
    now: datetime,
    by_staff: bool = False,
) -> Question:
    """The question behind `free_times`, without looking at what is booked yet.

    Raises NotFound for a service this business does not have.
    """
    business_id = business_of(session)
    version = calendar_version(session)  # read before what it stands for: never newer than that
    preferences = current(session)
    rows = session.execute(_SERVICE, {"b": business_id, "service": service_id}).all()
    if not rows:
        raise NotFound
    active, duration, before, after, _, _ = rows[0]
    able = [(row[4], row[5]) for row in rows if active and row[4] is not None]
    if preferences.staff_and_confirmation.staff_order == "alphabetical":
        able.sort(key=lambda one: one[1].casefold())
    return Question(
        business_id=business_id,
        timezone=session.get_one(Business, business_id).timezone,
        calendar_version=version,
        preferences=preferences,
        need=_need(duration, before, after, preferences),
        staff=tuple(one for one, _ in able if staff_id in (None, one)),
        first=first,
        last=last,
        now=now,
        by_staff=by_staff,
    )


def answer(session: Session, question: Question) -> FreeTimes:
    kept = week_of(session, question.business_id, question.calendar_version, question.now.date())
    busy = busy_of(
        session,
        question.business_id,
        question.staff,
        first=question.first,
        last=question.last,
        now=question.now,
    )
    window = Window(
        zone=clock.zone(question.timezone),
        opening=kept.opening,
        closures=kept.closures,
        slot_interval_minutes=question.preferences.booking_window.slot_interval_minutes,
        lead_minutes=question.lead_minutes,
        furthest_days=question.furthest_days,
    )
    schedules = [
        Schedule(
            staff_id=one,
            weekly=kept.weekly.get(one, ()),
            time_off=kept.time_off.get(one, ()),
            busy=tuple(busy[one]),
        )
        for one in question.staff
    ]
    days = rules.free_slots(
        window,
        schedules,
        question.need,
        first=question.first,
        last=question.last,
        now=question.now,
    )
    if question.preferences.staff_and_confirmation.staff_order == "first_available":
        days = _first_available_first(days, question.staff)
    return FreeTimes(question.timezone, days)


def free_times(
    session: Session,
    *,
    service: Service,
    staff_id: uuid.UUID | None = None,
    first: date,
    last: date,
    now: datetime,
    by_staff: bool = False,
) -> FreeTimes:
    """When a service could happen, with one member of staff or anyone who performs it.

    The staff of a slot stand in the order the business prefers. `by_staff`: for people behind the
    counter, whom neither the lead time nor the furthest day binds. The caller bounds the range.
    """
    question = ask(
        session,
        service_id=service.id,
        staff_id=staff_id,
        first=first,
        last=last,
        now=now,
        by_staff=by_staff,
    )
    return answer(session, question)


def free_staff(
    session: Session,
    *,
    service: Service,
    starts: datetime,
    now: datetime,
    staff_id: uuid.UUID | None = None,
    by_staff: bool = False,
) -> tuple[uuid.UUID, ...]:
    """Who is free for a visit starting then, the preferred one first; () when that is no slot."""
    if starts.microsecond:
        return ()
    zone = session.get_one(Business, business_of(session)).timezone
    day = clock.to_local(starts, zone).date()
    found = free_times(
        session,
        service=service,
        staff_id=staff_id,
        first=day,
        last=day,
        now=now,
        by_staff=by_staff,
    )
    instant = int(starts.timestamp())
    return next((slot.staff for slot in found.days[day] if slot.starts == instant), ())


def is_free(
    session: Session,
    *,
    service: Service,
    staff_id: uuid.UUID,
    starts: datetime,
    now: datetime,
    by_staff: bool = False,
) -> bool:
    """Whether `free_times` would offer that start with that person; it is the same question."""
    return bool(
        free_staff(
            session, service=service, staff_id=staff_id, starts=starts, now=now, by_staff=by_staff
        )
    )


def nearest(
    session: Session,
    *,
    service: Service,
    staff_id: uuid.UUID | None,
    starts: datetime,
    now: datetime,
    count: int = 3,
) -> list[Slot]:
    """The free times nearest to that one, in order of time: what to offer in its place."""
    zone = session.get_one(Business, business_of(session)).timezone
    day = clock.to_local(starts, zone).date()
    found = free_times(
        session,
        service=service,
        staff_id=staff_id,
        first=day - timedelta(days=7),
        last=day + timedelta(days=21),
        now=now,
    )
    slots = (slot for of_day in found.days.values() for slot in of_day)
    return rules.nearest(slots, int(starts.timestamp()), count)


def _need(duration: int, before: int | None, after: int | None, preferences: Preferences) -> Need:
    """The business's buffers stand in where the service has none of its own."""
    window = preferences.booking_window
    return Need(
        duration,
        window.buffer_before if before is None else before,
        window.buffer_after if after is None else after,
    )


def opening_hours(session: Session) -> Sequence[OpeningHours]:
    query = select(OpeningHours)
    return session.scalars(query.order_by(OpeningHours.weekday, OpeningHours.start_minute)).all()


def staff_hours(session: Session) -> dict[uuid.UUID, list[StaffHours]]:
    """The hours of everyone, by staff member, in order."""
    found: dict[uuid.UUID, list[StaffHours]] = {}
    query = select(StaffHours).order_by(StaffHours.weekday, StaffHours.start_minute)
    for row in session.scalars(query):
        found.setdefault(row.staff_id, []).append(row)
    return found


def closures(session: Session, *, since: date) -> Sequence[Closure]:
    """Those that have not ended before that day, the soonest first."""
    query = select(Closure).where(Closure.last_day >= since)
    return session.scalars(query.order_by(Closure.first_day, Closure.id)).all()


def closure(session: Session, closure_id: uuid.UUID) -> Closure:
    """Raises NotFound, also for another business's."""
    found = session.scalars(select(Closure).where(Closure.id == closure_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


def time_off(session: Session, *, since: datetime) -> Sequence[TimeOff]:
    """Everyone's absences that have not ended by then, the soonest first."""
    query = select(TimeOff).where(TimeOff.ends_at > since)
    return session.scalars(query.order_by(TimeOff.starts_at, TimeOff.id)).all()


def absence(session: Session, staff_id: uuid.UUID, absence_id: uuid.UUID) -> TimeOff:
    """Raises NotFound, also for somebody else's."""
    query = select(TimeOff).where(TimeOff.id == absence_id, TimeOff.staff_id == staff_id)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound
    return found


def _first_available_first(
    days: dict[date, list[Slot]], staff: tuple[uuid.UUID, ...]
) -> dict[date, list[Slot]]:
    """Those whose first free time of these days comes soonest stand first."""
    soonest: dict[uuid.UUID, int] = {}
    for slots in days.values():
        for slot in slots:
            for one in slot.staff:
                soonest.setdefault(one, slot.starts)
    places = {one: (soonest.get(one, 0), at) for at, one in enumerate(staff)}
    orders = {names: tuple(sorted(names, key=places.__getitem__)) for names in _names(days)}
    return {
        day: [slot._replace(staff=orders[slot.staff]) for slot in slots]
        for day, slots in days.items()
    }


def _names(days: dict[date, list[Slot]]) -> set[tuple[uuid.UUID, ...]]:
    return {slot.staff for slots in days.values() for slot in slots}
