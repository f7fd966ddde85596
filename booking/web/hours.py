"""Opening hours and closures; and reading a week of hours from a form."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.availability import actions, queries
from booking.availability.actions import Closing, Hours
from booking.errors import FieldError, Invalid
from booking.web.page import Form, SentForm, redirect, render
from booking.web.typed import minute_of_day, typed, wall_time
from booking.web.visitor import ManagerWrites, MemberReads, Visitor

router = APIRouter(include_in_schema=False, tags=["hours"])

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PARTS_SHOWN = 2
_MOST_PARTS = 10
_MIDNIGHT = 1440


class _Stretch(Protocol):
    @property
    def weekday(self) -> int: ...
    @property
    def start_minute(self) -> int: ...
    @property
    def end_minute(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a day: the names and values of its two fields."""

    start_name: str
    end_name: str
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Day:
    title: str
    parts: list[Part]


@router.get("/manage/{slug}/hours")
def show(visitor: MemberReads, request: Request) -> Response:
    return _page(visitor, request)


@router.post("/manage/{slug}/hours")
def save(visitor: ManagerWrites, request: Request, form: Form) -> Response:
    try:
        hours = read_week(form)
        actions.set_opening_hours(visitor.session, hours, by=visitor.actor)
    except Invalid as refusal:
        visitor.session.rollback()
        return _page(visitor, request, status=422, days=typed_week(form), errors=refusal.fields)
    return redirect(_home(visitor), flash="Your opening hours are saved.")


@router.post("/manage/{slug}/hours/closures")
def add_closure(visitor: ManagerWrites, request: Request, form: Form) -> Response:
    first = form.text("first_day")
    values = {
        "first_day": first,
        "last_day": form.text("last_day") or first,
        "reason": form.text("reason"),
    }
    try:
        closing = typed(Closing, values, body="last_day")
        actions.add_closure(visitor.session, closing, by=visitor.actor)
    except Invalid as refusal:
        visitor.session.rollback()
        return _page(visitor, request, status=422, closing=values, errors=refusal.fields)
    return redirect(
        _home(visitor),
        flash="Nobody can book these days. Appointments already made on them stay.",
    )


@router.post("/manage/{slug}/hours/closures/{closure_id}/remove")
def remove_closure(visitor: ManagerWrites, closure_id: uuid.UUID) -> Response:
    row = queries.closure(visitor.session, closure_id)
    actions.remove_closure(visitor.session, row, by=visitor.actor)
    return redirect(_home(visitor), flash="The closure is removed: these days can be booked again.")


def week(hours: Iterable[_Stretch]) -> list[Day]:
    """Seven days with at least two stretches each to fill in."""
    kept: list[list[_Stretch]] = [[] for _ in WEEKDAYS]
    for each in hours:
        kept[each.weekday].append(each)
    return [
        Day(
            title,
            [
                _part(weekday, at, *(_said(stretches[at]) if at < len(stretches) else ("", "")))
                for at in range(max(_PARTS_SHOWN, len(stretches)))
            ],
        )
        for weekday, (title, stretches) in enumerate(zip(WEEKDAYS, kept, strict=True))
    ]


def typed_week(form: SentForm) -> list[Day]:
    """As it was typed, to be shown again."""
    days = []
    for weekday, title in enumerate(WEEKDAYS):
        parts = []
        for at in range(_MOST_PARTS):
            blank = _part(weekday, at, "", "")
            start, end = form.text(blank.start_name), form.text(blank.end_name)
            if at < _PARTS_SHOWN or start or end:
                parts.append(_part(weekday, at, start, end))
        days.append(Day(title, parts))
    return days


def read_week(form: SentForm) -> list[Hours]:
    """The stretches that were filled in. Raises Invalid with each field that can't be used."""
    hours: list[Hours] = []
    errors: list[FieldError] = []
    for weekday, day in enumerate(typed_week(form)):
        for part in day.parts:
            try:
                hours += _read(weekday, part)
            except Invalid as refusal:
                errors += refusal.fields
    if errors:
        raise Invalid(fields=tuple(errors))
    return hours


def field_names(days: Sequence[Day]) -> dict[str, str]:
    """What people call each field of a week, for the summary of errors."""
    return {
        name: f"{day.title}, {word}"
        for day in days
        for part in day.parts
        for name, word in ((part.start_name, "from"), (part.end_name, "to"))
    }


def say_days(first: date, last: date) -> str:
    """`Thu 24 Dec 2026`, or `Thu 24 Dec – Sat 26 Dec 2026`."""
    end = f"{last:%a} {last.day} {last:%b %Y}"
    return end if first == last else f"{first:%a} {first.day} {first:%b} – {end}"


def _part(weekday: int, at: int, start: str, end: str) -> Part:
    name = f"day-{weekday}-{at}"
    return Part(f"{name}-start", f"{name}-end", start, end)


def _said(stretch: _Stretch) -> tuple[str, str]:
    """Midnight at the end of a day is 00:00 in a time field."""
    return wall_time(stretch.start_minute), wall_time(stretch.end_minute % _MIDNIGHT)


def _read(weekday: int, part: Part) -> list[Hours]:
    start = minute_of_day(part.start, part.start_name)
    end = minute_of_day(part.end, part.end_name)
    if start is None and end is None:
        return []
    if start is None:
        raise Invalid.field(part.start_name, "Say from when, or leave both empty.")
    if end is None:
        raise Invalid.field(part.end_name, "Say until when, or leave both empty.")
    end = end or _MIDNIGHT
    if start >= end:
        raise Invalid.field(part.end_name, "The end must be later than the start.")
    return [Hours(weekday=weekday, start_minute=start, end_minute=end)]


def _home(visitor: Visitor) -> str:
    return f"/manage/{visitor.business.slug}/hours"


def _page(
    visitor: Visitor,
    request: Request,
    *,
    status: int = 200,
    days: list[Day] | None = None,
    closing: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    session = visitor.session
    today = clock.to_local(clock.now(), visitor.business.timezone).date()
    shown = days or week(queries.opening_hours(session))
    names = {"first_day": "First day", "last_day": "Last day", "reason": "Reason"}
    return render(
        request,
        "hours/show.html",
        visitor=visitor,
        status=status,
        days=shown,
        names=field_names(shown) | names,
        closing=closing or {},
        today=today,
        closures=[
            (row.id, say_days(row.first_day, row.last_day), row.reason)
            for row in queries.closures(session, since=today)
        ],
        **more,
    )
