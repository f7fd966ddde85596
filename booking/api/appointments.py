"""Booking, by anybody; and the diary, for the people who run the business."""

import dataclasses
import uuid
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool

from booking import clock
from booking.accounts.passwords import Hashing, check_new
from booking.accounts.rules import CLIENT_MINIMUM
from booking.api.appointment_shapes import (
    AccountState,
    AppointmentOut,
    BookedOut,
    BookingIn,
    Diary,
    DiaryIn,
    MoveIn,
    Named,
    ReasonIn,
    shown,
)
from booking.api.caller import Caller, CallerKind, StaffReads, StaffWrites, visitor_caller
from booking.api.idempotent import IdempotentRoute, derived
from booking.api.lists import Cursor, Limit, decode_cursor, encode_cursor
from booking.api.resource import resource
from booking.appointments import queries
from booking.appointments.actions import change, decide
from booking.appointments.actions.book import (
    BookedPet,
    Booking,
    Person,
    book,
    book_with_login,
)
from booking.appointments.models import Appointment, BookedBy
from booking.appointments.queries import After, DiaryFilter
from booking.clients import queries as clients
from booking.dependencies import client_ip, database_of
from booking.errors import Invalid, NotFound
from booking.gate import stays_open
from booking.linking.actions.sign_up import check_sign_up_is_open, sign_up_token
from booking.rate_limit import Limit as Rate
from booking.rate_limit import Limiter
from booking.tokens import Purpose

router = resource(tag="appointments", route_class=IdempotentRoute)


@router.post("/businesses/{slug}/appointments", status_code=201, response_model_exclude_none=True)
async def book_visit(request: Request, slug: str, body: BookingIn) -> BookedOut:
    """Book, as a guest, as a client who has signed in, or as staff for a client."""
    if body.create_account is None:
        return await run_in_threadpool(_book, request, slug, body, None)
    hashing: Hashing = request.app.state.hashing
    hashing.expect_room()
    await run_in_threadpool(_check_login, request, slug, body)
    password_hash = await hashing.hash(body.create_account.password)
    return await run_in_threadpool(_book, request, slug, body, password_hash)


def _check_login(request: Request, slug: str, body: BookingIn) -> None:
    """What can be said of the new login before its password is hashed."""
    with database_of(request).reading() as session:
        caller = visitor_caller(session, request, slug)
        check_sign_up_is_open(session)
        name = caller.business.name
    person = body.client
    context = (person.first_name, person.last_name, person.email) if person else ()
    password = body.create_account.password if body.create_account else ""
    try:
        check_new(password, minimum=CLIENT_MINIMUM, context=(name, *context))
    except Invalid as refusal:
        raise _within(refusal, "create_account") from None


def _within(refusal: Invalid, place: str) -> Invalid:
    fields = (dataclasses.replace(one, field=f"{place}.{one.field}") for one in refusal.fields)
    return Invalid(refusal.message, fields=tuple(fields))


def _book(request: Request, slug: str, body: BookingIn, password_hash: str | None) -> BookedOut:
    limiter: Limiter = request.app.state.limiter
    with database_of(request).writing() as session:
        caller = visitor_caller(session, request, slug)
        if caller.kind is not CallerKind.STAFF:
            limiter.hit(Rate.BOOKING_IP, client_ip(request))
        booking = _BOOKINGS[caller.kind](caller, body)
        if password_hash is None:
            appointment, waiting = book(session, booking, by=caller.actor), None
        else:
            appointment, waiting = book_with_login(
                session, booking, password_hash=password_hash, by=caller.actor
            )
        answer = _answer(caller, appointment)
        if caller.kind is CallerKind.ANYONE:
            # Counted when it succeeds: whoever loses a race for a slot has mailed nobody.
            limiter.hit(Rate.MAIL_ADDRESS, appointment.email_key or "")
            answer.manage_token = queries.manage_token(session, appointment)
            derived(request, "manage_token", Purpose.MANAGE_BOOKING, appointment.id)
        if waiting is not None:
            answer.account = AccountState(state="confirmation_sent")
            answer.sign_up_token = sign_up_token(session, waiting)
            derived(request, "sign_up_token", Purpose.BROWSER, waiting.id)
        return answer


def _by_guest(caller: Caller, body: BookingIn) -> Booking:
    if body.client_id is not None:
        raise Invalid.field("client_id", "Sign in to book for a client.", "not_offered")
    if body.client is None:
        raise Invalid.field("client", "Say who you are.", "missing")
    return _booking(body, BookedBy.GUEST, person=Person(**body.client.model_dump()))


def _by_client(caller: Caller, body: BookingIn) -> Booking:
    """For one of their records; without any yet, under the address of their login."""
    theirs = [client.id for client in clients.clients_of(caller.session, caller.signed_in.id)]
    if body.client_id is not None and body.client_id not in theirs:
        raise NotFound
    account = caller.signed_in
    first, _, last = account.name.partition(" ")
    person = Person(first, last, account.email, "")
    if body.client is not None:
        typed = body.client
        person = Person(typed.first_name, typed.last_name, account.email, typed.mobile_phone)
    chosen = body.client_id or next(iter(theirs), None)
    return _booking(body, BookedBy.CLIENT, person=person, client_id=chosen)


def _by_staff(caller: Caller, body: BookingIn) -> Booking:
    if body.client_id is None:
        raise Invalid.field("client_id", "Say for which client.", "missing")
    return _booking(body, BookedBy.STAFF, client_id=body.client_id)


