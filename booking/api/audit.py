"""Who did what to which record, and when."""

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from booking.api.caller import ManagerReads
from booking.api.lists import Cursor, Limit, decode_cursor, encode_cursor
from booking.api.resource import resource
from booking.audit import queries
from booking.audit.models import ActorKind
from booking.audit.queries import AuditFilter
from booking.errors import Invalid
from booking.exports import MEDIA_TYPE, audit_csv
from booking.fields import Line60

router = resource("/businesses/{slug}", tag="audit")


class EntryOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    at: datetime
    actor_kind: ActorKind
    actor_id: uuid.UUID | None
    actor_name: str
    action: str
    record_type: str
    record_id: uuid.UUID | None
    details: dict[str, Any]


class EntryList(BaseModel):
    items: list[EntryOut]
    next_cursor: str | None


def _wanted(
    action: Annotated[
        Line60, Query(description="the beginning of an action, e.g. client.linked")
    ] = "",
    record_id: uuid.UUID | None = None,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
) -> AuditFilter:
    return AuditFilter(action, record_id, since, until)


Wanted = Annotated[AuditFilter, Depends(_wanted)]


@router.get("/audit")
def entries(
    caller: ManagerReads, wanted: Wanted, limit: Limit = 50, cursor: Cursor = None
) -> EntryList:
    """Latest first."""
    page = replace(wanted, before_id=_before(cursor))
    found = queries.entries(caller.session, page, limit + 1)
    shown = found[:limit]
    return EntryList(
        items=[EntryOut.model_validate(entry) for entry in shown],
        next_cursor=encode_cursor(shown[-1].id) if len(found) > limit else None,
    )


@router.get("/audit.csv", response_class=Response)
def export(caller: ManagerReads, wanted: Wanted) -> Response:
    return Response(
        audit_csv(queries.every_entry(caller.session, wanted)),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )


def _before(cursor: str | None) -> uuid.UUID | None:
    parts = decode_cursor(cursor, 1)
    if parts is None:
        return None
    try:
        return uuid.UUID(str(parts[0]))
    except ValueError:
        raise Invalid.field("cursor", "Use the next_cursor of an earlier answer.") from None
