"""Writing the audit log, in the same transaction as what it tells of."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from booking import clock
from booking.audit.models import ActorKind, AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the `by` of every verb that leaves a trace."""

    kind: ActorKind
    id: uuid.UUID | None
    name: str


SYSTEM = Actor(ActorKind.SYSTEM, None, "the system")
VISITOR = Actor(ActorKind.VISITOR, None, "a visitor")


def record(
    session: Session,
    action: str,
    subject: Any,
    *,
    by: Actor,
    business_id: uuid.UUID | None = None,
    **details: Any,
) -> None:
    """Note that `by` did `action` (`client.created`) to `subject`, a row with an id.

    The business is the subject's own unless named. Details are small JSON values, never secrets.
    """
    session.add(
        AuditEntry(
            business_id=business_id or getattr(subject, "business_id", None),
            at=clock.now(),
            actor_kind=by.kind,
            actor_id=by.id,
            actor_name=by.name[:200],
            action=action,
            record_type=action.partition(".")[0],
            record_id=getattr(subject, "id", None),
            details=details,
        )
    )
