"""Businesses, their members, and members who were invited."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, Owned, new_id, states


class Business(Base):
    """`invitations_per_day`: the most that may leave, where operators of the service set one."""

    __tablename__ = "business"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    about: Mapped[str] = mapped_column(String(1000), default="")
    timezone: Mapped[str] = mapped_column(String(64))
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    email: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    accent: Mapped[str] = mapped_column(String(7), default="#0f6b5c")
    invitations_per_day: Mapped[int | None]
    created_at: Mapped[datetime]


class Role(StrEnum):
    OWNER = "owner"
    MANAGER = "manager"
    STAFF = "staff"


class Member(Owned, Base):
    """An account with a role in a business."""

    __tablename__ = "member"
    __table_args__ = (UniqueConstraint("business_id", "account_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[Role] = mapped_column(states(Role))
    created_at: Mapped[datetime]


class MemberInvitation(Owned, Base):
    """A member asked by e-mail; the proof mailed to them points here."""

    __tablename__ = "member_invitation"
    __table_args__ = (UniqueConstraint("business_id", "email_key"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(60))
    role: Mapped[Role] = mapped_column(states(Role))
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
