"""Decisions become rows: new clients in bulk, changes one by one, each with its way back."""

import uuid
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Table, insert, text
from sqlalchemy.orm import Session

from booking import clock
from booking.audit.actions import Actor
from booking.clients import queries as clients
from booking.clients.actions import write_changes
from booking.clients.models import Client, ClientStatus, Pet
from booking.clients.rules import search_text, sort_name
from booking.database import Base, business_of, new_id
from booking.imports.actions.deciding import Decision
from booking.imports.models import Verdict
from booking.imports.rules.differences import vaccinations
from booking.imports.rules.rows import ImportedClient, ImportedPet

_OURS = {"external_id", "status", "blocked", "invite", "line", "pets", "warnings"}
_VALUES = [each.name for each in fields(ImportedClient) if each.name not in _OURS]
_PET_VALUES = [
    each.name for each in fields(ImportedPet) if each.name not in ("external_id", "vaccinations")
]


def write(session: Session, decisions: list[Decision], *, by: Actor) -> None:
    moment = clock.now()
    business_id = business_of(session)
    pets: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for decision in decisions:
        if decision.verdict is Verdict.NEW:
            row = _client_row(decision, business_id, moment)
            decision.client_id = row["id"]
            decision.undo = {"made": moment.isoformat()}
            rows.append(row)
            pets += [_pet_row(pet, row["id"], business_id, moment) for pet in decision.new_pets]
    if rows:
        session.execute(insert(_table(Client)), rows)
    pets += _update(session, [one for one in decisions if one.verdict is Verdict.UPDATED], by)
    if pets:
        session.execute(insert(_table(Pet)), pets)


def renew_statistics(session: Session) -> None:
    """What PostgreSQL plans by, after a table grew: it checked each pet's foreign key by a plan for
    an empty table, two minutes for 15,000 clients, until its own housekeeping came round.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ANALYZE client, pet"))


def _table(model: type[Base]) -> Table:
    """For plain bulk inserts, which name their business themselves."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _client_row(decision: Decision, business_id: uuid.UUID, moment: datetime) -> dict[str, Any]:
    person = decision.person
    return {
        "id": new_id(),
        "business_id": business_id,
        "external_id": person.external_id or None,
        **{name: getattr(person, name) for name in _VALUES},
        "email_key": decision.key,
        "email_version": 0,
        "status": ClientStatus(person.status or ClientStatus.ACTIVE),
        "blocked": bool(person.blocked),
        "sort_name": sort_name(person.first_name, person.last_name),
        "search_text": search_text(
            (person.first_name, person.last_name, person.external_id),
            person.email,
            (person.mobile_phone, person.home_phone),
            [pet.name for pet in person.pets],
        ),
        "created_at": moment,
        "updated_at": moment,
    }


def _pet_row(
    pet: ImportedPet, client_id: uuid.UUID, business_id: uuid.UUID, moment: datetime
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "business_id": business_id,
        "client_id": client_id,
        "external_id": pet.external_id or None,
        **{name: getattr(pet, name) for name in _PET_VALUES},
        "vaccinations": vaccinations(pet),
        "created_at": moment,
        "archived_at": None,
    }


def _update(session: Session, decisions: list[Decision], by: Actor) -> list[dict[str, Any]]:
    """Returns the rows of pets to add."""
    ids = {one.client_id for one in decisions if one.client_id}
    found = clients.find_many(session, ids)
    pets = clients.pets_of(session, ids, archived=True)
    new: list[dict[str, Any]] = []
    for decision in decisions:
        if decision.client_id in found:
            client = found[decision.client_id]
            new += _update_one(session, decision, client, pets[client.id], by)
    return new


def _update_one(
    session: Session, decision: Decision, client: Client, pets: list[Pet], by: Actor
) -> list[dict[str, Any]]:
    before = client.updated_at
    changes = dict(decision.changes)
    if "status" in changes:
        changes["status"] = ClientStatus(changes["status"])
    told_of = {name: [plain(getattr(client, name)), plain(new)] for name, new in changes.items()}
    pets_told_of = {}
    for pet in pets:
        if told := decision.pet_changes.get(pet.id):
            pets_told_of[str(pet.id)] = {
                name: [plain(getattr(pet, name)), plain(new)] for name, new in told.items()
            }
            for name, value in told.items():
                setattr(pet, name, value)
    moment = clock.now()
    new = [_pet_row(pet, client.id, client.business_id, moment) for pet in decision.new_pets]
    names = decision.pet_names + [row["name"] for row in new]
    write_changes(session, client, changes, by=by, pets=names)
    decision.undo = {
        "before": before.isoformat(),
        "after": client.updated_at.isoformat(),
        "fields": told_of,
        "pets": [str(row["id"]) for row in new],
        "pet_fields": pets_told_of,
    }
    return new


def plain(value: Any) -> Any:
    """As JSON keeps it."""
    if isinstance(value, ClientStatus):
        return value.value
    return value.isoformat() if isinstance(value, date) else value
