"""What is done about invitations that came back, and about those who complain of them."""

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking import clock
from booking.audit.actions import SYSTEM, record
from booking.database import Database, across_businesses, business_of, lock, set_business
from booking.invitations.actions import alarm
from booking.invitations.emails import REMINDER
from booking.invitations.models import Invitation, InvitationState
from booking.mail.actions import suppress
from booking.mail.bounces import Bounce, Kind
from booking.mail.models import SuppressionReason
from booking.mail.transports import Outcome

_ON_ITS_WAY = {
    InvitationState.SENDING,
    InvitationState.SENT,
    InvitationState.DEFERRED,
    InvitationState.UNCERTAIN,
}


def take_each(database: Database, bounces: Iterable[Bounce]) -> int:
    """Each in a transaction of its own, since they may be of different businesses. Returns how many
    were of invitations there are."""
    taken = 0
    for bounce in bounces:
        with database.writing() as session:
            taken += take(session, bounce)
    return taken


def take(session: Session, bounce: Bounce) -> bool:
    """Was it of an invitation there is? The session then works for its business. Taking the same
    one again changes nothing.

    A complaint counts whichever copy it is about. All else is news of one copy: after a newer link
    was sent it says nothing of that one.
    """
    with across_businesses(session):
        row = session.scalar(select(Invitation).where(Invitation.id == bounce.mark.row_id))
    if row is None:
        return False
    set_business(session, row.business_id)
    lock(session, row)
    if bounce.kind is Kind.COMPLAINT:
        _complained(session, row)
    elif bounce.mark.edition % REMINDER == row.generation and row.state in _ON_ITS_WAY:
        _came_back(session, row, bounce)
    return True


def _complained(session: Session, row: Invitation) -> None:
    """Whoever says that it is unwanted gets no more, at once and for good."""
    reason = SuppressionReason.COMPLAINED
    if row.email_key and suppress(session, row.business_id, row.email_key, reason):
        record(session, "invitation.complained", row, by=SYSTEM, client_id=str(row.client_id))


def _came_back(session: Session, row: Invitation, bounce: Bounce) -> None:
    """Late news outweighs the 250 before it: who bounced was not reached."""
    if bounce.kind is Kind.DELIVERED:
        if row.state is InvitationState.UNCERTAIN:
            row.state, row.reason, row.sent_at = InvitationState.SENT, "", clock.now()
            row.lease_until = None
        return
    row.reason = _in_words(bounce)
    if bounce.kind is Kind.SOFT:
        return
    is_hard = bounce.kind is Kind.HARD
    row.state = InvitationState.BOUNCED if is_hard else InvitationState.FAILED
    row.bounced_at, row.lease_until = clock.now(), None
    session.flush()
    refused(session, [row.id])
    action = f"invitation.{row.state.value}"
    record(session, action, row, by=SYSTEM, client_id=str(row.client_id), reason=row.reason)


def state_of_refused(outcome: Outcome) -> InvitationState:
    """Of one given up: bounced where nobody has the address, failed for any other reason."""
    return InvitationState.BOUNCED if outcome.no_such_address else InvitationState.FAILED


def refused(session: Session, row_ids: Sequence[uuid.UUID]) -> None:
    """These came back or were refused for good, as their rows say already. An address that nobody
    has is not written to again, and a campaign with too many of them pauses."""
    bounced = select(Invitation.email_key).where(
        Invitation.id.in_(row_ids), Invitation.state == InvitationState.BOUNCED
    )
    for email_key in session.scalars(bounced).all():
        if email_key is not None:
            suppress(session, business_of(session), email_key, SuppressionReason.BOUNCED)
    alarm.watch_bounces(session, row_ids)


def _in_words(bounce: Bounce) -> str:
    """What staff read beside the state."""
    opening = {
        Kind.HARD: "Came back: there is no such address",
        Kind.REFUSED: "Came back: the receiver’s mail server refused it",
        Kind.SOFT: "The receiver’s mail server reports a delay or a fault",
    }[bounce.kind]
    said = bounce.reason or bounce.code
    return (f"{opening} ({said})" if said else f"{opening}.")[:300]
