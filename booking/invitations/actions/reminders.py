"""One second e-mail to those who have not accepted, and never more.

It has a claim of its own beside the invitation's state: the row goes on counting as sent. The link
is the one of the invitation and lives on unchanged, so both e-mails open the same page; whose link
has run out, or whose address changed since, is not reminded.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from booking import clock
from booking.businesses.models import Business
from booking.clients.models import Client
from booking.database import across_businesses, business_of, settings_of
from booking.invitations import queries
from booking.invitations.actions import coming_back, pacing
from booking.invitations.emails import InvitationReminder
from booking.invitations.models import Campaign, CampaignHold, Invitation, InvitationState
from booking.mail.actions import next_state, stale_at
from booking.mail.models import EmailState
from booking.mail.transports import Outcome, Stage
from booking.preferences.actions import current
from booking.preferences.models import PreferenceSet

_DAYS = ("invitations", "invite_reminder_days")
_LONGEST_LIFE = timedelta(days=61)
_NEVER = timedelta(days=365)
_MAY_BE_REMINDED = (queries.ELIGIBLE, "recently_invited", "invited_too_often")


@dataclass(frozen=True, slots=True)
class Claimed:
    """One reminder that this worker alone may send, as plain values."""

    id: uuid.UUID
    to_email: str
    email: InvitationReminder
    attempts: int
    written_at: datetime
    stale_at: datetime


def reminding_businesses(session: Session) -> list[uuid.UUID]:
    """Those that have chosen to remind. The session looks across businesses."""
    with across_businesses(session):
        days = PreferenceSet.chosen[_DAYS].as_integer()
        return list(session.scalars(select(PreferenceSet.business_id).where(days > 0)))


def claim(session: Session, limit: int = 10) -> list[Claimed]:
    """Due reminders of this business, oldest invitation first. Whoever must not be written to any
    more, for whatever reason of eligibility, is passed over; pace and quiet hours hold as for
    invitations."""
    chosen = current(session)
    days = timedelta(days=chosen.invitations.invite_reminder_days)
    if not (days and chosen.client_settings.allow_client_online_account_access):
        return []
    business = session.get_one(Business, business_of(session))
    most = pacing.may_leave_now(session, business, limit)
    if not most:
        return []
    moment = clock.now()
    rows = session.execute(_due(session, moment, days).limit(most)).all()
    lease = settings_of(session).send_lease_seconds
    for row in rows:
        row.Invitation.reminder_due_at = moment + timedelta(seconds=lease)
        row.Invitation.reminder_attempts += 1
    session.flush()
    stale = stale_at(moment, lease)
    reply_to = chosen.invitations.invite_reply_to or business.email
    return [_claimed(row, business, reply_to, moment, stale) for row in rows]


def _due(session: Session, moment: datetime, days: timedelta) -> Any:
    verdict = queries.eligibility(in_hand=True)
    return (
        select(Invitation, Client.first_name)
        .join(
            Campaign,
            (Campaign.id == Invitation.campaign_id)
            & (Campaign.business_id == Invitation.business_id),
        )
        .join(
            Client,
            (Client.id == Invitation.client_id) & (Client.business_id == Invitation.business_id),
        )
        .where(
            Invitation.business_id == business_of(session),
            Invitation.sent_at <= moment - days,
            Invitation.sent_at > moment - _LONGEST_LIFE,
            Invitation.state == InvitationState.SENT,
            Invitation.reminded_at.is_(None),
            or_(Invitation.reminder_due_at.is_(None), Invitation.reminder_due_at <= moment),
            Invitation.expires_at > moment,
            Invitation.email_version == Client.email_version,
            Campaign.hold == CampaignHold.OPEN,
            ~_invited_again_since(),
            verdict.in_(_MAY_BE_REMINDED),
        )
        .order_by(Invitation.sent_at, Invitation.id)
        .with_for_update(of=Invitation, skip_locked=True)
        .params(**queries.parameters(session))
    )


def _invited_again_since() -> ColumnElement[bool]:
    """By another campaign: then that one reminds."""
    later = aliased(Invitation)
    return exists().where(
        later.business_id == Invitation.business_id,
        later.client_id == Invitation.client_id,
        later.id != Invitation.id,
        or_(later.sent_at > Invitation.sent_at, later.reminded_at > Invitation.sent_at),
    )


def _claimed(
    row: Row[Any], business: Business, reply_to: str, moment: datetime, stale: datetime
) -> Claimed:
    invitation: Invitation = row.Invitation
    assert invitation.email is not None
    assert invitation.expires_at is not None
    return Claimed(
        id=invitation.id,
        to_email=invitation.email,
        email=InvitationReminder(
            sender_name=business.name,
            reply_to=reply_to,
            invitation_id=invitation.id,
            generation=invitation.generation,
            first_name=row.first_name,
            message="",
            days=ceil((invitation.expires_at - moment) / timedelta(days=1)),
            feedback_id=f"{invitation.campaign_id.hex}:{business.id.hex}:reminder:booking",
        ),
        attempts=invitation.reminder_attempts,
        written_at=moment,
        stale_at=stale,
    )


def give_back(session: Session, claimed: Sequence[Claimed]) -> None:
    """Claimed, but not tried."""
    for one in claimed:
        session.execute(
            update(Invitation)
            .where(_is_ours(one))
            .values(reminder_due_at=None, reminder_attempts=one.attempts - 1)
        )


def mark(session: Session, claimed: Claimed, outcome: Outcome) -> None:
    """What became of it. An address that refuses for good fails the invitation as well, or has it
    bounced."""
    moment = clock.now()
    state, due_at = next_state(
        outcome, claimed.attempts, moment, was_uncertain=claimed.attempts > 1
    )
    values: dict[str, Any] = {"reminder_due_at": due_at}
    if state is EmailState.SENT:
        values = {"reminded_at": moment, "reminder_due_at": None}
    elif state is EmailState.FAILED:
        values = {"reminder_due_at": moment + _NEVER}
    session.execute(update(Invitation).where(_is_ours(claimed)).values(**values))
    if outcome.stage is Stage.REFUSED and outcome.code is not None:
        session.execute(
            update(Invitation)
            .where(_is_ours(claimed), Invitation.state == InvitationState.SENT)
            .values(
                state=coming_back.state_of_refused(outcome),
                smtp_code=outcome.code,
                reason=outcome.reason[:300],
            )
        )
        coming_back.refused(session, [claimed.id])


def _is_ours(claimed: Claimed) -> ColumnElement[bool]:
    return and_(
        Invitation.id == claimed.id,
        Invitation.reminder_attempts == claimed.attempts,
        Invitation.reminded_at.is_(None),
    )
