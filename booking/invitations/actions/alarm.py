"""Pausing a campaign whose first e-mails come back: the list is old, or somebody else's."""

import uuid
from collections.abc import Collection

from sqlalchemy import CursorResult, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from booking.accounts.models import Account
from booking.audit.actions import SYSTEM, record
from booking.businesses.models import Business
from booking.businesses.queries import owners
from booking.database import business_of
from booking.invitations.emails import CampaignPaused
from booking.invitations.listing import first_id
from booking.invitations.models import (
    BounceAlarm,
    Campaign,
    CampaignHold,
    Invitation,
    InvitationState,
)
from booking.mail.actions import queue

FIRST = 100
MOST_BOUNCES = 5
"""More than these among the first hundred pause the campaign."""


def watch_bounces(session: Session, invitation_ids: Collection[uuid.UUID]) -> None:
    """To be called when these came back for good, or were refused so. Pauses their campaign once,
    and writes to whoever pressed; after staff have looked and gone on, never again."""
    calm = (Campaign.hold == CampaignHold.OPEN, Campaign.bounce_alarm == BounceAlarm.NONE)
    concerned = select(Invitation.campaign_id).where(Invitation.id.in_(invitation_ids))
    for campaign in session.scalars(select(Campaign).where(*calm, Campaign.id.in_(concerned))):
        bounced, of_first = _bounced_of_the_first(session, campaign)
        if bounced > MOST_BOUNCES:
            _pause(session, campaign, bounced, of_first)


def _bounced_of_the_first(session: Session, campaign: Campaign) -> tuple[int, int]:
    """How many bounced, and of how many: a list may be shorter than a hundred. They are sent in the
    order of their ids."""
    refused = and_(Invitation.state == InvitationState.FAILED, Invitation.smtp_code >= 500)
    bounced = or_(Invitation.state == InvitationState.BOUNCED, refused)
    first = (
        select(bounced.label("bounced"))
        .where(
            Invitation.business_id == campaign.business_id,
            Invitation.campaign_id == campaign.id,
            Invitation.id >= first_id(campaign.created_at),
            Invitation.state != InvitationState.SKIPPED,
        )
        .order_by(Invitation.id)
        .limit(FIRST)
        .subquery()
    )
    query = select(func.count(case((first.c.bounced, 1))), func.count()).select_from(first)
    number, of_first = session.execute(query).one()
    return number, of_first


def _pause(session: Session, campaign: Campaign, bounced: int, of_first: int) -> None:
    because = (
        f"{bounced} of the first {of_first} e-mails came back: no such mailbox, or refused for "
        "good. Sending on to an old list makes mail servers distrust your other e-mails as well. "
        "Look at the addresses that came back before you go on."
    )
    result = session.execute(
        update(Campaign)
        .where(Campaign.id == campaign.id, Campaign.hold == CampaignHold.OPEN)
        .values(hold=CampaignHold.PAUSED, bounce_alarm=BounceAlarm.RAISED, paused_because=because)
    )
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        return
    record(session, "campaign.paused", campaign, by=SYSTEM, bounced=bounced)
    _tell(session, campaign, bounced, of_first)


def _tell(session: Session, campaign: Campaign, bounced: int, of_first: int) -> None:
    """Whoever pressed, or the owners where that was no person."""
    business = session.get_one(Business, business_of(session))
    presser = session.get(Account, campaign.created_by) if campaign.created_by else None
    email = CampaignPaused(
        sender_name=business.name,
        slug=business.slug,
        campaign_id=campaign.id,
        bounced=bounced,
        of_first=of_first,
    )
    for account in [presser] if presser else owners(session):
        queue(session, email, to=account.email, business_id=business.id)
