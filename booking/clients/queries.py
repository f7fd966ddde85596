"""Finding clients, their pets, and who signs in for them."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, func, or_, select, tuple_
from sqlalchemy.orm import Session

from booking.clients.models import Client, ClientStatus, Link, Pet
from booking.clients.rules import needles
from booking.database import Base
from booking.errors import NotFound

# Rows that belong to a client and say nothing about anybody having used the record.
_OWN_PARTS = {"pet", "client_key", "match", "newcomer"}
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """`q` looks through names, e-mail, phones, pets and client numbers: every word must be found.

    `email_problem` finds those whose e-mail is no address.
    """

    q: str = ""
    status: ClientStatus | None = None
    has_account: bool | None = None
    email_problem: bool | None = None


@dataclass(frozen=True, slots=True)
class After:
    """Where a page of the list goes on: the sort key of the last client seen."""

    sort_name: str
    id: uuid.UUID


def find(session: Session, client_id: uuid.UUID) -> Client:
    """Raises NotFound, also for another business's client."""
    client = session.scalar(select(Client).where(Client.id == client_id))
    if client is None:
        raise NotFound
    return client


def find_many(session: Session, client_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Client]:
    found: dict[uuid.UUID, Client] = {}
    for part in _parts(client_ids):
        clients = session.scalars(select(Client).where(Client.id.in_(part)))
        found |= {client.id: client for client in clients}
    return found


def search(
    session: Session, wanted: ClientFilter, *, after: After | None = None, limit: int = 50
) -> list[Client]:
    """By last and first name. Ask for one more than you show to know whether more follow."""
    query = _matching(select(Client), wanted).order_by(Client.sort_name, Client.id).limit(limit)
    if after is not None:
        place = tuple_(Client.sort_name, Client.id)
        query = query.where(place > tuple_(after.sort_name, after.id))
    return list(session.scalars(query))


def count(session: Session, wanted: ClientFilter) -> int:
    return session.scalar(_matching(select(func.count()).select_from(Client), wanted)) or 0


def _matching(query: Select[Any], wanted: ClientFilter) -> Select[Any]:
    linked = select(Link.id).where(Link.client_id == Client.id).exists()
    for alternatives in needles(wanted.q):
        query = query.where(or_(*map(_contains, alternatives)))
    if wanted.status is not None:
        query = query.where(Client.status == wanted.status)
    if wanted.has_account is not None:
        query = query.where(linked if wanted.has_account else ~linked)
    if wanted.email_problem is not None:
        broken = (Client.email != "") & Client.email_key.is_(None)
        query = query.where(broken if wanted.email_problem else ~broken)
    return query


def _contains(text: str) -> ColumnElement[bool]:
    return Client.search_text.contains(text, autoescape=True)


def clients_with_email(session: Session, email_key: str) -> list[Client]:
    """Everybody at that address: active ones first, then by age."""
    return list(
        session.scalars(
            select(Client)
            .where(Client.email_key == email_key)
            .order_by(Client.status != ClientStatus.ACTIVE, Client.created_at, Client.id)
        )
    )


def pets_of(
    session: Session, client_ids: Collection[uuid.UUID], *, archived: bool = False
) -> dict[uuid.UUID, list[Pet]]:
    """The pets of each client in the order they came; archived ones last, where asked for."""
    found: dict[uuid.UUID, list[Pet]] = {client_id: [] for client_id in client_ids}
    for part in _parts(client_ids):
        query = select(Pet).where(Pet.client_id.in_(part))
        if not archived:
            query = query.where(Pet.archived_at.is_(None))
        for pet in session.scalars(query.order_by(Pet.archived_at.is_not(None), Pet.id)):
            found[pet.client_id].append(pet)
    return found


def find_pet(session: Session, client: Client, pet_id: uuid.UUID) -> Pet:
    pet = session.scalar(select(Pet).where(Pet.id == pet_id, Pet.client_id == client.id))
    if pet is None:
        raise NotFound
    return pet


def links_of(session: Session, client_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Link]:
    found: dict[uuid.UUID, Link] = {}
    for part in _parts(client_ids):
        links = session.scalars(select(Link).where(Link.client_id.in_(part)))
        found |= {link.client_id: link for link in links}
    return found


def account_of(session: Session, client: Client) -> Link | None:
    return session.scalar(select(Link).where(Link.client_id == client.id))


def clients_of(session: Session, account_id: uuid.UUID) -> list[Client]:
    """Whose records this login may see: active ones first, then in the order they were linked."""
    return list(
        session.scalars(
            select(Client)
            .join(Link, (Link.client_id == Client.id) & (Link.business_id == Client.business_id))
            .where(Link.account_id == account_id)
            .order_by(Client.status != ClientStatus.ACTIVE, Link.id)
        )
    )


def is_in_use() -> ColumnElement[bool]:
    """Whether any other record points to the `Client` of a query: an appointment, a login, an
    invitation. Asks every table that points to clients, whichever room it belongs to."""
    return or_(
        *(
            select(column)
            .where(column.table.c.business_id == Client.business_id, column == Client.id)
            .correlate(Client)
            .exists()
            for column in _pointing_at_clients()
        )
    )


def _pointing_at_clients() -> list[Column[Any]]:
    """By a foreign key, or, where that would be checked too often, by `uses`."""
    return [
        column
        for table in Base.metadata.tables.values()
        if table.name not in _OWN_PARTS
        for column in table.columns
        if column.info.get("uses") == Client.__tablename__
        or any(key.column is Client.__table__.c.id for key in column.foreign_keys)
    ]


def _parts(ids: Collection[uuid.UUID]) -> list[Sequence[uuid.UUID]]:
    """A database takes only so many parameters in one statement."""
    every = list(ids)
    return [every[start : start + _CHUNK] for start in range(0, len(every), _CHUNK)]
