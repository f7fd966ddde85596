"""Months counted from an anchor.

The nth period begins n months after the anchor itself, never a month after the one before: from
31 January it is 28 February and then 31 March again. All in UTC, where no day has 23 hours.
"""

import calendar
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Period:
    """`starts_at` belongs to it, `ends_at` to the next."""

    index: int
    starts_at: datetime
    ends_at: datetime


def months_after(anchor: datetime, months: int) -> datetime:
    """The same day and time so many months later, or the last day of a month that is shorter."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, last_day))


def period(anchor: datetime, index: int) -> Period:
    return Period(index, months_after(anchor, index), months_after(anchor, index + 1))


def period_at(anchor: datetime, moment: datetime) -> Period:
    """The period that holds the moment; before the anchor, the first."""
    index = max(0, (moment.year - anchor.year) * 12 + moment.month - anchor.month)
    while index > 0 and months_after(anchor, index) > moment:
        index -= 1
    while months_after(anchor, index + 1) <= moment:
        index += 1
    return period(anchor, index)


def period_to_charge(anchor: datetime, covered_until: datetime, now: datetime) -> Period | None:
    """What is to be paid for next: one period, or None while the last one goes on.

    After an outage that swallowed whole periods it is the one that holds `now`: nobody pays for
    time that passed without us, and nobody pays twice on the day we are back.
    """
    if now < covered_until:
        return None
    return period_at(anchor, now)
