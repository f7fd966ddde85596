"""Who did what to which record, and when."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from booking.api.caller import ManagerReads
from booking.api.lists import Cursor, Limit, decode_cursor, encode_cursor
from booking.audit import queries
from booking.audit.models import ActorKind
from booking.audit.queries import AuditFilter
from booking.errors import Invalid
from booking.exports import MEDIA_TYPE, audit_csv
from booking.fields import Line60

router = APIRouter(prefix="/businesses/{slug}", tags=["audit"])

Moment = Annotated[AwareDatetime | None, Query()]
Action = Annotated[Line60, Query(description="the beginning of an action, e.g. client.linked")]


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


@router.get("/audit")
def entries(
    caller: ManagerReads,
    action: Action = "",
    record_id: uuid.UUID | None = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> EntryList:
    """Latest first."""
    wanted = AuditFilter(action, record_id, since, until, _before(cursor))
    found = queries.entries(caller.session, wanted, limit + 1)
    shown = found[:limit]
    return EntryList(
        items=[EntryOut.model_validate(entry) for entry in shown],
        next_cursor=encode_cursor(shown[-1].id) if len(found) > limit else None,
    )


@router.get("/audit.csv", response_class=Response)
def export(
    caller: ManagerReads,
    action: Action = "",
    record_id: uuid.UUID | None = None,
    since: Moment = None,
    until: Moment = None,
) -> Response:
    wanted = AuditFilter(action=action, record_id=record_id, since=since, until=until)
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
