"""Changing when a business is open and who is in, and giving time away so that nothing overlaps."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.audit.actions import Actor, record
from booking.availability import queries
from booking.availability.models import (
    OVERLAP_CONSTRAINT,
    OVERLAP_MESSAGE,
    Busy,
    Calendar,
    Closure,
    OpeningHours,
    StaffHours,
    TimeOff,
)
from booking.availability.schedules import raise_version
from booking.catalogue.models import StaffMember
from booking.database import business_of, lock
from booking.errors import Conflict, Invalid
from booking.fields import Line100

MOST_INTERVALS = 70
MOST_ABSENCES = 500
_Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1))]


class Overlap(Conflict):
    """The database itself refused: this staff member's time is given away already."""

    code = "overlap"
    message = "That time has just been taken."


class Hours(BaseModel):
    """One interval of one weekday (Monday is 0), in minutes of the local day, up to 1440."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekday: int = Field(ge=0, le=6)
    start_minute: int = Field(ge=0, le=1439)
    end_minute: int = Field(ge=1, le=1440)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start_minute >= self.end_minute:
            raise ValueError("The end must be later than the start.")
        return self


class Closing(BaseModel):
    """Local dates on which nobody can be booked, both ends included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_day: _Day
    last_day: _Day
    reason: Line100 = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first_day > self.last_day:
            raise ValueError("The last day must not be before the first.")
        return self


