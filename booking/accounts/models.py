"""Accounts, their sessions, and the proofs that were mailed to them."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, new_id, states
from booking.tokens import Purpose


class Account(Base):
    """A login. Staff logins are one for the whole service (`business_id` null); a pet owner's
    login belongs to one business.

    `epoch` rises whenever access must end at the next request; every session carries the epoch it
    was opened in. The secret of the second factor is derived from the id and `totp_generation`,
    never kept; it counts once `second_factor_since` is set.
    """

    __tablename__ = "account"
    __table_args__ = (
        Index(
            "uq_account_staff_email",
            "email_key",
            unique=True,
            sqlite_where=text("business_id IS NULL"),
            postgresql_where=text("business_id IS NULL"),
        ),
        Index(
            "uq_account_client_email",
            "business_id",
            "email_key",
            unique=True,
            sqlite_where=text("business_id IS NOT NULL"),
            postgresql_where=text("business_id IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    business_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("business.id", ondelete="CASCADE")
    )
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(200), default="")
    password_hash: Mapped[str | None] = mapped_column(String(200))
    second_factor_since: Mapped[datetime | None]
    totp_generation: Mapped[int] = mapped_column(default=0)
    totp_last_step: Mapped[int] = mapped_column(default=0)
    epoch: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class SessionKind(StrEnum):
    BROWSER = "browser"
    API = "api"


class SignInSession(Base):
    """A live sign-in, of a browser or a program: 256 random bits, of which a digest is kept."""

    __tablename__ = "sign_in_session"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[SessionKind] = mapped_column(states(SessionKind))
    epoch: Mapped[int]
    device: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Proof(Base):
    """A mailed secret that proves a mailbox: a link, a six-digit code, or both.

    `subject_id` is what is proved for: an account, a sign-up, an appointment. Link and code are
    derived from the id (house rule of tokens); both digests are kept. Five wrong codes end the
    code; the link, which nobody can guess, lives on. A newer proof of the same purpose and subject
    replaces this one.
    """

    __tablename__ = "proof"
    __table_args__ = (Index("ix_proof_subject", "purpose", "subject_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    purpose: Mapped[Purpose] = mapped_column(states(Purpose))
    business_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("business.id", ondelete="CASCADE")
    )
    subject_id: Mapped[uuid.UUID]
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254), index=True)
    link_digest: Mapped[str] = mapped_column(String(64), unique=True)
    code_digest: Mapped[str] = mapped_column(String(64))
    wrong_codes: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Operator(Base):
    """A staff login that runs the whole service: posts its notices, sets plans and caps. It is no
    role in a business: whoever is not its member sees nothing of one."""

    __tablename__ = "operator"

    account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    added_at: Mapped[datetime]
