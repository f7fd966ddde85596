"""Invoices: issued for a period, paid, or void."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking import clock, wakeup
from booking.audit.actions import SYSTEM, Actor, record
from booking.billing import queries
from booking.billing.actions.holding import TEND
from booking.billing.actions.telling import tell
from booking.billing.emails import PaymentTaken
from booking.billing.models import (
    BillingAccount,
    Invoice,
    InvoiceLine,
    InvoiceState,
    PaymentCard,
)
from booking.billing.rules import money
from booking.billing.rules.money import Line
from booking.billing.rules.periods import Period
from booking.billing.rules.plans import PLANS
from booking.billing.rules.standing import BillingStatus
from booking.businesses.queries import this_business
from booking.database import business_of, new_id


def issue(session: Session, account: BillingAccount, period: Period) -> Invoice:
    """For that period, due now; with what waited for an invoice. One that comes to nothing is paid
    at once."""
    plan = PLANS[account.plan]
    waiting = session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id.is_(None)).order_by(InvoiceLine.id)
    ).all()
    bill = money.bill(plan, period, [Line(row.text, row.amount_minor) for row in waiting])
    business = this_business(session)
    account.invoices += 1
    moment = clock.now()
    invoice = Invoice(
        id=new_id(),
        business_id=business.id,
        number=f"{business.slug.upper()}-{account.invoices:04}",
        state=InvoiceState.OPEN,
        plan=plan.code,
        period_starts_at=period.starts_at,
        period_ends_at=period.ends_at,
        business_name=business.name,
        business_address=business.address,
        total_minor=bill.total_minor,
        currency=plan.currency,
        issued_at=moment,
        try_at=moment,
    )
    session.add(invoice)
    session.flush()
    for row in waiting:
        session.delete(row)
    _add_lines(session, invoice, bill)
    record(session, "billing.invoiced", invoice, by=SYSTEM, number=invoice.number)
    if bill.total_minor == 0:
        pay(session, account, invoice, None)
    wakeup.after_commit(session, TEND)
    return invoice


def _add_lines(session: Session, invoice: Invoice, bill: money.Bill) -> None:
    for line in bill.lines:
        add_line(session, line, invoice)
    if bill.carried:
        add_line(session, Line(f"From {invoice.number}", bill.carried))


def add_line(session: Session, line: Line, invoice: Invoice | None = None) -> None:
    """Without an invoice it waits for the next."""
    session.add(
        InvoiceLine(
            id=new_id(),
            business_id=business_of(session),
            invoice_id=invoice.id if invoice else None,
            text=line.text,
            amount_minor=line.amount_minor,
        )
    )


def pay(
    session: Session, account: BillingAccount, invoice: Invoice, card: PaymentCard | None
) -> None:
    """It is paid, and all that came of its being due is over."""
    moment = clock.now()
    invoice.state = InvoiceState.PAID
    invoice.paid_at = moment
    invoice.try_at = None
    if card is not None:
        invoice.card_brand, invoice.card_last4 = card.brand, card.last4
    account.covered_until = invoice.period_ends_at
    account.status = BillingStatus.ACTIVE
    account.due_since = account.told_read_only_at = None
    account.cancelled_at = account.told_over_at = None
    record(
        session,
        "billing.paid",
        invoice,
        by=SYSTEM,
        number=invoice.number,
        amount_minor=invoice.total_minor,
        currency=invoice.currency,
    )
    tell(
        session,
        PaymentTaken,
        number=invoice.number,
        amount_minor=invoice.total_minor,
        currency=invoice.currency,
        card=f"{card.brand} {card.last4}" if card else "",
        covered_until=invoice.period_ends_at,
    )


def void_open(session: Session, *, by: Actor) -> None:
    """What is due is not due any more. What waited for that invoice waits for the next."""
    invoice = queries.open_invoice(session)
    if invoice is None:
        return
    invoice.state = InvoiceState.VOID
    invoice.try_at = None
    besides = invoice.total_minor - PLANS[invoice.plan].price_minor
    if besides:
        add_line(session, Line(f"From {invoice.number}", besides))
    record(session, "billing.voided", invoice, by=by, number=invoice.number)
    session.flush()
