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
from booking.database import Session
from booking.web.page import say_time
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
    ahead = _free(visitor.session, wanted, today, min(today + _LOOKED_AHEAD, last), now)
    first_free = _first(ahead) or _first_later(visitor.session, wanted, last, now)
    shown = asked or first_free or today
    begins = today + (shown - today) // _WEEK * _WEEK
    week = _free(visitor.session, wanted, begins, min(begins + timedelta(days=6), last), now)
    if not week.get(shown) and asked is None:
        shown = _first(week) or shown
    return Times(
        day=shown if week.get(shown) else (_first(week) or shown),
        week=week,
        first=today,
        last=last,
        next_free=None if _first(week) else _next(visitor, wanted, begins, last, now),
        others=[each for each, slots in ahead.items() if slots],
        timezone=zone,
    )


def grouped(slots: Sequence[Slot], zone: str) -> Groups:
    """A wall-clock time that comes twice, when the clocks go back, says which one it is."""
    groups: dict[str, list[tuple[int, str]]] = {title: [] for _, title in _PARTS}
    said = [(slot.starts, moment(slot.starts)) for slot in slots]
    often = Counter(say_time(at, zone) for _, at in said)
    for starts, at in said:
        text = say_time(at, zone)
        local = clock.to_local(at, zone)
        part = next(title for until, title in _PARTS if local.hour < until)
        groups[part].append((starts, f"{text} {local:%Z}" if often[text] > 1 else text))
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
    session: Session, wanted: Wanted, first: date, last: date, now: datetime
) -> dict[date, list[Slot]]:
    found = availability.free_times(
        session,
        service=wanted.service,
        staff_id=wanted.staff_id,
        first=first,
        last=last,
        now=now,
    )
    return found.days


def _first(days: dict[date, list[Slot]]) -> date | None:
    return next((day for day, slots in days.items() if slots), None)


def _first_later(session: Session, wanted: Wanted, last: date, now: datetime) -> date | None:
    begins = now.date() + _LOOKED_AHEAD
    return _search(session, wanted, begins, last, now)


def _next(
    visitor: Visitor, wanted: Wanted, begins: date, last: date, now: datetime
) -> date | None:
    """The next day with a free time after this week, or else the last one before it."""
    return _search(visitor.session, wanted, begins, last, now)


def _search(
    session: Session, wanted: Wanted, begins: date, last: date, now: datetime
) -> date | None:
    while begins <= last:
        found = _first(_free(session, wanted, begins, min(begins + _LOOKED_AHEAD, last), now))
        if found is not None:
            return found
        begins += _LOOKED_AHEAD + timedelta(days=1)
    return None
