"""From a login with a proved mailbox to the right client record, and to no other."""

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from booking.accounts.models import Account
from booking.audit.actions import Actor
from booking.audit.models import ActorKind
from booking.businesses.models import Business
from booking.clients import actions as clients
from booking.clients import queries
from booking.clients.models import Client, ClientStatus, LinkedBy
from booking.clients.rules import ClientDetails
from booking.database import business_of, lock
from booking.errors import NotFound
from booking.linking.rules import Settlement, settlement
from booking.matching.actions import note_newcomer
from booking.matching.models import Origin
from booking.matching.rules.people import Person
from booking.preferences.actions import current


class NotYours(NotFound):
    """Not a record this mailbox was proved for; says nothing about whether it exists."""


@dataclass(frozen=True, slots=True)
class Linked:
    """The clients this login acts for now, and those it may choose among."""

    clients: list[Client]
    candidates: list[Client]


def settle(
    session: Session,
    account: Account,
    *,
    details: ClientDetails,
    linked_by: LinkedBy,
    by: Actor,
) -> Linked:
    """Link a login whose mailbox has just been proved, by the business's rule.

    Exactly one active client with that address is linked; of several the person chooses; where
    there is none, a client is made from `details`.
    """
    mode = current(session).client_settings.link_by_verified_email
    free = unlinked(session, account.email_key)
    active = [client for client in free if client.status is ClientStatus.ACTIVE]
    match settlement(mode, active=len(active), others=len(free) - len(active)):
        case Settlement.LINK:
            clients.link(session, active[0], account.id, linked_by=linked_by, by=by)
            return Linked(active[:1], [])
        case Settlement.NEW:
            made = _add(session, account, details, linked_by=linked_by, by=by)
            return Linked([made], [])
        case Settlement.CHOOSE:
            return Linked([], active)
        case Settlement.WAIT:
            _look(session, details, account=account)
            return Linked([], [])


def _add(
    session: Session,
    account: Account,
    details: ClientDetails,
    *,
    linked_by: LinkedBy,
    by: Actor,
) -> Client:
    made = clients.add_client(session, details, by=by)
    session.flush()
    clients.link(session, made, account.id, linked_by=linked_by, by=by)
    _look(session, details, client=made)
    return made


def _look(
    session: Session,
    details: ClientDetails,
    *,
    client: Client | None = None,
    account: Account | None = None,
) -> None:
    """Perhaps they are on the list under another address: staff is asked, the person never told."""
    person = Person(details.first_name, details.last_name, details.email, details.mobile_phone)
    note_newcomer(session, person, origin=Origin.SIGN_UP, client=client, account=account)


def unlinked(session: Session, key: str) -> list[Client]:
    """Clients with exactly that address and no login: active ones first, oldest first."""
    found = queries.clients_with_email(session, key)
    taken = queries.links_of(session, [client.id for client in found])
    return [client for client in found if client.id not in taken]


def candidates(session: Session, account: Account) -> list[Client]:
    """Whom this login may still choose: active clients, and nobody where staff do the linking."""
    if _staff_do_it(session):
        return []
    free = unlinked(session, account.email_key)
    return [client for client in free if client.status is ClientStatus.ACTIVE]


def _staff_do_it(session: Session) -> bool:
    return current(session).client_settings.link_by_verified_email == "off"


def choose(session: Session, account: Account, client_id: uuid.UUID | None, *, by: Actor) -> Client:
    """The person says who they are among the candidates; None: none of them, somebody new.

    Raises NotYours for anybody who is no candidate.
    """
    lock(session, session.get_one(Business, business_of(session)))
    if client_id is None:
        return _somebody_new(session, account, by)
    chosen = next((c for c in candidates(session, account) if c.id == client_id), None)
    if chosen is None:
        raise NotYours
    clients.link(session, chosen, account.id, linked_by=LinkedBy.CHOICE, by=by)
    return chosen


def _somebody_new(session: Session, account: Account, by: Actor) -> Client:
    """Somebody new once: a login that has a client already gets no further one by asking again."""
    existing = queries.clients_of(session, account.id)
    if existing:
        return existing[0]
    if _staff_do_it(session) and unlinked(session, account.email_key):
        raise NotYours
    first, _, last = account.name.partition(" ")
    details = ClientDetails(first_name=first, last_name=last, email=account.email)
    return _add(session, account, details, linked_by=LinkedBy.CHOICE, by=by)


def actor_of(account: Account) -> Actor:
    return Actor(ActorKind.CLIENT, account.id, account.name or account.email)
