"""Taking an import back, as far as nobody has built on it since."""

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from booking import clock
from booking.audit.actions import Actor, record
from booking.clients import queries as clients
from booking.clients.actions import write_changes
from booking.clients.models import Client, ClientStatus, Pet
from booking.database import lock
from booking.imports.actions.staging import NotNow
from booking.imports.actions.writing import plain
from booking.imports.models import Import, ImportRow, ImportState, Verdict
from booking.imports.rules.reading import RowProblem

_CHUNK = 500
_DATES = {"birthday", "birth_date"}


@dataclass(slots=True)
class Undone:
    """`spared` are clients that stay as they are, with the reason: somebody worked with them."""

    removed: int = 0
    restored: int = 0
    spared: list[tuple[uuid.UUID, str]] = field(default_factory=list)


def undo(session: Session, row: Import, *, by: Actor) -> Undone:
    """Remove the clients this import made, and give back the values it changed.

    What was changed, booked, invited or linked since is spared. Raises NotNow.
    """
    lock(session, row)
    if row.dry_run or row.state is not ImportState.DONE:
        raise NotNow("Only an import that is done can be undone.")
    done = Undone()
    _restore_changed(session, row, done, by)
    session.flush()
    _remove_made(session, row, done)
    row.state = ImportState.UNDONE
    row.finished_at = clock.now()
    record(
        session,
        "import.undone",
        row,
        by=by,
        removed=done.removed,
        restored=done.restored,
        spared=len(done.spared),
    )
    return done


def _remove_made(session: Session, row: Import, done: Undone) -> None:
    query = (
        select(ImportRow)
        .where(ImportRow.import_id == row.id, ImportRow.verdict == Verdict.NEW)
        .order_by(ImportRow.number)
    )
    after = 0
    while staged := list(session.scalars(query.where(ImportRow.number > after).limit(_CHUNK))):
        after = staged[-1].number
        _remove_chunk(session, {one.client_id: one for one in staged if one.client_id}, done)


def _remove_chunk(session: Session, staged: dict[uuid.UUID, ImportRow], done: Undone) -> None:
    there = select(Client.id, Client.updated_at).where(Client.id.in_(staged))
    held = session.execute(there.with_for_update()).all()
    used = clients.in_use(session, staged)
    removable = []
    for client_id, updated_at in held:
        if client_id in used:
            _spare(staged[client_id], done, "has appointments, an invitation or a login by now")
        elif updated_at != datetime.fromisoformat(staged[client_id].undo["made"]):
            _spare(staged[client_id], done, "was changed since")
        else:
            removable.append(client_id)
    if removable:
        for kind, column in ((Pet, Pet.client_id), (Client, Client.id)):
            session.execute(
                delete(kind)
                .where(column.in_(removable))
                .execution_options(synchronize_session=False)
            )
    done.removed += len(removable)
    session.flush()


def _spare(staged: ImportRow, done: Undone, why: str) -> None:
    """`why` completes "This client …"."""
    if staged.client_id is not None:
        done.spared.append((staged.client_id, why))
    note = RowProblem(staged.lines[0], "", "spared", f"Not undone: this client {why}.")
    staged.problems = [
        *staged.problems,
        {"line": note.line, "field": note.field, "code": note.code, "message": note.message},
    ]


def _restore_changed(session: Session, row: Import, done: Undone, by: Actor) -> None:
    """Latest first, so that a client changed by two rows gets its first values back."""
    query = (
        select(ImportRow)
        .where(ImportRow.import_id == row.id, ImportRow.verdict == Verdict.UPDATED)
        .order_by(ImportRow.number.desc())
    )
    for staged in list(session.scalars(query)):
        client = session.scalar(select(Client).where(Client.id == staged.client_id))
        if client is None:
            continue
        lock(session, client)
        if _restore(session, client, staged.undo, by):
            done.restored += 1
        else:
            _spare(staged, done, "was changed since; those values stay")


def _restore(session: Session, client: Client, undo: dict[str, Any], by: Actor) -> bool:
    """Whether everything could be given back. What differs from what the import wrote stays."""
    untouched = client.updated_at == datetime.fromisoformat(undo["after"])
    whole = True
    pets = clients.pets_of(session, [client.id], archived=True)[client.id]
    for pet in pets:
        if str(pet.id) in undo["pets"]:
            session.delete(pet)
        for name, (old, new) in undo["pet_fields"].get(str(pet.id), {}).items():
            if plain(getattr(pet, name)) == new:
                setattr(pet, name, _value(name, old))
            else:
                whole = False
    changes = {}
    for name, (old, new) in undo["fields"].items():
        if plain(getattr(client, name)) == new:
            changes[name] = _value(name, old)
        else:
            whole = False
    names = [
        pet.name for pet in pets if pet.archived_at is None and str(pet.id) not in undo["pets"]
    ]
    write_changes(session, client, changes, by=by, pets=names)
    if untouched:
        client.updated_at = datetime.fromisoformat(undo["before"])
    session.flush()
    return whole


def _value(name: str, kept: Any) -> Any:
    if name in _DATES and kept is not None:
        return date.fromisoformat(kept)
    return ClientStatus(kept) if name == "status" else kept
