"""How a day and a week of appointments are laid out: quarter hours down, people across. Pure."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from booking import clock
from booking.appointments.models import Appointment
from booking.web.page import say_time

_FIRST_HOUR, _LAST_HOUR, _MOST_HOURS = 8, 18, 16
_MOST_SPAN = 32


@dataclass(frozen=True, slots=True)
class Block:
    """`row` counts quarter hours from 1; `kind` is the state, or `closed`."""

    row: int
    span: int
    time: str
    title: str
    text: str | None
    href: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    text: str | None
    blocks: list[Block]


@dataclass(frozen=True, slots=True)
class DayGrid:
    hours: list[str]
    columns: list[Column]
    now_row: int | None


@dataclass(frozen=True, slots=True)
class Away:
    """An absence, as the day shows it."""

    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class WeekItem:
    time: str
    title: str
    text: str | None
    href: str
    kind: str


@dataclass(frozen=True, slots=True)
class WeekDay:
    title: str
    href: str
    today: bool
    items: list[WeekItem]


@dataclass(frozen=True, slots=True)
class Page:
    """What a layout has to know besides the appointments."""

    zone: str
    home: str
    """the path of the appointments pages"""
    now: datetime

    def edges(self, day: date, days: int = 1) -> tuple[datetime, datetime]:
        """The instants at which these local days begin and end."""
        first = datetime.combine(day, time())
        return clock.to_utc(first, self.zone), clock.to_utc(first + timedelta(days=days), self.zone)

    @property
    def today(self) -> date:
        return clock.to_local(self.now, self.zone).date()

    def minute(self, moment: datetime, day: date) -> int:
        """Minutes of the wall clock since that day's midnight, held within the day."""
        local = clock.to_local(moment, self.zone)
        minutes = (local.date() - day).days * 1440 + local.hour * 60 + local.minute
        return min(max(minutes, 0), 1440)


def title_of(visit: Appointment) -> str:
    pets = ", ".join(pet["name"] for pet in visit.pets)
    return f"{visit.client_name} ({pets})" if pets else visit.client_name


def day_grid(
    page: Page,
    day: date,
    staff: Mapping[uuid.UUID, str],
    visits: Iterable[Appointment],
    absences: Mapping[uuid.UUID, Sequence[Away]],
) -> DayGrid:
    """A column for each of `staff`, and a further one where somebody is asked for twice at once."""
    of_staff: dict[uuid.UUID, list[Appointment]] = {staff_id: [] for staff_id in staff}
    for visit in visits:
        of_staff.setdefault(visit.staff_id, []).append(visit)
    first, hours = _hours(page, day, [one for some in of_staff.values() for one in some])
    columns = []
    for staff_id, theirs in of_staff.items():
        away = [_away(page, day, first, one) for one in absences.get(staff_id, ())]
        count = f"{len(theirs)} visit{'' if len(theirs) == 1 else 's'}" if theirs else None
        for lane, of_lane in enumerate(_lanes(theirs)):
            blocks = [_block(page, day, first, one) for one in of_lane]
            name = staff.get(staff_id, "Formerly here") + (", also asked for" if lane else "")
            columns.append(Column(name, None if lane else count, blocks + ([] if lane else away)))
    now_row = None
    if day == page.today:
        now_row = _row(page.minute(page.now, day), first)
    return DayGrid([_hour(first + at) for at in range(hours)], columns, now_row)


def _hours(page: Page, day: date, visits: list[Appointment]) -> tuple[int, int]:
    """The first hour shown, and how many."""
    starts = [page.minute(one.starts_at, day) // 60 for one in visits]
    ends = [-(-page.minute(one.ends_at, day) // 60) for one in visits]
    first = min([_FIRST_HOUR, *starts])
    return first, min(max([_LAST_HOUR, *ends]) - first, _MOST_HOURS)


def _lanes(visits: list[Appointment]) -> list[list[Appointment]]:
    """Requests that hold no time may stand side by side."""
    lanes: list[list[Appointment]] = [[]]
    for visit in sorted(visits, key=lambda one: one.starts_at):
        free = (lane for lane in lanes if not lane or lane[-1].ends_at <= visit.starts_at)
        lane = next(free, None)
        if lane is None:
            lanes.append(lane := [])
        lane.append(visit)
    return lanes


def _block(page: Page, day: date, first: int, visit: Appointment) -> Block:
    start, end = page.minute(visit.starts_at, day), page.minute(visit.ends_at, day)
    return Block(
        row=_row(start, first),
        span=_span(start, end),
        time=say_time(visit.starts_at, page.zone),
        title=title_of(visit),
        text=visit.service_name,
        href=f"{page.home}/{visit.id}",
        kind=visit.state.value,
    )


def _away(page: Page, day: date, first: int, absence: Away) -> Block:
    start = max(page.minute(absence.starts_at, day), first * 60)
    end = page.minute(absence.ends_at, day)
    return Block(
        row=_row(start, first),
        span=_span(start, end),
        time="",
        title="Away",
        text=absence.reason or None,
        href=None,
        kind="closed",
    )


def _row(minute: int, first: int) -> int:
    return min(max((minute - first * 60) // 15 + 1, 1), _MOST_HOURS * 4)


def _span(start: int, end: int) -> int:
    return min(max(-(-end // 15) - start // 15, 1), _MOST_SPAN)


def _hour(hour: int) -> str:
    return f"{hour % 12 or 12} {'am' if hour % 24 < 12 else 'pm'}"


def week_days(page: Page, monday: date, visits: Sequence[Appointment]) -> list[WeekDay]:
    return [_week_day(page, monday + timedelta(days=at), visits) for at in range(7)]


def _week_day(page: Page, day: date, visits: Sequence[Appointment]) -> WeekDay:
    items = [
        WeekItem(
            time=say_time(one.starts_at, page.zone),
            title=title_of(one),
            text=one.service_name,
            href=f"{page.home}/{one.id}",
            kind=one.state.value,
        )
        for one in visits
        if clock.to_local(one.starts_at, page.zone).date() == day
    ]
    return WeekDay(
        f"{day:%a} {day.day} {day:%b}", f"{page.home}?date={day}", day == page.today, items
    )
