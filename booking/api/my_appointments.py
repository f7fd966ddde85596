"""A client's own visits and calendar; and one visit, for the guest who holds its link."""

import json
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel

from booking import clock
from booking.api.appointment_shapes import MoveIn, Named, PetOut, ReasonIn
from booking.api.appointments import after
from booking.api.caller import (
    Caller,
    CallerKind,
    ClientReads,
    ClientWrites,
    VisitorReads,
    VisitorWrites,
)
from booking.api.idempotent import IdempotentRoute
from booking.api.lists import Cursor, Limit, encode_cursor
from booking.api.resource import resource
from booking.appointments import queries
from booking.appointments.actions import change
from booking.appointments.actions.calendar import feed_of, feed_token, renew_feed
from booking.appointments.models import Appointment, AppointmentState, CalendarFeed
from booking.appointments.queries import Mine, When
from booking.dependencies import client_ip, settings_of
from booking.gate import stays_open
from booking.preferences.actions import current
from booking.preferences.rules import Preferences
from booking.rate_limit import Limit as Rate
from booking.rate_limit import Limiter

router = resource(tag="my appointments", route_class=IdempotentRoute)


class VisitOut(BaseModel):
    """`cancel_until` and `reschedule_until` are null where that can't be done online now."""

    id: uuid.UUID
    client_id: uuid.UUID | None
    state: AppointmentState
    starts_at: datetime
    ends_at: datetime
    service: Named
    staff: Named
    price_minor: int | None
    currency: str
    pets: list[PetOut]
    note: str
    cancel_until: datetime | None
    reschedule_until: datetime | None


class Visits(BaseModel):
    items: list[VisitOut]
    next_cursor: str | None


class CalendarOut(BaseModel):
    url: str


