"""Sign-ups that wait for their mailbox to be proved."""

import uuid
from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, Owned, new_id


class SignUp(Owned, Base):
    """Typed by somebody who may not own the address: nothing here can sign in.

    The typed password counts only together with the `sign_up_token` of the browser that typed it,
    of which `browser_digest` is kept.
    """

    __tablename__ = "sign_up"
    __table_args__ = (
        UniqueConstraint("business_id", "id"),
        Index("ix_sign_up_email", "business_id", "email_key"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254))
    first_name: Mapped[str] = mapped_column(String(100))
    last_name: Mapped[str] = mapped_column(String(100))
    mobile_phone: Mapped[str] = mapped_column(String(60), default="")
    password_hash: Mapped[str | None] = mapped_column(String(200))
    browser_digest: Mapped[str] = mapped_column(String(64))
    appointment_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
