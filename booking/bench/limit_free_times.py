"""The limit of free times: no framework, one range query with the bare driver, and our own rules.

What does not change from one question to the next is in memory: hours, staff, service.
"""

import functools
import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from starlette.types import ASGIApp, Receive, Scope, Send

from booking import clock
from booking.availability import rules
from booking.availability.rules import Need, Schedule, Slot, Window
from booking.bench.naive_free_times import WORKLOAD
from booking.bench.salon import (
    CLOSE_MINUTE,
    OPEN_MINUTE,
    STEP_MINUTES,
    VISIT_MINUTES,
    ZONE,
    Workload,
)

_EPOCH = date(1970, 1, 1)
_DAY = 86_400
_SQL = (
    "SELECT staff_id, starts_at, ends_at FROM busy"
    " WHERE business_id = ? AND ends_at > ? AND ends_at < ? AND starts_at < ?"
)
Rows = Iterable[tuple[Any, int, int]]


def create_app() -> ASGIApp:
    workload = Workload.of(json.loads(os.environ[WORKLOAD]))
    first, last = date.fromisoformat(workload.first), date.fromisoformat(workload.last)
    ask = _ask(workload, ((first - _EPOCH).days - 1) * _DAY, ((last - _EPOCH).days + 2) * _DAY)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        is_probe = scope["path"] == "/healthz"
        body = b'"alive"' if is_probe else _answer(workload, ask(), first, last).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def _ask(workload: Workload, after: int, before: int) -> Callable[[], Rows]:
    """What is booked between the two instants, asked anew each time."""
    bounds = (after, before + 2 * _DAY, before)
    path = workload.database_url.removeprefix("sqlite:///")
    if path != workload.database_url:
        lite = sqlite3.connect(path, check_same_thread=False)
        given = (uuid.UUID(workload.business_id).hex, *bounds)
        return lambda: lite.execute(_SQL, given).fetchall()
    url = workload.database_url.replace("postgresql+psycopg", "postgresql")
    connection = psycopg.connect(url, autocommit=True)
    sql = _SQL.replace("?", "%s")
    return lambda: connection.execute(sql, (workload.business_id, *bounds)).fetchall()


def _answer(workload: Workload, rows: Rows, first: date, last: date) -> str:
    staff_ids = [uuid.UUID(one) for one in workload.staff_ids]
    busy: dict[Any, list[tuple[int, int]]] = {}
    for one in staff_ids:
        busy[one] = busy[one.hex] = []
    for staff_id, starts, ends in rows:
        busy[staff_id].append((starts, ends))
    week = tuple((weekday, OPEN_MINUTE, CLOSE_MINUTE) for weekday in range(5))
    days = rules.free_slots(
        Window(clock.zone(ZONE), week, (), STEP_MINUTES, 0, 90),
        [Schedule(one, week, (), tuple(busy[one])) for one in staff_ids],
        Need(VISIT_MINUTES, 0, 0),
        first=first,
        last=last,
        now=clock.now(),
    )
    written = ",".join(
        f'{{"date":"{day}","slots":[{",".join(map(_slot, slots))}]}}' for day, slots in days.items()
    )
    return f'{{"days":[{written}]}}'


def _slot(slot: Slot) -> str:
    return f'{_times(slot.starts)}"staff":{_staff(slot.staff)}}}'


@functools.cache
def _times(starts: int) -> str:
    start = datetime.fromtimestamp(starts, clock.zone(ZONE))
    end = start + timedelta(minutes=VISIT_MINUTES)
    return f'{{"starts_at":"{start.isoformat()}","ends_at":"{end.isoformat()}",'


@functools.cache
def _staff(staff: tuple[uuid.UUID, ...]) -> str:
    return json.dumps([str(one) for one in staff])
