"""A match answered with yes: two records become one, a visit or a login gets its client."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from booking.appointments.actions.attach import link_to_client
from booking.appointments.models import Appointment
from booking.appointments.queries import find as find_appointment
from booking.audit.actions import Actor, record
from booking.clients import actions as clients
from booking.clients.models import Client, ClientStatus, Link, LinkedBy
from booking.clients.queries import find as find_client
from booking.matching.models import Match, MatchState
from booking.merges.actions.merging import merge
from booking.merges.models import Merge


def link_match(
    session: Session,
    match: Match,
    *,
    by: Actor,
    fields: Mapping[str, Any] | None = None,
    login: uuid.UUID | None = None,
) -> Merge | Appointment | Link:
    """What this match asked about is so. Raises what `merge`, attaching and linking raise.

    Of two records the active one stays, or the older one.
    """
    record(session, "match.linked", match, by=by, client_id=str(match.client_id))
    client = find_client(session, match.client_id)
    if match.appointment_id is not None:
        visit = find_appointment(session, match.appointment_id)
        link_to_client(session, visit, client, by=by)
        _close(session, Match.appointment_id == visit.id, match)
        return visit
    if match.account_id is not None:
        account_id = match.account_id
        link = clients.link(session, client, account_id, linked_by=LinkedBy.STAFF, by=by)
        _close(session, Match.account_id == account_id, match)
        return link
    assert match.other_id is not None
    keep, other = in_order(client, find_client(session, match.other_id))
    return merge(session, keep, [other], fields=fields, login=login, by=by)


def in_order(one: Client, other: Client) -> tuple[Client, Client]:
    """The record to keep, where nobody has said which, and the one that goes into it."""
    keep, goes = sorted(
        (one, other),
        key=lambda each: (each.status is not ClientStatus.ACTIVE, each.created_at, each.id),
    )
    return keep, goes


def _close(session: Session, same: Any, match: Match) -> None:
    """Nothing is left to ask about this visit or login; what was decided before stays decided."""
    session.execute(
        delete(Match)
        .where(same, (Match.state == MatchState.OPEN) | (Match.id == match.id))
        .execution_options(synchronize_session="fetch")
    )
