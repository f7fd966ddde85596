"""Is this person of the file a client already, and what would the file change? Writes nothing."""

import uuid
from collections.abc import Mapping, Sequence
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

_RECOGNISED_BY = (
    Client.id, Client.status, Client.external_id, Client.first_name, Client.last_name,
    Client.email, Client.email_key, Client.mobile_phone, Client.home_phone,
)  # fmt: skip
_NOT_COMPARED = {"business_id", "created_at", "updated_at", "search_text", "sort_name"}
_CLIENT_VALUES = [each for each in Client.__table__.columns if each.name not in _NOT_COMPARED]
_PET_VALUES = [each for each in Pet.__table__.columns if each.name not in _NOT_COMPARED]

Values = Mapping[Any, Any]


@dataclass(slots=True)
class Decision:
    """What is to be done for one person. `pet_names` are the pets there are, `pet_changes` goes by
    the pet's id, `undo` is filled in by the writing.
    """

    person: ImportedClient
    verdict: Verdict
    key: str | None
    client_id: uuid.UUID | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    new_pets: list[ImportedPet] = field(default_factory=list)
    pet_names: list[str] = field(default_factory=list)
    pet_changes: dict[uuid.UUID, dict[str, Any]] = field(default_factory=dict)
    notes: list[RowProblem] = field(default_factory=list)
    undo: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Candidates:
    """Clients that may be meant: active ones first, then by age."""

    by_number: dict[str, list[Values]] = field(default_factory=dict)
    by_key: dict[str, list[Values]] = field(default_factory=dict)
    by_name: dict[str, list[Values]] = field(default_factory=dict)
    numbered: dict[uuid.UUID, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Found:
    """Those who are meant, with all that is known of them."""

    clients: dict[uuid.UUID, dict[str, Any]]
    pets: dict[uuid.UUID, list[dict[str, Any]]]
    linked: set[uuid.UUID]


@dataclass(frozen=True, slots=True)
class _Meant:
    client_id: uuid.UUID
    same_number: bool
    others: int


def decide(session: Session, people: Sequence[ImportedClient], *, hold: bool) -> list[Decision]:
    """One decision a person, in their order. `hold` keeps the clients found from changing."""
    keyed = [(one, email_key(one.email) if one.email else None) for one in people]
    candidates = _candidates(session, keyed)
    meant = [_meant(person, key, candidates) for person, key in keyed]
    found = _found(session, {one.client_id for one in meant if one}, hold=hold)
    return [
        _decision(person, key, one, found)
        if one
        else Decision(person, Verdict.NEW, key, new_pets=list(person.pets))
        for (person, key), one in zip(keyed, meant, strict=True)
    ]


def _candidates(
    session: Session, keyed: Sequence[tuple[ImportedClient, str | None]]
) -> _Candidates:
    numbers = {person.external_id for person, _ in keyed} - {""}
    keys = {key for _, key in keyed if key}
    names = {sort_name(one.first_name, one.last_name) for one, key in keyed if not key} - {""}
    conditions: list[ColumnElement[bool]] = [
        Client.external_id.in_(numbers),
        Client.email_key.in_(keys),
        Client.sort_name.in_(names) & Client.email_key.is_(None),
    ]
    rows: dict[uuid.UUID, Values] = {}
    for condition in conditions:
        for row in session.execute(select(*_RECOGNISED_BY).where(condition)).mappings():
            rows[row["id"]] = row
    found = _Candidates()
    order = sorted(rows.values(), key=lambda one: (one["status"] != ClientStatus.ACTIVE, one["id"]))
    for one in order:
        if one["external_id"]:
            found.by_number.setdefault(one["external_id"], []).append(one)
        if one["email_key"]:
            found.by_key.setdefault(one["email_key"], []).append(one)
        else:
            name = sort_name(one["first_name"], one["last_name"])
            found.by_name.setdefault(name, []).append(one)
    return found


def _meant(person: ImportedClient, key: str | None, known: _Candidates) -> _Meant | None:
    if person.external_id and (numbered := known.by_number.get(person.external_id)):
        return _Meant(numbered[0]["id"], True, len(numbered) - 1)
    alike = [one for one in _alike(person, key, known) if _may_be(person, one, known)]
    if not alike:
        return None
    client_id: uuid.UUID = alike[0]["id"]
    if person.external_id:
        known.numbered[client_id] = person.external_id
    return _Meant(client_id, False, len(alike) - 1)


def _alike(person: ImportedClient, key: str | None, known: _Candidates) -> list[Values]:
    """Equal e-mail and name; of those without an address, equal in name, e-mail and phones."""
    name = squeezed(person.first_name + person.last_name)
    if not name:
        return []
    if key is not None:
        there = known.by_key.get(key, [])
        return [one for one in there if squeezed(one["first_name"] + one["last_name"]) == name]
    told = [squeezed(each) for each in (person.email, person.mobile_phone, person.home_phone)]
    there = known.by_name.get(sort_name(person.first_name, person.last_name), [])
    ways = ("email", "mobile_phone", "home_phone")
    return [one for one in there if any(told) and told == [squeezed(one[way]) for way in ways]]


def _may_be(person: ImportedClient, one: Values, known: _Candidates) -> bool:
    """Two different client numbers are two clients, whatever else is equal."""
    number = one["external_id"] or known.numbered.get(one["id"])
    return not (person.external_id and number and number != person.external_id)


def _found(session: Session, client_ids: set[uuid.UUID], *, hold: bool) -> _Found:
    if not client_ids:
        return _Found({}, {}, set())
    attributes = [getattr(Client, column.name) for column in _CLIENT_VALUES]
    query = select(*attributes).where(Client.id.in_(client_ids)).order_by(Client.id)
    rows = session.execute(query.with_for_update() if hold else query).mappings()
    known = {row["id"]: _values(row) for row in rows}
    pets: dict[uuid.UUID, list[dict[str, Any]]] = {client_id: [] for client_id in known}
    of_pets = select(*(getattr(Pet, column.name) for column in _PET_VALUES))
    of_pets = of_pets.where(Pet.client_id.in_(client_ids)).order_by(Pet.id)
    for row in session.execute(of_pets).mappings():
        pets[row["client_id"]].append(_values(row))
    return _Found(known, pets, set(clients.links_of(session, client_ids)))


def _values(row: Values) -> dict[str, Any]:
    return {**row, "external_id": row["external_id"] or ""}


def _decision(person: ImportedClient, key: str | None, meant: _Meant, found: _Found) -> Decision:
    known = found.clients[meant.client_id]
    if meant.same_number and differences.is_somebody_else(known, person):
        return _somebody_else(person, key, meant.client_id)
    told = differences.client_differences(
        known,
        person,
        same_number=meant.same_number,
        has_login=meant.client_id in found.linked,
    )
    decision = Decision(
        person, Verdict.MATCHED, key, meant.client_id, told.changes, notes=told.kept
    )
    _compare_pets(decision, found.pets[meant.client_id])
    if decision.changes or decision.new_pets or decision.pet_changes:
        decision.verdict = Verdict.UPDATED
    if meant.others:
        message = "Several clients here are the same; the oldest active one was taken."
        decision.notes.append(RowProblem(person.line, "", "several_clients", message))
    return decision


def _somebody_else(person: ImportedClient, key: str | None, client_id: uuid.UUID) -> Decision:
    message = (
        f"Client number {person.external_id} belongs to somebody with another name, e-mail and"
        " phone here. Nothing was changed; please add this client by hand."
    )
    note = RowProblem(person.line, "external_id", "somebody_else", message)
    return Decision(person, Verdict.REJECTED, key, client_id, notes=[note])


def _compare_pets(decision: Decision, pets: list[dict[str, Any]]) -> None:
    """An archived pet counts as known: an import brings nothing back that staff put away."""
    for pet in decision.person.pets:
        place = differences.same_pet(pets, pet)
        if place is None:
            decision.new_pets.append(pet)
            continue
        told = differences.pet_differences(pets[place], pet, decision.person.line)
        decision.notes += told.kept
        if told.changes:
            pets[place] |= told.changes
            decision.pet_changes.setdefault(pets[place]["id"], {}).update(told.changes)
    decision.pet_names = [pet["name"] for pet in pets if pet["archived_at"] is None]
