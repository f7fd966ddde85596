"""Decisions become rows: new clients in bulk, changes one by one, each with its way back."""

import uuid
from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from booking import bulk, clock
from booking.accounts.rules import email_key
from booking.audit.actions import Actor
from booking.clients import queries as clients
from booking.clients.actions import write_changes
from booking.clients.models import Client, ClientStatus, Compared, Pet
from booking.clients.rules import search_text, sort_name
from booking.database import new_id
from booking.imports.actions.deciding import Decision, NewPet
from booking.imports.models import Verdict
from booking.imports.rules.differences import vaccinations
from booking.imports.rules.pets import ImportedPet
from booking.imports.rules.rows import ImportedClient
from booking.matching.models import Match, MatchState, Origin

_JUDGED = {"external_id", "status", "blocked", "vaccinations"}
_AS_SAID, _PET_AS_SAID = (
    [each.name for each in fields(said) if hasattr(model, each.name) and each.name not in _JUDGED]
    for said, model in ((ImportedClient, Client), (ImportedPet, Pet))
)
_said, _pet_said = attrgetter(*_AS_SAID), attrgetter(*_PET_AS_SAID)
_OF_CLIENT = ["id", "external_id", "email_key", "status", "blocked", "sort_name", "search_text"]
_OF_CLIENT += _AS_SAID
_OF_PET = ["id", "client_id", "external_id", "vaccinations", *_PET_AS_SAID]
_GROWN = text("""
    SELECT relname FROM pg_class
    WHERE oid IN ('client'::regclass, 'pet'::regclass, 'match'::regclass, 'import_row'::regclass)
      AND pg_relation_size(oid) > 2 * relpages * current_setting('block_size')::int
""")
_OF_MATCH = ["id", "client_id", "other_id", "newcomer_id", "score", "agrees", "differs"]


def write(session: Session, decisions: Sequence[Decision], *, by: Actor) -> None:
    """All but the keys, which the worker writes for several thousand at once."""
    moment = clock.now()
    new = [one for one in decisions if one.verdict in (Verdict.NEW, Verdict.REVIEW)]
    for one in new:
        one.left_at = moment
    rows = [_client_row(one) for one in new]
    same: dict[str, Any] = {"created_at": moment, "updated_at": moment, "email_version": 0}
    bulk.insert(session, Client, _OF_CLIENT, rows, compared=Compared.CHANGED, **same)
    pets = [_pet_row(pet, one.staged.id) for one in new for pet in one.new_pets]
    _insert_pets(session, pets, moment)
    _write_matches(session, new, moment)
    _update(session, [one for one in decisions if one.verdict is Verdict.UPDATED], by)


def renew_statistics(session: Session) -> None:
    """What PostgreSQL plans by, of the tables that have grown to twice what they were: it checked
    each pet's foreign key by a plan for an empty table, two minutes for 15,000 clients, until its
    own housekeeping came round.
    """
    if session.get_bind().dialect.name == "postgresql":
        for table in session.scalars(_GROWN):
            session.execute(text(f"ANALYZE {table}"))


def _client_row(decision: Decision) -> tuple[Any, ...]:
    person = decision.person
    return (
        decision.staged.id,
        person.external_id or None,
        email_key(person.email) if person.email else None,
        ClientStatus(person.status or ClientStatus.ACTIVE),
        bool(person.blocked),
        sort_name(person.first_name, person.last_name),
        search_text(
            (person.first_name, person.last_name, person.external_id),
            person.email,
            (person.mobile_phone, person.home_phone),
            [pet.name for pet in person.pets],
        ),
        *_said(person),
    )


def _pet_row(new: NewPet, client_id: uuid.UUID) -> tuple[Any, ...]:
    said = new.said
    return (
        new.id,
        client_id,
        said.external_id or None,
        vaccinations(said),
        *_pet_said(said),
    )


def _insert_pets(session: Session, rows: Sequence[tuple[Any, ...]], moment: datetime) -> None:
    bulk.insert(session, Pet, _OF_PET, rows, created_at=moment, archived_at=None)


def _write_matches(session: Session, decisions: Sequence[Decision], moment: datetime) -> None:
    """Nothing can have been decided about somebody who has just come."""
    rows = [
        (
            new_id(),
            *sorted((decision.staged.id, other.known.client_id)),
            decision.staged.id,
            other.comparison.score,
            list(other.comparison.agrees),
            list(other.comparison.differs),
        )
        for decision in decisions
        for other in decision.looks_like
    ]
    same: dict[str, Any] = {"origin": Origin.IMPORT, "state": MatchState.OPEN}
    bulk.insert(session, Match, _OF_MATCH, rows, created_at=moment, decided_by_name="", **same)


def _update(session: Session, decisions: Sequence[Decision], by: Actor) -> None:
    ids = {one.client_id for one in decisions}
    found = clients.find_many(session, ids)
    pets = clients.pets_of(session, ids, archived=True)
    for decision in decisions:
        if client := found.get(decision.client_id):
            _update_one(session, decision, client, pets[client.id], by)
    rows = [_pet_row(pet, one.client_id) for one in decisions for pet in one.new_pets]
    _insert_pets(session, rows, clock.now())


def _update_one(
    session: Session, decision: Decision, client: Client, pets: list[Pet], by: Actor
) -> None:
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
    write_changes(session, client, changes, by=by, pets=decision.pet_names)
    if not decision.notes:
        decision.left_at = client.updated_at
    decision.undo = {
        "client": str(client.id),
        "before": before.isoformat(),
        "after": client.updated_at.isoformat(),
        "fields": told_of,
        "pets": [str(pet.id) for pet in decision.new_pets],
        "pet_fields": pets_told_of,
    }


def plain(value: Any) -> Any:
    """As JSON keeps it."""
    if isinstance(value, ClientStatus):
        return value.value
    return value.isoformat() if isinstance(value, date) else value
