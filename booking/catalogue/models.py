"""Services, staff members, and who performs what."""

import uuid

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, Owned, new_id, same_business


class Service(Owned, Base):
    """Something that can be booked. `price_minor` is in minor units; null means "on request"."""

    __tablename__ = "service"
    __table_args__ = (UniqueConstraint("business_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(String(1000), default="")
    duration_minutes: Mapped[int]
    buffer_before_minutes: Mapped[int | None]
    buffer_after_minutes: Mapped[int | None]
    price_minor: Mapped[int | None]
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class StaffMember(Owned, Base):
    """Someone who performs services; not necessarily someone who signs in."""

    __tablename__ = "staff_member"
    __table_args__ = (UniqueConstraint("business_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(60), default="")
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class Performs(Owned, Base):
    """This staff member performs that service."""

    __tablename__ = "performs"
    __table_args__ = (
        same_business("service_id", "service", ondelete="CASCADE"),
        same_business("staff_id", "staff_member", ondelete="CASCADE"),
        Index("ix_performs_staff", "business_id", "staff_id"),
    )

    service_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
