"""Stopping invitations, from the link or the button of a mail program (RFC 8058)."""

import uuid

from fastapi import APIRouter, Request, Response

from booking.dependencies import Reading, Writing, client_ip
from booking.gate import stays_open
from booking.invitations.actions import links
from booking.rate_limit import Limit, Limiter
from booking.web.page import render
from booking.web.visitor import site_visitor

router = APIRouter(include_in_schema=False)


@router.get("/u/{invitation_id:uuid}/{secret}")
def unsubscribe_page(
    session: Reading, request: Request, invitation_id: uuid.UUID, secret: str
) -> Response:
    """A button, and nothing changes: mail scanners open links."""
    _limit(request)
    business = links.unsubscribable(session, invitation_id, secret)
    visitor = site_visitor(session, request, business.slug)
    return render(request, "unsubscribe/ask.html", visitor=visitor)


@router.post("/u/{invitation_id:uuid}/{secret}")
@stays_open
def unsubscribe(
    session: Writing, request: Request, invitation_id: uuid.UUID, secret: str
) -> Response:
    """At once, without a cookie or a question, whatever the body says: mail providers press it."""
    _limit(request)
    business = links.unsubscribe(session, invitation_id, secret)
    visitor = site_visitor(session, request, business.slug)
    undo = f"/u/{invitation_id}/{secret}/undo"
    return render(request, "unsubscribe/done.html", visitor=visitor, undo=undo)


@router.post("/u/{invitation_id:uuid}/{secret}/undo")
@stays_open
def resubscribe(
    session: Writing, request: Request, invitation_id: uuid.UUID, secret: str
) -> Response:
    """Pressed by mistake: the same secret takes it back."""
    _limit(request)
    business = links.resubscribe(session, invitation_id, secret)
    visitor = site_visitor(session, request, business.slug)
    return render(request, "unsubscribe/undone.html", visitor=visitor)


def _limit(request: Request) -> None:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
