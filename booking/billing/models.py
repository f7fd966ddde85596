"""What a business has chosen, owes and paid, and the card it pays with.

A business without a row here has the complimentary plan since the day it was opened.
"""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.billing.rules.standing import BillingStatus
from booking.database import Base, Owned, new_id, same_business, states


class CardState(StrEnum):
    """`candidate`: it is to pay what is due first. `retired`: to be deleted at the gateway."""

    CANDIDATE = "candidate"
    LIVE = "live"
    RETIRED = "retired"
    FORGOTTEN = "forgotten"


class InvoiceState(StrEnum):
    OPEN = "open"
    PAID = "paid"
    VOID = "void"


class ChargeState(StrEnum):
    """`begun`: written before the gateway is asked, and all we know until it has answered.
    `mismatched`: the gateway says it took something else than we asked for."""

    BEGUN = "begun"
    APPROVED = "approved"
    DECLINED = "declined"
    TRY_AGAIN = "try_again"
    VOIDED = "voided"
    MISMATCHED = "mismatched"


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


class BillingAccount(Owned, Base):
    """One a business. Periods count from `anchor_at`; `covered_until` is the end of what is paid
    for. `due_at`: when there is something to do; the job looks for nothing else."""

    __tablename__ = "billing_account"
    __table_args__ = (UniqueConstraint("business_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    plan: Mapped[str] = mapped_column(String(32))
    status: Mapped[BillingStatus] = mapped_column(states(BillingStatus))
    anchor_at: Mapped[datetime]
    covered_until: Mapped[datetime]
    due_since: Mapped[datetime | None]
    told_read_only_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    told_over_at: Mapped[datetime | None]
    invoices: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    created_at: Mapped[datetime]


class PaymentCard(Owned, Base):
    """A card in the gateway's keeping. `sealed` is the reference to it, encrypted; empty when the
    card is forgotten there. `refused`: why the bank wants no more charges of it."""

    __tablename__ = "payment_card"
    __table_args__ = (
        UniqueConstraint("business_id", "id"),
        Index("uq_payment_card_live", "business_id", unique=True, **_where("state = 'live'")),
        Index("ix_payment_card_retired", "id", **_where("state = 'retired'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    gateway: Mapped[str] = mapped_column(String(20))
    sealed: Mapped[str] = mapped_column(String(1000))
    brand: Mapped[str] = mapped_column(String(40))
    last4: Mapped[str] = mapped_column(String(4))
    expires: Mapped[str] = mapped_column(String(7))
    state: Mapped[CardState] = mapped_column(states(CardState))
    refused: Mapped[str] = mapped_column(String(60), default="")
    given_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    forget_at: Mapped[datetime | None]


class TermsAcceptance(Owned, Base):
    """Who accepted which version of the terms, and when."""

    __tablename__ = "terms_acceptance"
    __table_args__ = (Index("ix_terms_acceptance_business", "business_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    version: Mapped[str] = mapped_column(String(20))
    account_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("account.id", ondelete="SET NULL"), index=True
    )
    account_name: Mapped[str] = mapped_column(String(200))
    accepted_at: Mapped[datetime]


class Invoice(Owned, Base):
    """One a period, beside those that are void. Names are as they were on that day. `try_at`: when
    the card is asked next."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("business_id", "id"),
        UniqueConstraint("business_id", "number"),
        Index(
            "uq_invoice_period",
            "business_id",
            "period_starts_at",
            unique=True,
            **_where("state <> 'void'"),
        ),
        Index("uq_invoice_open", "business_id", unique=True, **_where("state = 'open'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(80))
    state: Mapped[InvoiceState] = mapped_column(states(InvoiceState))
    plan: Mapped[str] = mapped_column(String(32))
    period_starts_at: Mapped[datetime]
    period_ends_at: Mapped[datetime]
    business_name: Mapped[str] = mapped_column(String(60))
    business_address: Mapped[str] = mapped_column(String(300))
    total_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    issued_at: Mapped[datetime]
    try_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    card_brand: Mapped[str] = mapped_column(String(40), default="")
    card_last4: Mapped[str] = mapped_column(String(4), default="")


class InvoiceLine(Owned, Base):
    """Without an invoice it waits for the next."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        same_business("invoice_id", "invoice", ondelete="CASCADE"),
        Index("ix_invoice_line_invoice", "business_id", "invoice_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    invoice_id: Mapped[uuid.UUID | None]
    text: Mapped[str] = mapped_column(String(200))
    amount_minor: Mapped[int]


class Charge(Owned, Base):
    """One try to have an invoice paid, written down before the gateway hears of it. While it is
    `begun` there is no other; of an invoice one is approved at most.

    `lease_until`: whoever began it is at it; after that anybody may ask what became of it.
    """

    __tablename__ = "charge"
    __table_args__ = (
        UniqueConstraint("business_id", "invoice_id", "attempt"),
        UniqueConstraint("order_id"),
        same_business("invoice_id", "invoice", ondelete="CASCADE"),
        same_business("card_id", "payment_card", ondelete="CASCADE"),
        Index("uq_charge_begun", "business_id", unique=True, **_where("state = 'begun'")),
        Index(
            "uq_charge_approved",
            "business_id",
            "invoice_id",
            unique=True,
            **_where("state = 'approved'"),
        ),
        Index("ix_charge_card", "business_id", "card_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    invoice_id: Mapped[uuid.UUID]
    card_id: Mapped[uuid.UUID]
    attempt: Mapped[int]
    order_id: Mapped[str] = mapped_column(String(19))
    gateway: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    is_by_plan: Mapped[bool]
    """one of the tries of the plan, and not the owner's own"""
    state: Mapped[ChargeState] = mapped_column(states(ChargeState))
    reason: Mapped[str] = mapped_column(String(60), default="")
    reference: Mapped[str] = mapped_column(String(100), default="")
    asked: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class SeenEvent(Base):
    """An event of a gateway whose effect is committed, or that had none."""

    __tablename__ = "gateway_event"
    __table_args__ = (UniqueConstraint("gateway", "event_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    gateway: Mapped[str] = mapped_column(String(20))
    event_id: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime] = mapped_column(index=True)
