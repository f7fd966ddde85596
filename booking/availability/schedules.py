"""A business's week and what takes time out of it, as the rules want it.

Asked for every visitor, so it goes over Core columns instead of ORM rows, and names its business in
each statement: the tenant guard does not see those.
"""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import BigInteger, BindParameter, String, bindparam, select, type_coerce
from sqlalchemy.orm import Session

from booking.availability.models import (
    LONGEST_BUSY_SECONDS,
    Busy,
    Closure,
    OpeningHours,
    StaffHours,
    TimeOff,
)

_DAY = 86_400
_EPOCH = date(1970, 1, 1)
_UNCOMMITTED = "calendar_touched"
_MOST_KEPT = 500

_opening, _hours = OpeningHours.__table__, StaffHours.__table__
_closure, _time_off, _busy = Closure.__table__, TimeOff.__table__, Busy.__table__
_b: BindParameter[uuid.UUID] = bindparam("b")

_OPENING = select(_opening.c.weekday, _opening.c.start_minute, _opening.c.end_minute).where(
    _opening.c.business_id == _b
)
_HOURS = select(
    _hours.c.staff_id, _hours.c.weekday, _hours.c.start_minute, _hours.c.end_minute
).where(_hours.c.business_id == _b)
_CLOSURES = select(_closure.c.first_day, _closure.c.last_day).where(
    _closure.c.business_id == _b, _closure.c.last_day >= bindparam("day")
)
_TIME_OFF = select(
    _time_off.c.staff_id,
    type_coerce(_time_off.c.starts_at, BigInteger),
    type_coerce(_time_off.c.ends_at, BigInteger),
).where(
    _time_off.c.business_id == _b, type_coerce(_time_off.c.ends_at, BigInteger) > bindparam("after")
)
# The bound on ends_at keeps the range narrow at both ends of the covering index. Staff ids stay as
# the driver gives them: making 700 UUIDs costs as much as the query.
_BUSY = select(
    type_coerce(_busy.c.staff_id, String),
    type_coerce(_busy.c.starts_at, BigInteger),
    type_coerce(_busy.c.ends_at, BigInteger),
).where(
    _busy.c.business_id == _b,
    type_coerce(_busy.c.ends_at, BigInteger) > bindparam("after"),
    type_coerce(_busy.c.ends_at, BigInteger) < bindparam("ends_before"),
    type_coerce(_busy.c.starts_at, BigInteger) < bindparam("before"),
)


class Week(NamedTuple):
    """A business's week, as of one version of its calendar."""

    opening: tuple[tuple[int, int, int], ...]
    weekly: dict[uuid.UUID, tuple[tuple[int, int, int], ...]]
    closures: tuple[tuple[date, date], ...]
    time_off: dict[uuid.UUID, tuple[tuple[int, int], ...]]


_kept: dict[tuple[uuid.UUID, int, date], Week] = {}


def distrust(session: Session) -> None:
    """From here on this transaction sees what others do not: it neither keeps nor uses what is
    kept for a version that may never be committed."""
    session.info[_UNCOMMITTED] = True


def week_of(session: Session, business_id: uuid.UUID, version: int, today: date) -> Week:
    """The week as of that version of the calendar, which was read in this transaction.

    Absences and closures over before today are left out.
    """
    key = (business_id, version, today)
    private = session.info.get(_UNCOMMITTED, False)
    kept = None if private else _kept.get(key)
    if kept is None:
        kept = _load(session, business_id, today - timedelta(days=2))
        if not private:
            if len(_kept) >= _MOST_KEPT:
                _kept.clear()
            _kept[key] = kept
    return kept


def _load(session: Session, business_id: uuid.UUID, since: date) -> Week:
    b = {"b": business_id}
    weekly: dict[uuid.UUID, list[tuple[int, int, int]]] = {}
    for staff_id, weekday, start, end in session.execute(_HOURS, b):
        weekly.setdefault(staff_id, []).append((weekday, start, end))
    absent: dict[uuid.UUID, list[tuple[int, int]]] = {}
    for staff_id, starts, ends in session.execute(_TIME_OFF, b | {"after": _seconds(since)}):
        absent.setdefault(staff_id, []).append((starts, ends))
    return Week(
        opening=tuple((row[0], row[1], row[2]) for row in session.execute(_OPENING, b)),
        weekly={staff_id: tuple(hours) for staff_id, hours in weekly.items()},
        closures=tuple((row[0], row[1]) for row in session.execute(_CLOSURES, b | {"day": since})),
        time_off={staff_id: tuple(times) for staff_id, times in absent.items()},
    )


def busy_of(
    session: Session,
    business_id: uuid.UUID,
    staff: Sequence[uuid.UUID],
    *,
    first: date,
    last: date,
    now: datetime,
) -> dict[uuid.UUID, list[tuple[int, int]]]:
    """What these people have given away on these days, as [start, end) in epoch seconds.

    A day more at both ends, for zones and buffers; nothing that is long past.
    """
    by_key: dict[object, list[tuple[int, int]]] = {}
    found: dict[uuid.UUID, list[tuple[int, int]]] = {}
    for one in staff:
        # as SQLite's driver gives an id, and as PostgreSQL's does
        found[one] = by_key[one.hex] = by_key[one] = []
    after = max(_seconds(first), int(now.timestamp())) - _DAY
    before = _seconds(last) + 2 * _DAY
    if not found or after >= before:
        return found
    bounds = {
        "b": business_id,
        "after": after,
        "before": before,
        "ends_before": before + LONGEST_BUSY_SECONDS,
    }
    others: list[tuple[int, int]] = []
    for staff_id, starts, ends in session.execute(_BUSY, bounds).all():
        by_key.get(staff_id, others).append((starts, ends))
    return found


def _seconds(day: date) -> int:
    return (day - _EPOCH).days * _DAY
