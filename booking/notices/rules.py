"""When a notice holds, what is due to be told of it, and what its days looked like. All pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from booking import clock
from booking.errors import FieldError

LONGEST = timedelta(days=90)
FARTHEST = timedelta(days=365)
HISTORY_DAYS = 90
_TWO_DAYS, _ONE_HOUR = timedelta(hours=48), timedelta(hours=1)


class Kind(StrEnum):
    INCIDENT = "incident"
    MAINTENANCE = "maintenance"
    HOLIDAY = "holiday"
    INFORMATION = "information"


class Severity(StrEnum):
    """In rising weight: what it does to its components."""

    INFORMATION = "information"
    DEGRADED = "degraded"
    OUTAGE = "outage"


class Promise(StrEnum):
    """What the end of a notice is: the end itself, or the time by which we write again."""

    END = "end"
    UPDATE = "update"


class State(StrEnum):
    """`cancelled`: resolved before it began. `lapsed`: the promised update never came."""

    PLANNED = "planned"
    IN_FORCE = "in_force"
    RESOLVED = "resolved"
    ENDED = "ended"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What subscribers are told of a notice."""

    ANNOUNCED = "announced"
    IN_48_HOURS = "in_48_hours"
    IN_1_HOUR = "in_1_hour"
    STARTED = "started"
    UPDATED = "updated"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Window:
    """The times of a notice."""

    starts_at: datetime
    ends_at: datetime
    promise: Promise = Promise.END
    resolved_at: datetime | None = None

    @property
    def over_at(self) -> datetime:
        """From here on it holds no more, whatever happens."""
        return self.ends_at if self.resolved_at is None else min(self.ends_at, self.resolved_at)


def state(window: Window, now: datetime) -> State:
    """Where a notice stands at that moment, in the past and in the future too."""
    resolved = window.resolved_at is not None and window.resolved_at <= now
    if resolved and window.over_at < window.starts_at:
        return State.CANCELLED
    if now < window.starts_at:
        return State.PLANNED
    if resolved:
        return State.RESOLVED
    if now < window.ends_at:
        return State.IN_FORCE
    return State.ENDED if window.promise is Promise.END else State.LAPSED


def is_in_force(window: Window, now: datetime) -> bool:
    return state(window, now) is State.IN_FORCE


def objection(
    starts_at: datetime, ends_at: datetime, promise: Promise, now: datetime
) -> FieldError | None:
    """Why a notice can't have these times, or None."""
    field = "ends_at" if promise is Promise.END else "next_update_at"
    if ends_at <= starts_at:
        return FieldError(field, "order", "This must be later than the start.")
    if ends_at <= now:
        return FieldError(field, "past", "This is over already. Choose a time to come.")
    if ends_at - starts_at > LONGEST:
        return FieldError(
            field, "too_long", "A notice holds for 90 days at the most. Post another then."
        )
    if starts_at - now > FARTHEST:
        return FieldError("starts_at", "too_far", "Choose a start within a year.")
    return None


def retry_after(until: datetime, now: datetime) -> int:
    """Whole seconds to wait, one at least."""
    return max(1, math.ceil((until - now).total_seconds()))


@dataclass(frozen=True, slots=True)
class Due:
    event: Event
    at: datetime


def agenda(kind: Kind, window: Window, posted_at: datetime) -> tuple[Due, ...]:
    """What is to be told of a notice as it stands, in order; updates are told as they come.

    Posted before it starts, it is announced; posted while it holds, it has started. Maintenance is
    told 48 hours and one hour ahead as well, where it was posted earlier than that.
    """
    starts, over = window.starts_at, window.over_at
    planned = posted_at < starts
    found = [Due(Event.ANNOUNCED, posted_at)] if planned else []
    if kind is Kind.MAINTENANCE:
        ahead = ((Event.IN_48_HOURS, _TWO_DAYS), (Event.IN_1_HOUR, _ONE_HOUR))
        found += [
            Due(event, starts - before) for event, before in ahead if posted_at < starts - before
        ]
    if starts < over:
        found.append(Due(Event.STARTED, max(starts, posted_at)))
    found.append(Due(Event.ENDED, over))
    return tuple(due for due in found if due.at < over or due.event is Event.ENDED)