_BOOKINGS = {
    CallerKind.ANYONE: _by_guest,
    CallerKind.CLIENT: _by_client,
    CallerKind.STAFF: _by_staff,
}


def _booking(body: BookingIn, booked_by: BookedBy, **whose: Any) -> Booking:
    return Booking(
        service_id=body.service_id,
        staff_id=body.staff_id,
        starts_at=body.starts_at,
        booked_by=booked_by,
        pets=tuple(BookedPet(**pet.model_dump()) for pet in body.pets),
        note=body.note,
        **whose,
    )


def _answer(caller: Caller, appointment: Appointment) -> BookedOut:
    staff = queries.staff_names(caller.session)[appointment.staff_id]
    return BookedOut(
        id=appointment.id,
        state=appointment.state,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        service=Named(id=appointment.service_id, name=appointment.service_name),
        staff=Named(id=appointment.staff_id, name=staff),
        price_minor=appointment.price_minor,
        currency=appointment.currency,
    )


@router.get("/businesses/{slug}/appointments")
def diary(
    caller: StaffReads,
    asked: Annotated[DiaryIn, Query()],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Diary:
    """`from` and `to` are dates of the business, both included, or times with an offset."""
    zone = clock.zone(caller.business.timezone)
    wanted = DiaryFilter(
        since=_edge("from", asked.from_, zone, last=False),
        until=_edge("to", asked.to, zone, last=True),
        staff_id=asked.staff,
        states=tuple(asked.state),
    )
    rows = queries.diary(caller.session, wanted, after=after(cursor), limit=limit + 1)
    names = queries.staff_names(caller.session)
    items = [shown(row, names) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    follows = encode_cursor(last.starts_at.isoformat(), last.id) if last else None
    return Diary(items=items, next_cursor=follows)


def _edge(field: str, text: str | None, zone: ZoneInfo, *, last: bool) -> datetime | None:
    if text is None:
        return None
    try:
        if len(text) == len("2026-12-12"):
            day = date.fromisoformat(text) + timedelta(days=1 if last else 0)
            return clock.to_utc(datetime(day.year, day.month, day.day), zone.key)  # noqa: DTZ001
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return moment.astimezone(clock.zone("UTC"))
    except (ValueError, OverflowError):
        message = "Give a date like 2026-12-12, or a time with its offset."
        raise Invalid.field(field, message) from None


def after(cursor: str | None) -> After | None:
    """Where a list sorted by start goes on. Raises Invalid for a cursor that is not ours."""
    parts = decode_cursor(cursor, 2)
    if parts is None:
        return None
    try:
        starts_at = datetime.fromisoformat(parts[0])
        return After(starts_at.astimezone(clock.zone("UTC")), uuid.UUID(parts[1]))
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise Invalid.field("cursor", "Use the next_cursor of an earlier answer.") from None


@router.get("/businesses/{slug}/appointments/{appointment_id}")
def appointment(caller: StaffReads, appointment_id: uuid.UUID) -> AppointmentOut:
    return _found(caller, queries.find(caller.session, appointment_id))


@router.post("/businesses/{slug}/appointments/{appointment_id}/confirm")
def confirm(caller: StaffWrites, appointment_id: uuid.UUID) -> AppointmentOut:
    found = queries.find(caller.session, appointment_id)
    return _found(caller, decide.confirm(caller.session, found, by=caller.actor))


@router.post("/businesses/{slug}/appointments/{appointment_id}/decline")
@stays_open
def decline(
    caller: StaffWrites, appointment_id: uuid.UUID, body: ReasonIn | None = None
) -> AppointmentOut:
    found = queries.find(caller.session, appointment_id)
    reason = body.reason if body else ""
    return _found(caller, decide.decline(caller.session, found, by=caller.actor, reason=reason))


@router.post("/businesses/{slug}/appointments/{appointment_id}/cancel")
@stays_open
def cancel(
    caller: StaffWrites, appointment_id: uuid.UUID, body: ReasonIn | None = None
) -> AppointmentOut:
    found = queries.find(caller.session, appointment_id)
    reason = body.reason if body else ""
    return _found(caller, change.cancel(caller.session, found, by=caller.actor, reason=reason))


@router.post("/businesses/{slug}/appointments/{appointment_id}/reschedule")
def reschedule(caller: StaffWrites, appointment_id: uuid.UUID, body: MoveIn) -> AppointmentOut:
    found = queries.find(caller.session, appointment_id)
    moved = change.reschedule(
        caller.session, found, starts_at=body.starts_at, staff_id=body.staff_id, by=caller.actor
    )
    return _found(caller, moved)


@router.post("/businesses/{slug}/appointments/{appointment_id}/complete")
def complete(caller: StaffWrites, appointment_id: uuid.UUID) -> AppointmentOut:
    found = queries.find(caller.session, appointment_id)
    return _found(caller, decide.complete(caller.session, found, by=caller.actor))


@router.post("/businesses/{slug}/appointments/{appointment_id}/no-show")
def no_show(caller: StaffWrites, appointment_id: uuid.UUID) -> AppointmentOut:
    found = queries.find(caller.session, appointment_id)
    return _found(caller, decide.no_show(caller.session, found, by=caller.actor))


def _found(caller: Caller, row: Appointment) -> AppointmentOut:
    return shown(row, queries.staff_names(caller.session))
