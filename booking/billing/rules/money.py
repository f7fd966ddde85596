"""Money in minor units: what a change of plan in the midst of a period costs, and rounding."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from booking.billing.rules.periods import Period
from booking.billing.rules.plans import Plan


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice; `amount_minor` below zero is money back."""

    text: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Bill:
    """Lines that add up to `total_minor`, which is never below zero; what is left over of a credit
    waits in `carried` for the next invoice."""

    lines: tuple[Line, ...]
    total_minor: int
    carried: int


def share(amount_minor: int, part: timedelta, whole: timedelta) -> int:
    """That part of an amount, half a unit rounded away from zero: a credit for a time and the
    charge for the same time at the same price cancel out."""
    exact = Fraction(abs(amount_minor)) * Fraction(
        part // timedelta(microseconds=1), whole // timedelta(microseconds=1)
    )
    rounded = int(exact + Fraction(1, 2))
    return rounded if amount_minor >= 0 else -rounded


def prorated(old: Plan, new: Plan, within: Period, now: datetime) -> tuple[Line, ...]:
    """What is given back of the old plan and owed for the new one, for the rest of the period that
    is paid already. Nothing where nothing is left of it."""
    rest = within.ends_at - max(now, within.starts_at)
    if rest <= timedelta(0) or old == new:
        return ()
    whole = within.ends_at - within.starts_at
    until = f"until {within.ends_at:%-d %b %Y}"
    return (
        Line(f"{old.name}, not used {until}", share(-old.price_minor, rest, whole)),
        Line(f"{new.name} {until}", share(new.price_minor, rest, whole)),
    )


def bill(plan: Plan, within: Period, waiting: Sequence[Line]) -> Bill:
    """The invoice of a period: its price, and what waited for it."""
    span = f"{within.starts_at:%-d %b %Y} to {within.ends_at:%-d %b %Y}"
    lines = (Line(f"{plan.name}, {span}", plan.price_minor), *waiting)
    total = sum(line.amount_minor for line in lines)
    if total >= 0:
        return Bill(lines, total, 0)
    return Bill((*lines, Line("Carried over to the next invoice", -total)), 0, total)
