"""The audit table: rows are added, never changed."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, new_id, states


class ActorKind(StrEnum):
    STAFF = "staff"
    CLIENT = "client"
    VISITOR = "visitor"
    SYSTEM = "system"


class AuditEntry(Base):
    """`business_id` is null for what concerns the whole service (an owner signs in).

    Not `Owned`, for that reason: `queries.entries` asks with the business named.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_business_at", "business_id", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    business_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("business.id", ondelete="CASCADE")
    )
    at: Mapped[datetime]
    actor_kind: Mapped[ActorKind] = mapped_column(states(ActorKind))
    actor_id: Mapped[uuid.UUID | None]
    actor_name: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(60))
    record_type: Mapped[str] = mapped_column(String(40))
    record_id: Mapped[uuid.UUID | None]
    details: Mapped[dict[str, Any]]