def is_too_late(event: Event, window: Window, now: datetime) -> bool:
    """Whether it would only confuse: that something will start when it has, or has when it's over.

    The end is told whenever it can be.
    """
    if event in (Event.ANNOUNCED, Event.IN_48_HOURS, Event.IN_1_HOUR):
        return now >= min(window.starts_at, window.over_at)
    return event in (Event.STARTED, Event.UPDATED) and now >= window.over_at


class Condition(StrEnum):
    """How a component is, in rising weight."""

    WORKS = "works"
    DEGRADED = "degraded"
    MAINTENANCE = "maintenance"
    OUTAGE = "outage"


def condition(kind: Kind, severity: Severity) -> Condition:
    """What a notice in force makes of its components."""
    if severity is Severity.INFORMATION:
        return Condition.WORKS
    if severity is Severity.OUTAGE and kind is not Kind.MAINTENANCE:
        return Condition.OUTAGE
    return Condition.MAINTENANCE if kind is Kind.MAINTENANCE else Condition.DEGRADED


def worst(conditions: Iterable[Condition]) -> Condition:
    return max(conditions, key=list(Condition).index, default=Condition.WORKS)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A stretch of time during which something was in that condition."""

    condition: Condition
    window: Window


def history(troubles: Sequence[Trouble], now: datetime, zone: str) -> list[tuple[date, Condition]]:
    """The worst of each of the last ninety days in that zone, today last. What has not begun yet
    counts for nothing."""
    today = clock.to_local(now, zone).date()
    days = [today - timedelta(days=ago) for ago in range(HISTORY_DAYS - 1, -1, -1)]
    found = dict.fromkeys(days, Condition.WORKS)
    for trouble in troubles:
        window = trouble.window
        until = min(window.over_at, now)
        if until <= window.starts_at:
            continue
        day = max(clock.to_local(window.starts_at, zone).date(), days[0])
        last = clock.to_local(until - timedelta(microseconds=1), zone).date()
        while day <= last:
            found[day] = worst((found[day], trouble.condition))
            day += timedelta(days=1)
    return list(found.items())


def say_zone(moment: datetime, zone: str) -> str:
    """`EST (New York)`, `UTC`, `UTC-3 (Sao Paulo)`: the letters alone mean several zones."""
    local = clock.to_local(moment, zone)
    letters = local.strftime("%Z")
    if not letters.isalpha():
        minutes = int((local.utcoffset() or timedelta(0)).total_seconds()) // 60
        sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
        letters = f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")
    place = zone.rpartition("/")[2].replace("_", " ")
    return letters if "/" not in zone else f"{letters} ({place})"


def say_moment(moment: datetime, zone: str) -> str:
    """`Sun 29 Nov 2026, 10:00 pm EST (New York)`: never without year and zone."""
    return f"{_day(moment, zone)}, {_time(moment, zone)} {say_zone(moment, zone)}"


def say_window(starts_at: datetime, ends_at: datetime, zone: str) -> str:
    """Both ends; the day once where both lie on it."""
    first, last = (clock.to_local(each, zone).date() for each in (starts_at, ends_at))
    if first != last or say_zone(starts_at, zone) != say_zone(ends_at, zone):
        return f"{say_moment(starts_at, zone)} – {say_moment(ends_at, zone)}"
    times = f"{_time(starts_at, zone)} – {_time(ends_at, zone)}"
    return f"{_day(starts_at, zone)}, {times} {say_zone(ends_at, zone)}"


def _day(moment: datetime, zone: str) -> str:
    local = clock.to_local(moment, zone)
    return f"{local:%a} {local.day} {local:%b %Y}"


def _time(moment: datetime, zone: str) -> str:
    local = clock.to_local(moment, zone)
    return f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"


def key_of(name: str) -> str:
    """A component's key from its name: `Phone lines` is `phone_lines`."""
    letters = "".join(c if c.isascii() and c.isalnum() else " " for c in name.lower())
    return "_".join(letters.split())[:40].strip("_")
