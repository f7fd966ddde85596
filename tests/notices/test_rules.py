"""When a notice holds, what is told of it, and how its times are said."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking import clock
from booking.notices import rules
from booking.notices.rules import (
    Condition,
    Event,
    Kind,
    Promise,
    Severity,
    State,
    Trouble,
    Window,
)

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
spans = st.timedeltas(min_value=timedelta(seconds=1), max_value=rules.LONGEST)
offsets = st.timedeltas(min_value=timedelta(days=-200), max_value=timedelta(days=200))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    starts = NOON + draw(offsets)
    resolved = draw(st.none() | offsets.map(lambda offset: NOON + offset))
    return Window(starts, starts + draw(spans), draw(st.sampled_from(Promise)), resolved)


@given(windows(), offsets)
def test_a_notice_never_outlives_its_end(window: Window, offset: timedelta) -> None:
    now = NOON + offset
    if rules.is_in_force(window, now):
        assert window.starts_at <= now < window.ends_at
        assert window.resolved_at is None or now < window.resolved_at
        assert now < window.over_at
    for late in (window.ends_at, window.ends_at + offset.__abs__()):
        assert not rules.is_in_force(window, late)


@given(windows(), st.lists(offsets, min_size=2, max_size=2).map(sorted))
def test_what_is_over_stays_over(window: Window, moments: list[timedelta]) -> None:
    over = {State.RESOLVED, State.ENDED, State.LAPSED, State.CANCELLED}
    sooner, later = (rules.state(window, NOON + moment) for moment in moments)
    assert sooner not in over or later in over


@given(windows(), st.sampled_from(Kind), offsets)
def test_nothing_is_told_after_the_end_and_each_thing_once(
    window: Window, kind: Kind, offset: timedelta
) -> None:
    agenda = rules.agenda(kind, window, NOON + offset)
    events = [due.event for due in agenda]
    assert len(events) == len(set(events))
    assert all(due.at <= window.over_at for due in agenda)
    ahead = {Event.IN_48_HOURS, Event.IN_1_HOUR} & set(events)
    assert not ahead or kind is Kind.MAINTENANCE
    assert all(due.at >= NOON + offset for due in agenda if due.event in ahead)


@pytest.mark.parametrize(
    ("kind", "hours_before", "events"),
    [
        (Kind.MAINTENANCE, 72, ["announced", "in_48_hours", "in_1_hour", "started", "ended"]),
        (Kind.MAINTENANCE, 24, ["announced", "in_1_hour", "started", "ended"]),
        (Kind.HOLIDAY, 72, ["announced", "started", "ended"]),
        (Kind.INCIDENT, -1, ["started", "ended"]),
    ],
)
def test_what_is_told_hangs_on_how_long_before_it_was_posted(
    kind: Kind, hours_before: int, events: list[str]
) -> None:
    window = Window(NOON, NOON + 4 * HOUR)
    agenda = rules.agenda(kind, window, NOON - hours_before * HOUR)
    assert [due.event.value for due in agenda] == events


def test_what_was_resolved_before_it_began_is_cancelled_and_never_starts() -> None:
    window = Window(NOON, NOON + HOUR, resolved_at=NOON - HOUR)
    assert rules.state(window, NOON - HOUR) is State.CANCELLED
    assert rules.state(window, NOON) is State.CANCELLED
    assert [due.event for due in rules.agenda(Kind.INCIDENT, window, NOON - HOUR)] == [Event.ENDED]


@pytest.mark.parametrize(
    ("event", "late"),
    [
        (Event.IN_1_HOUR, NOON),
        (Event.ANNOUNCED, NOON),
        (Event.STARTED, NOON + HOUR),
        (Event.UPDATED, NOON + HOUR),
    ],
)
def test_what_would_only_confuse_is_not_told(event: Event, late: datetime) -> None:
    window = Window(NOON, NOON + HOUR)
    assert rules.is_too_late(event, window, late)
    assert not rules.is_too_late(event, window, late - timedelta(seconds=1))
    assert not rules.is_too_late(Event.ENDED, window, late + timedelta(days=1))


@pytest.mark.parametrize(
    ("starts", "length", "code"),
    [
        (HOUR, HOUR, None),
        (HOUR, timedelta(0), "order"),
        (-2 * HOUR, HOUR, "past"),
        (HOUR, rules.LONGEST + HOUR, "too_long"),
        (rules.FARTHEST + HOUR, HOUR, "too_far"),
    ],
)
def test_times_a_notice_can_have(starts: timedelta, length: timedelta, code: str | None) -> None:
    begins = NOON + starts
    found = rules.objection(begins, begins + length, Promise.END, NOON)
    assert (found.code if found else None) == code


@given(st.lists(windows(), max_size=5), st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo"]))
def test_history_is_ninety_days_and_shows_each_trouble_on_its_days(
    found: list[Window], zone: str
) -> None:
    days = rules.history([Trouble(Condition.OUTAGE, each) for each in found], NOON, zone)
    assert len(days) == rules.HISTORY_DAYS
    assert days[-1][0] == clock.to_local(NOON, zone).date()
    for day, condition in days:
        moment = datetime(day.year, day.month, day.day, 12, tzinfo=clock.zone(zone))
        held = any(each.starts_at <= moment < min(each.over_at, NOON) for each in found)
        assert not held or condition is Condition.OUTAGE


def test_the_worst_of_a_day_is_shown() -> None:
    both = [
        Trouble(Condition.DEGRADED, Window(NOON - 3 * HOUR, NOON - HOUR)),
        Trouble(Condition.OUTAGE, Window(NOON - 2 * HOUR, NOON - HOUR)),
    ]
    days = dict(rules.history(both, NOON, "UTC"))
    assert days[NOON.date()] is Condition.OUTAGE
    assert list(days.values()).count(Condition.WORKS) == 89


@pytest.mark.parametrize(
    ("kind", "severity", "condition"),
    [
        (Kind.INCIDENT, Severity.OUTAGE, Condition.OUTAGE),
        (Kind.INCIDENT, Severity.DEGRADED, Condition.DEGRADED),
        (Kind.MAINTENANCE, Severity.OUTAGE, Condition.MAINTENANCE),
        (Kind.HOLIDAY, Severity.INFORMATION, Condition.WORKS),
    ],
)
def test_what_a_notice_makes_of_its_components(
    kind: Kind, severity: Severity, condition: Condition
) -> None:
    assert rules.condition(kind, severity) is condition


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("America/New_York", "Mon 1 Mar 2027, 7:00 am – 8:00 am EST (New York)"),
        ("UTC", "Mon 1 Mar 2027, 12:00 pm – 1:00 pm UTC"),
        ("America/Sao_Paulo", "Mon 1 Mar 2027, 9:00 am – 10:00 am UTC-3 (Sao Paulo)"),
        ("Asia/Kathmandu", "Mon 1 Mar 2027, 5:45 pm – 6:45 pm UTC+5:45 (Kathmandu)"),
    ],
)
def test_times_are_said_with_year_and_zone(zone: str, said: str) -> None:
    assert rules.say_window(NOON, NOON + HOUR, zone) == said


def test_a_window_over_the_change_of_clocks_names_both_zones() -> None:
    starts = datetime(2027, 3, 14, 6, tzinfo=UTC)
    assert rules.say_window(starts, starts + 2 * HOUR, "America/New_York") == (
        "Sun 14 Mar 2027, 1:00 am EST (New York) – Sun 14 Mar 2027, 4:00 am EDT (New York)"
    )


@given(windows(), st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]))
def test_no_time_is_said_without_its_year(window: Window, zone: str) -> None:
    said = rules.say_window(window.starts_at, window.ends_at, zone)
    for moment in (window.starts_at, window.ends_at):
        assert str(clock.to_local(moment, zone).year) in said
    assert rules.say_zone(window.ends_at, zone) in said
