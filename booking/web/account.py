"""A pet owner's account: what is coming, what has been, and each visit."""

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.appointments.queries import After, Mine, find_of_account, mine
from booking.clients import queries as clients
from booking.errors import NotFound
from booking.gate import stays_open
from booking.web.page import Form, redirect, render
from booking.web.times import read_id, read_moment
from booking.web.visitor import PersonReads, PersonWrites, Visitor
from booking.web.visits import Visit, do_cancel, do_move, show, show_cancel, show_move

router = APIRouter(include_in_schema=False, tags=["appointments"])

_PAST_SHOWN = 20


@router.get("/{slug}/account")
def overview(visitor: PersonReads, request: Request) -> Response:
    """Visits to come, the soonest first. With several records, of all or of one."""
    account, session = visitor.signed_in, visitor.session
    records = clients.clients_of(session, account.id)
    if not records:
        return redirect(f"/{visitor.business.slug}/choose")
    chosen = read_id(request.query_params.get("client", ""))
    coming = mine(session, account.id, "upcoming", now=clock.now(), limit=200)
    return render(
        request,
        "account/overview.html",
        visitor=visitor,
        account=account,
        records=records if len(records) > 1 else [],
        names={record.id: record.first_name or record.name for record in records},
        chosen=chosen,
        visits=[visit for visit in coming if chosen in (None, visit.client_id)],
        **_shown(visitor),
    )


def _shown(visitor: Visitor) -> dict[str, Any]:
    settings = visitor.preferences.client_settings
    return {
        "shows_past": settings.show_past_appointments,
        "shows_pets": settings.client_may_manage_pets != "none",
        "shows_prices": settings.show_prices,
    }


@router.get("/{slug}/account/past")
def past(visitor: PersonReads, request: Request) -> Response:
    """The latest first; nothing where the business does not show them."""
    if not visitor.preferences.client_settings.show_past_appointments:
        raise NotFound
    found = mine(
        visitor.session,
        visitor.signed_in.id,
        "past",
        now=clock.now(),
        after=_after(request.query_params.get("after", "")),
        limit=_PAST_SHOWN + 1,
    )
    shown = found[:_PAST_SHOWN]
    return render(
        request,
        "account/past.html",
        visitor=visitor,
        visits=shown,
        further=_place(shown[-1]) if len(found) > _PAST_SHOWN else "",
        **_shown(visitor),
    )


def _place(visit: Mine) -> str:
    return f"{int(visit.starts_at.timestamp())}.{visit.id}"


def _after(text: str) -> After | None:
    start, _, visit = text.partition(".")
    starts_at, visit_id = read_moment(start), read_id(visit)
    return After(starts_at, visit_id) if starts_at and visit_id else None


def _visit(visitor: Visitor, visit_id: uuid.UUID) -> Visit:
    appointment = find_of_account(visitor.session, visitor.signed_in.id, visit_id)
    path = f"/{visitor.business.slug}/account/appointments/{visit_id}"
    return Visit(visitor, appointment, path)


@router.get("/{slug}/account/appointments/{visit_id}")
def visit_page(visitor: PersonReads, request: Request, visit_id: uuid.UUID) -> Response:
    is_new = request.query_params.get("new") == "yes"
    return show(request, _visit(visitor, visit_id), is_new=is_new)


@router.get("/{slug}/account/appointments/{visit_id}/cancel")
def cancel_page(visitor: PersonReads, request: Request, visit_id: uuid.UUID) -> Response:
    return show_cancel(request, _visit(visitor, visit_id))


@router.post("/{slug}/account/appointments/{visit_id}/cancel")
@stays_open
def cancel_visit(
    visitor: PersonWrites, request: Request, form: Form, visit_id: uuid.UUID
) -> Response:
    return do_cancel(request, _visit(visitor, visit_id), form)


@router.get("/{slug}/account/appointments/{visit_id}/move")
def move_page(visitor: PersonReads, request: Request, visit_id: uuid.UUID) -> Response:
    return show_move(request, _visit(visitor, visit_id))


@router.post("/{slug}/account/appointments/{visit_id}/move")
def move_visit(
    visitor: PersonWrites, request: Request, form: Form, visit_id: uuid.UUID
) -> Response:
    return do_move(request, _visit(visitor, visit_id), form)
