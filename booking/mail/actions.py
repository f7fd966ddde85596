"""Putting an email in the queue, and taking it through: claim, send once, mark."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from booking import clock, wakeup
from booking.database import new_id, settings_of
from booking.mail.message import Email
from booking.mail.models import (
    EmailState,
    OutboundEmail,
    Suppression,
    SuppressionReason,
)
from booking.mail.transports import Outcome, Stage

RETRY_AFTER_MINUTES = (1, 5, 30, 120, 360, 720, 1440)


def queue(
    session: Session, email: Email, *, to: str, business_id: uuid.UUID | None = None
) -> OutboundEmail:
    """The email leaves after the commit, by the worker's hand; or not at all, without a commit."""
    moment = clock.now()
    row = OutboundEmail(
        id=new_id(),
        business_id=business_id,
        kind=type(email).__name__,
        to_email=to,
        fields=email.model_dump(mode="json"),
        state=EmailState.QUEUED,
        due_at=moment,
        created_at=moment,
    )
    session.add(row)
    wakeup.after_commit(session, "send_due_emails")
    return row


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row this worker alone may send until its lease ends, as plain values.

    `was_uncertain`: nobody knows what became of the attempt before this one.
    """

    id: uuid.UUID
    kind: str
    to_email: str
    fields: dict[str, object]
    created_at: datetime
    attempts: int
    stale_at: datetime
    was_uncertain: bool


def stale_at(moment: datetime, lease_seconds: int) -> datetime:
    """After half its lease a claimed row is not begun: another worker may soon think it free."""
    return moment + timedelta(seconds=lease_seconds / 2)


def claim(session: Session, limit: int = 10) -> list[Claimed]:
    """Due emails, marked as being sent, oldest first.

    A row whose lease ended belongs to a worker that died while sending: it comes again, once more
    with the same Message-ID.
    """
    moment = clock.now()
    due = (
        select(OutboundEmail)
        .where(
            or_(
                OutboundEmail.state.in_(
                    [EmailState.QUEUED, EmailState.DEFERRED, EmailState.UNCERTAIN]
                ),
                (OutboundEmail.state == EmailState.SENDING) & (OutboundEmail.lease_until < moment),
            ),
            OutboundEmail.due_at <= moment,
        )
        .order_by(OutboundEmail.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(session.scalars(due))
    lease = settings_of(session).send_lease_seconds
    stale = stale_at(moment, lease)
    claimed = [_claimed(row, stale) for row in rows]
    for row in rows:
        row.state = EmailState.SENDING
        row.lease_until = moment + timedelta(seconds=lease)
        row.attempts += 1
    return claimed


def _claimed(row: OutboundEmail, stale: datetime) -> Claimed:
    return Claimed(
        id=row.id,
        kind=row.kind,
        to_email=row.to_email,
        fields=row.fields,
        created_at=row.created_at,
        attempts=row.attempts + 1,
        stale_at=stale,
        was_uncertain=row.state is EmailState.UNCERTAIN,
    )


def give_back(session: Session, claimed: Sequence[Claimed]) -> None:
    """Claimed, but not tried: somebody else may have them at once."""
    for one in claimed:
        session.execute(
            update(OutboundEmail)
            .where(
                OutboundEmail.id == one.id,
                OutboundEmail.state == EmailState.SENDING,
                OutboundEmail.attempts == one.attempts,
            )
            .values(state=EmailState.QUEUED, lease_until=None, attempts=one.attempts - 1)
        )


def mark(session: Session, claimed: Claimed, outcome: Outcome) -> None:
    """Write down what became of a claimed email. Changes nothing when the claim was lost."""
    moment = clock.now()
    state, due_at = next_state(
        outcome, claimed.attempts, moment, was_uncertain=claimed.was_uncertain
    )
    session.execute(
        update(OutboundEmail)
        .where(
            OutboundEmail.id == claimed.id,
            OutboundEmail.state == EmailState.SENDING,
            OutboundEmail.attempts == claimed.attempts,
        )
        .values(
            state=state,
            due_at=due_at,
            lease_until=None,
            smtp_code=outcome.code,
            reason=outcome.reason[:300],
            sent_at=moment if state is EmailState.SENT else None,
        )
    )


def next_state(
    outcome: Outcome, attempts: int, moment: datetime, *, was_uncertain: bool
) -> tuple[EmailState, datetime]:
    """Where an email goes from here.

    Refused for now: later, with jitter (RFC 5321 §4.5.4.1). Refused for good: failed. Broken after
    the final dot: sent once more, then believed (RFC 1047). An earlier attempt that was refused, or
    whose worker died, is no reason to believe in the first that breaks so.
    """
    if outcome.stage is Stage.ACCEPTED:
        return EmailState.SENT, moment
    if outcome.stage is Stage.REFUSED or attempts > len(RETRY_AFTER_MINUTES):
        return EmailState.FAILED, moment
    if outcome.stage is Stage.UNKNOWN:
        return (EmailState.SENT if was_uncertain else EmailState.UNCERTAIN), moment
    minutes = RETRY_AFTER_MINUTES[attempts - 1]
    return EmailState.DEFERRED, moment + timedelta(minutes=minutes * random.uniform(1.0, 1.3))  # noqa: S311 - jitter


def oldest_due(session: Session) -> datetime | None:
    """When the email that has waited longest became due; the readiness check looks at it. Whether a
    worker has it in hand or not: one that claims and does nothing is no excuse."""
    return session.scalar(
        select(OutboundEmail.due_at)
        .where(
            OutboundEmail.state.in_(
                [EmailState.QUEUED, EmailState.DEFERRED, EmailState.UNCERTAIN, EmailState.SENDING]
            )
        )
        .order_by(OutboundEmail.due_at)
        .limit(1)
    )


def suppress(
    session: Session, business_id: uuid.UUID, email_key: str, reason: SuppressionReason
) -> bool:
    """From now on this business invites that address no more. Saying it twice changes nothing, two
    at once included; a weightier reason takes the place of a lighter one. Returns whether this was
    news."""
    values = {
        "id": new_id(),
        "business_id": business_id,
        "email_key": email_key,
        "reason": reason,
        "created_at": clock.now(),
    }
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert if is_sqlite else postgresql.insert
    weight = list(SuppressionReason).index(reason)
    first = session.execute(insert(Suppression).values(values).on_conflict_do_nothing())
    raised = session.execute(
        update(Suppression)
        .where(
            Suppression.email_key == email_key,
            Suppression.reason.in_(list(SuppressionReason)[:weight]),
        )
        .values(reason=reason)
    )
    assert isinstance(first, CursorResult)
    assert isinstance(raised, CursorResult)
    return first.rowcount + raised.rowcount > 0


def lift_unsubscription(session: Session, email_key: str) -> bool:
    """By the person's own wish. An address that bounced or complained stays as it is."""
    result = session.execute(
        delete(Suppression).where(
            Suppression.email_key == email_key,
            Suppression.reason == SuppressionReason.UNSUBSCRIBED,
        )
    )
    assert isinstance(result, CursorResult)
    return result.rowcount > 0


def forget_sent(session: Session, older_than: datetime) -> int:
    """Remove what was sent long ago: bodies hold people's details. Returns how many."""
    result = session.execute(
        OutboundEmail.__table__.delete().where(  # type: ignore[attr-defined]
            OutboundEmail.state == EmailState.SENT, OutboundEmail.sent_at < older_than
        )
    )
    assert isinstance(result, CursorResult)
    return result.rowcount
