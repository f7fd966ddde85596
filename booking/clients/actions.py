"""What is done with clients: added, changed, given pets, linked to a login."""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from booking import clock, wakeup
from booking.accounts.actions.sign_in import end_all_sessions
from booking.accounts.models import Account
from booking.accounts.rules import email_key
from booking.audit.actions import Actor, record
from booking.audit.models import ActorKind
from booking.businesses.models import Business
from booking.clients import queries, rules
from booking.clients.emails import ContactEmailChanged
from booking.clients.models import Client, ClientStatus, Compared, Link, LinkedBy, Pet
from booking.clients.rules import ClientDetails, PetDetails
from booking.database import business_of, lock, new_id
from booking.errors import Conflict, Invalid, NotFound
from booking.mail.actions import queue


class AlreadyLinked(Conflict):
    code = "already_linked"
    message = "This client already has another login."


class NobodyNamed(Invalid):
    code = "nobody_named"
    message = "Please give a name, an e-mail or a phone number."


_SAY_WHO = ("first_name", "last_name", "email", "mobile_phone", "home_phone")
_SEARCHED = {*_SAY_WHO, "external_id"}
_RECOGNISED_BY = {*_SAY_WHO, "address_1", "address_2", "city", "region", "postal_code"}
_COMPARING = "compare_due_clients"


def add_client(session: Session, details: ClientDetails, *, by: Actor) -> Client:
    """Raises NobodyNamed when nothing says who it is."""
    moment = clock.now()
    values = details.model_dump() | {"status": ClientStatus(details.status)}
    client = Client(
        id=new_id(),
        business_id=business_of(session),
        **values,
        email_key=email_key(details.email) if details.email else None,
        email_version=0,
        created_at=moment,
        updated_at=moment,
    )
    _refuse_nobody(client)
    _describe(client, [])
    session.add(client)
    _compare_again(session, client)
    record(session, "client.created", client, by=by)
    return client


def change_client(
    session: Session, client: Client, changes: dict[str, Any], *, by: Actor
) -> Client:
    """Give only what changes; None empties a field. Raises Invalid for what can't be kept.

    A new address, and leaving the active ones, raise `email_version`: what was mailed before dies.
    The login's own address is never touched from here.
    """
    lock(session, client)
    kept = rules.checked(ClientDetails, changes)
    if "external_id" in kept:
        kept["external_id"] = kept["external_id"] or None
    if "status" in kept:
        kept["status"] = ClientStatus(kept["status"])
    changed = {name: new for name, new in kept.items() if getattr(client, name) != new}
    if changed:
        write_changes(session, client, changed, by=by)
    return client


def write_changes(
    session: Session,
    client: Client,
    changed: dict[str, Any],
    *,
    by: Actor,
    pets: list[str] | None = None,
) -> None:
    """Values that were checked and do differ, with all that follows from them.

    `pets` are the names of the client's pets, where the caller knows them already.
    """
    old_email = client.email
    for name, value in changed.items():
        setattr(client, name, value)
    _refuse_nobody(client)
    client.updated_at = clock.now()
    if pets is not None:
        _describe(client, pets)
    elif _SEARCHED & changed.keys():
        refresh_search(session, client)
    if _RECOGNISED_BY & changed.keys():
        _compare_again(session, client)
    details: dict[str, Any] = {"fields": sorted(changed)}
    if "email" in changed:
        details |= {"old_email": old_email, "new_email": client.email}
        _follow_email(session, client, old_email, by)
    if changed.get("status") is ClientStatus.INACTIVE:
        client.email_version += 1
        _end_sessions_without_clients(session, client)
    record(session, "client.changed", client, by=by, **details)


def _follow_email(session: Session, client: Client, old_email: str, by: Actor) -> None:
    """Somebody with a login also learns that the business writes elsewhere from now on."""
    old_key = client.email_key
    client.email_key = email_key(client.email) if client.email else None
    if old_key == client.email_key is not None:
        return
    client.email_version += 1
    if not old_key or by.kind is not ActorKind.STAFF or not queries.account_of(session, client):
        return
    business = session.get_one(Business, business_of(session))
    email = ContactEmailChanged(
        sender_name=business.name, reply_to=business.email, first_name=client.first_name
    )
    queue(session, email, to=old_email, business_id=business.id)


def _refuse_nobody(client: Client) -> None:
    if not any(getattr(client, name) for name in _SAY_WHO):
        raise NobodyNamed.field("first_name", NobodyNamed.message, NobodyNamed.code)


