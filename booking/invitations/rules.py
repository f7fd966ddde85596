"""How fast invitations may leave: the pace, the cap and the quiet hours that were chosen."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from booking import clock

SLICE = timedelta(seconds=10)
_SLICES_A_MINUTE = 6
_MINUTE = timedelta(minutes=1)


class Wait(StrEnum):
    """Why nothing more may leave at the moment."""

    QUIET_HOURS = "quiet_hours"
    DAILY_CAP = "daily_cap"
    PACE = "pace"


@dataclass(frozen=True, slots=True)
class Pace:
    """What holds the sending back; all of it off by default.

    `per_minute` 0 is none. Quiet hours run from `quiet_from` until `quiet_until` on the clock of
    the wall in `zone`, across midnight where the second is the earlier one.
    """

    per_minute: int
    per_day: int | None
    quiet_from: time | None
    quiet_until: time | None
    zone: str

    @property
    def is_free(self) -> bool:
        return not self.per_minute and self.per_day is None and self.quiet_from is None


@dataclass(frozen=True, slots=True)
class Left:
    """How many left in the last ten seconds, in the last minute and today, those on their way
    included."""

    last_slice: int
    last_minute: int
    today: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """`most` that may leave at once. With 0: why, and when it goes on."""

    most: int
    because: Wait | None = None
    goes_on_at: datetime | None = None


def clock_time(text: str) -> time | None:
    """Of `21:30`; None for an empty text. Raises ValueError."""
    return datetime.strptime(text, "%H:%M").time() if text else None  # noqa: DTZ007 - no date


def is_quiet(pace: Pace, moment: datetime) -> bool:
    """By the clock on the wall: so it holds on the two odd days of the year as well."""
    begin, end = pace.quiet_from, pace.quiet_until
    if begin is None or end is None:
        return False
    at = clock.to_local(moment, pace.zone).time()
    return begin <= at < end if begin < end else at >= begin or at < end


def loud_again(pace: Pace, moment: datetime) -> datetime:
    """The first full minute from then on that is not in quiet hours; that moment itself if it is
    not."""
    return next(at for at in _minutes_from(moment) if not is_quiet(pace, at))


def _minutes_from(moment: datetime) -> Iterator[datetime]:
    yield moment
    at = moment.replace(second=0, microsecond=0)
    while True:
        at += _MINUTE
        yield at


def day_began(pace: Pace, moment: datetime, days: int = 0) -> datetime:
    """The midnight before in the business's zone, or so many days later."""
    day = clock.to_local(moment, pace.zone).date() + timedelta(days=days)
    return clock.to_utc(datetime.combine(day, time.min), pace.zone)


def allowance(pace: Pace, left: Left, moment: datetime, wanted: int) -> Allowance:
    if is_quiet(pace, moment):
        return Allowance(0, Wait.QUIET_HOURS, loud_again(pace, moment))
    most = wanted
    if pace.per_day is not None:
        most = min(most, pace.per_day - left.today)
        if most <= 0:
            tomorrow = day_began(pace, moment, days=1)
            return Allowance(0, Wait.DAILY_CAP, loud_again(pace, tomorrow))
    if pace.per_minute:
        a_slice = -(-pace.per_minute // _SLICES_A_MINUTE)
        most = min(most, pace.per_minute - left.last_minute, a_slice - left.last_slice)
        if most <= 0:
            return Allowance(0, Wait.PACE, moment + SLICE)
    return Allowance(most)


def free_since(pace: Pace, last_left: datetime | None, moment: datetime) -> datetime | None:
    """Since when the pace has let something through again; None where it did not hold it back.

    Asked while something may leave: so that what waited for the pace is not taken for stuck.
    """
    ends: list[datetime] = []
    if pace.per_day is not None:
        ends.append(day_began(pace, moment))
    if pace.per_minute and last_left is not None:
        ends.append(last_left + _MINUTE)
    if pace.quiet_until is not None:
        today = datetime.combine(clock.to_local(moment, pace.zone).date(), pace.quiet_until)
        end = clock.to_utc(today, pace.zone)
        ends.append(end if end <= moment else end - timedelta(days=1))
    return max((end for end in ends if end <= moment), default=None)
