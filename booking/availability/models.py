"""Opening hours, staff hours, closures, time off, and Busy: the intervals already given away."""

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, EpochSeconds, Owned, new_id, same_business

LONGEST_BUSY_SECONDS = 172_800


class Calendar(Base):
    """One row a business: the owner of the rule that nothing overlaps.

    `version` rises with everything that changes free times, so that an unchanged calendar can be
    answered from its version alone. `week_mark` changes with all of that but bookings: with hours,
    closures, absences, services and staff, which each process keeps as long as it stands. It is
    drawn at random and 0 at first, so that what was rolled back, or a restored database, never
    passes for what another process has kept.
    """

    __tablename__ = "calendar"

    business_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("business.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(default=0)
    week_mark: Mapped[int] = mapped_column(BigInteger, default=0)


class OpeningHours(Owned, Base):
    """One interval of one weekday (Monday is 0), in minutes of the local day."""

    __tablename__ = "opening_hours"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("start_minute >= 0 AND start_minute < end_minute", name="order"),
        CheckConstraint("end_minute <= 1440", name="day"),
        Index("ix_opening_hours_business", "business_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    weekday: Mapped[int]
    start_minute: Mapped[int]
    end_minute: Mapped[int]


class StaffHours(Owned, Base):
    """One interval of one weekday in which a staff member works."""

    __tablename__ = "staff_hours"
    __table_args__ = (
        same_business("staff_id", "staff_member", ondelete="CASCADE"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("start_minute >= 0 AND start_minute < end_minute", name="order"),
        CheckConstraint("end_minute <= 1440", name="day"),
        Index("ix_staff_hours_staff", "business_id", "staff_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[uuid.UUID]
    weekday: Mapped[int]
    start_minute: Mapped[int]
    end_minute: Mapped[int]


class Closure(Owned, Base):
    """Local dates, first to last inclusive, on which nobody can be booked."""

    __tablename__ = "closure"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="order"),
        Index("ix_closure_business", "business_id", "last_day"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    first_day: Mapped[date]
    last_day: Mapped[date]
    reason: Mapped[str] = mapped_column(String(100), default="")


class TimeOff(Owned, Base):
    __tablename__ = "time_off"
    __table_args__ = (
        same_business("staff_id", "staff_member", ondelete="CASCADE"),
        CheckConstraint("starts_at < ends_at", name="order"),
        Index("ix_time_off_staff", "business_id", "staff_id", "ends_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[uuid.UUID]
    starts_at: Mapped[datetime] = mapped_column(EpochSeconds)
    ends_at: Mapped[datetime] = mapped_column(EpochSeconds)
    reason: Mapped[str] = mapped_column(String(100), default="")


class Busy(Owned, Base):
    """[starts_at, ends_at) of one staff member, buffers included. No two of one person overlap:

    PostgreSQL holds that with an exclusion constraint, SQLite with triggers: see the end of this
    file. The bound on the length lets both range queries stop early instead of reading all history.
    """

    __tablename__ = "busy"
    __table_args__ = (
        same_business("staff_id", "staff_member", ondelete="CASCADE"),
        CheckConstraint("starts_at < ends_at", name="order"),
        CheckConstraint(f"ends_at - starts_at <= {LONGEST_BUSY_SECONDS}", name="length"),
        Index("ix_busy_staff_ends", "business_id", "ends_at", "starts_at", "staff_id"),
        Index("ix_busy_overlap", "staff_id", "starts_at", "ends_at"),
    )

    appointment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[uuid.UUID]
    starts_at: Mapped[datetime] = mapped_column(EpochSeconds)
    ends_at: Mapped[datetime] = mapped_column(EpochSeconds)


OVERLAP_CONSTRAINT = "busy_no_overlap"
OVERLAP_MESSAGE = "busy overlap"

POSTGRES_NO_OVERLAP = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    (
        f"ALTER TABLE busy ADD CONSTRAINT {OVERLAP_CONSTRAINT} EXCLUDE USING gist"
        " (staff_id WITH =, int8range(starts_at, ends_at) WITH &&)"
    ),
)
POSTGRES_OVERLAP = (f"ALTER TABLE busy DROP CONSTRAINT IF EXISTS {OVERLAP_CONSTRAINT}",)

_CLASH = f"""
    EXISTS (
        SELECT 1 FROM busy AS other
        WHERE other.staff_id = NEW.staff_id
        AND other.starts_at > NEW.starts_at - {LONGEST_BUSY_SECONDS}
        AND other.starts_at < NEW.ends_at
        AND other.ends_at > NEW.starts_at
        AND other.appointment_id <> NEW.appointment_id
    )
BEGIN SELECT RAISE(ABORT, '{OVERLAP_MESSAGE}'); END"""  # noqa: S608 - constants of this file

SQLITE_NO_OVERLAP = (
    f"CREATE TRIGGER {OVERLAP_CONSTRAINT}_insert BEFORE INSERT ON busy WHEN {_CLASH}",
    f"CREATE TRIGGER {OVERLAP_CONSTRAINT}_update BEFORE UPDATE ON busy WHEN {_CLASH}",
)
SQLITE_OVERLAP = (
    f"DROP TRIGGER IF EXISTS {OVERLAP_CONSTRAINT}_insert",
    f"DROP TRIGGER IF EXISTS {OVERLAP_CONSTRAINT}_update",
)
