"""Appointments, with a snapshot of whom and what they were agreed for."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, Owned, new_id, same_business, states


class AppointmentState(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    NO_SHOW = "no_show"


class BookedBy(StrEnum):
    GUEST = "guest"
    CLIENT = "client"
    STAFF = "staff"


class Appointment(Owned, Base):
    """A guest booking with a known address has no client until the mailbox is proved or staff
    links it; the snapshot holds what was typed.

    `sequence` is the SEQUENCE of RFC 5545: it rises whenever time or state change.
    `generation` is that of the manage link in the guest's e-mail, which is found by its digest.
    """

    __tablename__ = "appointment"
    __table_args__ = (
        UniqueConstraint("business_id", "id"),
        same_business("client_id", "client"),
        same_business("service_id", "service"),
        same_business("staff_id", "staff_member"),
        same_business("policy_id", "policy_version"),
        CheckConstraint("starts_at < ends_at", name="order"),
        Index("ix_appointment_client_start", "client_id", "business_id", "starts_at"),
        Index("ix_appointment_start", "business_id", "starts_at"),
        Index("ix_appointment_email", "business_id", "email_key"),
        Index("ix_appointment_state", "state", "hold_expires_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[AppointmentState] = mapped_column(states(AppointmentState))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    service_id: Mapped[uuid.UUID]
    staff_id: Mapped[uuid.UUID]
    client_id: Mapped[uuid.UUID | None]
    service_name: Mapped[str] = mapped_column(String(100))
    price_minor: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    first_name: Mapped[str] = mapped_column(String(100))
    last_name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str | None] = mapped_column(String(254))
    mobile_phone: Mapped[str] = mapped_column(String(60))
    pets: Mapped[list[dict[str, Any]]]
    note: Mapped[str] = mapped_column(String(1000), default="")
    booked_by: Mapped[BookedBy] = mapped_column(states(BookedBy))
    policy_id: Mapped[uuid.UUID | None]
    hold_expires_at: Mapped[datetime | None]
    reschedules: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(500), default="")
    sequence: Mapped[int] = mapped_column(default=0)
    generation: Mapped[int] = mapped_column(default=0)
    manage_digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def client_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email


class CalendarFeed(Owned, Base):
    """The secret address of an account's calendar; raising the generation ends the old one."""

    __tablename__ = "calendar_feed"
    __table_args__ = (UniqueConstraint("business_id", "account_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[uuid.UUID]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    generation: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
