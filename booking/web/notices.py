"""Service notices for everybody: how things stand, what is planned, and what was."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.dependencies import Reading, settings_of
from booking.notices import queries, rules
from booking.notices.models import Component
from booking.notices.queries import Posted
from booking.notices.rules import Condition, State
from booking.web.banners import put_away
from booking.web.page import Form, local_path, redirect, render

router = APIRouter(include_in_schema=False)

OVERALL = {
    Condition.WORKS: "Everything works",
    Condition.DEGRADED: "Something works only in part",
    Condition.MAINTENANCE: "Maintenance is going on",
    Condition.OUTAGE: "Something does not work",
}
_DAYS = {
    Condition.OUTAGE: "out of order",
    Condition.MAINTENANCE: "maintenance",
    Condition.DEGRADED: "worked in part",
}


@dataclass(frozen=True, slots=True)
class Run:
    """Days in a row in one condition: where it begins on the line of ninety, and how long."""

    start: int
    length: int
    condition: Condition


@dataclass(frozen=True, slots=True)
class Line:
    """A component, how it is now, and its ninety days."""

    component: Component
    condition: Condition
    runs: list[Run]
    said: str


@router.get("/status")
def status(session: Reading, request: Request) -> Response:
    now, zone = clock.now(), settings_of(request).timezone
    found = queries.notices(session, now)
    holding = [each for each in found if each.state(now) is State.IN_FORCE]
    planned = [each for each in found if each.state(now) is State.PLANNED]
    past = [each for each in found if each.state(now) not in (State.IN_FORCE, State.PLANNED)]
    return render(
        request,
        "notices/status.html",
        overall=rules.worst(each.condition for each in holding),
        overalls=OVERALL,
        holding=holding,
        planned=planned[::-1],
        months=_months(past, zone),
        lines=[_line(each, found, now, zone) for each in queries.components(session)],
        now=now,
        zone=zone,
    )


@router.get("/status/{notice_id:uuid}")
def notice(session: Reading, request: Request, notice_id: uuid.UUID) -> Response:
    return render(
        request,
        "notices/notice.html",
        posted=queries.find(session, notice_id),
        now=clock.now(),
        zone=settings_of(request).timezone,
    )


@router.post("/status/{notice_id:uuid}/dismiss")
def dismiss(request: Request, notice_id: uuid.UUID, form: Form) -> Response:
    """This browser does not show its banner any more."""
    response = redirect(local_path(form.text("back"), "/status"))
    put_away(response, request, notice_id)
    return response


def _line(component: Component, found: Sequence[Posted], now: datetime, zone: str) -> Line:
    troubles = queries.troubles(found, component.key)
    days = rules.history(troubles, now, zone)
    conditions = [condition for _, condition in days]
    runs, start = [], 0
    for condition, group in groupby(conditions):
        length = len(list(group))
        if condition is not Condition.WORKS:
            runs.append(Run(start, length, condition))
        start += length
    current = rules.worst(
        each.condition for each in troubles if rules.is_in_force(each.window, now)
    )
    return Line(component, current, runs, _say(conditions))


def _say(conditions: Sequence[Condition]) -> str:
    """The same in words: `Out of order on 1 day, maintenance on 2 days`."""
    parts = [
        f"{words} on {count} {'day' if count == 1 else 'days'}"
        for condition, words in _DAYS.items()
        if (count := conditions.count(condition))
    ]
    said = ", ".join(parts)
    return said[:1].upper() + said[1:] if said else "Nothing in 90 days"


def _months(past: Sequence[Posted], zone: str) -> list[tuple[str, list[Posted]]]:
    """By the month in which they began, the latest first."""

    def month(posted: Posted) -> str:
        return f"{clock.to_local(posted.notice.starts_at, zone):%B %Y}"

    return [(name, list(group)) for name, group in groupby(past, month)]
