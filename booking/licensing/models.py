"""Registrations of installed programs, and the serial numbers they were given."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, Owned, new_id, same_business, states

_ACTIVE = text("state = 'active'")
_OF_A_REGISTRATION = text("registration_id IS NOT NULL")
_TEMPORARY = text("registration_id IS NULL")


class RegistrationState(StrEnum):
    """`released`: not used any more; `revoked`: the machine is lost. Either frees the seat."""

    ACTIVE = "active"
    RELEASED = "released"
    REVOKED = "revoked"


class Registration(Owned, Base):
    """One installation of the program. While it is active it takes a seat.

    The token is derived from the id and `token_generation`, which rises when the same installation
    registers again; what ended is not taken up again, a new registration begins.
    """

    __tablename__ = "registration"
    __table_args__ = (
        UniqueConstraint("business_id", "id"),
        Index(
            "uq_registration_active",
            "business_id",
            "installation_id",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    product: Mapped[str] = mapped_column(String(60))
    installation_id: Mapped[str] = mapped_column(String(100))
    machine_name: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(60))
    """as people call it; the machine's own until somebody changes it"""
    state: Mapped[RegistrationState] = mapped_column(states(RegistrationState))
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    token_generation: Mapped[int] = mapped_column(default=0)
    registered_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class IssuedNumber(Owned, Base):
    """A serial number: one for each period of a registration; without a registration, the temporary
    one that was e-mailed for the period. `period_ends_at` names the period: until then it is paid.
    """

    __tablename__ = "serial_number"
    __table_args__ = (
        same_business("registration_id", "registration", ondelete="CASCADE"),
        Index(
            "uq_serial_number_period",
            "business_id",
            "registration_id",
            "period_ends_at",
            unique=True,
            sqlite_where=_OF_A_REGISTRATION,
            postgresql_where=_OF_A_REGISTRATION,
        ),
        Index(
            "uq_serial_number_temporary",
            "business_id",
            "period_ends_at",
            unique=True,
            sqlite_where=_TEMPORARY,
            postgresql_where=_TEMPORARY,
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    registration_id: Mapped[uuid.UUID | None]
    number: Mapped[str] = mapped_column(String(19), unique=True)
    period_ends_at: Mapped[datetime]
    issued_at: Mapped[datetime]
