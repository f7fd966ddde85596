from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking.appointments.models import AppointmentState
from booking.appointments.rules import (
    Because,
    Notice,
    Policy,
    Verb,
    Visit,
    Who,
    after,
    hold_until,
    latest_moment,
    may_cancel,
    may_reschedule,
    verbs_for,
)

NEW_YORK = ZoneInfo("America/New_York")
ZONES = [
    ZoneInfo(name)
    for name in (
        "America/New_York",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "Asia/Beirut",
        "America/Havana",
        "Pacific/Apia",
        "Asia/Kathmandu",
        "UTC",
    )
]
MOMENTS = st.integers(1_577_836_800, 2_051_222_400).map(  # 2020 to 2035
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
A_DAY = Notice(24, "hours")
# A busy machine is no reason to fail.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOTICES = st.one_of(
    st.builds(Notice, st.integers(0, 336), st.just("hours")),
    st.builds(Notice, st.integers(0, 14), st.just("days")),
)


def policy(
    notice: Notice = A_DAY, *, cancel: bool = True, move: bool = True, limit: int = 3
) -> Policy:
    return Policy(cancel, notice, move, notice, limit)


def confirmed(starts_at: datetime, reschedules: int = 0) -> Visit:
    return Visit(AppointmentState.CONFIRMED, starts_at, reschedules)


@unhurried
@given(MOMENTS, NOTICES, st.sampled_from(ZONES))
def test_the_notice_never_runs_out_after_the_start(
    starts_at: datetime, notice: Notice, zone: ZoneInfo
) -> None:
    assert latest_moment(starts_at, notice, zone) <= starts_at


@unhurried
@given(MOMENTS, st.integers(1, 14), st.sampled_from(ZONES))
def test_days_are_whole_days_of_the_business(
    starts_at: datetime, days: int, zone: ZoneInfo
) -> None:
    latest = latest_moment(starts_at, Notice(days, "days"), zone)
    before, at = latest - timedelta(seconds=1), latest
    first_too_late = starts_at.astimezone(zone).date() - timedelta(days=days - 1)
    assert before.astimezone(zone).date() < first_too_late <= at.astimezone(zone).date()


@unhurried
@given(MOMENTS, MOMENTS, NOTICES, st.sampled_from(ZONES))
def test_more_notice_never_allows_more(
    starts_at: datetime, now: datetime, notice: Notice, zone: ZoneInfo
) -> None:
    longer = Notice(notice.amount + 1, notice.unit)
    visit = confirmed(starts_at)
    if may_cancel(policy(longer), visit, now=now, zone=zone).allowed:
        assert may_cancel(policy(notice), visit, now=now, zone=zone).allowed


@unhurried
@given(MOMENTS, NOTICES, st.sampled_from(ZONES), st.integers(1, 40 * 86_400))
def test_what_is_too_late_stays_too_late(
    starts_at: datetime, notice: Notice, zone: ZoneInfo, seconds: int
) -> None:
    now = latest_moment(starts_at, notice, zone) + timedelta(seconds=seconds)
    assert not may_cancel(policy(notice), confirmed(starts_at), now=now, zone=zone).allowed


def test_exactly_a_day_before_is_still_in_time() -> None:
    starts_at = datetime(2027, 3, 3, 15, tzinfo=UTC)
    on_the_dot = starts_at - timedelta(hours=24)
    visit = confirmed(starts_at)
    assert may_cancel(policy(), visit, now=on_the_dot, zone=NEW_YORK).allowed
    late = may_cancel(policy(), visit, now=on_the_dot + timedelta(seconds=1), zone=NEW_YORK)
    assert late.because is Because.TOO_LATE


def test_hours_run_on_over_the_clock_change() -> None:
    starts_at = datetime(2027, 3, 14, 14, tzinfo=UTC)  # 10 am EDT; clocks went forward at 2 am
    assert latest_moment(starts_at, Notice(24, "hours"), NEW_YORK) == datetime(
        2027, 3, 13, 14, tzinfo=UTC
    )  # 9 am EST: twenty-four real hours


@pytest.mark.parametrize(
    ("zone", "starts_at", "midnight"),
    [
        # One day's notice ends with the day before, also where that day has 23 or 25 hours.
        ("America/New_York", "2027-03-14T14:00+00:00", "2027-03-14T05:00+00:00"),
        ("America/New_York", "2027-03-15T14:00+00:00", "2027-03-15T04:00+00:00"),
        ("America/New_York", "2027-11-07T15:00+00:00", "2027-11-07T04:00+00:00"),
        # Beirut skips midnight itself: its day begins at one o'clock.
        ("Asia/Beirut", "2027-03-28T10:00+00:00", "2027-03-27T22:00+00:00"),
        # Lord Howe moves by half an hour.
        ("Australia/Lord_Howe", "2027-04-05T00:00+00:00", "2027-04-04T13:30+00:00"),
    ],
)
def test_a_days_notice_ends_at_local_midnight(zone: str, starts_at: str, midnight: str) -> None:
    latest = latest_moment(datetime.fromisoformat(starts_at), Notice(1, "days"), ZoneInfo(zone))
    assert latest == datetime.fromisoformat(midnight)


def test_a_request_can_be_taken_back_whatever_the_policy_says() -> None:
    starts_at = datetime(2027, 3, 3, 15, tzinfo=UTC)
    visit = Visit(AppointmentState.PENDING, starts_at, 0)
    closed = policy(Notice(14, "days"), cancel=False)
    a_minute_before = starts_at - timedelta(minutes=1)
    assert may_cancel(closed, visit, now=a_minute_before, zone=NEW_YORK).allowed
    assert may_cancel(closed, visit, now=starts_at, zone=NEW_YORK).because is Because.STARTED


def test_each_switch_has_its_own_reason() -> None:
    starts_at = datetime(2027, 3, 3, 15, tzinfo=UTC)
    now = starts_at - timedelta(days=9)
    often = confirmed(starts_at, reschedules=3)
    off = policy(cancel=False, move=False)
    verdicts = [
        may_cancel(off, often, now=now, zone=NEW_YORK),
        may_reschedule(off, often, now=now, zone=NEW_YORK),
        may_reschedule(policy(), often, now=now, zone=NEW_YORK),
        may_reschedule(policy(), confirmed(starts_at, 2), now=now, zone=NEW_YORK),
    ]
    reasons = [verdict.because for verdict in verdicts]
    assert reasons == [Because.SWITCHED_OFF, Because.SWITCHED_OFF, Because.LIMIT, None]


@unhurried
@given(st.sampled_from(AppointmentState), st.sampled_from(Verb), st.sampled_from(Who))
def test_what_is_over_stays_over(state: AppointmentState, verb: Verb, who: Who) -> None:
    over = {AppointmentState.CANCELLED, AppointmentState.DECLINED}
    if state in over:
        assert after(state, verb, who) is None
    if who is Who.CLIENT:
        assert after(state, verb, who) in (None, AppointmentState.CANCELLED, state)
    assert (verb in verbs_for(state, who)) == (after(state, verb, who) is not None)


@unhurried
@given(MOMENTS, st.integers(1, 168), st.integers(0, 10_000))
def test_a_request_lapses_at_the_latest_when_it_would_begin(
    created_at: datetime, hours: int, minutes: int
) -> None:
    starts_at = created_at + timedelta(minutes=minutes)
    lapses_at = hold_until(created_at, hours, starts_at)
    assert lapses_at == min(starts_at, created_at + timedelta(hours=hours))
