"""Staff: those who perform services, with their hours and time off."""

import uuid
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.availability import actions as availability
from booking.availability import queries as times
from booking.availability.actions import WHENEVER_OPEN, Absence
from booking.availability.models import StaffHours
from booking.catalogue import actions, queries
from booking.catalogue.actions import StaffDetails
from booking.catalogue.models import StaffMember
from booking.errors import Invalid
from booking.web.hours import field_names, read_week, typed_week, week
from booking.web.page import Form, SentForm, redirect, render
from booking.web.typed import ids, number, typed
from booking.web.visitor import ManagerReads, ManagerWrites, MemberReads, Visitor

router = APIRouter(include_in_schema=False, tags=["staff"])

_NAMES = {
    "name": "Name",
    "title": "Title",
    "services": "Performs",
    "starts": "From",
    "ends": "Until",
    "reason": "Reason",
}


@router.get("/manage/{slug}/staff")
def show_all(visitor: MemberReads, request: Request) -> Response:
    session, now = visitor.session, clock.now()
    names = {service.id: service.name for service in queries.services(session)}
    performers = queries.performers(session)
    members = queries.staff_members(session, only_active=False)
    away = {row.staff_id for row in times.time_off(session, since=now) if row.starts_at <= now}
    return render(
        request,
        "staff/list.html",
        visitor=visitor,
        members=members,
        performs={
            member.id: ", ".join(
                name for key, name in names.items() if member.id in performers.get(key, ())
            )
            for member in members
        },
        away=away,
        bookable=set(times.staff_hours(session)),
    )


@router.get("/manage/{slug}/staff/new")
def new(visitor: ManagerReads, request: Request) -> Response:
    everything = [str(service.id) for service in queries.services(visitor.session)]
    values = {"name": "", "title": "", "services": everything, "active": True}
    return _page(visitor, request, None, values=values)


@router.post("/manage/{slug}/staff/new")
def add(visitor: ManagerWrites, request: Request, form: Form) -> Response:
    """Someone new is in whenever the business is open, until their own hours are set."""
    try:
        details = _details(form, active=True)
        services = ids(form.all("services"), "services")
        member = actions.add_staff_member(
            visitor.session, details, service_ids=services, by=visitor.actor
        )
        availability.set_staff_hours(visitor.session, member, WHENEVER_OPEN, by=visitor.actor)
    except Invalid as refusal:
        visitor.session.rollback()
        return _page(visitor, request, None, values=_typed(form), status=422, errors=refusal.fields)
    return redirect(
        f"{_home(visitor)}/{member.id}",
        flash=f"{member.name} can be booked whenever you are open. Own hours are set below.",
    )


@router.get("/manage/{slug}/staff/{staff_id}")
def show(visitor: ManagerReads, request: Request, staff_id: uuid.UUID) -> Response:
    return _page(visitor, request, queries.staff_member(visitor.session, staff_id))


@router.post("/manage/{slug}/staff/{staff_id}")
def change(visitor: ManagerWrites, request: Request, form: Form, staff_id: uuid.UUID) -> Response:
    member = queries.staff_member(visitor.session, staff_id)
    try:
        details = _details(form, active=form.flag("active"))
        services = ids(form.all("services"), "services")
        actions.change_staff_member(
            visitor.session, member, details, service_ids=services, by=visitor.actor
        )
    except Invalid as refusal:
        return _again(visitor, request, staff_id, refusal, values=_typed(form))
    return redirect(_home(visitor), flash=f"{member.name} is saved.")


@router.post("/manage/{slug}/staff/{staff_id}/hours")
def set_hours(
    visitor: ManagerWrites, request: Request, form: Form, staff_id: uuid.UUID
) -> Response:
    member = queries.staff_member(visitor.session, staff_id)
    try:
        hours = read_week(form)
        kept = times.staff_hours(visitor.session).get(member.id, [])
        if form.text("when") == "open" and not (hours and _whenever_open(kept)):
            hours = list(WHENEVER_OPEN)  # what was typed against "whenever" is what was meant
        availability.set_staff_hours(visitor.session, member, hours, by=visitor.actor)
    except Invalid as refusal:
        return _again(visitor, request, staff_id, refusal, days=typed_week(form))
    return redirect(_page_of(visitor, staff_id), flash=f"The hours of {member.name} are saved.")


@router.post("/manage/{slug}/staff/{staff_id}/time-off")
def add_time_off(
    visitor: ManagerWrites, request: Request, form: Form, staff_id: uuid.UUID
) -> Response:
    member = queries.staff_member(visitor.session, staff_id)
    given = {name: form.text(name) for name in ("starts", "ends", "reason")}
    try:
        absence = _absence(given, visitor.business.timezone)
        availability.add_time_off(visitor.session, member, absence, by=visitor.actor)
    except Invalid as refusal:
        return _again(visitor, request, staff_id, refusal, away=given)
    return redirect(
        _page_of(visitor, staff_id),
        flash=f"{member.name} can't be booked then. Appointments already made stay.",
    )


