"""When a visit could start. Pure: no session, clock or settings.

What is free, in one place:

* **Hours.** A visit lies within one stretch of opening hours and staff hours together. Both are
  local wall-clock; stretches that overlap or touch are merged first, then the two are intersected.
  A stretch belongs to one local date, so a visit never runs past local midnight.
* **Buffers.** The buffers before and after a visit must be clear of what is booked and of time off,
  but may lie outside the hours. What is booked brings its own buffers along.
* **Grid.** A visit starts at a wall-clock multiple of the slot interval since local midnight.
* **Clock changes.** A stretch of hours lasts from the first instant of its date at which the wall
  reads its start or later, until the last instant at which the wall still reads before its end. So
  a start or end in a gap means the end of the gap, and a repeated hour is worked twice. A wall time
  that does not exist is never offered; one that occurs twice is offered for both instants.
  Durations, buffers and the lead are real elapsed time.
* **Lead and horizon.** A visit starts at `now` + lead or later, and on a local date no later than
  local today + furthest days.

Instants are whole epoch seconds, every (start, end) is half open with start < end, and `now` is
aware. Inside, each member of staff is a row of bytes with one byte for each cell of real time; it
is 1 where a visit could start.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from itertools import compress, pairwise, repeat
from math import ceil, gcd
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

Spans = tuple[tuple[int, int], ...]
"""[start, end) with start < end"""
Hours = tuple[tuple[int, int, int], ...]
"""(weekday with Monday 0, start minute, end minute up to 1440), local wall-clock"""

DAY = 86_400
SECOND = timedelta(seconds=1)
EPOCH = date(1970, 1, 1).toordinal()
BLANK = tuple(bytearray(length) for length in range(97))  # made once; only ever copied from


@dataclass(frozen=True, slots=True)
class Schedule:
    """One staff member's week and what takes time out of it."""

    staff_id: UUID
    weekly: Hours
    time_off: Spans
    busy: Spans
    """what is booked, with its buffers; in any order, overlaps allowed"""


@dataclass(frozen=True, slots=True)
class Window:
    """What the business allows, whoever does the work."""

    zone: ZoneInfo
    opening: Hours
    closures: tuple[tuple[date, date], ...]
    """first and last local date, both closed"""
    slot_interval_minutes: int
    """a divisor of 60"""
    lead_minutes: int
    furthest_days: int


@dataclass(frozen=True, slots=True)
class Need:
    """What one visit takes; the duration is at least a minute."""

    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int


class Slot(NamedTuple):
    """A free time. A tuple rather than a dataclass: a full answer makes hundreds, at half the cost.

    `starts` and `ends` are the visit without its buffers; `staff` keeps the order of the schedules.
    """

    starts: int
    ends: int
    staff: tuple[UUID, ...]


class _Piece(NamedTuple):
    """A part of a local date in which the UTC offset stays the same: [begins, ends)."""

    midnight: int
    """when the date would have begun, had it always had this offset"""
    begins: int
    ends: int
    starts: range
    """its instants on the grid"""


class _Day(NamedTuple):
    date: date
    pieces: tuple[_Piece, ...]
    """one on an ordinary day, two around a clock change, none for a date the zone skipped"""
    ordinary: bool


class _Calendar(NamedTuple):
    """Local dates laid over cells of real time: cell i is the start at origin + i * unit."""

    days: tuple[_Day, ...]
    origin: int
    unit: int
    """seconds; the slot interval, or a part of it where a clock change shifts the grid"""
    size: int


class _Overlay(NamedTuple):
    """Everyone's rows laid over each other, eight people to a byte."""

    anyone: bytes
    """not 0 where somebody is free"""
    eights: list[bytes]
    """the last eight first"""
    names: Callable[[int], tuple[UUID, ...]]
    """who is free, from a cell's bytes in all the eights"""


def free_slots(
    window: Window,
    schedules: Sequence[Schedule],
    need: Need,
    *,
    first: date,
    last: date,
    now: datetime,
) -> dict[date, list[Slot]]:
    """The free slots of each local date from first to last, in order of time; [] where none.

    A slot names everyone who is free then; schedules whose staff cannot do the service are not
    given. Cost grows with (staff x days) + intervals + slots, so the caller bounds the range.
    """
    found: dict[date, list[Slot]] = {
        date.fromordinal(n): [] for n in range(first.toordinal(), last.toordinal() + 1)
    }
    today = now.astimezone(window.zone).toordinal()
    # A clock set back over midnight can return to yesterday's date, hence the day of grace.
    from_day = max(first.toordinal(), today - 1)
    to_day = min(last.toordinal(), today + window.furthest_days)
    if from_day > to_day or not schedules:
        return found
    calendar = _calendar(window.zone, from_day, to_day, window.slot_interval_minutes * 60)
    calendar = calendar._replace(days=_without_closures(calendar.days, window.closures))
    rows = [_row(calendar, window.opening, schedule, need) for schedule in schedules]
    earliest = ceil(now.timestamp()) + window.lead_minutes * 60
    overlay = _overlay(rows, [schedule.staff_id for schedule in schedules])
    overlay = overlay._replace(anyone=_from(earliest, calendar, overlay.anyone))
    for day in calendar.days:
        for piece in day.pieces:
            found[day.date] += _slots(overlay, calendar, piece, need.duration_minutes * 60)
    return found


