"""What staff decide about a pair, and how they take it back. The list remembers."""

from typing import Any

from sqlalchemy.orm import Session

from booking import clock
from booking.audit.actions import Actor, record
from booking.database import lock
from booking.errors import Conflict, Invalid
from booking.matching.models import Match, MatchState


class AlreadyDecided(Conflict):
    code = "already_decided"
    message = "Somebody has decided about these two already. Take that back first."


def decide(session: Session, match: Match, state: MatchState, *, by: Actor) -> Match:
    """Not the same person, or one household; or that a visit or a login, which whoever decides
    links besides, is this client's. Deciding the same again changes nothing.

    Raises AlreadyDecided where it was decided otherwise, and Invalid for a household with a visit
    or a login, which has no record.
    """
    lock(session, match)
    if match.state is state:
        return match
    if match.state is not MatchState.OPEN:
        raise AlreadyDecided
    if state is MatchState.HOUSEHOLD and match.other_id is None:
        raise Invalid.field("state", "Only two clients can be of one household.", "two_clients")
    match.state = state
    match.decided_at = clock.now()
    match.decided_by = by.id
    match.decided_by_name = by.name[:200]
    _record(session, f"match.{state}", match, by)
    return match


def reopen(session: Session, match: Match, *, by: Actor) -> Match:
    """The decision is taken back: the question is open again. What a link gave is not taken away
    here."""
    lock(session, match)
    if match.state is MatchState.OPEN:
        return match
    was = match.state
    match.state = MatchState.OPEN
    match.decided_at = match.decided_by = None
    match.decided_by_name = ""
    _record(session, "match.reopened", match, by, was=was.value)
    return match


def _record(session: Session, action: str, match: Match, by: Actor, **details: Any) -> None:
    others: dict[str, Any] = {
        name: str(getattr(match, name))
        for name in ("client_id", "other_id", "appointment_id", "account_id")
        if getattr(match, name) is not None
    }
    record(session, action, match, by=by, **others, **details)
