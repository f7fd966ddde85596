"""Choosing a plan, cancelling it, and taking it up again."""

from sqlalchemy.orm import Session

from booking import clock
from booking.audit.actions import Actor, record
from booking.billing import queries
from booking.billing.actions import invoicing
from booking.billing.actions.holding import expect_no_payment, hold, plan_next_look
from booking.billing.actions.telling import tell
from booking.billing.emails import PlanCancelled, PlanChosen, PlanResumed
from booking.billing.models import BillingAccount
from booking.billing.rules.money import prorated
from booking.billing.rules.periods import Period, period, period_at
from booking.billing.rules.plans import PLANS, Plan, plan_named
from booking.billing.rules.standing import BillingStatus
from booking.errors import Conflict


class NothingToCancel(Conflict):
    code = "nothing_to_cancel"
    message = "This plan costs nothing: there is nothing to cancel."


def choose_plan(session: Session, code: str, *, by: Actor) -> Plan:
    """From here on the business has that plan.

    A first plan with a price begins now, and is due now. Between two with a price, the rest of the
    month is settled with the next invoice. For a plan without one nothing is due any more, and
    nothing is given back. Raises Invalid for a plan there is not, PaymentInProgress.
    """
    plan = plan_named(code)
    account = hold(session)
    expect_no_payment(session)
    before = PLANS[account.plan]
    if plan == before and account.status is not BillingStatus.CANCELLED:
        return plan
    is_over = account.status is BillingStatus.CANCELLED and account.covered_until <= clock.now()
    account.plan = plan.code
    if plan.is_free:
        _owe_nothing(session, account, by=by)
    elif before.is_free or is_over:
        _begin_anew(session, account, by=by)
    else:
        _change_within(session, account, before, by=by)
    record(session, "billing.plan_chosen", account, by=by, before=before.code, after=plan.code)
    tell(
        session,
        PlanChosen,
        plan=plan.name,
        price_minor=plan.price_minor,
        currency=plan.currency,
    )
    plan_next_look(session, account)
    return plan


def _owe_nothing(session: Session, account: BillingAccount, *, by: Actor) -> None:
    invoicing.void_open(session, by=by)
    account.status = BillingStatus.ACTIVE
    account.due_since = account.told_read_only_at = None
    account.cancelled_at = account.told_over_at = None


def _begin_anew(session: Session, account: BillingAccount, *, by: Actor) -> None:
    _owe_nothing(session, account, by=by)
    account.anchor_at = account.covered_until = clock.now()
    invoicing.issue(session, account, period(account.anchor_at, 0))


def _change_within(session: Session, account: BillingAccount, before: Plan, *, by: Actor) -> None:
    """What is due is due at the new price; of what is paid, the rest is settled."""
    if account.status is BillingStatus.CANCELLED:
        account.status = BillingStatus.ACTIVE
        account.cancelled_at = None
    invoice = queries.open_invoice(session)
    if invoice is not None:
        due = period_at(account.anchor_at, invoice.period_starts_at)
        invoicing.void_open(session, by=by)
        invoicing.issue(session, account, due)
        return
    paid = _paid_period(account)
    for line in prorated(before, PLANS[account.plan], paid, clock.now()):
        invoicing.add_line(session, line)


def _paid_period(account: BillingAccount) -> Period:
    following = period_at(account.anchor_at, account.covered_until)
    return period(account.anchor_at, max(0, following.index - 1))


def cancel(session: Session, *, by: Actor) -> None:
    """At the end of what is paid for; what is due is not due any more, since that month is not
    given. A second time changes nothing. Raises NothingToCancel, PaymentInProgress."""
    account = hold(session)
    if PLANS[account.plan].is_free:
        raise NothingToCancel
    if account.status is BillingStatus.CANCELLED and queries.open_invoice(session) is None:
        return
    expect_no_payment(session)
    invoicing.void_open(session, by=by)
    moment = clock.now()
    account.status = BillingStatus.CANCELLED
    account.cancelled_at = moment
    account.told_over_at = moment if account.covered_until <= moment else None
    account.due_since = account.told_read_only_at = None
    record(session, "billing.cancelled", account, by=by)
    tell(session, PlanCancelled, because="owner", ends_at=max(account.covered_until, moment))
    plan_next_look(session, account)


def resume(session: Session, *, by: Actor) -> None:
    """Before its end a cancelled plan goes on as if nothing had been. After it a new month begins
    now and is due: it goes on as soon as that is paid. A plan that was not cancelled stays as it
    is. Raises PaymentInProgress."""
    account = hold(session)
    if account.status is not BillingStatus.CANCELLED or queries.open_invoice(session) is not None:
        return
    expect_no_payment(session)
    record(session, "billing.resumed", account, by=by)
    if account.covered_until > clock.now():
        account.status = BillingStatus.ACTIVE
        account.cancelled_at = None
        tell(session, PlanResumed, covered_until=account.covered_until)
    else:
        account.anchor_at = account.covered_until = clock.now()
        invoicing.issue(session, account, period(account.anchor_at, 0))
    plan_next_look(session, account)
