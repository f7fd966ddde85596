"""Service notices, for anybody: what holds, what is planned, what was; and wanting to be told."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from booking import clock
from booking.api.idempotent import IdempotentRoute
from booking.api.lists import Cursor, Limit, decode_cursor, encode_cursor
from booking.api.notice_feed import feed
from booking.api.notice_shapes import ComponentList, ComponentOut, NoticePage, shown
from booking.api.resource import resource
from booking.dependencies import Reading, Writing, client_ip, settings_of
from booking.errors import Invalid
from booking.fields import OptionalEmail, PhoneText, Secret
from booking.notices import queries
from booking.notices.actions import subscribing
from booking.notices.actions.posting import MOST_COMPONENTS, Key, Moment
from booking.notices.models import Channel, Subscription
from booking.notices.queries import After
from booking.rate_limit import Limit as Rate
from booking.rate_limit import Limiter

router = resource(tag="notices", route_class=IdempotentRoute)

_FEED_KEEPS = 50
_PUBLIC = "public, max-age=30"


At = Annotated[Moment | None, Query(description="The moment asked about; without it, now")]


class SubscriptionIn(BaseModel):
    """One address: an e-mail, or a telephone number with its country."""

    model_config = ConfigDict(extra="forbid")

    email: OptionalEmail = ""
    phone: PhoneText = ""
    components: list[Key] = Field(min_length=1, max_length=MOST_COMPONENTS)


class AskedOut(BaseModel):
    """The same for every address. Nothing is sent to it until the link we send is pressed."""

    state: str = "confirmation_sent"


class TokenIn(BaseModel):
    """The last part of the link."""

    model_config = ConfigDict(extra="forbid")

    token: Secret


class SubscribedOut(BaseModel):
    channel: Channel
    components: list[str]


@router.get("/notices")
def list_notices(
    session: Reading,
    request: Request,
    response: Response,
    at: Annotated[
        Moment | None, Query(description="The moment asked about; without it, now")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> NoticePage:
    """Planned, in force, and over for at most ninety days, the latest start first; as they stood at
    that moment."""
    settings, moment = settings_of(request), at or clock.now()
    found = queries.notices(session, moment, limit=limit + 1, after=_after(cursor))
    more = len(found) > limit
    last = found[limit - 1].notice if more else None
    response.headers["Cache-Control"] = _PUBLIC
    return NoticePage(
        items=[
            shown(each, moment, settings.public_url, settings.timezone) for each in found[:limit]
        ],
        next_cursor=encode_cursor(last.starts_at.isoformat(), last.id) if last else None,
    )


@router.get("/notices/components")
def list_components(session: Reading) -> ComponentList:
    return ComponentList(items=[ComponentOut.of(each) for each in queries.components(session)])


@router.get("/notices.atom", response_class=Response)
def atom(session: Reading, request: Request) -> Response:
    """The same for feed readers (RFC 4287)."""
    found = queries.notices(session, clock.now(), limit=_FEED_KEEPS)
    return Response(
        feed(found, settings_of(request)),
        media_type="application/atom+xml",
        headers={"Cache-Control": _PUBLIC},
    )


@router.post("/notices/subscriptions", status_code=202)
def subscribe(session: Writing, request: Request, body: SubscriptionIn) -> AskedOut:
    if bool(body.email) == bool(body.phone):
        raise Invalid.field("email", "Give an e-mail address or a telephone number.", "missing")
    channel = Channel.EMAIL if body.email else Channel.TEXT
    limiter: Limiter = request.app.state.limiter
    subscribing.limit_asking(limiter, channel, body.email or body.phone, client_ip(request))
    subscribing.ask(session, channel, body.email or body.phone, body.components)
    return AskedOut()


@router.post("/notices/subscriptions/confirm")
def confirm(session: Writing, request: Request, body: TokenIn) -> SubscribedOut:
    """410 for a link that is over."""
    _limit_tokens(request)
    row = subscribing.confirm(session, body.token)
    return _subscribed(session, row)


@router.post("/notices/subscriptions/unsubscribe", status_code=204, response_class=Response)
def unsubscribe(session: Writing, request: Request, body: TokenIn) -> None:
    """At once, and once more changes nothing."""
    _limit_tokens(request)
    subscribing.stop(session, body.token)


def _limit_tokens(request: Request) -> None:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Rate.TOKEN_IP, client_ip(request))


def _subscribed(session: Writing, row: Subscription) -> SubscribedOut:
    wanted = queries.components_of(session, row)
    return SubscribedOut(channel=row.channel, components=[each.key for each in wanted])


def _after(cursor: str | None) -> After | None:
    parts = decode_cursor(cursor, 2)
    if parts is None:
        return None
    try:
        return After(datetime.fromisoformat(parts[0]), uuid.UUID(parts[1]))
    except (TypeError, ValueError, AttributeError):
        raise Invalid.field("cursor", "Use the next_cursor of an earlier answer.") from None
