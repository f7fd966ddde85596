"""Months, money and tries, on plain values."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.billing.rules import money, standing
from booking.billing.rules.cards import is_over
from booking.billing.rules.money import Line
from booking.billing.rules.orders import order_id
from booking.billing.rules.periods import months_after, period, period_at, period_to_charge
from booking.billing.rules.plans import COMPLIMENTARY, GROUP, PLANS, SOLO, STANDARD, plan_named
from booking.billing.rules.standing import BillingStatus, Facts
from booking.errors import Invalid

START = datetime(2020, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=7_600)).map(START.__add__)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        ("2027-01-31T09:30", 1, "2027-02-28T09:30"),
        ("2027-01-31T09:30", 2, "2027-03-31T09:30"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2028-02-29", 48, "2032-02-29"),
        ("2027-11-30", 3, "2028-02-29"),
        ("2027-12-15", 1, "2028-01-15"),
    ],
)
def test_months_end_where_months_end(anchor: str, months: int, expected: str) -> None:
    assert months_after(at(anchor), months) == at(expected)


@given(MOMENTS, st.integers(0, 400))
def test_periods_follow_each_other_without_a_gap(anchor: datetime, index: int) -> None:
    this, following = period(anchor, index), period(anchor, index + 1)
    assert this.ends_at == following.starts_at
    assert timedelta(days=28) <= this.ends_at - this.starts_at <= timedelta(days=31)


@given(MOMENTS, MOMENTS)
def test_every_moment_is_in_one_period(anchor: datetime, moment: datetime) -> None:
    found = period_at(anchor, moment)
    assert found == period(anchor, found.index)
    if moment >= anchor:
        assert found.starts_at <= moment < found.ends_at
    else:
        assert found.index == 0


@given(MOMENTS, st.integers(0, 30), st.timedeltas(timedelta(0), timedelta(days=900)))
def test_one_month_at_a_time_is_charged_and_never_one_that_is_paid(
    anchor: datetime, paid: int, later: timedelta
) -> None:
    covered = period(anchor, paid).ends_at
    assert period_to_charge(anchor, covered, covered - timedelta(seconds=1)) is None
    due = period_to_charge(anchor, covered, covered + later)
    assert due is not None
    assert covered <= due.starts_at <= covered + later < due.ends_at
    assert period_to_charge(anchor, due.ends_at, covered + later) is None


@given(st.integers(-100_000, 100_000), st.integers(0, 100), st.integers(1, 100))
def test_a_share_is_fair_and_a_credit_undoes_a_charge(amount: int, part: int, whole: int) -> None:
    found = money.share(amount, timedelta(hours=part), timedelta(hours=whole))
    assert abs(found * whole - amount * part) * 2 <= whole
    assert money.share(-amount, timedelta(hours=part), timedelta(hours=whole)) == -found


def test_half_a_cent_is_rounded_away_from_nothing() -> None:
    half = (timedelta(days=1), timedelta(days=2))
    assert money.share(1, *half) == 1
    assert money.share(-1, *half) == -1
    assert money.share(4, timedelta(days=1), timedelta(days=3)) == 1


def test_a_change_of_plan_settles_the_rest_of_the_month() -> None:
    june = period(at("2027-06-01"), 0)
    lines = money.prorated(SOLO, GROUP, june, at("2027-06-16"))
    assert [line.amount_minor for line in lines] == [-1450, 5950]
    assert all("until 1 Jul 2027" in line.text for line in lines)
    assert money.prorated(SOLO, SOLO, june, at("2027-06-16")) == ()
    assert money.prorated(SOLO, GROUP, june, at("2027-07-01")) == ()
    whole = money.prorated(SOLO, GROUP, june, at("2027-06-01"))
    assert [line.amount_minor for line in whole] == [-2900, 11900]


@given(st.lists(st.integers(-30_000, 30_000), max_size=5))
def test_a_bill_adds_up_and_no_credit_is_lost(amounts: list[int]) -> None:
    bill = money.bill(STANDARD, period(at("2027-06-01"), 0), [Line("x", each) for each in amounts])
    assert bill.total_minor >= 0
    assert sum(line.amount_minor for line in bill.lines) == bill.total_minor
    assert bill.total_minor + bill.carried == STANDARD.price_minor + sum(amounts)


def test_the_tries_are_made_on_their_days_and_none_is_made_up_for() -> None:
    due = at("2027-03-01T09:00")
    tries = [due]
    while (following := standing.next_try(due, tries[-1])) is not None:
        tries.append(following)
    assert [(each - due).days for each in tries] == [0, 3, 7, 14]
    after_an_outage = standing.next_try(due, due + timedelta(days=8))
    assert after_an_outage == due + timedelta(days=14)


@pytest.mark.parametrize(
    ("status", "days_due", "days_covered", "expected"),
    [
        (BillingStatus.ACTIVE, None, -100, False),
        (BillingStatus.PAST_DUE, 14.9, -15, False),
        (BillingStatus.PAST_DUE, 15, -15, True),
        (BillingStatus.CANCELLED, None, 0.1, False),
        (BillingStatus.CANCELLED, None, 0, True),
    ],
)
def test_read_only_is_past_due_beyond_grace_or_cancelled_and_over(
    status: BillingStatus, days_due: float | None, days_covered: float, expected: bool
) -> None:
    now = at("2027-05-01")
    due_since = None if days_due is None else now - timedelta(days=days_due)
    covered = now + timedelta(days=days_covered)
    assert standing.is_read_only(status, due_since, covered, now) is expected


@pytest.mark.parametrize(
    ("facts", "days"),
    [
        ({"status": BillingStatus.ACTIVE}, 0),
        ({"status": BillingStatus.ACTIVE, "try_at": 1}, 1),
        ({"status": BillingStatus.PAST_DUE, "due_since": 0, "try_at": 3}, 3),
        ({"status": BillingStatus.PAST_DUE, "due_since": 0}, 15),
        ({"status": BillingStatus.PAST_DUE, "due_since": 0, "told_read_only": True}, 30),
        ({"status": BillingStatus.PAST_DUE, "due_since": 0, "asks_gateway_at": 0.1}, 0.1),
        ({"status": BillingStatus.CANCELLED}, 0),
        ({"status": BillingStatus.CANCELLED, "told_over": True}, None),
        ({"status": BillingStatus.CANCELLED, "told_over": True, "try_at": 2}, 2),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, dict) else str(value),
)
def test_the_next_look_is_on_the_day_of_the_next_step(
    facts: dict[str, object], days: float | None
) -> None:
    start = at("2027-03-01")
    placed = {
        name: start + timedelta(days=value) if isinstance(value, int | float) else value
        for name, value in facts.items()
        if not isinstance(value, bool)
    }
    flags = {name: value for name, value in facts.items() if isinstance(value, bool)}
    found = standing.next_look(
        Facts(covered_until=start, **placed, **flags),  # type: ignore[arg-type]
        is_free=False,
    )
    assert found == (None if days is None else start + timedelta(days=days))


def test_nobody_looks_at_a_plan_without_a_price() -> None:
    facts = Facts(status=BillingStatus.ACTIVE, covered_until=at("2027-03-01"))
    assert standing.next_look(facts, is_free=True) is None


def test_a_card_is_good_to_the_end_of_its_month() -> None:
    assert not is_over("2027-03", at("2027-03-31T23:59"))
    assert not is_over("2027-03", at("2027-04-01T11:59")), "it is still March in Baker Island"
    assert is_over("2027-03", at("2027-04-01T12:00"))
    assert is_over("2027-12", at("2028-01-02"))
    assert not is_over("", at("2027-04-01"))


@given(st.uuids(), st.integers(1, 30))
def test_an_order_has_a_name_that_no_card_could_have(invoice_id: UUID, attempt: int) -> None:
    found = order_id(invoice_id, attempt)
    assert re.fullmatch(r"bk[a-z2-7]{14}a\d{1,2}", found)
    assert len(found) <= 19
    assert found == order_id(invoice_id, attempt)
    assert found != order_id(invoice_id, attempt + 1)


def test_plans_are_known_by_their_codes() -> None:
    assert plan_named("standard") is STANDARD
    assert COMPLIMENTARY.is_free
    assert {plan.currency for plan in PLANS.values()} == {"USD"}
    with pytest.raises(Invalid):
        plan_named("gold")
