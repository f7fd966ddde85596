"""Reading the audit log."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.audit.models import AuditEntry
from booking.database import business_of

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """`action` is a beginning: `client` finds all that was done to clients. `since` is included,
    `until` is not. `before_id` is the last entry of the page before.
    """

    action: str = ""
    record_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    before_id: uuid.UUID | None = None


def entries(session: Session, wanted: AuditFilter, limit: int = 50) -> list[AuditEntry]:
    """This business's entries, latest first."""
    query = (
        select(AuditEntry)
        .where(AuditEntry.business_id == business_of(session))
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    if wanted.action:
        query = query.where(AuditEntry.action.startswith(wanted.action, autoescape=True))
    if wanted.record_id:
        query = query.where(AuditEntry.record_id == wanted.record_id)
    if wanted.since:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.until:
        query = query.where(AuditEntry.at < wanted.until)
    if wanted.before_id:
        query = query.where(AuditEntry.id < wanted.before_id)
    return list(session.scalars(query))


def every_entry(session: Session, wanted: AuditFilter) -> Iterator[AuditEntry]:
    """All that fit, page by page, for an export."""
    while found := entries(session, wanted, _PAGE):
        yield from found
        wanted = replace(wanted, before_id=found[-1].id)