def is_free(window: Window, schedule: Schedule, need: Need, *, starts: int, now: datetime) -> bool:
    """Whether `free_slots` would offer this start; it asks it, so the two cannot disagree.

    `starts` is an instant a datetime can hold. Busy far from that day may be left out.
    """
    day = datetime.fromtimestamp(starts, window.zone).date()
    slots = free_slots(window, (schedule,), need, first=day, last=day, now=now)[day]
    return any(slot.starts == starts for slot in slots)


def nearest(slots: Iterable[Slot], wanted: int, count: int) -> list[Slot]:
    """At most `count` slots nearest to `wanted`, in order of time; of two as near, the earlier."""
    closest = heapq.nsmallest(
        count, slots, key=lambda slot: (abs(slot.starts - wanted), slot.starts)
    )
    return sorted(closest, key=lambda slot: slot.starts)


# The calendar: from wall-clock to real time.


@lru_cache(maxsize=256)
def _calendar(zone: ZoneInfo, from_day: int, to_day: int, step: int) -> _Calendar:
    """The dates with these ordinals. Cached: it depends on nothing but the zone's own rules."""
    stretches = _stretches(zone, from_day, to_day)
    days = tuple(_day(ordinal, stretches, step) for ordinal in range(from_day, to_day + 1))
    pieces = [piece for day in days for piece in day.pieces]
    if not pieces:
        return _Calendar(days, 0, step, 0)
    origin = min(piece.starts.start for piece in pieces)
    unit = gcd(step, *(piece.starts.start - origin for piece in pieces))
    ends = max(piece.ends for piece in pieces)
    return _Calendar(days, origin, unit, max(0, -((origin - ends) // unit)))


def _stretches(zone: ZoneInfo, from_day: int, to_day: int) -> list[tuple[int, int, int]]:
    """(begins, ends, UTC offset), each as long as the offset lasts, over all these dates hold.

    No zone changes its offset and back within a day, so a look each day misses nothing.
    """
    looks = range((from_day - EPOCH - 1) * DAY, (to_day - EPOCH + 2) * DAY + 1, DAY)
    seen = [(look, _offset(zone, look)) for look in looks]
    edges = [seen[0]]
    for (before, old), (after, new) in pairwise(seen):
        if old != new:
            edges.append((_change(zone, before, after), new))
    ends = [begins for begins, _ in edges[1:]] + [looks[-1]]
    return [(begins, end, offset) for (begins, offset), end in zip(edges, ends, strict=True)]


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    return offset // SECOND if offset else 0


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The first instant with another offset than `before` has."""
    old = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _day(ordinal: int, stretches: list[tuple[int, int, int]], step: int) -> _Day:
    pieces = []
    for stretch_begins, stretch_ends, offset in stretches:
        midnight = (ordinal - EPOCH) * DAY - offset
        begins, ends = max(stretch_begins, midnight), min(stretch_ends, midnight + DAY)
        if begins < ends:
            on_grid = begins + (midnight - begins) % step
            pieces.append(_Piece(midnight, begins, ends, range(on_grid, ends, step)))
    ordinary = len(pieces) == 1 and pieces[0].ends - pieces[0].begins == DAY
    return _Day(date.fromordinal(ordinal), tuple(pieces), ordinary)


def _real(pieces: tuple[_Piece, ...], start: int, end: int) -> tuple[int, int]:
    """From the first instant the wall reads `start` or later, to the last it reads before `end`.

    Seconds of the wall clock in; instants out. Nothing of the date left over: an empty stretch.
    """
    begins = [
        max(piece.begins, piece.midnight + start)
        for piece in pieces
        if piece.midnight + start < piece.ends
    ]
    ends = [
        min(piece.ends, piece.midnight + end)
        for piece in pieces
        if piece.begins < piece.midnight + end
    ]
    return (begins[0], ends[-1]) if begins and ends else (0, 0)


# Hours: where the doors are open and somebody is in.


@lru_cache(maxsize=1024)
def _open_week(opening: Hours, weekly: Hours) -> tuple[Spans, ...]:
    """For each weekday the (start, end) common to both, in seconds of the wall clock."""
    return tuple(
        tuple(
            (max(open_at, in_at) * 60, min(close_at, out_at) * 60)
            for open_at, close_at in _merged(opening, weekday)
            for in_at, out_at in _merged(weekly, weekday)
            if max(open_at, in_at) < min(close_at, out_at)
        )
        for weekday in range(7)
    )


def _merged(hours: Hours, weekday: int) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted((start, end) for day, start, end in hours if day == weekday):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _without_closures(
    days: tuple[_Day, ...], closures: tuple[tuple[date, date], ...]
) -> tuple[_Day, ...]:
    for first, last in closures:
        days = tuple(day for day in days if not first <= day.date <= last)
    return days


# Rows: one byte for each cell, 1 where a visit could start.


def _row(calendar: _Calendar, opening: Hours, schedule: Schedule, need: Need) -> bytearray:
    row = bytearray(calendar.size)
    _open(row, calendar, _open_week(opening, schedule.weekly), need.duration_minutes * 60)
    _clear(row, calendar, need, schedule.time_off)
    _clear(row, calendar, need, schedule.busy)
    return row


def _open(row: bytearray, calendar: _Calendar, week: tuple[Spans, ...], duration: int) -> None:
    """Set every start whose visit fits into the hours of its date."""
    origin, unit = calendar.origin, calendar.unit
    usual = [_cells_of_ordinary_day(hours, duration, unit) for hours in week]
    for day in calendar.days:
        weekday = day.date.weekday()
        if day.ordinary:
            midnight = (day.pieces[0].midnight - origin) // unit
            for low, high, ones in usual[weekday]:
                row[midnight + low : midnight + high] = ones
            continue
        for start, end in week[weekday]:
            begins, ends = _real(day.pieces, start, end)
            for piece in day.pieces:
                low = -((origin - max(begins, piece.starts.start)) // unit)
                high = min((ends - duration - origin) // unit + 1, -((origin - piece.ends) // unit))
                if low < high:
                    row[low:high] = b"\1" * (high - low)


def _cells_of_ordinary_day(
    hours: Spans, duration: int, unit: int
) -> list[tuple[int, int, bytearray]]:
    """(low, high, as many ones) counted from midnight."""
    cells = []
    for start, end in hours:
        low, high = -(-start // unit), (end - duration) // unit + 1
        if low < high:
            cells.append((low, high, bytearray(b"\1" * (high - low))))
    return cells


def _clear(row: bytearray, calendar: _Calendar, need: Need, taken: Spans) -> None:
    """Clear every start whose visit and buffers would overlap what is taken."""
    size, unit = calendar.size, calendar.unit
    too_late = calendar.origin + (need.duration_minutes + need.buffer_after_minutes) * 60
    too_early = calendar.origin - need.buffer_before_minutes * 60
    for begins, ends in taken:
        low = (begins - too_late) // unit + 1
        high = -((too_early - ends) // unit)
        if low < 0 or high > size:
            low = max(low, 0)
            high = max(min(high, size), low)
        length = high - low
        row[low:high] = BLANK[length] if length < len(BLANK) else bytearray(length)


def _from(earliest: int, calendar: _Calendar, row: bytes) -> bytes:
    past = max(-((calendar.origin - earliest) // calendar.unit), 0)
    return bytes(min(past, len(row))) + row[past:]


def _overlay(rows: list[bytearray], staff: list[UUID]) -> _Overlay:
    size = len(rows[0])
    eights: list[bytes] = []
    anyone = 0
    for at in range(0, len(rows), 8):
        stacked = 0
        for bit, row in enumerate(rows[at : at + 8]):
            stacked |= int.from_bytes(row, "little") << bit
        eights.insert(0, stacked.to_bytes(size, "little"))
        anyone |= stacked

    @cache
    def names(who: int) -> tuple[UUID, ...]:
        return tuple(one for bit, one in enumerate(staff) if who >> bit & 1)

    return _Overlay(anyone.to_bytes(size, "little"), eights, names)


def _slots(overlay: _Overlay, calendar: _Calendar, piece: _Piece, duration: int) -> list[Slot]:
    low = (piece.starts.start - calendar.origin) // calendar.unit
    stride = piece.starts.step // calendar.unit
    cells = slice(low, low + len(piece.starts) * stride, stride)
    anyone = overlay.anyone[cells].rstrip(b"\0")
    early = len(anyone) - len(anyone.lstrip(b"\0"))
    anyone = anyone[early:]
    if not anyone:
        return []
    starts = list(compress(piece.starts[early:], anyone))
    ends = [start + duration for start in starts]
    who: Iterable[int] = compress(overlay.eights[0][cells][early:], anyone)
    for eight in overlay.eights[1:]:
        who = map(_beside, who, compress(eight[cells][early:], anyone))
    # What Slot(*fields) does, without a Python call for each.
    fields = zip(starts, ends, map(overlay.names, who), strict=True)
    return list(map(tuple.__new__, repeat(Slot), fields))


def _beside(eights: int, next_eight: int) -> int:
    return eights << 8 | next_eight
