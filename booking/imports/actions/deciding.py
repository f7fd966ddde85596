"""Is this person of the file a client already, and what would the file change? Writes nothing."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from booking.accounts.rules import email_key
from booking.clients import queries as clients
from booking.clients.models import Client, ClientStatus, Pet
from booking.clients.rules import sort_name
from booking.imports.models import Verdict
from booking.imports.rules import differences
from booking.imports.rules.differences import squeezed
from booking.imports.rules.reading import RowProblem
from booking.imports.rules.rows import ImportedClient, ImportedPet

_NOT_COMPARED = {"id", "business_id", "client_id", "created_at", "updated_at", "archived_at"}
_PET_VALUES = [each.name for each in Pet.__table__.columns if each.name not in _NOT_COMPARED]
_CLIENT_VALUES = [each.name for each in Client.__table__.columns if each.name not in _NOT_COMPARED]


@dataclass(slots=True)
class Decision:
    """What is to be done for one person. `pet_changes` goes by pet, `undo` is filled in writing."""

    person: ImportedClient
    verdict: Verdict
    key: str | None
    client: Client | None = None
    client_id: uuid.UUID | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    pets: list[Pet] = field(default_factory=list)
    new_pets: list[ImportedPet] = field(default_factory=list)
    pet_changes: list[tuple[Pet, dict[str, Any]]] = field(default_factory=list)
    notes: list[RowProblem] = field(default_factory=list)
    undo: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Known:
    """The clients that may be meant, by number, by address and by name."""

    by_number: dict[str, list[Client]] = field(default_factory=dict)
    by_key: dict[str, list[Client]] = field(default_factory=dict)
    by_name: dict[str, list[Client]] = field(default_factory=dict)
    pets: dict[uuid.UUID, list[Pet]] = field(default_factory=dict)
    linked: set[uuid.UUID] = field(default_factory=set)


def decide(session: Session, people: Sequence[ImportedClient], *, hold: bool) -> list[Decision]:
    """One decision a person, in their order. `hold` keeps the clients found from changing."""
    keys = [email_key(person.email) if person.email else None for person in people]
    known = _known(session, people, keys, hold=hold)
    numbered: dict[uuid.UUID, str] = {}
    return [
        _decision(person, key, known, numbered) for person, key in zip(people, keys, strict=True)
    ]


def _known(
    session: Session, people: Sequence[ImportedClient], keys: Iterable[str | None], *, hold: bool
) -> _Known:
    numbers = {person.external_id for person in people if person.external_id}
    addresses = {key for key in keys if key}
    names = {
        sort_name(person.first_name, person.last_name)
        for person, key in zip(people, keys, strict=True)
        if key is None
    } - {""}
    conditions: list[ColumnElement[bool]] = [
        Client.external_id.in_(numbers),
        Client.email_key.in_(addresses),
        Client.sort_name.in_(names) & Client.email_key.is_(None),
    ]
    found: dict[uuid.UUID, Client] = {}
    for condition in conditions:
        query = select(Client).where(condition).order_by(Client.id)
        for client in session.scalars(query.with_for_update() if hold else query):
            found[client.id] = client
    known = _Known()
    oldest = sorted(found.values(), key=lambda one: (one.status != ClientStatus.ACTIVE, one.id))
    for client in oldest:
        if client.external_id:
            known.by_number.setdefault(client.external_id, []).append(client)
        if client.email_key:
            known.by_key.setdefault(client.email_key, []).append(client)
        else:
            known.by_name.setdefault(client.sort_name, []).append(client)
    known.pets = clients.pets_of(session, found, archived=True)
    known.linked = set(clients.links_of(session, found))
    return known


def _decision(
    person: ImportedClient, key: str | None, known: _Known, numbered: dict[uuid.UUID, str]
) -> Decision:
    same_number = True
    meant = known.by_number.get(person.external_id, []) if person.external_id else []
    if meant and differences.is_somebody_else(_values(meant[0], _CLIENT_VALUES), person):
        return _somebody_else(person, key, meant[0])
    if not meant:
        same_number = False
        meant = [one for one in _alike(person, key, known) if _may_be(person, one, numbered)]
    if not meant:
        return Decision(person, Verdict.NEW, key, new_pets=list(person.pets))
    client = meant[0]
    if person.external_id:
        numbered[client.id] = person.external_id
    decision = _compared(person, key, client, known, same_number=same_number)
    if len(meant) > 1:
        message = "Several clients here are the same; the oldest active one was taken."
        decision.notes.append(RowProblem(person.line, "", "several_clients", message))
    return decision


def _somebody_else(person: ImportedClient, key: str | None, client: Client) -> Decision:
    message = (
        f"Client number {person.external_id} belongs to somebody with another name, e-mail and"
        " phone here. Nothing was changed; please add this client by hand."
    )
    note = RowProblem(person.line, "external_id", "somebody_else", message)
    return Decision(person, Verdict.REJECTED, key, client_id=client.id, notes=[note])


def _alike(person: ImportedClient, key: str | None, known: _Known) -> list[Client]:
    """Equal e-mail and name; of those without an address, equal in name, e-mail and phones."""
    name = squeezed(person.first_name + person.last_name)
    if not name:
        return []
    if key is not None:
        candidates = known.by_key.get(key, [])
        return [one for one in candidates if squeezed(one.first_name + one.last_name) == name]
    told = [squeezed(each) for each in (person.email, person.mobile_phone, person.home_phone)]
    candidates = known.by_name.get(sort_name(person.first_name, person.last_name), [])
    return [
        one
        for one in candidates
        if any(told)
        and told == [squeezed(each) for each in (one.email, one.mobile_phone, one.home_phone)]
    ]


def _may_be(person: ImportedClient, client: Client, numbered: dict[uuid.UUID, str]) -> bool:
    """Two different client numbers are two clients, whatever else is equal."""
    number = client.external_id or numbered.get(client.id)
    return not (person.external_id and number and number != person.external_id)


def _compared(
    person: ImportedClient, key: str | None, client: Client, known: _Known, *, same_number: bool
) -> Decision:
    found = differences.client_differences(
        _values(client, _CLIENT_VALUES),
        person,
        same_number=same_number,
        has_login=client.id in known.linked,
    )
    pets = known.pets[client.id]
    decision = Decision(
        person, Verdict.MATCHED, key, client, client.id, found.changes, pets, notes=found.kept
    )
    values = [_values(pet, _PET_VALUES) for pet in pets]
    for pet in person.pets:
        place = differences.same_pet(values, pet)
        if place is None:
            decision.new_pets.append(pet)
        else:
            told = differences.pet_differences(values[place], pet, person.line)
            decision.notes += told.kept
            if told.changes:
                values[place] |= told.changes
                decision.pet_changes.append((pets[place], told.changes))
    if decision.changes or decision.new_pets or decision.pet_changes:
        decision.verdict = Verdict.UPDATED
    return decision


def _values(row: Client | Pet, names: Sequence[str]) -> dict[str, Any]:
    """As plain values."""
    values = {name: getattr(row, name) for name in names}
    values["external_id"] = values["external_id"] or ""
    return values
