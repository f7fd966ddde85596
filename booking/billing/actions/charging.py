"""Having an invoice paid: what is written before the gateway is asked, and after it answered."""

import logging
import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking import clock
from booking.audit.actions import SYSTEM, record
from booking.billing.actions import cards, invoicing
from booking.billing.actions.holding import expect_no_payment, hold, plan_next_look
from booking.billing.actions.telling import tell
from booking.billing.emails import PaymentFailed
from booking.billing.gateways.protocol import Charge as Order
from booking.billing.gateways.protocol import Outcome, Result
from booking.billing.models import (
    BillingAccount,
    CardState,
    Charge,
    ChargeState,
    Invoice,
    InvoiceState,
    PaymentCard,
)
from booking.billing.rules import standing
from booking.billing.rules.cards import MISMATCH, VOIDED
from booking.billing.rules.orders import order_id
from booking.billing.rules.standing import BillingStatus
from booking.database import business_of, new_id, settings_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Intent:
    """What the gateway is to be asked: the order, or, without one, what became of it."""

    charge_id: uuid.UUID
    order_id: str
    gateway: str
    order: Order | None


def begin(
    session: Session, invoice: Invoice, card: PaymentCard, reference: str, *, is_by_plan: bool
) -> Intent:
    """One more try, to be committed before the gateway hears of it. Raises PaymentInProgress."""
    expect_no_payment(session)
    moment = clock.now()
    tries = select(func.count()).select_from(Charge).where(Charge.invoice_id == invoice.id)
    attempt = (session.scalar(tries) or 0) + 1
    charge = Charge(
        id=new_id(),
        business_id=business_of(session),
        invoice_id=invoice.id,
        card_id=card.id,
        attempt=attempt,
        order_id=order_id(invoice.id, attempt),
        gateway=card.gateway,
        amount_minor=invoice.total_minor,
        currency=invoice.currency,
        is_by_plan=is_by_plan,
        state=ChargeState.BEGUN,
        asked=0,
        lease_until=moment + _lease(session),
        created_at=moment,
    )
    session.add(charge)
    order = Order(
        order_id=charge.order_id,
        amount_minor=charge.amount_minor,
        currency=charge.currency,
        card_reference=reference,
        payer=cards.payer(session),
        text=f"Invoice {invoice.number}",
    )
    return Intent(charge.id, charge.order_id, charge.gateway, order)


def ask_about(session: Session, charge: Charge) -> Intent:
    """Whoever began it is gone, or got no answer: this process asks the gateway, and no other
    meanwhile."""
    charge.lease_until = clock.now() + _lease(session)
    return Intent(charge.id, charge.order_id, charge.gateway, None)


def _lease(session: Session) -> timedelta:
    return timedelta(seconds=settings_of(session).charge_lease_seconds)


def settle(session: Session, charge_id: uuid.UUID, outcome: Outcome) -> ChargeState:
    """Write down what became of a charge, and all that follows; told twice it changes nothing."""
    account = hold(session)
    charge = session.get_one(Charge, charge_id, populate_existing=True)
    if charge.state is ChargeState.BEGUN:
        _settle(session, account, charge, outcome)
    elif outcome.result is Result.APPROVED and charge.state is not ChargeState.APPROVED:
        if charge.state is not ChargeState.MISMATCHED:
            _approve(session, account, charge, outcome)
    elif outcome.result is not Result.APPROVED and charge.state is ChargeState.APPROVED:
        _alert(session, charge, f"was taken, and is {outcome.reason or outcome.result} now")
    plan_next_look(session, account)
    return charge.state


def _settle(session: Session, account: BillingAccount, charge: Charge, outcome: Outcome) -> None:
    match outcome.result:
        case Result.UNKNOWN:
            charge.lease_until = standing.asks_again_at(clock.now(), charge.asked)
            charge.asked += 1
        case Result.APPROVED:
            _approve(session, account, charge, outcome)
        case Result.DECLINED if outcome.reason == VOIDED:
            _finish(charge, ChargeState.VOIDED, outcome)
            _ask_anew(session, account, charge)
        case Result.DECLINED:
            _finish(charge, ChargeState.DECLINED, outcome)
            _refuse(session, account, charge)
        case Result.TRY_AGAIN:
            _finish(charge, ChargeState.TRY_AGAIN, outcome)
            _refuse(session, account, charge)


