"""Taking an import back, as far as nobody has built on it since."""

import uuid
from collections.abc import Collection
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
from booking.matching.models import Match, MatchState

_CHUNK = 500
_DATES = {"birthday", "birth_date"}
_GONE = "was merged with another one, or removed, since"
_CHANGED = "was changed since; those values stay"


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


@dataclass(slots=True)
class Outlook:
    """What undoing would do. `spared`: the rows whose clients would stay as they are, and why."""

    removed: int = 0
    restored: int = 0
    spared: list[tuple[ImportRow, str]] = field(default_factory=list)


def foresee(session: Session, row: Import) -> Outlook:
    """What `undo` would do now, without doing it."""
    found = Outlook()
    written = (Verdict.NEW, Verdict.REVIEW, Verdict.UPDATED)
    query = (
        select(ImportRow)
        .where(ImportRow.import_id == row.id, ImportRow.verdict.in_(written))
        .order_by(ImportRow.number)
        .limit(_CHUNK)
    )
    after = 0
    while staged := list(session.scalars(query.where(ImportRow.number > after))):
        after = staged[-1].number
        made = {one.id: one for one in staged if one.verdict is not Verdict.UPDATED}
        staying = _why_they_stay(session, made)
        found.spared += [(made[client_id], why) for client_id, why in staying.items()]
        found.removed += len(made) - len(staying)
        _foresee_changed(session, [one for one in staged if one.id not in made], found)
    return found


def _foresee_changed(session: Session, staged: list[ImportRow], found: Outlook) -> None:
    known = clients.find_many(session, [one.client_id for one in staged if one.client_id])
    pets = clients.pets_of(session, list(known), archived=True)
    for one in staged:
        client = known.get(one.client_id) if one.client_id else None
        if client is None or str(client.id) != one.undo["client"]:
            found.spared.append((one, _GONE))
        elif _is_as_left(client, pets[client.id], one.undo):
            found.restored += 1
        else:
            found.spared.append((one, _CHANGED))


def _is_as_left(client: Client, pets: list[Pet], undo: dict[str, Any]) -> bool:
    """Whether all that the import wrote stands as it wrote it."""
    return all(
        plain(getattr(record, name)) == new
        for record, fields in (
            (client, undo["fields"]),
            *((pet, undo["pet_fields"].get(str(pet.id), {})) for pet in pets),
        )
        for name, (_, new) in fields.items()
    )


def _remove_made(session: Session, row: Import, done: Undone) -> None:
    query = (
        select(ImportRow)
        .where(ImportRow.import_id == row.id, ImportRow.verdict.in_([Verdict.NEW, Verdict.REVIEW]))
        .order_by(ImportRow.number)
    )
    after = 0
    while staged := list(session.scalars(query.where(ImportRow.number > after).limit(_CHUNK))):
        after = staged[-1].number
        _remove_chunk(session, {one.id: one for one in staged}, done)


def _remove_chunk(session: Session, staged: dict[uuid.UUID, ImportRow], done: Undone) -> None:
    """Their keys and open matches go along."""
    there = select(Client.id).where(Client.id.in_(staged)).order_by(Client.id)
    session.execute(there.with_for_update()).all()
    staying = _why_they_stay(session, staged)
    for client_id, why in staying.items():
        _spare(staged[client_id], done, why)
    removable = list(staged.keys() - staying.keys())
    if removable:
        for kind, column in ((Pet, Pet.client_id), (Client, Client.id)):
            session.execute(
                delete(kind)
                .where(column.in_(removable))
                .execution_options(synchronize_session=False)
            )
    done.removed += len(removable)
    session.flush()


def _why_they_stay(session: Session, staged: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Of the clients these rows made, those that somebody worked with since. A client that an
    import made has the id of its row; each text completes "This client …"."""
    there = select(Client.id, Client.created_at, Client.updated_at).where(Client.id.in_(staged))
    known = {each.id: each for each in session.execute(there)}
    used = clients.in_use(session, staged)
    decided = _decided_about(session, staged)
    found: dict[uuid.UUID, str] = {}
    for client_id in staged:
        if client_id not in known:
            found[client_id] = _GONE
        elif client_id in used:
            found[client_id] = "has appointments, an invitation or a login by now"
        elif client_id in decided:
            found[client_id] = "was told apart from another one since"
        elif known[client_id].updated_at != known[client_id].created_at:
            found[client_id] = "was changed since"
    return found


def _decided_about(session: Session, client_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Of whom staff said who they are not, or with whom they live."""
    found: set[uuid.UUID] = set()
    for column in (Match.client_id, Match.other_id):
        query = select(column).where(Match.state != MatchState.OPEN, column.in_(client_ids))
        found |= {client_id for client_id in session.scalars(query) if client_id}
    return found


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
        if client is None or str(client.id) != staged.undo["client"]:
            _spare(staged, done, _GONE)
            continue
        lock(session, client)
        if _restore(session, client, staged.undo, by):
            done.restored += 1
        else:
            _spare(staged, done, _CHANGED)


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
