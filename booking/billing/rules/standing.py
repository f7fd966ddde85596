"""How an account stands, and when somebody must look at it next.

What is due is asked for on the day, and 3, 7 and 14 days later. Until the end of the 15th day all
goes on as before; then the site is read-only; after 30 days the plan is cancelled. Paying ends all
of that at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

TRIES_AFTER = tuple(timedelta(days=days) for days in (0, 3, 7, 14))
GRACE = timedelta(days=15)
CANCELLED_AFTER = timedelta(days=30)
ASK_AGAIN_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
"""Where nobody knows yet whether a payment was taken; then every hour."""


class BillingStatus(StrEnum):
    """`cancelled` goes on until the end of what is paid for."""

    ACTIVE = "active"
    PAST_DUE = "past_due"
    CANCELLED = "cancelled"


class Action(StrEnum):
    """What the button of the card page does: past due, it also takes what is due."""

    UPDATE_CARD = "update_card"
    UPDATE_AND_PROCESS_CARD = "update_and_process_card"


@dataclass(frozen=True, slots=True)
class Facts:
    """`covered_until` is the end of what is paid for. `try_at` is when the card is asked next, None
    where it is not; `asks_gateway_at` when we ask what became of a payment in flight."""

    status: BillingStatus
    covered_until: datetime
    due_since: datetime | None = None
    told_read_only: bool = False
    told_over: bool = False
    try_at: datetime | None = None
    asks_gateway_at: datetime | None = None


def grace_ends_at(due_since: datetime) -> datetime:
    return due_since + GRACE


def cancelled_at(due_since: datetime) -> datetime:
    return due_since + CANCELLED_AFTER


def is_read_only(
    status: BillingStatus, due_since: datetime | None, covered_until: datetime, now: datetime
) -> bool:
    """Past due beyond grace, or cancelled and over."""
    match status:
        case BillingStatus.ACTIVE:
            return False
        case BillingStatus.PAST_DUE:
            return due_since is not None and now >= grace_ends_at(due_since)
        case BillingStatus.CANCELLED:
            return now >= covered_until


def next_try(due_since: datetime, now: datetime) -> datetime | None:
    """When the card is asked again; None after the last time. Days that an outage swallowed are not
    made up for."""
    planned = (due_since + after for after in TRIES_AFTER)
    return next((moment for moment in planned if moment > now), None)


def asks_again_at(now: datetime, asked: int) -> datetime:
    """When to ask once more what became of a payment, having asked so often."""
    return now + ASK_AGAIN_AFTER[min(asked, len(ASK_AGAIN_AFTER) - 1)]


def next_look(facts: Facts, *, is_free: bool) -> datetime | None:
    """When there is something to do without anybody asking; None where there never is."""
    if facts.asks_gateway_at is not None:
        return facts.asks_gateway_at
    match facts.status:
        case BillingStatus.ACTIVE if is_free:
            return None
        case BillingStatus.ACTIVE:
            return facts.try_at or facts.covered_until
        case BillingStatus.CANCELLED:
            return facts.try_at or (None if facts.told_over else facts.covered_until)
    due_since = facts.due_since or facts.covered_until
    steps = [cancelled_at(due_since)]
    if not facts.told_read_only:
        steps.append(grace_ends_at(due_since))
    if facts.try_at is not None:
        steps.append(facts.try_at)
    return min(steps)