def _finish(charge: Charge, state: ChargeState, outcome: Outcome) -> None:
    charge.state = state
    charge.reason = outcome.reason[:60]
    charge.reference = outcome.reference[:100]
    charge.settled_at = clock.now()


def _approve(session: Session, account: BillingAccount, charge: Charge, outcome: Outcome) -> None:
    """Only what is exactly what was asked for, and is still owed, counts as paid."""
    invoice = session.get_one(Invoice, charge.invoice_id)
    card = session.get_one(PaymentCard, charge.card_id)
    wrong = _misfit(charge, outcome)
    if wrong or invoice.state is not InvoiceState.OPEN:
        _finish(charge, ChargeState.MISMATCHED, outcome)
        charge.reason = MISMATCH
        _alert(session, charge, wrong or f"taken for an invoice that is {invoice.state}")
        if invoice.state is InvoiceState.OPEN:
            fail(session, account, invoice, MISMATCH, tries_go_on=False)
        cards.drop_candidate(session, card)
        return
    _finish(charge, ChargeState.APPROVED, outcome)
    invoicing.pay(session, account, invoice, card)
    if card.state is CardState.CANDIDATE:
        cards.go_live(session, card)


def _misfit(charge: Charge, outcome: Outcome) -> str:
    """In what the gateway's word differs from ours; empty where it does not."""
    wanted = {
        "order": (charge.order_id, outcome.order_id),
        "amount": (charge.amount_minor, outcome.amount_minor),
        "currency": (charge.currency, outcome.currency),
        "payer": (str(charge.business_id), outcome.payer_id or str(charge.business_id)),
    }
    wrong = [name for name, (asked, answered) in wanted.items() if asked != answered]
    return f"another {' and '.join(wrong)} than was asked for" if wrong else ""


def _alert(session: Session, charge: Charge, words: str) -> None:
    """For the people who run the service: money has to be looked after by hand."""
    _log.error("payment %s: %s", charge.order_id, words)
    record(session, "billing.alert", charge, by=SYSTEM, order=charge.order_id, found=words[:200])


def _ask_anew(session: Session, account: BillingAccount, charge: Charge) -> None:
    """Nothing was taken: the plan's try is made again at once, under another order."""
    record(session, "billing.not_completed", charge, by=SYSTEM, order=charge.order_id)
    invoice = session.get_one(Invoice, charge.invoice_id)
    if charge.is_by_plan:
        invoice.try_at = clock.now()
        return
    _refuse(session, account, charge)


def _refuse(session: Session, account: BillingAccount, charge: Charge) -> None:
    """A try of the plan counts, and the owners are told. One that an owner made with a new card
    leaves everything as it was; they are told where they did not wait for the answer."""
    invoice = session.get_one(Invoice, charge.invoice_id)
    card = session.get_one(PaymentCard, charge.card_id)
    record(session, "billing.declined", charge, by=SYSTEM, reason=charge.reason)
    cards.drop_candidate(session, card)
    if charge.is_by_plan:
        if charge.state is ChargeState.DECLINED:
            card.refused = charge.reason or "card_declined"
        fail(session, account, invoice, charge.reason)
    elif charge.asked:
        _tell(session, account, invoice, charge.reason)


def fail(
    session: Session,
    account: BillingAccount,
    invoice: Invoice,
    reason: str,
    *,
    tries_go_on: bool = True,
) -> None:
    """What is due was not paid on its day, or not on one of the days after it."""
    if account.status is BillingStatus.ACTIVE:
        account.status = BillingStatus.PAST_DUE
        account.due_since = invoice.issued_at
        record(session, "billing.past_due", invoice, by=SYSTEM, number=invoice.number)
    invoice.try_at = None
    if tries_go_on and account.due_since is not None:
        invoice.try_at = standing.next_try(account.due_since, clock.now())
    _tell(session, account, invoice, reason)


def _tell(session: Session, account: BillingAccount, invoice: Invoice, reason: str) -> None:
    is_in_grace = account.due_since is not None and account.told_read_only_at is None
    tell(
        session,
        PaymentFailed,
        amount_minor=invoice.total_minor,
        currency=invoice.currency,
        reason=reason,
        next_try_at=invoice.try_at,
        grace_ends_at=standing.grace_ends_at(account.due_since)
        if is_in_grace and account.due_since
        else None,
    )
