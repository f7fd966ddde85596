"""Writing about an appointment: to the client, and to the owners."""

import re
import uuid
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.accounts.actions.proofs import prove
from booking.appointments.emails import (
    BookingCancelled,
    BookingConfirmed,
    BookingDeclined,
    BookingMoved,
    BookingRequested,
    NewBooking,
    PendingExpired,
    VisitSheet,
)
from booking.appointments.models import Appointment, AppointmentState
from booking.businesses.queries import owners as owners_of
from booking.businesses.queries import this_business
from booking.catalogue import queries as catalogue
from booking.clients.models import Link
from booking.database import business_of
from booking.mail.actions import queue
from booking.mail.message import Email, say_money
from booking.preferences.actions import current
from booking.preferences.models import PolicyVersion
from booking.tokens import Purpose

News = Literal["booked", "moved", "cancelled", "waits"]
CLAIM_MINUTES = 7 * 24 * 60

# What a stranger typed goes into mail to somebody else: nothing in it may become a link.
_LIKE_AN_ADDRESS = re.compile(r"://|@|\bwww\.|[^\W\d_]\.[^\W\d_]{2,}", re.IGNORECASE)


def booked(session: Session, appointment: Appointment, *, claims: bool = False) -> None:
    """That it is booked, or asked for. `claims`: with the proof that shows a guest's visit among
    their others."""
    if appointment.email_key is None:
        return
    claim_id = _claim(session, appointment) if claims else None
    visit = _sheet(session, appointment)
    if appointment.state is AppointmentState.PENDING:
        _send(session, visit, BookingRequested(visit=visit, claim_id=claim_id))
    else:
        _send(session, visit, BookingConfirmed(visit=visit, claim_id=claim_id))


def moved(session: Session, appointment: Appointment, earlier: datetime) -> None:
    if appointment.email_key is not None:
        visit = _sheet(session, appointment)
        _send(session, visit, BookingMoved(visit=visit, earlier=earlier))


def declined(session: Session, appointment: Appointment) -> None:
    if appointment.email_key is not None:
        visit = _sheet(session, appointment)
        was_moved = appointment.reschedules > 0
        email = BookingDeclined(visit=visit, in_calendar=was_moved, reason=appointment.reason)
        _send(session, visit, email)


def expired(session: Session, appointment: Appointment) -> None:
    if appointment.email_key is not None:
        visit = _sheet(session, appointment)
        was_moved = appointment.reschedules > 0
        _send(session, visit, PendingExpired(visit=visit, in_calendar=was_moved))


def cancelled(
    session: Session, appointment: Appointment, *, by_client: bool, in_calendar: bool
) -> None:
    if appointment.email_key is not None:
        visit = _sheet(session, appointment)
        email = BookingCancelled(
            visit=visit, in_calendar=in_calendar, by_client=by_client, reason=appointment.reason
        )
        _send(session, visit, email)


def owners(session: Session, appointment: Appointment, news: News) -> None:
    """What happened online, where they want to know."""
    if not current(session).messages.notify_owner_new_booking:
        return
    if appointment.state is AppointmentState.PENDING:
        news = "waits"
    visit = _sheet(session, appointment)
    email = NewBooking(visit=visit, news=news, sender_name=visit.business_name)
    for owner in owners_of(session):
        queue(session, email, to=owner.email, business_id=appointment.business_id)


def _send(session: Session, visit: VisitSheet, email: Email) -> None:
    headed = email.model_copy(
        update={"sender_name": visit.business_name, "reply_to": visit.business_email}
    )
    queue(session, headed, to=visit.email, business_id=business_of(session))


def _claim(session: Session, appointment: Appointment) -> uuid.UUID:
    proof = prove(
        session,
        Purpose.BOOKING_CLAIM,
        subject_id=appointment.id,
        email=appointment.email,
        business_id=appointment.business_id,
        minutes=CLAIM_MINUTES,
    )
    return proof.id


def _sheet(session: Session, appointment: Appointment) -> VisitSheet:
    business = this_business(session)
    return VisitSheet(
        appointment_id=appointment.id,
        sequence=appointment.sequence,
        changed_at=appointment.updated_at,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        timezone=business.timezone,
        slug=business.slug,
        business_name=business.name,
        business_email=business.email,
        business_phone=business.phone,
        business_address=business.address,
        service_name=appointment.service_name,
        staff_name=catalogue.staff_member(session, appointment.staff_id).name,
        pets=tuple(filter(None, (_spoken(pet["name"]) for pet in appointment.pets))),
        price=_price(session, appointment),
        first_name=_spoken(appointment.first_name),
        last_name=_spoken(appointment.last_name),
        email=appointment.email,
        mobile_phone=appointment.mobile_phone,
        note=appointment.note,
        manage_generation=None if _has_login(session, appointment) else appointment.generation,
        policy_text=_policy(session, appointment),
    )


def _spoken(name: str) -> str:
    return "" if _LIKE_AN_ADDRESS.search(name) else name


def _price(session: Session, appointment: Appointment) -> str:
    shown = current(session).client_settings.show_prices
    if appointment.price_minor is None or not shown:
        return ""
    return say_money(appointment.price_minor, appointment.currency)


def _has_login(session: Session, appointment: Appointment) -> bool:
    if not current(session).client_settings.allow_client_online_account_access:
        return False
    linked = select(Link.id).where(Link.client_id == appointment.client_id)
    return appointment.client_id is not None and session.scalar(linked) is not None


def _policy(session: Session, appointment: Appointment) -> str:
    if appointment.policy_id is None:
        return ""
    text = select(PolicyVersion.text).where(PolicyVersion.id == appointment.policy_id)
    return session.scalar(text) or ""
