"""What is kept of a business's choices, and of who changed them."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, Owned, new_id


class PreferenceSet(Base):
    """A business's choices: only what differs from the defaults, as {section: {key: value}}."""

    __tablename__ = "preference_set"

    business_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("business.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int]
    chosen: Mapped[dict[str, Any]]


class PreferenceChange(Owned, Base):
    """One preference of one save."""

    __tablename__ = "preference_change"
    __table_args__ = (Index("ix_preference_change_business_at", "business_id", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime]
    version: Mapped[int]
    account_id: Mapped[uuid.UUID | None]
    account_name: Mapped[str] = mapped_column(String(200))
    field: Mapped[str] = mapped_column(String(80))
    old: Mapped[Any] = mapped_column(JSON)
    new: Mapped[Any] = mapped_column(JSON)


class PolicyVersion(Owned, Base):
    """A cancellation policy as clients have seen it; bookings point at the one they agreed to."""

    __tablename__ = "policy_version"
    __table_args__ = (
        UniqueConstraint("business_id", "number"),
        UniqueConstraint("business_id", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int]
    text: Mapped[str] = mapped_column(String(5000))
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
