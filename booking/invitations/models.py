"""Campaigns (one press of the envelope) and the invitations they send."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, Owned, new_id, states


class CampaignHold(StrEnum):
    """What was decided about a campaign. That it is finished is computed, never kept."""

    OPEN = "open"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class BounceAlarm(StrEnum):
    """Whether too many of the first e-mails came back. Raised once; staff look and go on."""

    NONE = "none"
    RAISED = "raised"
    CHECKED = "checked"


class Campaign(Owned, Base):
    __tablename__ = "campaign"
    __table_args__ = (UniqueConstraint("business_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    audience: Mapped[str] = mapped_column(String(40))
    hold: Mapped[CampaignHold] = mapped_column(states(CampaignHold))
    paused_because: Mapped[str] = mapped_column(String(300), default="")
    bounce_alarm: Mapped[BounceAlarm] = mapped_column(
        states(BounceAlarm), default=BounceAlarm.NONE, server_default="none"
    )
    recipients: Mapped[int]
    skipped: Mapped[dict[str, int]]
    created_by: Mapped[uuid.UUID | None]
    created_by_name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    resumed_at: Mapped[datetime | None]


class InvitationState(StrEnum):
    """`bounced`: nobody has that address, whether the mail server said so at once or in a report
    afterwards; the address is suppressed. `failed`: it was not delivered for any other reason, and
    nothing is wrong with the address as far as anybody can tell."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"
    REVOKED = "revoked"
    ACCEPTED = "accepted"


OPEN_STATES = (
    InvitationState.QUEUED,
    InvitationState.SENDING,
    InvitationState.DEFERRED,
    InvitationState.UNCERTAIN,
)
"""Somebody is still to be written to."""


def _is_any(states_of: Iterable[InvitationState]) -> str:
    """With IN, SQLite makes a new list for each row it checks, which took a fifth of the time in
    which a campaign is laid in."""
    return " OR ".join(f"state = '{state.value}'" for state in states_of)


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


class Invitation(Owned, Base):
    """One client asked once; records that became one since keep the invitations of each. Born
    narrow, a hundred thousand at once, in few indexes; the claim fills in the rest. They have no
    foreign keys: to check two for each row took PostgreSQL half of the time that staff waited. The
    one statement that writes them takes clients of its business and holds them meanwhile; no
    campaign is ever deleted, and no client who was invited (`uses`).

    `reason` is a code of `queries.REASONS` where the row was skipped, else what the mail server
    said. The token is derived from id and generation; `email_version` binds it to the address as it
    was when sent. Expired is computed from `expires_at`. `bounced_at` is when a report came back.
    `opened_at` is when the page behind the link was first asked for: by a person or by a program
    that looks into mail for them, which nobody can tell apart. `repeated`: it was sent again
    because nobody knows whether the first copy arrived. The reminder has a claim of its own beside
    the state: `reminder_due_at` is its lease and its back-off, `reminded_at` when it left.
    """

    __tablename__ = "invitation"
    __table_args__ = (
        CheckConstraint(_is_any(InvitationState), name="invitationstate"),
        Index("ix_invitation_client", "business_id", "client_id"),
        Index("ix_invitation_due", "business_id", "due_at", "id", **_where(_is_any(OPEN_STATES))),
        Index("ix_invitation_campaign_state", "business_id", "campaign_id", "state"),
        Index("ix_invitation_email", "business_id", "email_key", **_where("email_key IS NOT NULL")),
        Index("ix_invitation_digest", "digest", unique=True, **_where("digest IS NOT NULL")),
        Index("ix_invitation_sent", "business_id", "sent_at", **_where("sent_at IS NOT NULL")),
        Index(
            "ix_invitation_reminded",
            "business_id",
            "reminded_at",
            **_where("reminded_at IS NOT NULL"),
        ),
    )

    business_id: Mapped[uuid.UUID] = mapped_column()
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    campaign_id: Mapped[uuid.UUID]
    client_id: Mapped[uuid.UUID] = mapped_column(info={"uses": "client"})
    state: Mapped[InvitationState] = mapped_column(states(InvitationState, checked=False))
    due_at: Mapped[datetime]
    email: Mapped[str | None] = mapped_column(String(254))
    email_key: Mapped[str | None] = mapped_column(String(254))
    email_version: Mapped[int | None]
    digest: Mapped[str | None] = mapped_column(String(64))
    generation: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    smtp_code: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
    sent_at: Mapped[datetime | None]
    bounced_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    repeated: Mapped[bool] = mapped_column(default=False, server_default=false())
    reminder_due_at: Mapped[datetime | None]
    reminder_attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    reminded_at: Mapped[datetime | None]


class RetiredLink(Owned, Base):
    """The digest of a link that a newer one replaced, so that its reader can be told so.

    One that had run out by `expires_at` says that and nothing else, for ever: whether a newer one
    was sent tells whether there is an account. No invitation is ever deleted: without a foreign key
    to it, a large campaign writes an index less.
    """

    __tablename__ = "retired_link"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    invitation_id: Mapped[uuid.UUID]
    expires_at: Mapped[datetime | None]
