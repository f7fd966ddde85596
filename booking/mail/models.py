"""Emails that are due or were sent, and addresses that must not be written to."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, Owned, new_id, states


class EmailState(StrEnum):
    """Where one email stands, for transactional emails and invitations alike.

    `uncertain`: the connection broke after the final dot, or the worker died while sending; it is
    sent once more, with the same Message-ID.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


class OutboundEmail(Base):
    """One email to one address. `kind` and `fields` are the email class and its values, from which
    the worker renders it; secrets are not among them, only the ids they are derived from.
    """

    __tablename__ = "outbound_email"
    __table_args__ = (Index("ix_outbound_email_due", "state", "due_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    business_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("business.id", ondelete="CASCADE")
    )
    kind: Mapped[str] = mapped_column(String(60))
    to_email: Mapped[str] = mapped_column(String(254))
    fields: Mapped[dict[str, Any]]
    state: Mapped[EmailState] = mapped_column(states(EmailState))
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    smtp_code: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class SuppressionReason(StrEnum):
    """In rising weight: what a person says outweighs what a machine says."""

    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"


class Suppression(Owned, Base):
    """An address this business must not invite."""

    __tablename__ = "suppression"
    __table_args__ = (UniqueConstraint("business_id", "email_key"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    email_key: Mapped[str] = mapped_column(String(254))
    reason: Mapped[SuppressionReason] = mapped_column(states(SuppressionReason))
    created_at: Mapped[datetime]
