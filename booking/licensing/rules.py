"""Until when a registration counts, and when its program asks again."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from booking.billing.rules.standing import GRACE, BillingStatus

LONGEST_PERIOD = timedelta(days=31)
_ASKS_EVERY = timedelta(days=1)
_ASKS_FOR_THE_NEXT_PERIOD_EVERY = timedelta(hours=6)
_PAYING_TAKES = timedelta(minutes=15)
_SPREAD_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Term:
    """One paid period, named by its end; a registration has one serial number in it.

    The grace of billing is in `valid_until`: whoever is offline on the day of a payment, or pays
    late, goes on working meanwhile.
    """

    period_ends_at: datetime

    @property
    def valid_until(self) -> datetime:
        return self.period_ends_at + GRACE

    @property
    def last_day(self) -> date:
        """The last day (UTC) of a serial number: never before its licence ends."""
        return self.valid_until.date()

    def next_check_at(self, now: datetime, share: int) -> datetime:
        """Daily; soon after the period ends, when the next should be paid; then every six hours.

        `share`, any number that is the program's own, keeps them from all asking at once.
        """
        asks_for_next = (
            self.period_ends_at + _PAYING_TAKES + timedelta(seconds=share % _SPREAD_SECONDS)
        )
        if now < asks_for_next:
            return min(now + _ASKS_EVERY, asks_for_next)
        return now + _ASKS_FOR_THE_NEXT_PERIOD_EVERY


def term(status: BillingStatus, covered_until: datetime, now: datetime) -> Term | None:
    """The term a program may be given now; None while something is to be paid first.

    Right after a period has ended, while the next is being paid, it is still the old one. What was
    cancelled goes on to the end of its period.
    """
    found = Term(covered_until)
    match status:
        case BillingStatus.ACTIVE:
            return found if now < found.valid_until else None
        case BillingStatus.CANCELLED:
            return found if now < covered_until else None
        case BillingStatus.PAST_DUE:
            return None


def temporary_term(status: BillingStatus, covered_until: datetime, now: datetime) -> Term | None:
    """The term a temporary number is e-mailed for: only one that is paid and goes on."""
    return term(status, covered_until, now) if now < covered_until else None
