"""The diary, and one appointment: confirmed, declined, moved, cancelled, kept or missed."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from booking import card_numbers, clock
from booking.appointments import queries
from booking.appointments.actions import change, decide
from booking.appointments.actions.attach import link_to_client
from booking.appointments.models import Appointment, AppointmentState
from booking.appointments.queries import DiaryFilter
from booking.appointments.rules import OPEN, Who, verbs_for
from booking.audit.queries import AuditFilter, entries
from booking.availability import queries as availability
from booking.catalogue import queries as catalogue
from booking.clients import queries as clients
from booking.errors import Conflict, Invalid, Refusal
from booking.gate import stays_open
from booking.web import counter
from booking.web.diary import Away, Page, day_grid, title_of, week_days
from booking.web.free_times import offer_to_staff
from booking.web.page import Form, SentForm, redirect, render, status_and_title
from booking.web.visitor import MemberReads, MemberWrites, Visitor

router = APIRouter(include_in_schema=False, tags=["appointments"])

_LONGEST_REASON = 500
SHOWN = (*OPEN, AppointmentState.COMPLETED, AppointmentState.NO_SHOW)


def home(visitor: Visitor) -> str:
    return f"/manage/{visitor.business.slug}/appointments"


def page_of(visitor: Visitor) -> Page:
    return Page(visitor.business.timezone, home(visitor), clock.now())


def day_of(text: str) -> date | None:
    """A date of the address line; anything else is as if there were none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2200 else None


