"""What is offered, told in examples."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from booking.availability.rules import (
    Need,
    Schedule,
    Slot,
    Window,
    free_slots,
    is_free,
    nearest,
)

Hours = tuple[tuple[int, int, int], ...]

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY, TUESDAY, SUNDAY = date(2026, 6, 1), date(2026, 6, 2), date(2026, 6, 7)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ALEX, BO = UUID(int=1), UUID(int=2)
HOUR = Need(60, 0, 0)


def every_day(*hours: str) -> Hours:
    """every_day("09:00-12:00", "13:00-18:00")"""
    return tuple(
        (weekday, *(minute_of(clock) for clock in span.split("-")))  # type: ignore[misc]
        for weekday in range(7)
        for span in hours
    )


def minute_of(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def at(day: date, clock: str, zone: ZoneInfo = BERLIN) -> int:
    minute = minute_of(clock)
    local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minute)
    return int(local.timestamp())


def window(*opening: str, zone: ZoneInfo = BERLIN, interval: int = 60) -> Window:
    return Window(zone, every_day(*opening), (), interval, 0, 100_000)


def schedule(*weekly: str, staff: UUID = ALEX) -> Schedule:
    return Schedule(staff, every_day(*weekly), (), ())


def clocks(slots: Sequence[Slot], zone: ZoneInfo = BERLIN) -> str:
    return " ".join(f"{datetime.fromtimestamp(slot.starts, zone):%H:%M}" for slot in slots)


def offered(
    window: Window, schedules: Sequence[Schedule], need: Need = HOUR, day: date = MONDAY
) -> str:
    found = free_slots(window, schedules, need, first=day, last=day, now=LONG_AGO)
    return clocks(found[day], window.zone)


# Hours


def test_a_visit_lies_within_opening_hours_and_staff_hours() -> None:
    assert offered(window("09:00-13:00"), [schedule("10:00-18:00")]) == "10:00 11:00 12:00"


def test_touching_and_overlapping_hours_are_one_stretch() -> None:
    long, all_morning = Need(120, 0, 0), [schedule("09:00-12:00")]
    assert offered(window("09:00-10:30", "10:30-12:00"), all_morning, long) == "09:00 10:00"
    assert offered(window("10:00-12:00", "09:00-11:00"), all_morning, long) == "09:00 10:00"


def test_a_visit_does_not_run_through_a_lunch_break() -> None:
    with_lunch = schedule("09:00-11:30", "12:30-15:00")
    assert offered(window("09:00-18:00"), [with_lunch]) == "09:00 10:00 13:00 14:00"


def test_hours_may_last_until_midnight_but_a_visit_may_not_cross_it() -> None:
    assert offered(window("00:00-24:00"), [schedule("21:30-24:00")], Need(90, 0, 0)) == "22:00"


def test_the_grid_starts_at_midnight_not_at_opening() -> None:
    assert (
        offered(window("09:10-11:00", interval=20), [schedule("00:00-24:00")])
        == "09:20 09:40 10:00"
    )


def test_hours_belong_to_their_weekday() -> None:
    mondays = replace(schedule(), weekly=((0, 540, 600),))
    found = free_slots(
        window("00:00-24:00"), [mondays], HOUR, first=MONDAY, last=SUNDAY, now=LONG_AGO
    )
    assert [day for day, slots in found.items() if slots] == [MONDAY]


def test_every_date_asked_for_has_an_answer() -> None:
    found = free_slots(window(), [], HOUR, first=MONDAY, last=SUNDAY, now=LONG_AGO)
    assert found == {MONDAY + timedelta(n): [] for n in range(7)}


def test_a_closure_closes_its_first_and_its_last_date() -> None:
    closed = replace(window("09:00-10:00"), closures=((MONDAY, TUESDAY),))
    found = free_slots(
        closed,
        [schedule("00:00-24:00")],
        HOUR,
        first=date(2026, 5, 31),
        last=date(2026, 6, 3),
        now=LONG_AGO,
    )
    assert [clocks(slots) for slots in found.values()] == ["09:00", "", "", "09:00"]


# Who is free


def test_a_slot_names_everyone_free_in_the_order_they_were_given() -> None:
    bo = schedule("09:00-11:00", staff=BO)
    alex = replace(schedule("09:00-12:00"), busy=((at(MONDAY, "09:00"), at(MONDAY, "10:00")),))
    found = free_slots(
        window("09:00-12:00"), [bo, alex], HOUR, first=MONDAY, last=MONDAY, now=LONG_AGO
    )
    assert found[MONDAY] == [
        Slot(at(MONDAY, "09:00"), at(MONDAY, "10:00"), (BO,)),
        Slot(at(MONDAY, "10:00"), at(MONDAY, "11:00"), (BO, ALEX)),
        Slot(at(MONDAY, "11:00"), at(MONDAY, "12:00"), (ALEX,)),
    ]


def test_a_big_team_is_named_in_full() -> None:
    team = [schedule("09:00-11:00", staff=UUID(int=n)) for n in range(19)]
    nine = at(MONDAY, "09:00")
    team[3::5] = [replace(one, busy=((nine, nine + 60),)) for one in team[3::5]]
    found = free_slots(window("09:00-11:00"), team, HOUR, first=MONDAY, last=MONDAY, now=LONG_AGO)
    assert [[one.int for one in slot.staff] for slot in found[MONDAY]] == [
        [n for n in range(19) if n % 5 != 3],
        list(range(19)),
    ]


def test_what_is_booked_or_off_is_not_offered_and_its_edges_are() -> None:
    alex, eleven = schedule("09:00-14:00"), ((at(MONDAY, "11:00"), at(MONDAY, "12:00")),)
    for without_eleven in (replace(alex, busy=eleven), replace(alex, time_off=eleven)):
        assert offered(window("00:00-24:00"), [without_eleven]) == "09:00 10:00 12:00 13:00"


def test_buffers_keep_clear_of_time_off() -> None:
    off_at_noon = ((at(MONDAY, "12:00"), at(MONDAY, "13:00")),)
    alex = replace(schedule("10:00-14:00"), time_off=off_at_noon)
    assert offered(window("00:00-24:00"), [alex], Need(60, 0, 10)) == "10:00 13:00"


def test_time_off_may_last_for_years() -> None:
    away = replace(schedule("00:00-24:00"), time_off=((0, at(MONDAY, "22:00")), (2**40, 2**60)))
    assert offered(window("00:00-24:00"), [away]) == "22:00 23:00"


def test_buffers_keep_clear_of_what_is_booked() -> None:
    alex = replace(schedule("09:00-14:00"), busy=((at(MONDAY, "11:00"), at(MONDAY, "12:00")),))
    assert offered(window("09:00-14:00"), [alex], Need(60, 10, 0)) == "09:00 10:00 13:00"
    assert offered(window("09:00-14:00"), [alex], Need(60, 0, 10)) == "09:00 12:00 13:00"


def test_buffers_may_lie_outside_the_hours() -> None:
    assert (
        offered(window("09:00-11:00"), [schedule("09:00-11:00")], Need(60, 30, 30)) == "09:00 10:00"
    )


# Lead and horizon


@pytest.mark.parametrize(
    ("now", "expected"),
    [("09:00:00", "10:00 11:00"), ("08:59:59", "10:00 11:00"), ("09:00:00.000001", "11:00")],
)
def test_the_lead_counts_to_the_start_and_not_a_moment_less(now: str, expected: str) -> None:
    soon = replace(window("09:00-12:00"), lead_minutes=60)
    moment = datetime.fromisoformat(f"2026-06-01T{now}").replace(tzinfo=BERLIN)
    found = free_slots(soon, [schedule("09:00-12:00")], HOUR, first=MONDAY, last=MONDAY, now=moment)
    assert clocks(found[MONDAY]) == expected


def test_the_past_is_not_offered() -> None:
    found = free_slots(
        window("09:00-12:00"),
        [schedule("09:00-12:00")],
        HOUR,
        first=MONDAY,
        last=SUNDAY,
        now=datetime(2026, 6, 7, 10, 30, tzinfo=BERLIN),
    )
    assert [clocks(slots) for slots in found.values()] == [""] * 6 + ["11:00"]


def test_the_horizon_counts_from_today_where_the_business_is() -> None:
    auckland = ZoneInfo("Pacific/Auckland")
    near = replace(window("09:00-10:00", zone=auckland), furthest_days=1)
    still_monday_in_utc = datetime(2026, 6, 1, 22, 0, tzinfo=UTC)
    found = free_slots(
        near, [schedule("00:00-24:00")], HOUR, first=TUESDAY, last=SUNDAY, now=still_monday_in_utc
    )
    assert [day.day for day, slots in found.items() if slots] == [3]


# Clock changes


@pytest.mark.parametrize(
    ("zone", "day", "hours", "interval", "minutes", "expected"),
    [
        # A time in the gap is never offered; a visit may run across it and is no longer for it.
        ("America/New_York", "2026-03-08", "01:00-04:00", 30, 30, "01:00- 01:30- 03:00+ 03:30+"),
        ("America/New_York", "2026-03-08", "01:00-04:00", 30, 60, "01:00- 01:30- 03:00+"),
        ("Europe/Berlin", "2026-03-29", "01:00-04:00", 30, 90, "01:00- 01:30-"),
        ("Australia/Lord_Howe", "2026-10-04", "01:30-03:00", 15, 15,
         "01:30- 01:45- 02:30+ 02:45+"),
        ("Australia/Lord_Howe", "2026-10-04", "01:00-04:00", 20, 30,
         "01:00- 01:20- 01:40- 02:40+ 03:00+ 03:20+"),
        # Hours that start or end in the gap start or end where it ends.
        ("America/New_York", "2026-03-08", "02:30-04:00", 30, 30, "03:00+ 03:30+"),
        ("America/New_York", "2026-03-08", "01:00-02:30", 30, 60, "01:00-"),
        ("Europe/Berlin", "2026-03-29", "02:15-02:45", 5, 5, ""),
        ("America/Santiago", "2026-09-06", "00:00-02:00", 30, 30, "01:00+ 01:30+"),
        # A time that occurs twice is offered twice.
        ("America/New_York", "2026-11-01", "01:00-03:00", 30, 60,
         "01:00+ 01:30+ 01:00- 01:30- 02:00-"),
        ("Europe/Berlin", "2026-10-25", "02:00-04:00", 60, 60, "02:00+ 02:00- 03:00-"),
        ("Europe/Berlin", "2026-10-25", "02:00-04:00", 60, 180, "02:00+"),
        ("Australia/Lord_Howe", "2027-04-04", "01:00-03:00", 15, 30,
         "01:00+ 01:15+ 01:30+ 01:45+ 01:30- 01:45- 02:00- 02:15- 02:30-"),
        ("Australia/Lord_Howe", "2027-04-04", "01:00-03:00", 60, 30, "01:00+ 02:00-"),
        # Hours that start in the repeated part start the first time, and end the second time.
        ("America/New_York", "2026-11-01", "01:30-02:30", 30, 30, "01:30+ 01:00- 01:30- 02:00-"),
        ("America/New_York", "2026-11-01", "00:30-01:30", 30, 30, "00:30+ 01:00+ 01:30+ 01:00-"),
        ("America/New_York", "2026-11-01", "00:00-01:00", 30, 30, "00:00+ 00:30+"),
        ("America/Havana", "2026-11-01", "00:00-01:00", 30, 30, "00:00+ 00:30+ 00:00- 00:30-"),
        # A fold that returns to the day before (it did, in Newfoundland, until 2011).
        ("America/St_Johns", "2006-10-28", "23:00-24:00", 30, 30, "23:00+ 23:30+ 23:30-"),
        # A date that the zone skipped.
        ("Pacific/Apia", "2011-12-30", "00:00-24:00", 60, 60, ""),
    ],
)  # fmt: skip
def test_the_clock_changes(
    zone: str, day: str, hours: str, interval: int, minutes: int, expected: str
) -> None:
    """+ is summer time, - is winter time."""
    place, when = ZoneInfo(zone), date.fromisoformat(day)
    found = free_slots(
        window(hours, zone=place, interval=interval), [schedule("00:00-24:00")],
        Need(minutes, 0, 0), first=when, last=when, now=LONG_AGO,
    )[when]  # fmt: skip
    local = [datetime.fromtimestamp(slot.starts, place) for slot in found]
    assert " ".join(f"{start:%H:%M}{'+' if start.dst() else '-'}" for start in local) == expected
    assert all(slot.ends - slot.starts == minutes * 60 for slot in found)


def test_one_instant_of_a_repeated_time_can_be_taken_and_the_other_free() -> None:
    berlin_fold = date(2026, 10, 25)
    first_two = at(berlin_fold, "00:00") + 2 * 3600
    alex = replace(schedule("02:00-03:00"), busy=((first_two, first_two + 3600),))
    found = free_slots(
        window("00:00-24:00"), [alex], HOUR, first=berlin_fold, last=berlin_fold, now=LONG_AGO
    )
    assert [slot.starts for slot in found[berlin_fold]] == [first_two + 3600]


def test_a_clock_set_back_over_midnight_returns_to_a_date_still_on_offer() -> None:
    newfoundland, saturday = ZoneInfo("America/St_Johns"), date(2006, 10, 28)
    late = replace(schedule(), weekly=((5, 1380, 1440),))
    found = free_slots(
        window("00:00-24:00", zone=newfoundland, interval=30), [late], Need(30, 0, 0),
        first=saturday, last=date(2006, 10, 29),
        now=datetime(2006, 10, 29, 0, 0, 30, tzinfo=newfoundland),
    )  # fmt: skip
    assert [clocks(slots, newfoundland) for slots in found.values()] == ["23:30", ""]


def test_hours_spill_into_no_other_date_when_the_clock_is_set_back_over_midnight() -> None:
    newfoundland, saturday = ZoneInfo("America/St_Johns"), date(2006, 10, 28)
    late = replace(schedule(), weekly=((5, 1380, 1440),))
    found = free_slots(
        window("00:00-24:00", zone=newfoundland, interval=30), [late], Need(30, 0, 0),
        first=saturday, last=date(2006, 10, 29), now=LONG_AGO,
    )  # fmt: skip
    assert [clocks(slots, newfoundland) for slots in found.values()] == ["23:00 23:30 23:30", ""]


# One start, and the nearest


def test_a_start_off_the_grid_is_not_free() -> None:
    for offset, free in ((0, True), (1, False), (60, False), (15 * 60, True)):
        start = at(MONDAY, "09:00") + offset
        assert is_free(
            window("09:00-18:00", interval=15), schedule("09:00-18:00"), HOUR,
            starts=start, now=LONG_AGO,
        ) is free  # fmt: skip


def test_the_nearest_are_in_order_of_time_and_a_tie_goes_to_the_earlier() -> None:
    slots = [Slot(starts, starts + 1, ()) for starts in (50, 10, 40, 30, 20)]
    assert [slot.starts for slot in nearest(slots, 29, 3)] == [20, 30, 40]
    assert [slot.starts for slot in nearest(slots, 25, 1)] == [20]
    assert [slot.starts for slot in nearest(slots, 99, 9)] == [10, 20, 30, 40, 50]
    assert nearest([], 25, 3) == []