@router.get("/businesses/{slug}/me/appointments", response_model=Visits)
def visits(
    caller: ClientReads,
    when: Annotated[When, Query()] = "upcoming",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Plain rows straight into JSON: this is asked more often than anything else.

    Where past visits are not shown the list of them is empty.
    """
    preferences = current(caller.session)
    hidden = when == "past" and not preferences.client_settings.show_past_appointments
    rows: list[Mine] = []
    if not hidden:
        rows = queries.mine(
            caller.session,
            caller.signed_in.id,
            when,
            now=clock.now(),
            after=after(cursor),
            limit=limit + 1,
        )
    shows = _Shows(caller, preferences)
    last = rows[limit - 1] if len(rows) > limit else None
    body = {
        "items": [shows.visit(row) for row in rows[:limit]],
        "next_cursor": encode_cursor(last.starts_at.isoformat(), last.id) if last else None,
    }
    return Response(json.dumps(body), media_type="application/json")


class _Shows:
    """What does not change from one visit to the next is asked once."""

    def __init__(self, caller: Caller, preferences: Preferences) -> None:
        self._prices = preferences.client_settings.show_prices
        self._choices = queries.chooser(caller.session, preferences, clock.now())

    def visit(self, row: Mine) -> dict[str, Any]:
        choices = self._choices(row)
        return {
            "id": str(row.id),
            "client_id": str(row.client_id),
            "state": row.state.value,
            "starts_at": _iso(row.starts_at),
            "ends_at": _iso(row.ends_at),
            "service": {"id": str(row.service_id), "name": row.service_name},
            "staff": {"id": str(row.staff_id), "name": row.staff_name},
            "price_minor": row.price_minor if self._prices else None,
            "currency": row.currency,
            "pets": row.pets,
            "note": row.note,
            "cancel_until": _iso(choices.cancel.latest) if choices.cancel.allowed else None,
            "reschedule_until": (
                _iso(choices.reschedule.latest) if choices.reschedule.allowed else None
            ),
        }


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@router.get("/businesses/{slug}/me/appointments/{appointment_id}")
def visit(caller: ClientReads, appointment_id: uuid.UUID) -> VisitOut:
    return _shown(caller, _mine(caller, appointment_id))


@router.post("/businesses/{slug}/me/appointments/{appointment_id}/cancel")
@stays_open
def cancel(
    caller: ClientWrites, appointment_id: uuid.UUID, body: ReasonIn | None = None
) -> VisitOut:
    found = _mine(caller, appointment_id)
    reason = body.reason if body else ""
    return _shown(caller, change.cancel(caller.session, found, by=caller.actor, reason=reason))


@router.post("/businesses/{slug}/me/appointments/{appointment_id}/reschedule")
def reschedule(caller: ClientWrites, appointment_id: uuid.UUID, body: MoveIn) -> VisitOut:
    return _move(caller, _mine(caller, appointment_id), body)


@router.get("/businesses/{slug}/me/calendar")
def calendar(request: Request, caller: ClientWrites) -> CalendarOut:
    """The secret address of this login's calendar, made at the first asking."""
    return _address(request, caller, feed_of(caller.session, caller.signed_in))


@router.post("/businesses/{slug}/me/calendar/renew")
def renew_calendar(request: Request, caller: ClientWrites) -> CalendarOut:
    """A new address; the old one holds nothing any more."""
    feed = renew_feed(caller.session, caller.signed_in, by=caller.actor)
    return _address(request, caller, feed)


@router.get("/businesses/{slug}/bookings/{manage_token}")
def guest_visit(request: Request, caller: VisitorReads, manage_token: str) -> VisitOut:
    return _shown(caller, _guests(request, caller, manage_token))


@router.post("/businesses/{slug}/bookings/{manage_token}/cancel")
@stays_open
def guest_cancel(
    request: Request, caller: VisitorWrites, manage_token: str, body: ReasonIn | None = None
) -> VisitOut:
    found = _guests(request, caller, manage_token)
    reason = body.reason if body else ""
    return _shown(caller, change.cancel(caller.session, found, by=caller.actor, reason=reason))


@router.post("/businesses/{slug}/bookings/{manage_token}/reschedule")
def guest_reschedule(
    request: Request, caller: VisitorWrites, manage_token: str, body: MoveIn
) -> VisitOut:
    return _move(caller, _guests(request, caller, manage_token), body)


def _mine(caller: Caller, appointment_id: uuid.UUID) -> Appointment:
    return queries.find_of_account(caller.session, caller.signed_in.id, appointment_id)


def _guests(request: Request, caller: Caller, manage_token: str) -> Appointment:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Rate.TOKEN_IP, client_ip(request))
    return queries.of_manage_token(caller.session, manage_token, now=clock.now())


def _move(caller: Caller, found: Appointment, body: MoveIn) -> VisitOut:
    moved = change.reschedule(
        caller.session, found, starts_at=body.starts_at, staff_id=body.staff_id, by=caller.actor
    )
    return _shown(caller, moved)


def _shown(caller: Caller, row: Appointment) -> VisitOut:
    choices = queries.choices(caller.session, row, clock.now())
    prices = current(caller.session).client_settings.show_prices
    staff = queries.staff_names(caller.session)[row.staff_id]
    # Whoever typed an address may not learn whether it is known here: no ids of a record.
    theirs = caller.kind is CallerKind.CLIENT
    hidden = {} if theirs else {"id": None}
    return VisitOut(
        id=row.id,
        client_id=row.client_id if theirs else None,
        state=row.state,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        service=Named(id=row.service_id, name=row.service_name),
        staff=Named(id=row.staff_id, name=staff),
        price_minor=row.price_minor if prices else None,
        currency=row.currency,
        pets=[PetOut.model_validate({**pet, **hidden}) for pet in row.pets],
        note=row.note,
        cancel_until=choices.cancel.latest if choices.cancel.allowed else None,
        reschedule_until=choices.reschedule.latest if choices.reschedule.allowed else None,
    )


def _address(request: Request, caller: Caller, feed: CalendarFeed) -> CalendarOut:
    token = feed_token(caller.session, feed)
    return CalendarOut(url=f"{settings_of(request).public_url}/calendars/{token}.ics")
