"""What clients are recognised by, and the pairs of records that may be one person."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, Owned, OwnedPart, new_id, same_business, states


class ClientKey(OwnedPart, Base):
    """One thing a client may be found by: an address, a number, a way to write the name.

    `key` is the number `rules.keys` gives it, `name` stands for the client's visible name: how many
    different names share a key is counted from the index alone.
    """

    __tablename__ = "client_key"
    __table_args__ = (
        PrimaryKeyConstraint("business_id", "key", "client_id", postgresql_include=["name"]),
        same_business("client_id", "client", ondelete="CASCADE"),
        Index("ix_client_key_client", "business_id", "client_id"),
        {"sqlite_with_rowid": False},
    )

    key: Mapped[int] = mapped_column(BigInteger, autoincrement=False)
    client_id: Mapped[uuid.UUID]
    name: Mapped[int]


class MatchState(StrEnum):
    """What staff decided. LINKED: the visit or the login is that client's. Two records that were
    linked are one: their match went with the merge."""

    OPEN = "open"
    REJECTED = "rejected"
    HOUSEHOLD = "household"
    LINKED = "linked"


class Origin(StrEnum):
    """What raised the question; LIST: the look through the records there are."""

    SIGN_UP = "sign_up"
    BOOKING = "booking"
    STAFF = "staff"
    IMPORT = "import"
    LIST = "list"


class Match(Owned, Base):
    """Perhaps the same person: a client, and another record, a visit without a client, or a login
    without one. The same two are asked about once; the decision stays.

    Of two clients the one with the smaller id is `client_id`; `newcomer_id` is the one of them that
    came last and raised the question. `agrees` and `differs` are sentences for people.
    """

    __tablename__ = "match"
    __table_args__ = (
        UniqueConstraint("business_id", "id"),
        UniqueConstraint("business_id", "client_id", "other_id"),
        UniqueConstraint("business_id", "client_id", "appointment_id"),
        UniqueConstraint("business_id", "client_id", "account_id"),
        same_business("client_id", "client", ondelete="CASCADE"),
        same_business("other_id", "client", ondelete="CASCADE"),
        same_business("appointment_id", "appointment", ondelete="CASCADE"),
        CheckConstraint("client_id < other_id", name="order"),
        CheckConstraint(
            "(CASE WHEN other_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN appointment_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN account_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_other",
        ),
        Index("ix_match_state", "business_id", "state", "score", "id"),
        Index("ix_match_other", "business_id", "other_id"),
        Index("ix_match_raised", "business_id", "state", "origin"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[uuid.UUID]
    other_id: Mapped[uuid.UUID | None]
    appointment_id: Mapped[uuid.UUID | None]
    account_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE")
    )
    newcomer_id: Mapped[uuid.UUID | None]
    origin: Mapped[Origin] = mapped_column(states(Origin))
    score: Mapped[float]
    agrees: Mapped[list[str]]
    differs: Mapped[list[str]]
    state: Mapped[MatchState] = mapped_column(states(MatchState), default=MatchState.OPEN)
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(String(200), default="")


class Newcomer(Owned, Base):
    """Somebody who came and is still to be held against the list: a new client, or a visit or a
    login without one. `person` is what they typed.

    Whoever comes in leaves this one row and is answered; the looking is the worker's. So nobody can
    tell by the answer, or by the time it takes, whom the business knows.
    """

    __tablename__ = "newcomer"
    __table_args__ = (
        same_business("client_id", "client", ondelete="CASCADE"),
        same_business("appointment_id", "appointment", ondelete="CASCADE"),
        Index("ix_newcomer_business", "business_id", "id"),
        Index("ix_newcomer_client", "business_id", "client_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[uuid.UUID | None]
    appointment_id: Mapped[uuid.UUID | None]
    account_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE")
    )
    origin: Mapped[Origin] = mapped_column(states(Origin))
    person: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class ScanState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


class Scan(Owned, Base):
    """One look through a whole list for duplicates: `done` of `total` clients compared.

    `beat_at` moves while somebody works on it; when it stands still, another may begin anew.
    """

    __tablename__ = "scan"
    __table_args__ = (
        UniqueConstraint("business_id", "id"),
        Index("ix_scan_state", "state", "business_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[ScanState] = mapped_column(states(ScanState), default=ScanState.QUEUED)
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    found: Mapped[int] = mapped_column(default=0)
    created_by_name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    beat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
