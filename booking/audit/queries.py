"""Reading the audit log."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.audit.models import AuditEntry
from booking.database import business_of


@dataclass(frozen=True, slots=True)
class AuditFilter:
    action: str = ""
    record_id: uuid.UUID | None = None
    before: datetime | None = None
    before_id: uuid.UUID | None = None


def entries(session: Session, wanted: AuditFilter, limit: int = 50) -> list[AuditEntry]:
    """This business's entries, latest first. `action` is a beginning: `client` finds them all."""
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
    if wanted.before_id:
        query = query.where(AuditEntry.id < wanted.before_id)
    return list(session.scalars(query))
