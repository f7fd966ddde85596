"""Texts that are due or were sent."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, new_id, states


class TextState(StrEnum):
    """`uncertain`: it may have been sent, and nobody can tell; it is not sent again, since a text
    twice is worse than a text lost."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


class OutboundText(Base):
    """One text to one telephone. `kind` and `fields` are the class and its values, from which the
    worker writes it; secrets are not among them, only the ids they are derived from.
    """

    __tablename__ = "outbound_text"
    __table_args__ = (Index("ix_outbound_text_due", "state", "due_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(60))
    to_phone: Mapped[str] = mapped_column(String(16))
    fields: Mapped[dict[str, Any]]
    state: Mapped[TextState] = mapped_column(states(TextState))
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
