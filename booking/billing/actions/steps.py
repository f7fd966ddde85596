"""What happens to an account by itself, each on its day: a month begins, the card is asked, the
grace ends, a plan is cancelled or over."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking import clock
from booking.audit.actions import SYSTEM, record
from booking.billing import queries
from booking.billing.actions import cards, charging, invoicing
from booking.billing.actions.charging import Intent
from booking.billing.actions.holding import hold, plan_next_look
from booking.billing.actions.telling import tell
from booking.billing.emails import PlanCancelled, PlanEnded, SiteReadOnly
from booking.billing.models import BillingAccount
from booking.billing.rules import standing
from booking.billing.rules.periods import period_to_charge
from booking.billing.rules.plans import PLANS
from booking.billing.rules.standing import BillingStatus
from booking.database import across_businesses


def due_businesses(session: Session) -> list[uuid.UUID]:
    """Longest due first."""
    with across_businesses(session):
        return list(
            session.scalars(
                select(BillingAccount.business_id)
                .where(BillingAccount.due_at <= clock.now())
                .order_by(BillingAccount.due_at)
            )
        )


def take_stock(session: Session, gateway: str) -> Intent | None:
    """All that is due for this business and needs no gateway is done; what is to be asked there is
    given back, and until its lease ends nobody else is given the same."""
    account = hold(session)
    if account.due_at is None or account.due_at > clock.now():
        return None  # somebody was quicker
    intent = _step(session, account, gateway)
    plan_next_look(session, account)
    return intent


def _step(session: Session, account: BillingAccount, gateway: str) -> Intent | None:
    begun = queries.charge_begun(session)
    if begun is not None:
        return charging.ask_about(session, begun)
    match account.status:
        case BillingStatus.CANCELLED:
            _end_if_over(session, account)
        case BillingStatus.PAST_DUE:
            _insist(session, account)
        case BillingStatus.ACTIVE:
            _renew(session, account)
    return _try_card(session, account, gateway)


def _renew(session: Session, account: BillingAccount) -> None:
    if PLANS[account.plan].is_free or queries.open_invoice(session) is not None:
        return
    month = period_to_charge(account.anchor_at, account.covered_until, clock.now())
    if month is not None:
        invoicing.issue(session, account, month)


def _insist(session: Session, account: BillingAccount) -> None:
    invoice = queries.open_invoice(session)
    assert invoice is not None
    assert account.due_since is not None
    moment = clock.now()
    cancelled_at = standing.cancelled_at(account.due_since)
    if moment >= cancelled_at:
        _give_up(session, account)
    elif moment >= standing.grace_ends_at(account.due_since) and not account.told_read_only_at:
        account.told_read_only_at = moment
        record(session, "billing.read_only", account, by=SYSTEM)
        tell(
            session,
            SiteReadOnly,
            amount_minor=invoice.total_minor,
            currency=invoice.currency,
            cancelled_at=cancelled_at,
        )


def _give_up(session: Session, account: BillingAccount) -> None:
    moment = clock.now()
    invoicing.void_open(session, by=SYSTEM)
    account.status = BillingStatus.CANCELLED
    account.cancelled_at = account.told_over_at = moment
    account.due_since = account.told_read_only_at = None
    record(session, "billing.cancelled", account, by=SYSTEM, because="not_paid")
    tell(session, PlanCancelled, because="not_paid", ends_at=moment)


def _end_if_over(session: Session, account: BillingAccount) -> None:
    if account.told_over_at is None and account.covered_until <= clock.now():
        account.told_over_at = clock.now()
        record(session, "billing.ended", account, by=SYSTEM)
        tell(session, PlanEnded)


def _try_card(session: Session, account: BillingAccount, gateway: str) -> Intent | None:
    """By the card that is on file now, whichever that is. One that can't be asked is as good as
    declined."""
    invoice = queries.open_invoice(session)
    if invoice is None or invoice.try_at is None or invoice.try_at > clock.now():
        return None
    found = cards.usable(session, queries.live_card(session), gateway)
    if isinstance(found, str):
        charging.fail(session, account, invoice, found)
        return None
    return charging.begin(session, invoice, found.card, found.reference, is_by_plan=True)