def _end_sessions_without_clients(session: Session, client: Client) -> None:
    """A login whose last active client left has nothing to be signed in for."""
    link_of = queries.account_of(session, client)
    if link_of is None:
        return
    session.flush()
    others = queries.clients_of(session, link_of.account_id)
    if not any(other.status is ClientStatus.ACTIVE for other in others):
        end_all_sessions(session, session.get_one(Account, link_of.account_id))


def refresh_search(session: Session, client: Client) -> None:
    """Whatever a client is found by changed."""
    session.flush()
    _describe(client, [pet.name for pet in queries.pets_of(session, [client.id])[client.id]])


def _describe(client: Client, pets: list[str]) -> None:
    client.sort_name = rules.sort_name(client.first_name, client.last_name)
    client.search_text = rules.search_text(
        (client.first_name, client.last_name, client.external_id or ""),
        client.email,
        (client.mobile_phone, client.home_phone),
        pets,
    )


def _compare_again(session: Session, client: Client) -> None:
    """Whatever a client is recognised by changed; pets are part of it."""
    client.compared = Compared.CHANGED
    flag_modified(client, "compared")  # said again even if it was so when this session read it
    wakeup.after_commit(session, _COMPARING)


def add_pet(session: Session, client: Client, details: PetDetails, *, by: Actor) -> Pet:
    moment = clock.now()
    pet = Pet(
        id=new_id(),
        business_id=business_of(session),
        client_id=client.id,
        **details.model_dump(mode="json", include={"vaccinations"}),
        **details.model_dump(exclude={"vaccinations"}),
        created_at=moment,
    )
    session.add(pet)
    client.updated_at = moment
    _compare_again(session, client)
    refresh_search(session, client)
    record(session, "pet.created", pet, by=by, client_id=str(client.id), name=pet.name)
    return pet


def change_pet(
    session: Session, client: Client, pet: Pet, changes: dict[str, Any], *, by: Actor
) -> Pet:
    """Give only what changes; None empties a field. Raises Invalid for what can't be kept."""
    kept = rules.checked(PetDetails, changes)
    if "vaccinations" in kept:
        whole = PetDetails(name=pet.name, vaccinations=kept["vaccinations"])
        kept |= whole.model_dump(mode="json", include={"vaccinations"})
    changed = {name: new for name, new in kept.items() if getattr(pet, name) != new}
    if not changed:
        return pet
    for name, value in changed.items():
        setattr(pet, name, value)
    client.updated_at = clock.now()
    if {"name", "breed"} & changed.keys():
        _compare_again(session, client)
        refresh_search(session, client)
    record(session, "pet.changed", pet, by=by, client_id=str(client.id), fields=sorted(changed))
    return pet


def archive_pet(session: Session, client: Client, pet: Pet, *, by: Actor) -> None:
    """The pet is shown no more; what was booked for it stays as it was agreed."""
    if pet.archived_at is not None:
        return
    client.updated_at = pet.archived_at = clock.now()
    _compare_again(session, client)
    refresh_search(session, client)
    record(session, "pet.archived", pet, by=by, client_id=str(client.id), name=pet.name)


def restore_pet(session: Session, client: Client, pet: Pet, *, by: Actor) -> None:
    if pet.archived_at is None:
        return
    pet.archived_at = None
    client.updated_at = clock.now()
    _compare_again(session, client)
    refresh_search(session, client)
    record(session, "pet.restored", pet, by=by, client_id=str(client.id), name=pet.name)


def link(
    session: Session, client: Client, account_id: uuid.UUID, *, linked_by: LinkedBy, by: Actor
) -> Link:
    """This login may act for that client from now on. Linking the same two again changes nothing.

    Raises AlreadyLinked when the client has another login.
    """
    account = session.get(Account, account_id)
    if account is None or account.business_id != business_of(session):
        raise NotFound
    lock(session, client)
    known = queries.account_of(session, client)
    if known is not None:
        if known.account_id != account_id:
            raise AlreadyLinked
        return known
    made = Link(
        id=new_id(),
        business_id=business_of(session),
        client_id=client.id,
        account_id=account_id,
        linked_by=linked_by,
        created_at=clock.now(),
    )
    session.add(made)
    session.flush()
    record(session, "client.linked", client, by=by, account_id=str(account_id), linked_by=linked_by)
    return made


def unlink(session: Session, client: Client, *, by: Actor) -> None:
    """The login acts for this client no more; if it has no other, its sessions end at once."""
    lock(session, client)
    known = queries.account_of(session, client)
    if known is None:
        return
    account_id = known.account_id
    session.delete(known)
    session.flush()
    record(session, "client.unlinked", client, by=by, account_id=str(account_id))
    if session.scalar(select(Link.id).where(Link.account_id == account_id).limit(1)) is None:
        end_all_sessions(session, session.get_one(Account, account_id))