def id_of(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the diary is to show."""

    view: str
    day: date
    staff_id: uuid.UUID | None

    @property
    def first(self) -> date:
        return self.day - timedelta(days=self.day.weekday()) if self.view == "week" else self.day

    @property
    def length(self) -> int:
        return 7 if self.view == "week" else 1


@router.get("/manage/{slug}/appointments")
def diary(
    request: Request, visitor: MemberReads, view: str = "day", date: str = "", staff: str = ""
) -> Response:
    page = page_of(visitor)
    asked = _Asked("week" if view == "week" else "day", day_of(date) or page.today, id_of(staff))
    since, until = page.edges(asked.first, asked.length)
    wanted = DiaryFilter(since, until, staff_id=asked.staff_id)
    visits = queries.diary(visitor.session, wanted, limit=2000)
    shown = [visit for visit in visits if visit.state in SHOWN]
    members = catalogue.staff_members(visitor.session)
    everyone = [("", "Everybody"), *((str(one.id), one.name) for one in members)]
    return render(
        request,
        f"appointments/{asked.view}.html",
        visitor=visitor,
        home=page.home,
        asked=asked,
        title=_heading(asked),
        staff_options=everyone,
        called_off=[visit for visit in visits if visit.state not in SHOWN],
        closed=_closed(visitor, asked.first, asked.length),
        **_moves(page, asked),
        **(_week(page, asked, shown) if asked.view == "week" else _day(visitor, asked, shown)),
    )


def _heading(asked: _Asked) -> str:
    first = asked.first
    if asked.view == "day":
        return f"{first:%A} {first.day} {first:%B %Y}"
    last = first + timedelta(days=6)
    return f"{first.day} {first:%b} – {last.day} {last:%b %Y}"


def _moves(page: Page, asked: _Asked) -> dict[str, Any]:
    step = timedelta(days=asked.length)
    staff = f"&staff={asked.staff_id}" if asked.staff_id else ""
    address = f"{page.home}?view={asked.view}{staff}&date="
    return {
        "prev_url": f"{address}{asked.first - step}",
        "next_url": f"{address}{asked.first + step}",
        "today_url": f"{address}{page.today}",
        "day_url": f"{page.home}?view=day{staff}&date={asked.day}",
        "week_url": f"{page.home}?view=week{staff}&date={asked.day}",
    }


def _week(page: Page, asked: _Asked, visits: list[Appointment]) -> dict[str, Any]:
    return {"days": week_days(page, asked.first, visits), "count": len(visits)}


def _day(visitor: Visitor, asked: _Asked, visits: list[Appointment]) -> dict[str, Any]:
    page = page_of(visitor)
    known = queries.staff_names(visitor.session)
    on_duty = [member.id for member in catalogue.staff_members(visitor.session)]
    wanted = (
        [asked.staff_id]
        if asked.staff_id in known
        else [
            *on_duty,
            *{visit.staff_id for visit in visits}.difference(on_duty),
        ]
    )
    staff = {staff_id: known[staff_id] for staff_id in wanted if staff_id is not None}
    grid = day_grid(page, asked.day, staff, visits, _absences(visitor, page, asked.day))
    return {"grid": grid, "count": len(visits)}


def _absences(visitor: Visitor, page: Page, day: date) -> dict[uuid.UUID, list[Away]]:
    since, until = page.edges(day)
    found: dict[uuid.UUID, list[Away]] = {}
    for row in availability.time_off(visitor.session, since=since):
        if row.starts_at < until:
            away = Away(row.starts_at, row.ends_at, row.reason)
            found.setdefault(row.staff_id, []).append(away)
    return found


def _closed(visitor: Visitor, first: date, length: int) -> list[str]:
    """What to say about closures of these days."""
    last = first + timedelta(days=length - 1)
    return [
        f"Closed{f' ({row.reason})' if row.reason else ''}"
        f" from {row.first_day:%a %d %b} to {row.last_day:%a %d %b}"
        for row in availability.closures(visitor.session, since=first)
        if row.first_day <= last
    ]


@router.get("/manage/{slug}/appointments/{appointment_id}")
def appointment(request: Request, visitor: MemberReads, appointment_id: uuid.UUID) -> Response:
    return _page(request, visitor, queries.find(visitor.session, appointment_id))


def _page(
    request: Request, visitor: Visitor, row: Appointment, refusal: Refusal | None = None
) -> Response:
    session = visitor.session
    client = clients.find(session, row.client_id) if row.client_id else None
    namesakes = []
    if client is None and row.email_key:
        namesakes = clients.clients_with_email(session, row.email_key)
    return render(
        request,
        "appointments/one.html",
        visitor=visitor,
        status=status_and_title(refusal)[0] if refusal else 200,
        home=home(visitor),
        row=row,
        title=title_of(row),
        staff_name=queries.staff_names(session)[row.staff_id],
        client=client,
        namesakes=namesakes,
        verbs={verb.value for verb in verbs_for(row.state, Who.STAFF)},
        has_begun=row.starts_at <= clock.now(),
        history=entries(session, AuditFilter(record_id=row.id)),
        refusal=refusal,
        errors=refusal.fields if refusal else (),
    )


Act = Callable[[Appointment], object]


def _act(
    request: Request, visitor: Visitor, appointment_id: uuid.UUID, act: Act, done: str
) -> Response:
    """Do it and come back to the page; where it is refused, say so on the page."""
    try:
        act(queries.find(visitor.session, appointment_id))
    except (Conflict, Invalid) as refusal:
        visitor.session.rollback()
        return _page(request, visitor, queries.find(visitor.session, appointment_id), refusal)
    return redirect(f"{home(visitor)}/{appointment_id}", flash=done)


@router.post("/manage/{slug}/appointments/{appointment_id}/confirm")
def confirm(request: Request, visitor: MemberWrites, appointment_id: uuid.UUID) -> Response:
    def act(row: Appointment) -> object:
        return decide.confirm(visitor.session, row, by=visitor.actor)

    return _act(request, visitor, appointment_id, act, "Confirmed. The client is told by e-mail.")


@router.post("/manage/{slug}/appointments/{appointment_id}/decline")
@stays_open
def decline(
    request: Request, visitor: MemberWrites, form: Form, appointment_id: uuid.UUID
) -> Response:
    def act(row: Appointment) -> object:
        return decide.decline(visitor.session, row, by=visitor.actor, reason=_reason(form))

    return _act(request, visitor, appointment_id, act, "Declined. The client is told by e-mail.")


@router.post("/manage/{slug}/appointments/{appointment_id}/cancel")
@stays_open
def cancel(
    request: Request, visitor: MemberWrites, form: Form, appointment_id: uuid.UUID
) -> Response:
    def act(row: Appointment) -> object:
        return change.cancel(visitor.session, row, by=visitor.actor, reason=_reason(form))

    return _act(request, visitor, appointment_id, act, "Cancelled. The client is told by e-mail.")


@router.post("/manage/{slug}/appointments/{appointment_id}/complete")
def complete(request: Request, visitor: MemberWrites, appointment_id: uuid.UUID) -> Response:
    def act(row: Appointment) -> object:
        return decide.complete(visitor.session, row, by=visitor.actor)

    return _act(request, visitor, appointment_id, act, "Marked as completed.")


@router.post("/manage/{slug}/appointments/{appointment_id}/no-show")
def no_show(request: Request, visitor: MemberWrites, appointment_id: uuid.UUID) -> Response:
    def act(row: Appointment) -> object:
        return decide.no_show(visitor.session, row, by=visitor.actor)

    return _act(request, visitor, appointment_id, act, "Marked: the client did not come.")


@router.post("/manage/{slug}/appointments/{appointment_id}/link")
def link(
    request: Request, visitor: MemberWrites, form: Form, appointment_id: uuid.UUID
) -> Response:
    """A deliberate act of staff: this guest is that client."""

    def act(row: Appointment) -> object:
        client_id = id_of(form.text("client"))
        if client_id is None:
            raise Invalid.field("client", "Choose a client.", "required")
        found = clients.find(visitor.session, client_id)
        link_to_client(visitor.session, row, found, by=visitor.actor)
        return found

    return _act(request, visitor, appointment_id, act, "The visit now belongs to that client.")


def _reason(form: SentForm) -> str:
    reason = " ".join(form.text("reason").split())
    if len(reason) > _LONGEST_REASON or not reason.isprintable():
        raise Invalid.field("reason", f"Use at most {_LONGEST_REASON} plain characters.")
    if card_numbers.holds_one(reason):
        raise Invalid.field("reason", card_numbers.SENTENCE, card_numbers.CODE)
    return reason


@router.get("/manage/{slug}/appointments/{appointment_id}/move")
def move_page(
    request: Request,
    visitor: MemberReads,
    appointment_id: uuid.UUID,
    date: str = "",
    staff: str = "",
) -> Response:
    row = queries.find(visitor.session, appointment_id)
    return _move_page(request, visitor, row, day_of(date), id_of(staff), None)


def _move_page(
    request: Request,
    visitor: Visitor,
    row: Appointment,
    day: date | None,
    staff_id: uuid.UUID | None,
    refusal: Refusal | None,
) -> Response:
    session = visitor.session
    service = catalogue.service(session, row.service_id)
    performers = catalogue.who_performs(session, service.id)
    chosen = staff_id or row.staff_id
    url = f"{home(visitor)}/{row.id}/move?staff={chosen}&date="
    return render(
        request,
        "appointments/move.html",
        visitor=visitor,
        status=status_and_title(refusal)[0] if refusal else 200,
        home=home(visitor),
        row=row,
        title=title_of(row),
        performers=[(str(member.id), member.name) for member in performers],
        staff=str(chosen),
        offer=offer_to_staff(visitor, service, chosen, day, url),
        refusal=refusal,
        errors=refusal.fields if refusal else (),
    )


@router.post("/manage/{slug}/appointments/{appointment_id}/move")
def move(
    request: Request, visitor: MemberWrites, form: Form, appointment_id: uuid.UUID
) -> Response:
    row = queries.find(visitor.session, appointment_id)
    staff_id = id_of(form.text("staff"))
    try:
        starts_at = counter.moment_of(visitor, form)
        change.reschedule(
            visitor.session, row, starts_at=starts_at, staff_id=staff_id, by=visitor.actor
        )
    except (Conflict, Invalid) as refusal:
        visitor.session.rollback()
        day = day_of(form.text("day"))
        found = queries.find(visitor.session, appointment_id)
        return _move_page(request, visitor, found, day, staff_id, refusal)
    return redirect(f"{home(visitor)}/{row.id}", flash="Moved. The client is told by e-mail.")
