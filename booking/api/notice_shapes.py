"""Service notices as the API shows them."""

import uuid
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from booking.notices.actions.posting import Posting, Until
from booking.notices.models import Component
from booking.notices.queries import Posted
from booking.notices.rules import Kind, Promise, Severity, State


class ComponentOut(BaseModel):
    """A part of the service; `outside_url` is the status page of whoever provides it."""

    key: str
    name: str
    outside_url: str

    @classmethod
    def of(cls, component: Component) -> "ComponentOut":
        return cls(key=component.key, name=component.name, outside_url=component.outside_url)


class ComponentList(BaseModel):
    items: list[ComponentOut]
    next_cursor: str | None = None


class UpdateOut(BaseModel):
    id: uuid.UUID
    at: datetime
    text: str
    resolved: bool


class NoticeOut(BaseModel):
    """It holds from `starts_at` until `over_at`, which is its `ends_at` or `next_update_at`, or the
    moment it was resolved. `state` is that of the moment that was asked for. While a notice with
    `read_only` holds, what would change its components answers 503 `maintenance`."""

    id: uuid.UUID
    kind: Kind
    severity: Severity
    state: State
    title: str
    text: str
    components: list[ComponentOut]
    starts_at: datetime
    ends_at: datetime | None
    next_update_at: datetime | None
    over_at: datetime
    resolved_at: datetime | None
    read_only: bool
    timezone: str
    url: str
    posted_at: datetime
    changed_at: datetime
    updates: list[UpdateOut]


class NoticePage(BaseModel):
    items: list[NoticeOut]
    next_cursor: str | None = None


class NoticePatch(BaseModel):
    """Naming a new end takes the place of the one there was, of either kind."""

    model_config = ConfigDict(extra="forbid")

    kind: str | None = None
    severity: str | None = None
    title: str | None = None
    text: str | None = None
    components: list[str] | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    next_update_at: str | None = None
    read_only: bool | None = None


def shown(posted: Posted, at: datetime, public_url: str, timezone: str) -> NoticeOut:
    """As it stood at that moment."""
    notice, window = posted.notice, posted.window
    is_end = notice.promise is Promise.END
    return NoticeOut(
        id=notice.id,
        kind=notice.kind,
        severity=notice.severity,
        state=posted.state(at),
        title=notice.title,
        text=notice.text,
        components=[ComponentOut.of(each) for each in posted.components],
        starts_at=notice.starts_at,
        ends_at=notice.ends_at if is_end else None,
        next_update_at=None if is_end else notice.ends_at,
        over_at=window.over_at,
        resolved_at=notice.resolved_at,
        read_only=notice.read_only,
        timezone=timezone,
        url=f"{public_url}/status/{notice.id}",
        posted_at=notice.posted_at,
        changed_at=notice.changed_at,
        updates=[
            UpdateOut(id=each.id, at=each.at, text=each.text, resolved=each.resolves)
            for each in posted.updates_until(at)
        ],
    )


def as_it_is(posted: Posted, patch: NoticePatch) -> Posting:
    """What the patch is laid over: without the old end, where the patch names one."""
    posting = Posting.of(posted)
    if patch.model_fields_set & set(Until.model_fields):
        return posting.model_copy(update={"ends_at": None, "next_update_at": None})
    return posting
