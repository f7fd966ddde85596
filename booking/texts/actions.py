"""Putting a text in the queue, and taking it through: claim, send once, mark."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, Update, delete, func, select, update
from sqlalchemy.orm import Session

from booking import clock, wakeup
from booking.database import new_id, settings_of
from booking.texts.message import Text
from booking.texts.models import OutboundText, TextState
from booking.texts.rules import Outcome, Stage, wait_after

_DONE = (TextState.SENT, TextState.FAILED, TextState.UNCERTAIN)


def queue(session: Session, text: Text, *, to: str) -> OutboundText:
    """The text leaves after the commit, by the worker's hand. `to` is in E.164."""
    moment = clock.now()
    row = OutboundText(
        id=new_id(),
        kind=type(text).__name__,
        to_phone=to,
        fields=text.model_dump(mode="json"),
        state=TextState.QUEUED,
        due_at=moment,
        created_at=moment,
    )
    session.add(row)
    wakeup.after_commit(session, "send_due_texts")
    return row


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row this worker alone may send, as plain values."""

    id: uuid.UUID
    kind: str
    to_phone: str
    fields: dict[str, object]
    attempts: int


def claim(session: Session, limit: int = 10) -> list[Claimed]:
    """Due texts, marked as being sent, oldest first. Those of a worker that died while sending may
    have left: they are given up as uncertain."""
    moment = clock.now()
    session.execute(
        update(OutboundText)
        .where(OutboundText.state == TextState.SENDING, OutboundText.lease_until < moment)
        .values(state=TextState.UNCERTAIN, lease_until=None, reason="the worker died meanwhile")
    )
    due = (
        select(OutboundText)
        .where(
            OutboundText.state.in_([TextState.QUEUED, TextState.DEFERRED]),
            OutboundText.due_at <= moment,
        )
        .order_by(OutboundText.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(session.scalars(due))
    lease = timedelta(seconds=settings_of(session).send_lease_seconds)
    for row in rows:
        row.state, row.lease_until = TextState.SENDING, moment + lease
        row.attempts += 1
    return [Claimed(row.id, row.kind, row.to_phone, row.fields, row.attempts) for row in rows]


def give_back(session: Session, claimed: Sequence[Claimed]) -> None:
    """Claimed, but not tried: somebody else may have them at once."""
    for one in claimed:
        session.execute(
            _still_ours(one).values(
                state=TextState.QUEUED, lease_until=None, attempts=one.attempts - 1
            )
        )


def mark(session: Session, claimed: Claimed, outcome: Outcome) -> None:
    """Write down what became of a claimed text. Changes nothing when the claim was lost."""
    moment = clock.now()
    state, wait = next_state(outcome, claimed.attempts)
    session.execute(
        _still_ours(claimed).values(
            state=state,
            due_at=moment + wait,
            lease_until=None,
            reason=outcome.reason[:300],
            sent_at=moment if state is TextState.SENT else None,
        )
    )


def next_state(outcome: Outcome, attempts: int) -> tuple[TextState, timedelta]:
    """Where a text goes from here, and how long it waits there."""
    none = timedelta(0)
    match outcome.stage:
        case Stage.ACCEPTED:
            return TextState.SENT, none
        case Stage.UNKNOWN:
            return TextState.UNCERTAIN, none
        case Stage.REFUSED:
            return TextState.FAILED, none
        case Stage.UNREACHABLE:
            wait = wait_after(attempts)
            return (TextState.FAILED, none) if wait is None else (TextState.DEFERRED, wait)


def oldest_due(session: Session) -> datetime | None:
    """When the text that has waited longest became due; the readiness check looks at it."""
    return session.scalar(
        select(func.min(OutboundText.due_at)).where(
            OutboundText.state.in_([TextState.QUEUED, TextState.DEFERRED])
        )
    )


def forget_sent(session: Session, older_than: datetime) -> int:
    """Remove what is long done with. Returns how many."""
    result = session.execute(
        delete(OutboundText).where(
            OutboundText.state.in_(_DONE), OutboundText.created_at < older_than
        )
    )
    assert isinstance(result, CursorResult)
    return result.rowcount


def _still_ours(claimed: Claimed) -> Update:
    return update(OutboundText).where(
        OutboundText.id == claimed.id,
        OutboundText.state == TextState.SENDING,
        OutboundText.attempts == claimed.attempts,
    )
