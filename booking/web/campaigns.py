"""Campaigns: how the sending goes, to whom, and holding it back."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.errors import Conflict, Expired, Refusal
from booking.exports import MEDIA_TYPE, campaign_csv
from booking.invitations import listing, queries
from booking.invitations.actions import campaigns, links, pacing
from booking.invitations.listing import OPENED, Listed, Wanted
from booking.invitations.models import BounceAlarm, Campaign
from booking.invitations.queries import Standing
from booking.web.page import redirect, render
from booking.web.reasons import STATES, said_of, skipped_lines
from booking.web.visitor import MemberReads, MemberWrites, Visitor

router = APIRouter(include_in_schema=False)

_PAGE = 50
_AUDIENCES = {
    campaigns.EVERYONE: "All active clients without a login",
    campaigns.CHOSEN: "Chosen clients",
}
_FILTERS = {**STATES, OPENED: "Opened the link, not accepted yet"}
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


@router.get("/manage/{slug}/campaigns/{campaign_id:uuid}/invitations.csv")
def export(visitor: MemberReads, request: Request, campaign_id: uuid.UUID) -> Response:
    """Those that the page shows at the moment, all of them."""
    campaign = queries.campaign(visitor.session, campaign_id)
    return Response(
        campaign_csv(listing.every_line(visitor.session, campaign, _wanted(request))),
        media_type=MEDIA_TYPE,
        headers={
            "Content-Disposition": 'attachment; filename="invitations.csv"',
            "Cache-Control": "no-store",
        },
    )


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


def _wanted(request: Request) -> Wanted:
    state = request.query_params.get("state", "")
    typed = request.query_params.get("q", "")[:200]
    q = "".join(each for each in typed if each.isprintable()).strip()
    return Wanted(state if state in _FILTERS else None, q)


def _shown(visitor: Visitor, request: Request, campaign: Campaign) -> dict[str, Any]:
    wanted = _wanted(request)
    after = _after(request.query_params.get("after", ""))
    rows = listing.invitations(visitor.session, campaign, wanted, after=after, limit=_PAGE + 1)
    home = f"/manage/{visitor.business.slug}/campaigns/{campaign.id}"
    standing = queries.standing(visitor.session, campaign)
    asked = {"state": wanted.state or "", "q": wanted.q}
    last = rows[_PAGE - 1].invitation.id if len(rows) > _PAGE else None
    return {
        "campaign": campaign,
        "audience": _AUDIENCES.get(campaign.audience, campaign.audience),
        "standing": standing,
        "total": sum(standing.counts.values()),
        "alarm": campaign.bounce_alarm is BounceAlarm.RAISED,
        "held_up": _held_up(visitor, standing),
        "funnel": _funnel(standing),
        "rows": [
            (row, said_of(row, visitor.preferences), _may_go_again(row, standing, visitor))
            for row in rows[:_PAGE]
        ],
        "asked": asked,
        "states": STATES,
        "filters": _FILTERS,
        "skipped": skipped_lines(campaign.skipped, visitor.preferences),
        "home": home,
        "here": _with(home, **asked, after=str(after or "")),
        "export_url": _with(f"{home}/invitations.csv", **asked),
        "first_url": _with(home, **asked) if after else None,
        "next_url": _with(home, **asked, after=str(last)) if last else None,
        "may_be_taken_back": _MAY_BE_TAKEN_BACK,
    }


@dataclass(frozen=True, slots=True)
class HeldUp:
    """`because` is empty, a kind of Wait, or stuck: then nothing moved for that many minutes."""

    because: str = ""
    until: datetime | None = None
    cap: int | None = None
    minutes: int = 0


def _held_up(visitor: Visitor, standing: Standing) -> HeldUp:
    """Why nothing leaves just now, if something should: a pace, or a fault of ours."""
    if standing.state not in ("queued", "sending"):
        return HeldUp()
    now = pacing.allowance_now(visitor.session, visitor.business)
    if now.because is not None:
        return HeldUp(now.because.value, now.goes_on_at, visitor.business.invitations_per_day)
    since = pacing.stuck_since(visitor.session, visitor.business)
    if since is None:
        return HeldUp()
    return HeldUp("stuck", minutes=int((clock.now() - since).total_seconds()) // 60)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel: how many, of a hundred invited, and the same of the step below."""

    label: str
    number: int
    share: float
    below: float

    @property
    def points(self) -> str:
        """Of the shape that leads to the step below, in a drawing 100 wide and 1 high."""
        top, bottom = self.share / 2, self.below / 2
        return f"{50 - top:.2f},0.64 {50 + top:.2f},0.64 {50 + bottom:.2f},1 {50 - bottom:.2f},1"


def _funnel(standing: Standing) -> list[Step]:
    invited = sum(standing.counts.values())
    if not invited:
        return []
    numbers = {
        "Invited": invited,
        "Delivered": standing.delivered,
        "Opened the link": standing.opened,
        "Accepted": standing.counts["accepted"],
    }
    shares = [100 * number / invited for number in numbers.values()]
    steps = zip(numbers.items(), shares, [*shares[1:], shares[-1]], strict=True)
    return [Step(label, number, share, below) for (label, number), share, below in steps]


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
