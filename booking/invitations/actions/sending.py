"""Claiming invitations that are due, and marking what became of them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from booking import clock
from booking.businesses.models import Business
from booking.clients.models import Client
from booking.database import across_businesses, business_of, settings_of
from booking.invitations import queries
from booking.invitations.emails import ClientInvitation
from booking.invitations.models import Campaign, CampaignHold, Invitation, InvitationState
from booking.mail.actions import next_state, stale_at
from booking.mail.models import EmailState
from booking.mail.transports import Outcome
from booking.preferences.actions import current
from booking.tokens import Purpose, keyring


@dataclass(frozen=True, slots=True)
class Claimed:
    """One invitation that this worker alone may send, as plain values."""

    id: uuid.UUID
    message_key: uuid.UUID
    to_email: str
    email: ClientInvitation
    attempts: int
    written_at: datetime
    stale_at: datetime


def due_businesses(session: Session) -> list[uuid.UUID]:
    """The businesses with invitations to send now."""
    with across_businesses(session):
        return list(session.scalars(select(Invitation.business_id).where(_due()).distinct()))


def _due() -> ColumnElement[bool]:
    moment = clock.now()
    return or_(
        Invitation.state.in_(
            [InvitationState.QUEUED, InvitationState.DEFERRED, InvitationState.UNCERTAIN]
        ),
        (Invitation.state == InvitationState.SENDING) & (Invitation.lease_until < moment),
    ) & (Invitation.due_at <= moment)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one claim took: `claimed` is to be sent; the rest of `taken` rows was skipped."""

    taken: int
    claimed: list[Claimed]


def claim(session: Session, limit: int = 10) -> Batch:
    """Due invitations of this business, asked again whether they may still be sent.

    Who made a login, left, unsubscribed or changed the address meanwhile is skipped, with the
    reason. While the switch is at NO nothing is claimed: the rows wait. A row whose lease ended
    belongs to a worker that died while sending; it is sent again as the same message.
    """
    if not current(session).client_settings.allow_client_online_account_access:
        return Batch(0, [])
    rows = _take(session, limit)
    verdict = queries.eligibility(session, asked_for=True)
    found = {
        client.id: (client, reason)
        for client, reason in session.execute(
            select(Client, verdict).where(Client.id.in_([row.client_id for row in rows]))
        )
    }
    business = session.get_one(Business, business_of(session))
    claimed = []
    for row in rows:
        client, reason = found[row.client_id]
        if reason == queries.ELIGIBLE:
            claimed.append(_fill(session, row, client, business))
        else:
            row.state, row.reason, row.lease_until = InvitationState.SKIPPED, reason, None
    return Batch(len(rows), claimed)


def _take(session: Session, limit: int) -> list[Invitation]:
    return list(
        session.scalars(
            select(Invitation)
            .join(
                Campaign,
                (Campaign.id == Invitation.campaign_id)
                & (Campaign.business_id == Invitation.business_id),
            )
            .where(_due(), Campaign.hold == CampaignHold.OPEN)
            .order_by(Invitation.due_at, Invitation.id)
            .limit(limit)
            .with_for_update(of=Invitation, skip_locked=True)
        )
    )


def _fill(session: Session, row: Invitation, client: Client, business: Business) -> Claimed:
    settings = settings_of(session)
    chosen = current(session).invitations
    moment = clock.now()
    keys = keyring(settings.secret)
    row.state = InvitationState.SENDING
    row.attempts += 1
    row.lease_until = moment + timedelta(seconds=settings.send_lease_seconds)
    row.email, row.email_key = client.email, client.email_key
    row.email_version = client.email_version
    row.digest = keys.digest(
        Purpose.INVITATION, keys.derive(Purpose.INVITATION, row.id, row.generation)
    )
    row.expires_at = row.expires_at or moment + timedelta(days=chosen.invite_validity_days)
    email = ClientInvitation(
        sender_name=business.name,
        reply_to=chosen.invite_reply_to or business.email,
        invitation_id=row.id,
        generation=row.generation,
        first_name=client.first_name,
        message=chosen.invite_message,
        days=chosen.invite_validity_days,
    )
    return Claimed(
        id=row.id,
        message_key=uuid.uuid5(row.id, str(row.generation)),
        to_email=client.email,
        email=email,
        attempts=row.attempts,
        written_at=row.due_at,
        stale_at=stale_at(moment, settings.send_lease_seconds),
    )


def give_back(session: Session, claimed: Sequence[Claimed]) -> None:
    """Claimed, but not tried: somebody else may have them at once."""
    for one in claimed:
        session.execute(
            update(Invitation)
            .where(
                Invitation.id == one.id,
                Invitation.state == InvitationState.SENDING,
                Invitation.attempts == one.attempts,
            )
            .values(state=InvitationState.QUEUED, lease_until=None, attempts=one.attempts - 1)
            .execution_options(synchronize_session=False)
        )


def mark(session: Session, claimed: Claimed, outcome: Outcome) -> None:
    """Write down what became of one. Changes nothing when the claim was lost meanwhile, or when
    the person was quick enough to accept already."""
    moment = clock.now()
    state, due_at = next_state(outcome, claimed.attempts, moment)
    session.execute(
        update(Invitation)
        .where(
            Invitation.id == claimed.id,
            Invitation.state == InvitationState.SENDING,
            Invitation.attempts == claimed.attempts,
        )
        .values(
            state=InvitationState(state.value),
            due_at=due_at,
            lease_until=None,
            smtp_code=outcome.code,
            reason="" if state is EmailState.SENT else outcome.reason[:300],
            sent_at=moment if state is EmailState.SENT else None,
        )
        .execution_options(synchronize_session=False)
    )
