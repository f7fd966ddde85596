"""Finding somebody who is free at a time, and holding that time for an appointment."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.appointments.models import Appointment
from booking.availability import actions as calendar
from booking.availability import queries as times
from booking.availability.models import Busy
from booking.catalogue.models import Service
from booking.catalogue.queries import who_performs
from booking.database import settings_of
from booking.errors import Conflict, Invalid

_NEAREST_SHOWN = 5
_FURTHEST = timedelta(days=800)


class SlotTaken(Conflict):
    """`nearest` holds free times as the API shows them: starts_at, ends_at and staff."""

    code = "slot_taken"
    message = "This time is no longer free. Please choose another."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A time somebody asks for; with anyone who performs the service, if `staff_id` is None.

    `any_time`: staff may book outside the hours and at short notice, but never twice.
    """

    service: Service
    staff_id: uuid.UUID | None
    starts_at: datetime
    now: datetime
    any_time: bool

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.service.duration_minutes)


def guarded(session: Session) -> bool:
    """False only where a test shows that without the guard a time is sold twice."""
    return settings_of(session).slot_guard == "on"


def in_reach(starts_at: datetime, now: datetime) -> datetime:
    """The time in whole seconds of UTC. Raises Invalid for one that no calendar shows."""
    try:
        utc = starts_at.astimezone(UTC).replace(microsecond=0)
    except (OverflowError, ValueError):
        raise Invalid.field("starts_at", "Choose another time.") from None
    if abs(utc - now) > _FURTHEST:
        raise Invalid.field("starts_at", "Choose a time within the next two years.", "too_far")
    return utc


def choose(session: Session, wanted: Wanted) -> uuid.UUID:
    """Who of the staff will do it. To be asked under the calendar's lock.

    Raises SlotTaken with the nearest free times, or Invalid where nobody of that name does it.
    """
    able = [member.id for member in who_performs(session, wanted.service.id)]
    if wanted.staff_id is not None:
        able = [staff_id for staff_id in able if staff_id == wanted.staff_id]
        if not able:
            raise Invalid.field("staff_id", "Choose somebody who does this service.", "unknown")
    if not able:
        raise Invalid.field("service_id", "Nobody does this service at the moment.", "nobody")
    if not guarded(session):
        return able[0]
    free = times.free_staff(
        session,
        service=wanted.service,
        starts=wanted.starts_at,
        now=wanted.now,
        staff_id=wanted.staff_id,
        by_staff=wanted.any_time,
    )
    if not free and wanted.any_time:
        free = tuple(one for one in able if is_clear(session, wanted, one))
    if not free:
        raise SlotTaken(nearest=_nearest(session, wanted))
    return free[0]


def is_clear(session: Session, wanted: Wanted, staff_id: uuid.UUID) -> bool:
    """Whether nothing that is booked stands in the way, buffers included; hours do not count."""
    extent = times.extent(session, wanted.service, wanted.starts_at)
    in_the_way = select(Busy.appointment_id).where(
        Busy.staff_id == staff_id,
        Busy.starts_at < extent.busy_until,
        Busy.ends_at > extent.busy_from,
    )
    return session.scalar(in_the_way.limit(1)) is None


def hold(session: Session, appointment: Appointment, service: Service) -> None:
    """Take the time out of the calendar. Raises SlotTaken where the database itself says no."""
    extent = times.extent(session, service, appointment.starts_at)
    try:
        calendar.occupy(
            session,
            appointment_id=appointment.id,
            staff_id=appointment.staff_id,
            starts=extent.busy_from,
            ends=extent.busy_until,
            guarded=guarded(session),
        )
    except calendar.Overlap:
        raise SlotTaken(nearest=[]) from None


def is_held(session: Session, appointment: Appointment) -> bool:
    held = select(Busy.appointment_id).where(Busy.appointment_id == appointment.id)
    return session.scalar(held) is not None


def _nearest(session: Session, wanted: Wanted) -> list[dict[str, Any]]:
    slots = times.nearest(
        session,
        service=wanted.service,
        staff_id=wanted.staff_id,
        starts=wanted.starts_at,
        now=wanted.now,
        count=_NEAREST_SHOWN,
    )
    return [
        {
            "starts_at": _iso(slot.starts),
            "ends_at": _iso(slot.ends),
            "staff": [str(staff_id) for staff_id in slot.staff],
        }
        for slot in slots
    ]


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