@router.post("/manage/{slug}/staff/{staff_id}/time-off/{absence_id}/remove")
def remove_time_off(visitor: ManagerWrites, staff_id: uuid.UUID, absence_id: uuid.UUID) -> Response:
    member = queries.staff_member(visitor.session, staff_id)
    availability.remove_time_off(visitor.session, member, absence_id, by=visitor.actor)
    return redirect(_page_of(visitor, staff_id), flash="The time off is removed.")


@router.post("/manage/{slug}/staff/{staff_id}/remove")
def remove(visitor: ManagerWrites, staff_id: uuid.UUID) -> Response:
    member = queries.staff_member(visitor.session, staff_id)
    name = member.name
    gone = actions.remove_staff_member(visitor.session, member, by=visitor.actor)
    said = f"{name} is removed."
    if not gone:
        said = f"{name} has appointments, so the record is kept, but is off your site now."
    return redirect(_home(visitor), flash=said)


@router.post("/manage/{slug}/staff/{staff_id}/move")
def move(visitor: ManagerWrites, form: Form, staff_id: uuid.UUID) -> Response:
    member = queries.staff_member(visitor.session, staff_id)
    at = number(form.text("to"))
    if isinstance(at, int):
        actions.place_staff_member(visitor.session, member, at)
    return redirect(_home(visitor))


def _home(visitor: Visitor) -> str:
    return f"/manage/{visitor.business.slug}/staff"


def _page_of(visitor: Visitor, staff_id: uuid.UUID) -> str:
    return f"{_home(visitor)}/{staff_id}"


def _details(form: SentForm, *, active: bool) -> StaffDetails:
    given = {"name": form.text("name"), "title": form.text("title"), "active": active}
    return typed(StaffDetails, given)


def _typed(form: SentForm) -> dict[str, Any]:
    return {
        "name": form.text("name"),
        "title": form.text("title"),
        "services": form.all("services"),
        "active": form.flag("active"),
    }


def _absence(given: dict[str, str], timezone: str) -> Absence:
    starts, ends = (_moment(given[name], name, timezone) for name in ("starts", "ends"))
    return typed(
        Absence, {"starts_at": starts, "ends_at": ends, "reason": given["reason"]}, body="ends"
    )


def _moment(text: str, field: str, timezone: str) -> datetime:
    """A local date and time, as an input of that kind sends it."""
    try:
        local = datetime.fromisoformat(text)
        return clock.to_utc(local.replace(tzinfo=None), timezone)
    except (ValueError, OverflowError):
        raise Invalid.field(field, "Enter a day and a time.") from None


def _again(
    visitor: Visitor, request: Request, staff_id: uuid.UUID, refusal: Invalid, **typed_: Any
) -> Response:
    visitor.session.rollback()
    member = queries.staff_member(visitor.session, staff_id)
    return _page(visitor, request, member, status=422, errors=refusal.fields, **typed_)


def _page(
    visitor: Visitor,
    request: Request,
    member: StaffMember | None,
    *,
    status: int = 200,
    **given: Any,
) -> Response:
    session = visitor.session
    hours = times.staff_hours(session).get(member.id, []) if member else []
    is_open = _whenever_open(hours)
    days = given.get("days") or week([] if is_open else hours)
    services = queries.services(session, only_active=False)
    return render(
        request,
        "staff/edit.html",
        visitor=visitor,
        status=status,
        member=member,
        values=given.get("values") or _values(visitor, member),
        services=[
            (str(each.id), each.name, "" if each.active else "Off the site") for each in services
        ],
        days=days,
        when="open" if is_open and "days" not in given else "own",
        names=_NAMES | field_names(days),
        away=given.get("away", {"starts": "", "ends": "", "reason": ""}),
        absences=[
            row
            for row in times.time_off(session, since=clock.now())
            if member and row.staff_id == member.id
        ],
        errors=given.get("errors", ()),
    )


def _values(visitor: Visitor, member: StaffMember | None) -> dict[str, Any]:
    if member is None:
        return {}
    pairs = queries.performers(visitor.session).items()
    return {
        "name": member.name,
        "title": member.title,
        "active": member.active,
        "services": [str(service_id) for service_id, staff in pairs if member.id in staff],
    }


def _whenever_open(hours: list[StaffHours]) -> bool:
    kept = {(row.weekday, row.start_minute, row.end_minute) for row in hours}
    return kept == {(each.weekday, each.start_minute, each.end_minute) for each in WHENEVER_OPEN}
