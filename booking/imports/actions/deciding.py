"""What is to be done for each person of a file, and what the file would change. Writes nothing."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from sqlalchemy import Row, Table, select
from sqlalchemy.orm import Session

from booking.accounts.rules import email_key
from booking.clients import queries as clients
from booking.clients.models import Client, ClientStatus, Pet
from booking.database import business_of, new_id
from booking.imports.actions import asking
from booking.imports.actions.asking import Staged
from booking.imports.actions.recognising import LooksLike, Meant, Ready, Recogniser
from booking.imports.actions.rehearsing import Rehearsal, Told
from booking.imports.models import Import, Verdict
from booking.imports.rules import differences
from booking.imports.rules.pets import ImportedPet
from booking.imports.rules.reading import RowProblem
from booking.imports.rules.rows import ImportedClient

_NOT_COMPARED = {"business_id", "created_at", "search_text", "sort_name", "compared"}
_client, _pet = Client.__table__, Pet.__table__
assert isinstance(_client, Table)
assert isinstance(_pet, Table)
_CLIENT_VALUES = [each for each in _client.columns if each.name not in _NOT_COMPARED]
_PET_VALUES = [each for each in _pet.columns if each.name not in _NOT_COMPARED]
_CLIENT_NAMES, _PET_NAMES = ([each.name for each in them] for them in (_CLIENT_VALUES, _PET_VALUES))

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewPet:
    id: uuid.UUID
    said: ImportedPet


@dataclass(slots=True)
class Decision:
    """What is to be done for one person. `client_id` may be a client's who is yet to be made, whom
    a dry run does not make; `is_there` tells.

    `pet_names` are the pets there will be, `pet_changes` goes by the pet's id. `undo` and `left_at`
    are filled in by the writing, but for those in whom nothing changes.
    """

    staged: Staged
    verdict: Verdict
    client_id: uuid.UUID
    is_there: bool = False
    looks_like: tuple[LooksLike, ...] = ()
    changes: Values = field(default_factory=dict)
    new_pets: list[NewPet] = field(default_factory=list)
    pet_names: list[str] = field(default_factory=list)
    pet_changes: dict[uuid.UUID, Values] = field(default_factory=dict)
    notes: list[RowProblem] = field(default_factory=list)
    undo: Values = field(default_factory=dict)
    left_at: Any = None

    @property
    def person(self) -> ImportedClient:
        return self.staged.person


@dataclass(slots=True)
class _Found:
    """Those who are meant, with all that is known of them. It follows what the rows change."""

    clients: dict[uuid.UUID, Values]
    pets: dict[uuid.UUID, list[Values]]
    linked: Collection[uuid.UUID]


def decide(
    session: Session,
    row: Import,
    staged: Sequence[Staged],
    rehearsal: Rehearsal,
    ready: Mapping[uuid.UUID, Ready],
) -> list[Decision]:
    """One decision a person, in their order. The clients found are held, but in a dry run.
    `ready` are those whom another process has looked up."""
    recogniser = Recogniser(session, row, staged, rehearsal.fresh, ready)
    meant = [recogniser.meant(one) for one in staged]
    wanted = {each.client_id for each in meant if each.client_id is not None}
    found = _found(session, wanted, hold=not row.dry_run)
    if row.dry_run:
        _follow(found, rehearsal)
    decisions = []
    for one, each in zip(staged, meant, strict=True):
        if each.client_id is not None:
            decisions.append(_decision(one, each.client_id, each, found))
            continue
        new = _newcomers(one, each)
        if one.id in wanted:  # by one who comes later
            _add(found, one.id, one.person, new.new_pets)
        decisions.append(new)
    if row.dry_run:
        _remember(rehearsal, decisions)
    return decisions


def _found(session: Session, client_ids: set[uuid.UUID], *, hold: bool) -> _Found:
    """In a dry run also those whom earlier rows would have made."""
    if not client_ids:
        return _Found({}, {}, set())
    query = select(*_CLIENT_VALUES).where(
        _client.c.business_id == business_of(session), _client.c.id.in_(client_ids)
    )
    if hold:
        query = query.order_by(_client.c.id).with_for_update()
    rows = (_values(_CLIENT_NAMES, row) for row in session.execute(query).all())
    known = {row["id"]: row for row in rows}
    found = _Found(known, {client_id: [] for client_id in known}, set())
    of_pets = select(*_PET_VALUES).where(
        _pet.c.business_id == business_of(session), _pet.c.client_id.in_(client_ids)
    )
    pets = [_values(_PET_NAMES, row) for row in session.execute(of_pets).all()]
    for pet in sorted(pets, key=itemgetter("id")):  # a database would read all pets for the order
        found.pets[pet["client_id"]].append(pet)
    found.linked = clients.links_of(session, known.keys()).keys()
    if not hold:
        people = asking.people(session, client_ids - known.keys())
        for row_id, said in people.items():
            _add(found, row_id, said, [NewPet(new_id(), pet) for pet in said.pets])
    return found


def _values(names: Sequence[str], row: Row[Any]) -> Values:
    values = dict(zip(names, row, strict=True))
    values["external_id"] = values["external_id"] or ""
    return values


def _add(
    found: _Found, client_id: uuid.UUID, said: ImportedClient, new_pets: Sequence[NewPet]
) -> None:
    """Somebody new, as they will stand in the list."""
    found.clients[client_id] = {
        **{each.name: getattr(said, each.name, None) for each in _CLIENT_VALUES},
        "id": client_id,
        "email_key": email_key(said.email) if said.email else None,
        "status": ClientStatus(said.status or ClientStatus.ACTIVE),
        "blocked": bool(said.blocked),
    }
    found.pets[client_id] = [_pet_values(pet) for pet in new_pets]


def _pet_values(new: NewPet) -> Values:
    values = {each.name: getattr(new.said, each.name, None) for each in _PET_VALUES}
    return values | {"id": new.id, "vaccinations": differences.vaccinations(new.said)}


def _follow(found: _Found, rehearsal: Rehearsal) -> None:
    """What earlier chunks of a dry run would have changed."""
    for client_id, known in found.clients.items():
        if told := rehearsal.told.get(client_id):
            known |= told.changes
            pets = found.pets[client_id]
            pets += [_pet_values(NewPet(*new)) for new in told.new_pets]
            for pet in pets:
                pet |= told.pet_changes.get(pet["id"], {})


def _remember(rehearsal: Rehearsal, decisions: Sequence[Decision]) -> None:
    for one in decisions:
        if one.verdict is Verdict.UPDATED:
            told = rehearsal.told.setdefault(one.client_id, Told())
            told.changes |= one.changes
            told.new_pets += [(new.id, new.said) for new in one.new_pets]
            for pet_id, changes in one.pet_changes.items():
                told.pet_changes.setdefault(pet_id, {}).update(changes)


def _newcomers(staged: Staged, meant: Meant) -> Decision:
    person = staged.person
    return Decision(
        staged,
        Verdict.REVIEW if meant.looks_like else Verdict.NEW,
        staged.id,
        looks_like=meant.looks_like,
        new_pets=[NewPet(new_id(), pet) for pet in person.pets],
        notes=[_looks_like(person, each) for each in meant.looks_like],
    )


def _looks_like(person: ImportedClient, other: LooksLike) -> RowProblem:
    agrees, differs = other.comparison.agrees, other.comparison.differs
    if other.other_number:
        differs = ("other client number", *differs)
    message = f"Looks like {other.known.name}: {', '.join(agrees)}"
    message += f"; but {', '.join(differs)}." if differs else "."
    return RowProblem(person.line, "", "looks_like", message)


def _decision(staged: Staged, client_id: uuid.UUID, meant: Meant, found: _Found) -> Decision:
    person, known = staged.person, found.clients[client_id]
    if meant.same_number and differences.is_somebody_else(known, person):
        return _somebody_else(staged, client_id)
    told = differences.client_differences(
        known, person, same_number=meant.same_number, has_login=client_id in found.linked
    )
    is_there = known.get("updated_at") is not None
    decision = Decision(
        staged, Verdict.MATCHED, client_id, is_there, changes=told.changes, notes=told.kept
    )
    _compare_pets(decision, found.pets[client_id])
    if decision.changes or decision.new_pets or decision.pet_changes:
        decision.verdict = Verdict.UPDATED
        known |= decision.changes
        known["email_key"] = email_key(known["email"]) if known["email"] else None
    if meant.several:
        message = "Several clients here are the same; the oldest active one was taken."
        decision.notes.append(RowProblem(person.line, "", "several_clients", message))
    elif decision.verdict is Verdict.MATCHED and not decision.notes:
        decision.left_at = known.get("updated_at")
    return decision


def _somebody_else(staged: Staged, client_id: uuid.UUID) -> Decision:
    message = (
        f"Client number {staged.person.external_id} belongs to somebody with another name, e-mail"
        " and phone here. Nothing was changed; please add this client by hand."
    )
    note = RowProblem(staged.person.line, "external_id", "somebody_else", message)
    return Decision(staged, Verdict.REJECTED, client_id, True, notes=[note])


def _compare_pets(decision: Decision, pets: list[Values]) -> None:
    """An archived pet counts as known: an import brings nothing back that staff put away."""
    for pet in decision.person.pets:
        place = differences.same_pet(pets, pet)
        if place is None:
            decision.new_pets.append(NewPet(new_id(), pet))
            continue
        told = differences.pet_differences(pets[place], pet, decision.person.line)
        decision.notes += told.kept
        if told.changes:
            pets[place] |= told.changes
            decision.pet_changes.setdefault(pets[place]["id"], {}).update(told.changes)
    pets += map(_pet_values, decision.new_pets)
    decision.pet_names = [pet["name"] for pet in pets if pet["archived_at"] is None]
