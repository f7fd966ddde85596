"""Campaigns: pressing the envelope, watching it, holding it back."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from booking.api.caller import Caller, StaffReads, StaffWrites
from booking.api.idempotent import IdempotentRoute
from booking.api.invitations import InvitationOut, invitation_out
from booking.api.lists import Cursor, Limit, decode_cursor, encode_cursor
from booking.api.resource import resource
from booking.businesses.queries import this_business
from booking.errors import Invalid
from booking.exports import MEDIA_TYPE, campaign_csv
from booking.fields import Line200
from booking.gate import stays_open
from booking.invitations import listing, queries
from booking.invitations.actions import campaigns, pacing
from booking.invitations.listing import Wanted
from booking.invitations.models import Campaign

router = resource("/businesses/{slug}/campaigns", tag="invitations", route_class=IdempotentRoute)

ShownState = Literal[
    "queued",
    "sending",
    "sent",
    "deferred",
    "bounced",
    "failed",
    "uncertain",
    "accepted",
    "expired",
    "skipped",
    "revoked",
]
_Filter = Literal[ShownState, "opened"]


def _wanted(
    state: Annotated[
        _Filter | None, Query(description="`opened`: whose link was opened, and not accepted yet")
    ] = None,
    q: Annotated[Line200, Query(description="words of names, addresses, phones, pets")] = "",
) -> Wanted:
    return Wanted(state, q)


Filter = Annotated[Wanted, Depends(_wanted)]


class CampaignIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    audience: Literal["active_without_account"] | None = None
    client_ids: Annotated[list[uuid.UUID], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "CampaignIn":
        if (self.audience is None) == (self.client_ids is None):
            raise PydanticCustomError("one_of_both", "Send either an audience or client_ids.")
        return self


class CampaignOut(BaseModel):
    """`state` and `counts` are computed from the invitations each time; each counts once.

    `waits_for` is quiet_hours, daily_cap or pace while one of them holds the sending back, until
    `goes_on_at`. `delivered`, `opened` and `accepted` are each part of the one before.
    """

    id: uuid.UUID
    audience: str
    state: Literal["queued", "sending", "paused", "finished", "cancelled"]
    paused_because: str
    recipients: int
    skipped: dict[str, int]
    counts: dict[str, int]
    delivered: int
    opened: int
    reminded: int
    waits_for: str | None
    goes_on_at: datetime | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class CampaignList(BaseModel):
    items: list[CampaignOut]
    next_cursor: str | None = None


class InvitationList(BaseModel):
    items: list[InvitationOut]
    next_cursor: str | None


@router.post("", status_code=202)
def start(caller: StaffWrites, body: CampaignIn, response: Response) -> CampaignOut:
    """Pressed again while one for that audience is open: 200, and that one."""
    if body.client_ids is not None:
        return _shown(caller, campaigns.invite(caller.session, body.client_ids, by=caller.actor))
    campaign, is_new = campaigns.invite_all(caller.session, by=caller.actor)
    if not is_new:
        response.status_code = 200
    return _shown(caller, campaign)


@router.get("")
def list_campaigns(caller: StaffReads) -> CampaignList:
    """The latest fifty."""
    return CampaignList(
        items=[_shown(caller, campaign) for campaign in queries.campaigns(caller.session)]
    )


@router.get("/{campaign_id}")
def get_campaign(caller: StaffReads, campaign_id: uuid.UUID) -> CampaignOut:
    return _shown(caller, queries.campaign(caller.session, campaign_id))


@router.post("/{campaign_id}/pause")
@stays_open
def pause(caller: StaffWrites, campaign_id: uuid.UUID) -> CampaignOut:
    campaign = queries.campaign(caller.session, campaign_id)
    campaigns.pause(caller.session, campaign, by=caller.actor)
    return _shown(caller, campaign)


@router.post("/{campaign_id}/resume")
def resume(caller: StaffWrites, campaign_id: uuid.UUID) -> CampaignOut:
    campaign = queries.campaign(caller.session, campaign_id)
    campaigns.resume(caller.session, campaign, by=caller.actor)
    return _shown(caller, campaign)


@router.post("/{campaign_id}/cancel")
@stays_open
def cancel(caller: StaffWrites, campaign_id: uuid.UUID) -> CampaignOut:
    campaign = queries.campaign(caller.session, campaign_id)
    campaigns.cancel(caller.session, campaign, by=caller.actor)
    return _shown(caller, campaign)


@router.get("/{campaign_id}/invitations")
def list_invitations(
    caller: StaffReads,
    campaign_id: uuid.UUID,
    wanted: Filter,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> InvitationList:
    """By client name, as they were queued."""
    campaign = queries.campaign(caller.session, campaign_id)
    rows = listing.invitations(
        caller.session, campaign, wanted, after=_after(cursor), limit=limit + 1
    )
    shown = rows[:limit]
    more = encode_cursor(shown[-1].invitation.id) if len(rows) > limit else None
    return InvitationList(
        items=[invitation_out(row.invitation, row.client, row.state) for row in shown],
        next_cursor=more,
    )


@router.get("/{campaign_id}/invitations.csv", response_class=Response)
def export_invitations(caller: StaffReads, campaign_id: uuid.UUID, wanted: Filter) -> Response:
    """Everybody the campaign was for, with state, reason and times."""
    campaign = queries.campaign(caller.session, campaign_id)
    return Response(
        campaign_csv(listing.every_line(caller.session, campaign, wanted)),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": 'attachment; filename="invitations.csv"'},
    )


def _after(cursor: str | None) -> uuid.UUID | None:
    parts = decode_cursor(cursor, 1)
    if parts is None:
        return None
    try:
        return uuid.UUID(str(parts[0]))
    except ValueError:
        raise Invalid.field("cursor", "Use the next_cursor of an earlier answer.") from None


def _shown(caller: Caller, campaign: Campaign) -> CampaignOut:
    standing = queries.standing(caller.session, campaign)
    now = pacing.allowance_now(caller.session, this_business(caller.session))
    is_held = standing.state in ("queued", "sending") and not now.most
    return CampaignOut.model_validate(
        {
            "id": campaign.id,
            "audience": campaign.audience,
            "state": standing.state,
            "paused_because": standing.paused_because,
            "recipients": campaign.recipients,
            "skipped": campaign.skipped,
            "counts": standing.counts,
            "delivered": standing.delivered,
            "opened": standing.opened,
            "reminded": standing.reminded,
            "waits_for": now.because if is_held else None,
            "goes_on_at": now.goes_on_at if is_held else None,
            "created_by": campaign.created_by_name,
            "created_at": campaign.created_at,
            "started_at": standing.started_at,
            "finished_at": standing.finished_at,
        }
    )
