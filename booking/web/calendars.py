"""The same calendar as in the API at a plain address, the one that is handed out."""

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.appointments.actions.calendar import feed_behind
from booking.dependencies import Reading, client_ip
from booking.rate_limit import Limit, Limiter

router = APIRouter(include_in_schema=False)


@router.get("/calendars/{token}.ics", response_class=Response)
def calendar(request: Request, session: Reading, token: str) -> Response:
    """Answers 304 while nothing has changed, since programs ask every hour."""
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
    feed = feed_behind(session, token, now=clock.now())
    headers = {"ETag": feed.etag, "Cache-Control": "private, no-cache"}
    if feed.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(feed.content, media_type="text/calendar; charset=utf-8", headers=headers)
