"""How a business stands, and what it was billed."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking import clock
from booking.billing.models import (
    BillingAccount,
    CardState,
    Charge,
    ChargeState,
    Invoice,
    InvoiceLine,
    InvoiceState,
    PaymentCard,
)
from booking.billing.rules import standing as rules
from booking.billing.rules.periods import period_at
from booking.billing.rules.plans import COMPLIMENTARY, PLANS, Plan
from booking.billing.rules.standing import Action, BillingStatus
from booking.businesses.queries import this_business
from booking.errors import NotFound


@dataclass(frozen=True, slots=True)
class CardOnFile:
    """`expires` as `YYYY-MM`. `refused` is a code of `rules.cards`, empty while all is well."""

    brand: str
    last4: str
    expires: str
    refused: str


@dataclass(frozen=True, slots=True)
class Standing:
    """`covered_until` is the end of the paid period; where nothing is ever due, of the present one.
    `cancelled_at` is when it was cancelled; it goes on until `covered_until`. `next_try_at` is when
    the card is asked for what is due."""

    status: BillingStatus
    plan: Plan
    amount_due: int
    currency: str
    due_since: datetime | None
    covered_until: datetime
    grace_ends_at: datetime | None
    is_read_only: bool
    card: CardOnFile | None
    action: Action
    next_try_at: datetime | None
    cancelled_at: datetime | None
    payment_in_progress: bool
    """nobody knows yet what became of a payment: none is begun meanwhile"""


@dataclass(frozen=True, slots=True)
class InvoiceLineShown:
    text: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class InvoiceShown:
    """All that an invoice says. No tax is charged, and the total is that of the lines. `card` is
    "Visa 4242" once it is paid with one."""

    id: uuid.UUID
    number: str
    state: InvoiceState
    business_name: str
    business_address: str
    plan: Plan
    period_starts_at: datetime
    period_ends_at: datetime
    issued_at: datetime
    paid_at: datetime | None
    lines: tuple[InvoiceLineShown, ...]
    total_minor: int
    currency: str
    card: str


def account(session: Session) -> BillingAccount | None:
    """Of this business; None where it never had another plan than the complimentary one."""
    return session.scalar(select(BillingAccount))


def live_card(session: Session) -> PaymentCard | None:
    return session.scalar(select(PaymentCard).where(PaymentCard.state == CardState.LIVE))


def open_invoice(session: Session) -> Invoice | None:
    return session.scalar(select(Invoice).where(Invoice.state == InvoiceState.OPEN))


def charge_begun(session: Session) -> Charge | None:
    """The payment of which nobody knows yet what became of it."""
    return session.scalar(select(Charge).where(Charge.state == ChargeState.BEGUN))


def is_read_only(session: Session) -> bool:
    """The same as `standing(session).is_read_only`, by one look: every request asks."""
    found = session.execute(
        select(BillingAccount.status, BillingAccount.due_since, BillingAccount.covered_until)
    ).one_or_none()
    if found is None:
        return False
    return rules.is_read_only(found.status, found.due_since, found.covered_until, clock.now())


def standing(session: Session) -> Standing:
    """How the business of this session stands, now."""
    kept = account(session)
    plan = PLANS[kept.plan] if kept else COMPLIMENTARY
    if kept is None or (plan.is_free and kept.status is BillingStatus.ACTIVE):
        return _nothing_due(session, plan, kept)
    invoice = open_invoice(session)
    must_pay = invoice is not None and kept.status is not BillingStatus.ACTIVE
    return Standing(
        status=kept.status,
        plan=plan,
        amount_due=invoice.total_minor if invoice else 0,
        currency=plan.currency,
        due_since=kept.due_since,
        covered_until=kept.covered_until,
        grace_ends_at=rules.grace_ends_at(kept.due_since) if kept.due_since else None,
        is_read_only=rules.is_read_only(
            kept.status, kept.due_since, kept.covered_until, clock.now()
        ),
        card=_card_on_file(session),
        action=Action.UPDATE_AND_PROCESS_CARD if must_pay else Action.UPDATE_CARD,
        next_try_at=invoice.try_at if invoice else None,
        cancelled_at=kept.cancelled_at,
        payment_in_progress=charge_begun(session) is not None,
    )


def _nothing_due(session: Session, plan: Plan, kept: BillingAccount | None) -> Standing:
    """Periods are counted all the same: registrations of the software follow them."""
    anchor = kept.anchor_at if kept else this_business(session).created_at
    return Standing(
        status=BillingStatus.ACTIVE,
        plan=plan,
        amount_due=0,
        currency=plan.currency,
        due_since=None,
        covered_until=period_at(anchor, clock.now()).ends_at,
        grace_ends_at=None,
        is_read_only=False,
        card=_card_on_file(session),
        action=Action.UPDATE_CARD,
        next_try_at=None,
        cancelled_at=None,
        payment_in_progress=False,
    )


def _card_on_file(session: Session) -> CardOnFile | None:
    card = live_card(session)
    if card is None:
        return None
    return CardOnFile(card.brand, card.last4, card.expires, card.refused)


def invoices(session: Session, *, limit: int = 200) -> list[InvoiceShown]:
    """Latest first; those that became void are not shown to anybody."""
    rows = session.scalars(
        select(Invoice)
        .where(Invoice.state != InvoiceState.VOID)
        .order_by(Invoice.issued_at.desc(), Invoice.id.desc())
        .limit(limit)
    ).all()
    lines = _lines(session, [row.id for row in rows])
    return [_shown(row, lines.get(row.id, ())) for row in rows]


def invoice(session: Session, number: str) -> InvoiceShown:
    """Raises NotFound, also for what can't be a number and a database may not even take."""
    if not number.isprintable():
        raise NotFound
    row = session.scalar(
        select(Invoice).where(Invoice.number == number, Invoice.state != InvoiceState.VOID)
    )
    if row is None:
        raise NotFound
    return _shown(row, _lines(session, [row.id]).get(row.id, ()))


def _lines(
    session: Session, invoice_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID | None, tuple[InvoiceLineShown, ...]]:
    rows = session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id.in_(invoice_ids)).order_by(InvoiceLine.id)
    )
    found: dict[uuid.UUID | None, tuple[InvoiceLineShown, ...]] = {}
    for row in rows:
        line = InvoiceLineShown(row.text, row.amount_minor)
        found[row.invoice_id] = (*found.get(row.invoice_id, ()), line)
    return found


def _shown(row: Invoice, lines: tuple[InvoiceLineShown, ...]) -> InvoiceShown:
    return InvoiceShown(
        id=row.id,
        number=row.number,
        state=row.state,
        business_name=row.business_name,
        business_address=row.business_address,
        plan=PLANS[row.plan],
        period_starts_at=row.period_starts_at,
        period_ends_at=row.period_ends_at,
        issued_at=row.issued_at,
        paid_at=row.paid_at,
        lines=lines,
        total_minor=row.total_minor,
        currency=row.currency,
        card=f"{row.card_brand} {row.card_last4}".strip(),
    )
