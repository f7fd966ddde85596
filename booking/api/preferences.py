"""Booking Preferences: read with an ETag, changed with If-Match."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import Body, Header, Response
from pydantic import BaseModel

from booking.api import lists
from booking.api.caller import ManagerWrites, StaffReads
from booking.api.resource import resource
from booking.errors import Conflict, Invalid
from booking.preferences import actions
from booking.preferences.actions import StalePreferences
from booking.preferences.rules import Preferences

router = resource(tag="preferences")

Conditions = Annotated[str | None, Header(max_length=1000)]


class PreconditionFailed(Conflict):
    status = 412
    code = StalePreferences.code
    message = StalePreferences.message


class PreconditionRequired(Conflict):
    status = 428
    code = "if_match_needed"
    message = "Send If-Match with the ETag of the preferences you have read."


class ChangeAnswer(BaseModel):
    """One preference of one save; `field` is a path like `booking_window.furthest_days`."""

    id: uuid.UUID
    version: int
    at: datetime
    account_name: str
    field: str
    old: Any
    new: Any


class HistoryPage(BaseModel):
    items: list[ChangeAnswer]
    next_cursor: str | None


def _etag(preferences: Preferences) -> str:
    return f'"{preferences.version}"'


def _tags(header: str) -> set[str]:
    """The entity tags of If-Match or If-None-Match (RFC 9110, 13.1)."""
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}


@router.get("/businesses/{slug}/preferences", response_model=Preferences)
def show(
    caller: StaffReads, response: Response, if_none_match: Conditions = None
) -> Preferences | Response:
    preferences = actions.current(caller.session)
    etag = _etag(preferences)
    if if_none_match and _tags(if_none_match) & {etag, "*"}:
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return preferences


@router.patch("/businesses/{slug}/preferences")
def change(
    caller: ManagerWrites,
    response: Response,
    patch: Annotated[dict[str, Any], Body()],
    if_match: Conditions = None,
) -> Preferences:
    """A JSON merge patch; null returns a preference to its default. Answers with the whole."""
    if if_match is None:
        raise PreconditionRequired
    now = actions.current(caller.session)
    if not _tags(if_match) & {_etag(now), "*"}:
        raise PreconditionFailed(version=now.version)
    try:
        preferences = actions.change(
            caller.session, patch, expected_version=now.version, by=caller.actor
        )
    except StalePreferences as stale:
        raise PreconditionFailed(**stale.extra) from None
    response.headers["ETag"] = _etag(preferences)
    return preferences


@router.get("/businesses/{slug}/preferences/history")
def history(
    caller: StaffReads, limit: lists.Limit = 50, cursor: lists.Cursor = None
) -> HistoryPage:
    """Who changed what, latest first."""
    rows = actions.history(caller.session, limit + 1, before=_before(cursor))
    items = [
        ChangeAnswer(
            id=row.id,
            version=row.version,
            at=row.at,
            account_name=row.account_name,
            field=row.field,
            old=row.old,
            new=row.new,
        )
        for row in rows[:limit]
    ]
    more = lists.encode_cursor(items[-1].id) if len(rows) > limit else None
    return HistoryPage(items=items, next_cursor=more)


def _before(cursor: str | None) -> uuid.UUID | None:
    parts = lists.decode_cursor(cursor, 1)
    try:
        return uuid.UUID(parts[0]) if parts else None
    except (AttributeError, TypeError, ValueError):
        raise Invalid.field("cursor", "Use the next_cursor of an earlier answer.") from None
