"""Free times as a pet owner sees them: a week of days, and the times of one day by part of day."""

import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from booking import clock
from booking.availability import queries as availability
from booking.availability.rules import Slot
from booking.catalogue.models import Service
from booking.dependencies import Reading
from booking.web.page import say_day, say_time
from booking.web.visitor import Visitor

_WEEK = timedelta(days=7)
_LOOKED_AHEAD = timedelta(days=28)
_PARTS = ((12, "Morning"), (17, "Afternoon"), (24, "Evening"))

Strip = list[tuple[str | None, str, int, str, bool]]
Groups = list[tuple[str, list[tuple[int, str]]]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose calendar is looked at: `staff_id` None is anyone's who performs the service."""

    service: Service
    staff_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Times:
    """The week around `day`, and what is free on it.

    `next_free` is the first day with a free time when this week has none; None: nothing is free as
    far ahead as one may book. `others` are all days of the coming weeks with something free.
    """

    day: date
    week: dict[date, list[Slot]]
    first: date
    last: date
    next_free: date | None
    others: list[date]
    timezone: str

    @property
    def groups(self) -> Groups:
        return grouped(self.week.get(self.day, []), self.timezone)

    @property
    def label(self) -> str:
        """The months of this week: `December 2026`, `Nov – Dec 2026`."""
        first, last = min(self.week), max(self.week)
        if (first.year, first.month) == (last.year, last.month):
            return f"{first:%B %Y}"
        return f"{first:%b} – {last:%b %Y}"

    @property
    def earlier(self) -> date | None:
        before = min(self.week) - _WEEK
        return before if before >= self.first else None

    @property
    def later(self) -> date | None:
        after = min(self.week) + _WEEK
        return after if after <= self.last else None

    def strip(self, url: Callable[[date], str]) -> Strip:
        return [
            (
                url(day) if slots else None,
                f"{day:%a}",
                day.day,
                f"{day:%b}",
                bool(slots) and day == self.day,
            )
            for day, slots in self.week.items()
        ]


def times(visitor: Visitor, wanted: Wanted, day: date | None) -> Times:
    """Weeks begin today, and every seventh day from it. Without a day: the first free one."""
    now = clock.now()
    zone = visitor.business.timezone
    today = clock.to_local(now, zone).date()
    last = today + timedelta(days=visitor.preferences.booking_window.furthest_days)
    asked = None if day is None else min(max(day, today), last)
    session = visitor.session
    ahead = _free(session, wanted, today, min(today + _LOOKED_AHEAD, last), now)
    shown = asked or _first(ahead) or _search(session, wanted, today, last, now) or today
    begins = today + (shown - today) // _WEEK * _WEEK
    week = _free(session, wanted, begins, min(begins + timedelta(days=6), last), now)
    free_this_week = _first(week)
    return Times(
        day=shown if week[shown] else free_this_week or shown,
        week=week,
        first=today,
        last=last,
        next_free=None if free_this_week else _search(session, wanted, begins, last, now),
        others=[each for each, slots in ahead.items() if slots],
        timezone=zone,
    )


def grouped(slots: Sequence[Slot], zone: str, *, by_day: bool = False) -> Groups:
    """By part of day, or by day. A wall-clock time that comes twice, when the clocks go back, says
    which one it is."""
    groups: dict[str, list[tuple[int, str]]] = {}
    said = [(slot.starts, moment(slot.starts)) for slot in slots]
    often = Counter((say_day(at, zone), say_time(at, zone)) for _, at in said)
    for starts, at in said:
        day, text, local = say_day(at, zone), say_time(at, zone), clock.to_local(at, zone)
        part = next(title for until, title in _PARTS if local.hour < until)
        shown = f"{text} {local:%Z}" if often[day, text] > 1 else text
        groups.setdefault(day if by_day else part, []).append((starts, shown))
    return list(groups.items())


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def read_moment(text: str) -> datetime | None:
    """Epoch seconds as they stand in a form; None for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        return None
    return moment(int(text))


def read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def read_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _free(
    session: Reading, wanted: Wanted, first: date, last: date, now: datetime
) -> dict[date, list[Slot]]:
    found = availability.free_times(
        session,
        service=wanted.service,
        staff_id=wanted.staff_id,
        days=(first, last),
        now=now,
    )
    return found.days


def _first(days: dict[date, list[Slot]]) -> date | None:
    return next((day for day, slots in days.items() if slots), None)


def _search(
    session: Reading, wanted: Wanted, begins: date, last: date, now: datetime
) -> date | None:
    """The first day with a free time, looking so many days at a time."""
    while begins <= last:
        found = _first(_free(session, wanted, begins, min(begins + _LOOKED_AHEAD, last), now))
        if found is not None:
            return found
        begins += _LOOKED_AHEAD + timedelta(days=1)
    return None
