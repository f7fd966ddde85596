"""Campaigns: how the sending goes, to whom, and holding it back."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.errors import Conflict, Expired, Refusal
from booking.invitations import queries
from booking.invitations.actions import campaigns, links
from booking.invitations.models import Campaign
from booking.invitations.queries import Listed, Standing
from booking.web.page import redirect, render
from booking.web.reasons import STATES, said_of, skipped_lines
from booking.web.visitor import MemberReads, MemberWrites, Visitor

router = APIRouter(include_in_schema=False)

_PAGE = 50
_AUDIENCES = {
    campaigns.EVERYONE: "All active clients without a login",
    campaigns.CHOSEN: "Chosen clients",
}
_MAY_GO_AGAIN = {"sent", "expired", "failed", "bounced", "revoked", "skipped"}
_MAY_BE_TAKEN_BACK = {"queued", "deferred", "sent", "uncertain", "expired"}


@router.get("/manage/{slug}/campaigns")
def list_page(visitor: MemberReads, request: Request) -> Response:
    found = queries.campaigns(visitor.session)
    return render(
        request,
        "campaigns/list.html",
        visitor=visitor,
        rows=[(each, queries.standing(visitor.session, each)) for each in found],
        audiences=_AUDIENCES,
    )


@router.get("/manage/{slug}/campaigns/{campaign_id:uuid}")
def campaign_page(visitor: MemberReads, request: Request, campaign_id: uuid.UUID) -> Response:
    """With `X-Partial` only the inside of what moves."""
    campaign = queries.campaign(visitor.session, campaign_id)
    is_part = request.headers.get("x-partial") is not None
    template = "campaigns/standing.html" if is_part else "campaigns/show.html"
    return render(request, template, visitor=visitor, **_shown(visitor, request, campaign))


@router.post("/manage/{slug}/campaigns/{campaign_id:uuid}/pause")
def pause(visitor: MemberWrites, campaign_id: uuid.UUID) -> Response:
    campaign = queries.campaign(visitor.session, campaign_id)
    return _done(visitor, campaign_id, "Paused. What is on its way still arrives.", lambda: (
        campaigns.pause(visitor.session, campaign, by=visitor.actor)
    ))  # fmt: skip


@router.post("/manage/{slug}/campaigns/{campaign_id:uuid}/resume")
def resume(visitor: MemberWrites, campaign_id: uuid.UUID) -> Response:
    campaign = queries.campaign(visitor.session, campaign_id)
    return _done(visitor, campaign_id, "The sending goes on.", lambda: (
        campaigns.resume(visitor.session, campaign, by=visitor.actor)
    ))  # fmt: skip


@router.post("/manage/{slug}/campaigns/{campaign_id:uuid}/cancel")
def cancel(visitor: MemberWrites, campaign_id: uuid.UUID) -> Response:
    campaign = queries.campaign(visitor.session, campaign_id)
    said = "Cancelled. Whoever was not written to can be invited again at any time."
    return _done(visitor, campaign_id, said, lambda: (
        campaigns.cancel(visitor.session, campaign, by=visitor.actor)
    ))  # fmt: skip


@router.post("/manage/{slug}/invitations/{invitation_id:uuid}/resend")
def resend(visitor: MemberWrites, invitation_id: uuid.UUID) -> Response:
    row = queries.invitation(visitor.session, invitation_id)
    said = "On its way again. The link in the earlier e-mail has ended."
    return _done(visitor, row.campaign_id, said, lambda: (
        links.resend(visitor.session, row, by=visitor.actor)
    ))  # fmt: skip


@router.post("/manage/{slug}/invitations/{invitation_id:uuid}/revoke")
def revoke(visitor: MemberWrites, invitation_id: uuid.UUID) -> Response:
    row = queries.invitation(visitor.session, invitation_id)
    return _done(visitor, row.campaign_id, "Taken back. The link no longer works.", lambda: (
        links.revoke(visitor.session, row, by=visitor.actor)
    ))  # fmt: skip


def _done(visitor: Visitor, campaign_id: uuid.UUID, said: str, act: Callable[[], None]) -> Response:
    """Back to the campaign, with what was done or why it was not."""
    page = f"/manage/{visitor.business.slug}/campaigns/{campaign_id}"
    try:
        act()
    except (Conflict, Expired) as refusal:
        visitor.session.rollback()
        return redirect(page, flash=_why_not(visitor, refusal), kind="error")
    return redirect(page, flash=said)


def _why_not(visitor: Visitor, refusal: Refusal) -> str:
    if isinstance(refusal, links.InvitationUsed):
        return "This invitation was accepted already. The client has a login."
    return refusal.message


def _shown(visitor: Visitor, request: Request, campaign: Campaign) -> dict[str, Any]:
    asked = request.query_params.get("state", "")
    state = asked if asked in STATES else ""
    after = _after(request.query_params.get("after", ""))
    rows = queries.invitations(
        visitor.session, campaign, state=state or None, after=after, limit=_PAGE + 1
    )
    home = f"/manage/{visitor.business.slug}/campaigns/{campaign.id}"
    standing = queries.standing(visitor.session, campaign)
    last = rows[_PAGE - 1].invitation.id if len(rows) > _PAGE else None
    return {
        "campaign": campaign,
        "audience": _AUDIENCES.get(campaign.audience, campaign.audience),
        "standing": standing,
        "total": sum(standing.counts.values()),
        "rows": [
            (row, said_of(row, visitor.preferences), _may_go_again(row, standing, visitor))
            for row in rows[:_PAGE]
        ],
        "state": state,
        "states": STATES,
        "skipped": skipped_lines(campaign.skipped, visitor.preferences),
        "home": home,
        "here": _with(home, state=state, after=str(after or "")),
        "first_url": _with(home, state=state) if after else None,
        "next_url": _with(home, state=state, after=str(last)) if last else None,
        "may_be_taken_back": _MAY_BE_TAKEN_BACK,
    }


def _may_go_again(row: Listed, standing: Standing, visitor: Visitor) -> bool:
    """A button that would be refused is not shown; the verb asks once more."""
    pause = timedelta(hours=visitor.preferences.invitations.invite_resend_min_hours)
    sent_at = row.invitation.sent_at
    is_recent = sent_at is not None and sent_at > clock.now() - pause
    return row.state in _MAY_GO_AGAIN and standing.state != "cancelled" and not is_recent


def _after(typed: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(typed) if typed else None
    except ValueError:
        return None


def _with(path: str, **asked: str) -> str:
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{path}?{query}" if query else path
