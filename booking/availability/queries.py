"""When could it happen? What that depends on is gathered here; the rules decide."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking import clock
from booking.availability import rules
from booking.availability.models import Busy, Closure, OpeningHours, StaffHours, TimeOff
from booking.availability.rules import Need, Schedule, Slot, Window
from booking.availability.schedules import Offer, Standing, Week, busy_of, standing, week_of
from booking.businesses.models import Business
from booking.catalogue.models import Service
from booking.database import business_of
from booking.errors import NotFound
from booking.preferences.actions import current
from booking.preferences.rules import Preferences

_STAFF_FURTHEST_DAYS = 730
_GRID_SECONDS = 300
"""a part of every slot interval and of every zone's offset: each visit starts at a multiple"""
_MOST_SET_BACK = timedelta(hours=3)
"""more than any clock is set back by"""


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
    """All that free times depend on; the versions in `stands` are for what is not read yet."""

    stands: Standing
    service_id: uuid.UUID
    staff_id: uuid.UUID | None
    first: date
    last: date
    now: datetime
    by_staff: bool

    def fingerprint(self) -> tuple[Any, ...]:
        """A version of the answer: equal for two questions only where their answers are equal.

        It stays the same while the clock alone changes nothing: as long as the lead time has not
        reached the days asked for, and then from one possible start to the next.
        """
        earliest = self.now + timedelta(minutes=self.lead_minutes)
        reached = clock.to_local(earliest + _MOST_SET_BACK, self.stands.timezone).date()
        return (
            self.service_id,
            self.staff_id,
            self.first,
            self.last,
            self.by_staff,
            self.stands.business_id,
            self.stands.timezone,
            self.stands.version,
            self.stands.preferences.version,
            -int(-earliest.timestamp() // _GRID_SECONDS) if reached >= self.first else None,
            clock.to_local(self.now, self.stands.timezone).date(),
        )

    @property
    def lead_minutes(self) -> int:
        return 0 if self.by_staff else self.stands.preferences.booking_window.lead_time_minutes

    @property
    def furthest_days(self) -> int:
        if self.by_staff:
            return _STAFF_FURTHEST_DAYS
        return self.stands.preferences.booking_window.furthest_days


def calendar_version(session: Session) -> int:
    """Rises with every change of services, staff, hours, closures, time off and bookings."""
    return _stands(session).version


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


def answer(session: Session, question: Question) -> FreeTimes:
    """Raises NotFound for a service this business does not have."""
    stands = question.stands
    week = week_of(session, stands, question.now.date())
    offer = week.offers.get(question.service_id)
    if offer is None:
        raise NotFound
    staff = _in_order(offer, stands.preferences, question.staff_id)
    busy = busy_of(
        session,
        stands.business_id,
        staff,
        first=question.first,
        last=question.last,
        now=question.now,
    )
    schedules = [
        Schedule(one, week.weekly.get(one, ()), week.time_off.get(one, ()), tuple(busy[one]))
        for one in staff
    ]
    days = rules.free_slots(
        _window(question, week),
        schedules,
        _need(offer.duration, offer.before, offer.after, stands.preferences),
        first=question.first,
        last=question.last,
        now=question.now,
    )
    if stands.preferences.staff_and_confirmation.staff_order == "first_available":
        days = _first_available_first(days, staff)
    return FreeTimes(stands.timezone, days)


def free_times(
    session: Session,
    *,
    service: Service,
    staff_id: uuid.UUID | None = None,
    days: tuple[date, date],
    now: datetime,
    by_staff: bool = False,
) -> FreeTimes:
    """When a service could happen, with one member of staff or anyone who performs it.

    The staff of a slot stand in the order the business prefers. `by_staff`: for people behind the
    counter, whom neither the lead time nor the furthest day binds. `days` are the first and the
    last local date; the caller bounds the range.
    """
    stands = _stands(session)
    return answer(session, Question(stands, service.id, staff_id, *days, now, by_staff))


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
        days=(day, day),
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
        days=(day - timedelta(days=7), day + timedelta(days=21)),
        now=now,
    )
    slots = (slot for of_day in found.days.values() for slot in of_day)
    return rules.nearest(slots, int(starts.timestamp()), count)


def _stands(session: Session) -> Standing:
    found = standing(session, business_of(session))
    if found is None:
        raise NotFound
    return found


def _window(question: Question, week: Week) -> Window:
    return Window(
        zone=clock.zone(question.stands.timezone),
        opening=week.opening,
        closures=week.closures,
        slot_interval_minutes=question.stands.preferences.booking_window.slot_interval_minutes,
        lead_minutes=question.lead_minutes,
        furthest_days=question.furthest_days,
    )


def _in_order(
    offer: Offer, preferences: Preferences, staff_id: uuid.UUID | None
) -> tuple[uuid.UUID, ...]:
    """Who performs it, as the business wants them listed; only that one where one is named."""
    staff = list(offer.staff)
    if preferences.staff_and_confirmation.staff_order == "alphabetical":
        staff.sort(key=lambda one: one[1].casefold())
    return tuple(one for one, _ in staff if staff_id in (None, one))


def _need(duration: int, before: int | None, after: int | None, preferences: Preferences) -> Need:
    """The business's buffers stand in where the service has none of its own."""
    window = preferences.booking_window
    return Need(
        duration,
        window.buffer_before if before is None else before,
        window.buffer_after if after is None else after,
    )


def anything_booked(session: Session) -> bool:
    """Whether any time was ever given away."""
    return session.scalars(select(Busy.appointment_id).limit(1)).first() is not None


def opening_hours(session: Session) -> Sequence[OpeningHours]:
    query = select(OpeningHours)
    return session.scalars(query.order_by(OpeningHours.weekday, OpeningHours.start_minute)).all()


def opening_interval(session: Session, interval_id: uuid.UUID) -> OpeningHours:
    """Raises NotFound, also for another business's."""
    query = select(OpeningHours).where(OpeningHours.id == interval_id)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound
    return found


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
