"""The account of a business, held for one transaction, and when to look at it next."""

from sqlalchemy.orm import Session

from booking import clock
from booking.billing import queries
from booking.billing.models import BillingAccount
from booking.billing.rules import standing
from booking.billing.rules.periods import period_at
from booking.billing.rules.plans import COMPLIMENTARY, PLANS
from booking.billing.rules.standing import BillingStatus, Facts
from booking.businesses.queries import this_business
from booking.database import lock
from booking.errors import Conflict

TEND = "tend_billing"
"""The job that does what is due, and asks the gateway."""


class PaymentInProgress(Conflict):
    code = "payment_in_progress"
    message = (
        "A payment is on its way, and the bank has not answered yet. Wait for its answer: we write "
        "to you. Do not pay again."
    )


def hold(session: Session) -> BillingAccount:
    """What every change begins with. Held by way of the business, since a business may have no
    account yet: the complimentary one is written down then."""
    business = this_business(session)
    lock(session, business)
    found = queries.account(session)
    if found is not None:
        session.refresh(found)
        return found
    account = BillingAccount(
        business_id=business.id,
        plan=COMPLIMENTARY.code,
        status=BillingStatus.ACTIVE,
        anchor_at=business.created_at,
        covered_until=period_at(business.created_at, clock.now()).ends_at,
        created_at=clock.now(),
    )
    session.add(account)
    session.flush()
    return account


def plan_next_look(session: Session, account: BillingAccount) -> None:
    """To be called at the end of every change: nothing is done that is not due by this."""
    session.flush()
    invoice = queries.open_invoice(session)
    begun = queries.charge_begun(session)
    facts = Facts(
        status=account.status,
        covered_until=account.covered_until,
        due_since=account.due_since,
        told_read_only=account.told_read_only_at is not None,
        told_over=account.told_over_at is not None,
        try_at=invoice.try_at if invoice else None,
        asks_gateway_at=begun.lease_until if begun else None,
    )
    account.due_at = standing.next_look(facts, is_free=PLANS[account.plan].is_free)


def expect_no_payment(session: Session) -> None:
    """Raises PaymentInProgress while nobody knows what became of one."""
    if queries.charge_begun(session) is not None:
        raise PaymentInProgress