class Absence(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    reason: Line100 = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.starts_at < self.ends_at:
            raise ValueError("The end must be later than the start.")
        if self.starts_at.year < 2000 or self.ends_at.year > 2200:
            raise ValueError("Enter dates from 2000 to 2200.")
        return self


WHENEVER_OPEN = tuple(Hours(weekday=day, start_minute=0, end_minute=1440) for day in range(7))
"""Staff hours without limits of their own: the opening hours alone decide."""


def touch(session: Session) -> None:
    """Something that free times depend on has changed: raise the calendar's version."""
    raise_version(session, business_of(session), week=True)


def lock_calendar(session: Session) -> Calendar:
    """Hold the owner of the rule that nothing overlaps, until this transaction ends."""
    business_id = business_of(session)
    calendar = session.get(Calendar, business_id)
    if calendar is None:
        touch(session)
        calendar = session.get_one(Calendar, business_id)
    lock(session, calendar)
    return calendar


def set_opening_hours(session: Session, hours: Sequence[Hours], *, by: Actor) -> None:
    """These are the opening hours from now on."""
    _check_count(hours, MOST_INTERVALS, "hours")
    session.execute(delete(OpeningHours))
    session.add_all(
        OpeningHours(business_id=business_of(session), **each.model_dump()) for each in set(hours)
    )
    _changed(session, "opening_hours.changed", None, by)


def add_opening_hours(session: Session, hours: Hours, *, by: Actor) -> OpeningHours:
    """One more interval."""
    _check_count([*queries.opening_hours(session), hours], MOST_INTERVALS, "hours")
    row = OpeningHours(business_id=business_of(session), **hours.model_dump())
    session.add(row)
    _changed(session, "opening_hours.changed", None, by)
    return row


def change_opening_hours(
    session: Session, row: OpeningHours, hours: Hours, *, by: Actor
) -> OpeningHours:
    row.weekday = hours.weekday
    row.start_minute, row.end_minute = hours.start_minute, hours.end_minute
    _changed(session, "opening_hours.changed", None, by)
    return row


def remove_opening_hours(session: Session, row: OpeningHours, *, by: Actor) -> None:
    session.delete(row)
    _changed(session, "opening_hours.changed", None, by)


def set_staff_hours(
    session: Session, member: StaffMember, hours: Sequence[Hours], *, by: Actor
) -> None:
    """These are their hours from now on; none means that they can't be booked."""
    _check_count(hours, MOST_INTERVALS, "hours")
    session.execute(delete(StaffHours).where(StaffHours.staff_id == member.id))
    session.add_all(
        StaffHours(business_id=business_of(session), staff_id=member.id, **each.model_dump())
        for each in set(hours)
    )
    _changed(session, "staff_member.hours_changed", member, by)


def set_time_off(
    session: Session, member: StaffMember, absences: Sequence[Absence], *, by: Actor
) -> None:
    """These are their absences from now on, all of them."""
    _check_count(absences, MOST_ABSENCES, "time_off")
    session.execute(delete(TimeOff).where(TimeOff.staff_id == member.id))
    session.add_all(_time_off(session, member, each) for each in absences)
    _changed(session, "staff_member.time_off_changed", member, by)


def add_time_off(session: Session, member: StaffMember, absence: Absence, *, by: Actor) -> TimeOff:
    row = _time_off(session, member, absence)
    session.add(row)
    _changed(session, "staff_member.time_off_changed", member, by)
    return row


def remove_time_off(
    session: Session, member: StaffMember, absence_id: uuid.UUID, *, by: Actor
) -> None:
    """Raises NotFound when this member has no such absence."""
    session.delete(queries.absence(session, member.id, absence_id))
    _changed(session, "staff_member.time_off_changed", member, by)


def add_closure(session: Session, closing: Closing, *, by: Actor) -> Closure:
    """Appointments already made in it stay: cancelling them is a decision of its own."""
    row = Closure(business_id=business_of(session), **closing.model_dump())
    session.add(row)
    session.flush()
    _changed(session, "closure.added", row, by)
    return row


def change_closure(session: Session, row: Closure, closing: Closing, *, by: Actor) -> Closure:
    row.first_day, row.last_day = closing.first_day, closing.last_day
    row.reason = closing.reason
    _changed(session, "closure.changed", row, by)
    return row


def remove_closure(session: Session, row: Closure, *, by: Actor) -> None:
    session.delete(row)
    _changed(session, "closure.removed", row, by)


def occupy(
    session: Session,
    *,
    appointment_id: uuid.UUID,
    staff_id: uuid.UUID,
    starts: datetime,
    ends: datetime,
    guarded: bool = True,
) -> None:
    """Give [starts, ends), buffers included, to that appointment, in place of what it held before.

    Raises Overlap when the database refuses; what it held before is then kept. `guarded=False`
    leaves out the row the database judges by: the tests' proof that it is the row that guards.
    """
    if not guarded:
        release(session, appointment_id)
        return
    business_id = business_of(session)
    row = {
        "business_id": business_id,
        "appointment_id": appointment_id,
        "staff_id": staff_id,
        "starts_at": starts,
        "ends_at": ends,
    }
    try:
        with session.begin_nested():
            session.execute(delete(Busy).where(Busy.appointment_id == appointment_id))
            session.execute(insert(Busy), row)
    except IntegrityError as error:
        if OVERLAP_CONSTRAINT in str(error.orig) or OVERLAP_MESSAGE in str(error.orig):
            raise Overlap from None
        raise
    raise_version(session, business_id, week=False)


def release(session: Session, appointment_id: uuid.UUID) -> None:
    """Its time is free again."""
    session.execute(delete(Busy).where(Busy.appointment_id == appointment_id))
    raise_version(session, business_of(session), week=False)


def _time_off(session: Session, member: StaffMember, absence: Absence) -> TimeOff:
    ends = absence.ends_at.replace(microsecond=0)
    if ends < absence.ends_at:
        ends += timedelta(seconds=1)
    return TimeOff(
        business_id=business_of(session),
        staff_id=member.id,
        starts_at=absence.starts_at,
        ends_at=ends,
        reason=absence.reason,
    )


def _check_count(given: Sequence[object], most: int, field: str) -> None:
    if len(given) > most:
        raise Invalid.field(field, f"Give at most {most} of them.", "too_many")


def _changed(session: Session, action: str, subject: object, by: Actor) -> None:
    record(session, action, subject, by=by, business_id=business_of(session))
    session.flush()
    touch(session)
