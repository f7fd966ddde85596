"""Free times as the pages offer them: a strip of seven days, and the times of one of them."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from booking import clock
from booking.availability.queries import free_times
from booking.catalogue.models import Service
from booking.web.page import say_time
from booking.web.visitor import Visitor

DAYS_SHOWN = 7
_FURTHEST = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Offer:
    """`days` and `groups` are what the macros day_strip and time_slots take."""

    chosen: date
    label: str
    days: list[tuple[str | None, str, int, str, bool]]
    groups: list[tuple[str, list[tuple[str, str]]]]
    prev_url: str | None
    next_url: str | None


def offer_to_staff(
    visitor: Visitor, service: Service, staff_id: uuid.UUID | None, wanted: date | None, url: str
) -> Offer:
    """What is free from the wanted day on; `url` ends in `date=`."""
    zone, now = visitor.business.timezone, clock.now()
    today = clock.to_local(now, zone).date()
    first = min(max(wanted or today, today), today + _FURTHEST)
    last = first + timedelta(days=DAYS_SHOWN - 1)
    free = free_times(
        visitor.session,
        service=service,
        staff_id=staff_id,
        days=(first, last),
        now=now,
        by_staff=True,
    ).days
    open_days = [day for day, slots in free.items() if slots]
    chosen = first if wanted is not None or not open_days else open_days[0]
    starts = [datetime.fromtimestamp(slot.starts, UTC) for slot in free[chosen]]
    return Offer(
        chosen=chosen,
        label=f"{chosen:%B} {chosen.year}",
        days=[_day(day, bool(slots), day == chosen, url) for day, slots in free.items()],
        groups=_groups(starts, zone),
        prev_url=f"{url}{max(today, first - timedelta(days=DAYS_SHOWN))}"
        if first > today
        else None,
        next_url=f"{url}{last + timedelta(days=1)}",
    )


def _day(
    day: date, is_open: bool, is_chosen: bool, url: str
) -> tuple[str | None, str, int, str, bool]:
    return (f"{url}{day}" if is_open else None, f"{day:%a}", day.day, f"{day:%b}", is_chosen)


def _groups(starts: list[datetime], zone: str) -> list[tuple[str, list[tuple[str, str]]]]:
    named: dict[str, list[tuple[str, str]]] = {"Morning": [], "Afternoon": [], "Evening": []}
    for moment in starts:
        hour = clock.to_local(moment, zone).hour
        part = "Morning" if hour < 12 else "Afternoon" if hour < 17 else "Evening"
        named[part].append((moment.isoformat(), say_time(moment, zone)))
    return list(named.items())
