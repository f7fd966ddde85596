"""A match answered with yes: two records become one, a visit or a login gets its client; and how
the answer is taken back."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from booking.appointments.actions.attach import give_client, take_client
from booking.appointments.queries import find as find_appointment
from booking.audit.actions import Actor, record
from booking.businesses.queries import this_business
from booking.clients import actions as clients
from booking.clients.models import Client, ClientStatus, Link, LinkedBy
from booking.clients.queries import account_of, clients_of
from booking.clients.queries import find as find_client
from booking.database import lock
from booking.errors import Conflict
from booking.matching.actions import decide, reopen
from booking.matching.models import Match, MatchState
from booking.merges.actions.merging import merge
from booking.merges.models import Merge


class LoginHasClient(Conflict):
    code = "login_has_client"
    message = "This login has its client by now."


class ChangedSince(Conflict):
    """What the answer gave went on to somebody else: it is not taken from them."""

    code = "changed_since"


def link_match(
    session: Session,
    match: Match,
    *,
    by: Actor,
    fields: Mapping[str, Any] | None = None,
    login: uuid.UUID | None = None,
) -> Merge | Match:
    """What this match asked about is so. A match of two records goes with their merge, of which the
    active one stays, or the older one; that of a visit or a login stays, until `take_back`.

    Raises what `merge` and linking raise, AlreadyDecided, HasClient, LoginHasClient.
    """
    _hold(session, match)
    client = find_client(session, match.client_id)
    if match.other_id is not None:
        record(session, "match.linked", match, by=by, client_id=str(client.id))
        keep, other = in_order(client, find_client(session, match.other_id))
        return merge(session, keep, [other], fields=fields, login=login, by=by)
    if match.state is MatchState.LINKED:
        return match
    if match.appointment_id is not None:
        give_client(session, find_appointment(session, match.appointment_id), client, by=by)
    if match.account_id is not None:
        if clients_of(session, match.account_id):
            raise LoginHasClient
        clients.link(session, client, match.account_id, linked_by=LinkedBy.STAFF, by=by)
    return decide(session, match, MatchState.LINKED, by=by)


def take_back(session: Session, match: Match, *, by: Actor) -> Match:
    """The question is open again, whatever was answered. What a link gave goes with it: the visit
    is a guest's again, the login sees nothing of the client any more. What they did meanwhile
    stays done. Raises ChangedSince."""
    _hold(session, match)
    if match.state is MatchState.LINKED:
        client = find_client(session, match.client_id)
        if match.appointment_id is not None:
            _free_visit(session, match.appointment_id, client, by)
        if match.account_id is not None:
            _free_login(session, match, match.account_id, client, by)
    return reopen(session, match, by=by)


def in_order(one: Client, other: Client) -> tuple[Client, Client]:
    """The record to keep, where nobody has said which, and the one that goes into it."""
    keep, goes = sorted(
        (one, other),
        key=lambda each: (each.status is not ClientStatus.ACTIVE, each.created_at, each.id),
    )
    return keep, goes


def _hold(session: Session, match: Match) -> None:
    """The business first, as whoever merges does: until the end nobody's records move."""
    lock(session, this_business(session))
    lock(session, match)


def _free_visit(session: Session, visit_id: uuid.UUID, client: Client, by: Actor) -> None:
    visit = find_appointment(session, visit_id)
    lock(session, visit)
    if visit.client_id == client.id:
        take_client(session, visit, by=by)
    elif visit.client_id is not None:
        now = find_client(session, visit.client_id)
        raise ChangedSince(f"This visit is {now.name}’s by now, not {client.name}’s any more.")


def _free_login(
    session: Session, match: Match, account_id: uuid.UUID, client: Client, by: Actor
) -> None:
    link = account_of(session, client)
    if link is not None and link.account_id == account_id:
        if _is_newer(link, match):
            raise ChangedSince(
                f"This login was taken from {client.name} and linked again since. On the client’s"
                " page it can be taken away."
            )
        clients.unlink(session, client, by=by)
    elif theirs := clients_of(session, account_id):
        names = " and ".join(each.name for each in theirs)
        raise ChangedSince(f"This login is {names}’s by now, not {client.name}’s any more.")


def _is_newer(link: Link, match: Match) -> bool:
    """It is not the link that this answer made."""
    return match.decided_at is not None and link.created_at > match.decided_at
