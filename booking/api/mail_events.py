"""What the mail server tells us of mail that came back: for its webhooks, signed."""

import hashlib
import hmac
from typing import Annotated, Any, Literal

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from booking import clock
from booking.api.resource import resource
from booking.config import Settings
from booking.dependencies import database_of, settings_of
from booking.errors import NotFound, SignInNeeded
from booking.invitations.actions import coming_back
from booking.mail import bounces, marks
from booking.mail.bounces import Bounce, Kind

router = resource("/mail", tag="mail")

WINDOW_SECONDS = 300
_MESSAGE = "message/rfc822"


class BadSignature(SignInNeeded):
    code = "bad_signature"
    message = "The signature is missing, wrong, or too old."


class MailEvent(BaseModel):
    """`address` is the signed return path the mail left with; where a service replaces that, give
    the `message_id`. `code` as `5.1.1`, `550` or both; without one a bounce counts as soft."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["bounced", "complained", "delivered", "deferred"]
    address: Annotated[str, Field(max_length=320)] = ""
    message_id: Annotated[str, Field(max_length=1_000)] = ""
    code: Annotated[str, Field(max_length=40)] = ""
    reason: Annotated[str, Field(max_length=2_000)] = ""


class MailEvents(BaseModel):
    model_config = ConfigDict(extra="ignore")

    events: Annotated[list[MailEvent], Field(max_length=1_000)]


class TakenOut(BaseModel):
    """`ignored` is what was of no invitation there is, or said nothing."""

    taken: int
    ignored: int


def _documented() -> dict[str, Any]:
    header = {
        "name": "Booking-Signature",
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "description": "`t=SECONDS,v1=HEX`: the time of sending in seconds since 1970, and the "
        "HMAC-SHA256 of `SECONDS.BODY` under BOOKING_MAIL_WEBHOOK_SECRET. Five minutes old at "
        "most.",
    }
    events = {"type": "array", "maxItems": 1_000, "items": MailEvent.model_json_schema()}
    body = {"type": "object", "required": ["events"], "properties": {"events": events}}
    content = {
        "application/json": {"schema": body},
        _MESSAGE: {"schema": {"type": "string", "format": "binary"}},
    }
    return {"parameters": [header], "requestBody": {"required": True, "content": content}}


@router.post("/events", openapi_extra=_documented())
async def take_events(request: Request) -> TakenOut:
    """Bounces and complaints, as events in JSON or as the report itself (`message/rfc822`). Sending
    the same again changes nothing, so repeat what was not answered with 200."""
    body = await request.body()
    settings = settings_of(request)
    if not settings.mail_webhook_secret:
        raise NotFound
    _check(settings, request.headers.get("booking-signature", ""), body)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == _MESSAGE:
        found: list[Bounce | None] = [bounces.read(body, settings)]
    else:
        found = [_bounce(event, settings) for event in _events(body)]
    known = [bounce for bounce in found if bounce is not None]
    taken = await run_in_threadpool(coming_back.take_each, database_of(request), known)
    return TakenOut(taken=taken, ignored=len(found) - taken)


def _check(settings: Settings, header: str, body: bytes) -> None:
    given = dict(part.strip().partition("=")[::2] for part in header.split(","))
    sent_at, signature = given.get("t", ""), given.get("v1", "")
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12 and signature.isascii()):
        raise BadSignature
    expected = hmac.new(
        settings.mail_webhook_secret.encode(), sent_at.encode() + b"." + body, hashlib.sha256
    ).hexdigest()
    is_fresh = abs(clock.now().timestamp() - int(sent_at)) <= WINDOW_SECONDS
    if not (hmac.compare_digest(expected, signature.lower()) and is_fresh):
        raise BadSignature


def _events(body: bytes) -> list[MailEvent]:
    try:
        return MailEvents.model_validate_json(body).events
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from None


def _bounce(event: MailEvent, settings: Settings) -> Bounce | None:
    mark = marks.read_return_path(event.address, settings)
    mark = mark or marks.read_message_id(event.message_id, settings)
    if mark is None:
        return None
    reason = " ".join(event.reason.split())
    kinds = {
        "bounced": bounces.told(event.code, reason),
        "complained": Kind.COMPLAINT,
        "delivered": Kind.DELIVERED,
        "deferred": Kind.SOFT,
    }
    return Bounce(kinds[event.type], mark, event.code, reason)
