"""Cancelling and moving an appointment: by the client within the policy, by staff at any time."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from booking import clock
from booking.appointments.actions import place, tell
from booking.appointments.actions.decide import held, turn, who
from booking.appointments.actions.place import Wanted
from booking.appointments.models import Appointment, AppointmentState
from booking.appointments.queries import policy_of
from booking.appointments.rules import (
    Because,
    Verb,
    Verdict,
    Visit,
    Who,
    hold_until,
    may_cancel,
    may_reschedule,
)
from booking.audit.actions import Actor, record
from booking.availability import actions as calendar
from booking.businesses.models import Business
from booking.businesses.queries import this_business
from booking.catalogue import queries as catalogue
from booking.errors import Conflict, Invalid, NotAllowed
from booking.preferences.actions import current


class TooLate(Conflict):
    """`possible` says what can be done instead, `latest` until when this could be done."""

    code = "too_late"
    message = "It is too late to change this online."


class MovedTooOften(Conflict):
    code = "moved_too_often"
    message = "This visit has been moved as often as it can be moved online."


class NotByClients(NotAllowed):
    code = "not_offered"
    message = "This can't be done online."


def cancel(
    session: Session, appointment: Appointment, *, by: Actor, reason: str = ""
) -> Appointment:
    """Raises TooLate, NotByClients or Invalid (the reason) for a client; WrongState for anybody."""
    now = clock.now()
    held(session, appointment)
    by_client = who(by) is Who.CLIENT
    if by_client:
        reason = _asked_reason(session, reason)
        _refuse(session, appointment, Verb.CANCEL, now)
    in_calendar = appointment.state is AppointmentState.CONFIRMED or appointment.reschedules > 0
    turn(appointment, Verb.CANCEL, by, now)
    appointment.reason = reason
    appointment.ended_at = now
    appointment.sequence += 1
    calendar.release(session, appointment.id)
    record(session, "appointment.cancelled", appointment, by=by, reason=reason)
    tell.cancelled(session, appointment, by_client=by_client, in_calendar=in_calendar)
    if by_client:
        tell.owners(session, appointment, "cancelled")
    return appointment


def reschedule(
    session: Session,
    appointment: Appointment,
    *,
    starts_at: datetime,
    staff_id: uuid.UUID | None = None,
    by: Actor,
) -> Appointment:
    """The same appointment at another time; with the same person, unless `staff_id` names another.

    Raises SlotTaken, and what `cancel` raises. Nothing is lost by trying: a refusal leaves all as
    it was, since the way in rolls back.
    """
    now = clock.now()
    starts_at = place.in_reach(starts_at, now)
    held(session, appointment)
    by_client = who(by) is Who.CLIENT
    if by_client:
        _refuse(session, appointment, Verb.RESCHEDULE, now)
    if starts_at == appointment.starts_at and staff_id in (None, appointment.staff_id):
        return appointment
    turn(appointment, Verb.RESCHEDULE, by, now)
    earlier = appointment.starts_at
    _move(session, appointment, _wanted(session, appointment, starts_at, staff_id, by), by_client)
    record(
        session,
        "appointment.moved",
        appointment,
        by=by,
        earlier=earlier.isoformat(),
        later=appointment.starts_at.isoformat(),
    )
    if appointment.state is AppointmentState.PENDING:
        tell.booked(session, appointment)
    else:
        tell.moved(session, appointment, earlier)
    if by_client:
        tell.owners(session, appointment, "moved")
    return appointment


def _wanted(
    session: Session,
    appointment: Appointment,
    starts_at: datetime,
    staff_id: uuid.UUID | None,
    by: Actor,
) -> Wanted:
    service = catalogue.service(session, appointment.service_id)
    performs = {member.id for member in catalogue.who_performs(session, service.id)}
    same = appointment.staff_id if appointment.staff_id in performs else None
    any_time = who(by) is Who.STAFF
    return Wanted(service, staff_id or same, starts_at, appointment.updated_at, any_time)


def _move(session: Session, appointment: Appointment, wanted: Wanted, by_client: bool) -> None:
    """Let the old time go, take the new one; a client's move needs a new yes where bookings do."""
    calendar.release(session, appointment.id)
    staff_id = place.choose(session, wanted)
    chosen = current(session).staff_and_confirmation
    appointment.starts_at, appointment.ends_at = wanted.starts_at, wanted.ends_at
    appointment.staff_id = staff_id
    appointment.sequence += 1
    if by_client:
        appointment.reschedules += 1
        if chosen.confirmation_mode == "approve":
            appointment.state = AppointmentState.PENDING
    pending = appointment.state is AppointmentState.PENDING
    if pending:
        appointment.hold_expires_at = hold_until(
            wanted.now, chosen.pending_expiry_hours, wanted.starts_at
        )
    if not pending or chosen.pending_holds_slot:
        place.hold(session, appointment, wanted.service)


def _asked_reason(session: Session, reason: str) -> str:
    asked = current(session).cancel_and_reschedule.cancel_reason
    if asked == "required" and not reason:
        raise Invalid.field("reason", "Please say why you cancel.", "required")
    return "" if asked == "off" else reason


def _refuse(session: Session, appointment: Appointment, verb: Verb, now: datetime) -> None:
    """What the policy says to a client. A state that does not fit is refused by `turn`."""
    business = this_business(session)
    zone = clock.zone(business.timezone)
    policy = policy_of(current(session))
    visit = Visit(appointment.state, appointment.starts_at, appointment.reschedules)
    judge = may_cancel if verb is Verb.CANCEL else may_reschedule
    other = may_reschedule if verb is Verb.CANCEL else may_cancel
    verdict = judge(policy, visit, now=now, zone=zone)
    if verdict.allowed or verdict.because is Because.STATE:
        return
    possible = ["contact"]
    if other(policy, visit, now=now, zone=zone).allowed:
        possible.insert(0, "reschedule" if verb is Verb.CANCEL else "cancel")
    raise _refusal(verdict, business, possible)


def _refusal(verdict: Verdict, business: Business, possible: list[str]) -> Conflict | NotAllowed:
    contact = {"phone": business.phone or None, "email": business.email or None}
    reach = " or ".join(filter(None, (business.phone, business.email)))
    please = f" Please get in touch with us: {reach}." if reach else " Please get in touch with us."
    extra: dict[str, Any] = {"possible": possible, "contact": contact}
    if verdict.latest is not None:
        extra["latest"] = verdict.latest.isoformat().replace("+00:00", "Z")
    match verdict.because:
        case Because.SWITCHED_OFF:
            return NotByClients(NotByClients.message + please, **extra)
        case Because.LIMIT:
            return MovedTooOften(MovedTooOften.message + please, **extra)
        case _:
            return TooLate(TooLate.message + please, **extra)
