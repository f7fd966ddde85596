"""The rules of free times once more, minute by minute: slow, plain, held against the quick way."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from booking.availability.rules import Need, Schedule, Slot, Window, free_slots, is_free

Hours = tuple[tuple[int, int, int], ...]


@cache
def minutes_of(zone: ZoneInfo, day: date) -> list[tuple[int, int]]:
    """(instant, minute the wall shows) for each real minute of a local date."""
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    instants = range(midnight - 30 * 3600, midnight + 54 * 3600, 60)
    local = [(instant, datetime.fromtimestamp(instant, zone)) for instant in instants]
    return [
        (instant, wall.hour * 60 + wall.minute) for instant, wall in local if wall.date() == day
    ]


@cache
def stretches(opening: Hours, weekly: Hours, weekday: int) -> list[tuple[int, int]]:
    """Unbroken runs of wall-clock minutes in which doors are open and the member of staff is in."""

    def covers(hours: Hours, minute: int) -> bool:
        return any(day == weekday and start <= minute < end for day, start, end in hours)

    common = [covers(opening, minute) and covers(weekly, minute) for minute in range(1440)]
    starts = [m for m in range(1440) if common[m] and not (m and common[m - 1])]
    ends = [m + 1 for m in range(1440) if common[m] and not (m < 1439 and common[m + 1])]
    return list(zip(starts, ends, strict=True))


@cache
def open_instants(
    zone: ZoneInfo, day: date, opening: Hours, weekly: Hours
) -> list[tuple[int, int]]:
    """The stretches of a date in real time, by the rule for clock changes as it is worded."""
    minutes, found = minutes_of(zone, day), []
    for start, end in stretches(opening, weekly, day.weekday()):
        since = [instant for instant, wall in minutes if wall >= start]
        until = [instant + 60 for instant, wall in minutes if wall < end]
        if since and until:
            found.append((since[0], until[-1]))
    return found


def fits(window: Window, schedule: Schedule, need: Need, day: date, starts: int) -> bool:
    ends = starts + need.duration_minutes * 60
    kept_from = starts - need.buffer_before_minutes * 60
    kept_until = ends + need.buffer_after_minutes * 60
    return any(
        since <= starts and ends <= until
        for since, until in open_instants(window.zone, day, window.opening, schedule.weekly)
    ) and not any(
        begin < kept_until and kept_from < end for begin, end in schedule.time_off + schedule.busy
    )


def oracle(
    window: Window, schedules: Sequence[Schedule], need: Need, day: date, now: datetime
) -> list[Slot]:
    closed = any(first <= day <= last for first, last in window.closures)
    today = now.astimezone(window.zone).date()
    if closed or (day - today).days > window.furthest_days:
        return []
    slots = []
    for instant, wall in minutes_of(window.zone, day):
        early = datetime.fromtimestamp(instant, UTC) < now + timedelta(minutes=window.lead_minutes)
        if wall % window.slot_interval_minutes == 0 and not early:
            staff = tuple(
                one.staff_id for one in schedules if fits(window, one, need, day, instant)
            )
            if staff:
                slots.append(Slot(instant, instant + need.duration_minutes * 60, staff))
    return slots


CHANGES = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("America/Santiago", date(2026, 9, 6)),
    ("America/Santiago", date(2026, 4, 5)),
    ("America/Havana", date(2026, 11, 1)),
    ("America/St_Johns", date(2006, 10, 29)),
    ("Africa/Casablanca", date(2026, 2, 15)),
    ("Antarctica/Troll", date(2026, 10, 25)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Asia/Kathmandu", date(2026, 7, 1)),
]

clock_minutes = st.one_of(
    st.integers(0, 96).map(lambda quarter: quarter * 15),
    st.integers(0, 240),
    st.integers(1380, 1440),
    st.integers(0, 1440),
)
spans_of_day = st.lists(clock_minutes, min_size=2, max_size=2, unique=True).map(sorted)
hours = st.lists(st.tuples(st.sampled_from([0, 0, 5, 6, 6]), spans_of_day), max_size=5).map(
    lambda found: tuple((weekday, start, end) for weekday, (start, end) in found)
)
whole_week: Hours = tuple((weekday, 0, 1440) for weekday in range(7))
some_hours = st.one_of(st.just(whole_week), hours)
needs = st.builds(
    Need, st.sampled_from([1, 5, 15, 45, 60, 90, 240]), st.sampled_from([0, 0, 7, 30]),
    st.sampled_from([0, 0, 10, 60]),
)  # fmt: skip


@st.composite
def taken(draw: st.DrawFn, around: int) -> tuple[tuple[int, int], ...]:
    found = draw(
        st.lists(
            st.tuples(
                st.one_of(
                    st.integers(-200, 400).map(lambda quarter: quarter * 900),
                    st.integers(-200_000, 400_000),
                ),
                st.one_of(st.sampled_from([1, 900, 2700, 3600, 86_400]), st.integers(1, 30_000)),
            ),
            max_size=8,
        )
    )
    return tuple((around + start, around + start + length) for start, length in found)


Question = tuple[Window, list[Schedule], Need, date, date, datetime]


@st.composite
def questions(draw: st.DrawFn, team_sizes: Sequence[int] = (0, 1, 1, 2, 3, 10)) -> Question:
    name, change = draw(st.sampled_from(CHANGES))
    zone = ZoneInfo(name)
    first = change + timedelta(draw(st.integers(-2, 1)))
    last = first + timedelta(draw(st.integers(0, 3)))
    around = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())
    now = datetime.fromtimestamp(around, UTC) + timedelta(
        seconds=draw(st.integers(-20 * 86_400, 86_400)), microseconds=draw(st.integers(0, 2))
    )
    closures = draw(st.lists(st.tuples(st.integers(-2, 4), st.integers(0, 1)), max_size=1))
    window = Window(
        zone,
        draw(some_hours),
        tuple((change + timedelta(n), change + timedelta(n + more)) for n, more in closures),
        draw(st.sampled_from([5, 10, 15, 20, 30, 60])),
        draw(st.sampled_from([0, 0, 120, 1441])),
        draw(st.sampled_from([0, 1, 3, 20, 400, 400])),
    )
    schedules = [
        Schedule(UUID(int=n), draw(some_hours), draw(taken(around)), draw(taken(around)))
        for n in range(draw(st.sampled_from(team_sizes)))
    ]
    return window, schedules, draw(needs), first, last, now


@settings(max_examples=100, deadline=None)
@given(questions())
def test_free_slots_agree_with_a_minute_by_minute_account(question: Question) -> None:
    window, schedules, need, first, last, now = question
    found = free_slots(window, schedules, need, first=first, last=last, now=now)
    days = [first + timedelta(n) for n in range((last - first).days + 1)]
    assert found == {day: oracle(window, schedules, need, day, now) for day in days}


@settings(max_examples=40, deadline=None)
@given(questions(team_sizes=(1,)), st.integers(0, 59))
def test_one_start_is_free_exactly_when_it_is_offered(question: Question, second: int) -> None:
    window, schedules, need, first, last, now = question
    found = free_slots(window, schedules, need, first=first, last=last, now=now)
    offered = {
        (slot.starts, one) for slots in found.values() for slot in slots for one in slot.staff
    }
    instants = {
        start for day in found for start, wall in minutes_of(window.zone, day) if wall % 5 == 0
    }
    for one in schedules:
        for instant in instants | {instant + second for instant in list(instants)[:20]}:
            answer = is_free(window, one, need, starts=instant, now=now)
            assert answer == ((instant, one.staff_id) in offered)
