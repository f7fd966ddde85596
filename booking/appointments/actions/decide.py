"""Deciding about an appointment: confirmed, declined, kept, missed, or lapsed."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking import clock
from booking.appointments.actions import place, tell
from booking.appointments.actions.place import SlotTaken, Wanted
from booking.appointments.models import Appointment, AppointmentState
from booking.appointments.rules import Verb, Who, after
from booking.audit.actions import SYSTEM, Actor, record
from booking.audit.models import ActorKind
from booking.availability import actions as calendar
from booking.catalogue import queries as catalogue
from booking.database import across_businesses, lock, set_business
from booking.errors import Conflict

_AT_ONCE = 100


class WrongState(Conflict):
    code = "wrong_state"
    message = "This appointment is not in a state for that."


def who(by: Actor) -> Who:
    """A visitor who comes this far holds the manage link."""
    kinds = {ActorKind.STAFF: Who.STAFF, ActorKind.SYSTEM: Who.SYSTEM}
    return kinds.get(by.kind, Who.CLIENT)


def held(session: Session, appointment: Appointment) -> None:
    """The calendar first, then the appointment: always in this order, or two would wait for each
    other. Afterwards both are seen as they are now."""
    calendar.lock_calendar(session)
    lock(session, appointment)


def turn(appointment: Appointment, verb: Verb, by: Actor, now: datetime) -> None:
    """Into the state that the verb leads to. Raises WrongState."""
    state = after(appointment.state, verb, who(by))
    if state is None:
        called = appointment.state.value.replace("_", " ")
        raise WrongState(f"This appointment is {called}: that is no longer possible.")
    appointment.state = state
    appointment.updated_at = now
    if state is not AppointmentState.PENDING:
        appointment.hold_expires_at = None


def confirm(session: Session, appointment: Appointment, *, by: Actor) -> Appointment:
    """Raises SlotTaken where the request held no time and somebody else has it by now."""
    now = clock.now()
    held(session, appointment)
    turn(appointment, Verb.CONFIRM, by, now)
    appointment.sequence += 1
    if not place.is_held(session, appointment):
        _take(session, appointment, now)
    record(session, "appointment.confirmed", appointment, by=by)
    tell.booked(session, appointment)
    return appointment


def _take(session: Session, appointment: Appointment, now: datetime) -> None:
    """Hold the time of a request that held none."""
    service = catalogue.service(session, appointment.service_id)
    wanted = Wanted(service, appointment.staff_id, appointment.starts_at, now, any_time=True)
    if place.guarded(session) and not place.is_clear(session, wanted, appointment.staff_id):
        raise SlotTaken("Somebody else has this time by now. Move the request first.", nearest=[])
    place.hold(session, appointment, service)


def decline(
    session: Session, appointment: Appointment, *, by: Actor, reason: str = ""
) -> Appointment:
    """The reason is told to the client."""
    now = clock.now()
    held(session, appointment)
    turn(appointment, Verb.DECLINE, by, now)
    _end(session, appointment, now, reason)
    record(session, "appointment.declined", appointment, by=by)
    tell.declined(session, appointment)
    return appointment


def complete(session: Session, appointment: Appointment, *, by: Actor) -> Appointment:
    held(session, appointment)
    turn(appointment, Verb.COMPLETE, by, clock.now())
    record(session, "appointment.completed", appointment, by=by)
    return appointment


def no_show(session: Session, appointment: Appointment, *, by: Actor) -> Appointment:
    held(session, appointment)
    turn(appointment, Verb.NO_SHOW, by, clock.now())
    record(session, "appointment.no_show", appointment, by=by)
    return appointment


def expire_pending(session: Session, now: datetime) -> int:
    """Let the unanswered requests of one business lapse; how many they were.

    A job's verb, in a session that works for no business yet: call it in a new transaction each
    time, until it says 0.
    """
    overdue = select(Appointment.id, Appointment.business_id).where(
        Appointment.state == AppointmentState.PENDING, Appointment.hold_expires_at <= now
    )
    with across_businesses(session):
        first = session.execute(overdue.order_by(Appointment.hold_expires_at).limit(1)).first()
        if first is None:
            return 0
    set_business(session, first.business_id)
    calendar.lock_calendar(session)
    due: list[uuid.UUID] = [row.id for row in session.execute(overdue.limit(_AT_ONCE))]
    for appointment_id in due:
        _lapse(session, session.get_one(Appointment, appointment_id), now)
    return len(due)


def _lapse(session: Session, appointment: Appointment, now: datetime) -> None:
    turn(appointment, Verb.EXPIRE, SYSTEM, now)
    _end(session, appointment, now, "Not answered in time.")
    record(session, "appointment.expired", appointment, by=SYSTEM)
    tell.expired(session, appointment)


def _end(session: Session, appointment: Appointment, now: datetime, reason: str) -> None:
    appointment.reason = reason
    appointment.sequence += 1
    appointment.ended_at = now
    calendar.release(session, appointment.id)
