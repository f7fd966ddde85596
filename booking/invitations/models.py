"""Campaigns (one press of the envelope) and the invitations they send."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, Owned, new_id, same_business, states


class CampaignHold(StrEnum):
    """What was decided about a campaign. That it is finished is computed, never kept."""

    OPEN = "open"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class Campaign(Owned, Base):
    __tablename__ = "campaign"
    __table_args__ = (UniqueConstraint("business_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    audience: Mapped[str] = mapped_column(String(40))
    hold: Mapped[CampaignHold] = mapped_column(states(CampaignHold))
    paused_because: Mapped[str] = mapped_column(String(300), default="")
    recipients: Mapped[int]
    skipped: Mapped[dict[str, int]]
    created_by: Mapped[uuid.UUID | None]
    created_by_name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]


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


class Invitation(Owned, Base):
    """One client asked once. Born narrow; the claim fills in the rest.

    `reason` is a code of `queries.REASONS` where the row was skipped, else what the mail server
    said. The token is derived from id and generation; `email_version` binds it to the address as it
    was when sent. Expired is computed from `expires_at`. `bounced_at` is when a report came back.
    `opened_at` is when the page behind the link was first asked for: by a person or by a program
    that looks into mail for them, which nobody can tell apart.
    """

    __tablename__ = "invitation"
    __table_args__ = (
        UniqueConstraint("business_id", "id"),
        UniqueConstraint("business_id", "campaign_id", "client_id"),
        same_business("campaign_id", "campaign", ondelete="CASCADE"),
        same_business("client_id", "client", ondelete="CASCADE"),
        Index("ix_invitation_client", "business_id", "client_id"),
        Index("ix_invitation_due", "state", "due_at"),
        Index("ix_invitation_campaign_state", "business_id", "campaign_id", "state"),
        Index("ix_invitation_email", "business_id", "email_key"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    campaign_id: Mapped[uuid.UUID]
    client_id: Mapped[uuid.UUID]
    state: Mapped[InvitationState] = mapped_column(states(InvitationState))
    due_at: Mapped[datetime]
    email: Mapped[str | None] = mapped_column(String(254))
    email_key: Mapped[str | None] = mapped_column(String(254))
    email_version: Mapped[int | None]
    digest: Mapped[str | None] = mapped_column(String(64), unique=True)
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


class RetiredLink(Owned, Base):
    """The digest of a link that a newer one replaced, so that its reader can be told so.

    One that had run out by `expires_at` says that and nothing else, for ever: whether a newer one
    was sent tells whether there is an account.
    """

    __tablename__ = "retired_link"
    __table_args__ = (same_business("invitation_id", "invitation", ondelete="CASCADE"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    invitation_id: Mapped[uuid.UUID]
    expires_at: Mapped[datetime | None]
