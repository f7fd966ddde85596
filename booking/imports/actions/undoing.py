"""Taking an import back, as far as nobody has built on it since."""

import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, func, or_, select
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
EXAMPLES = 20
"""of those who would stay are named before an import is undone"""
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
    """What undoing would do. `spared` counts the rows whose clients would stay as they are;
    `examples` are the first of them, and why."""

    removed: int = 0
    restored: int = 0
    spared: int = 0
    examples: list[tuple[ImportRow, str]] = field(default_factory=list)


def foresee(session: Session, row: Import) -> Outlook:
    """What `undo` would do now, without doing it. The database counts: rows are read only of those
    whose clients were changed since."""
    found = Outlook()
    made = _made(row, _why_it_stays().label("why")).subquery()
    counted = select(made.c.why, func.count()).group_by(made.c.why)
    for why, number in session.execute(counted):
        if why is None:
            found.removed += number
        else:
            found.spared += number
    some = _that_stay(row, ImportRow).order_by(ImportRow.number).limit(EXAMPLES)
    found.examples += [(staged, why) for staged, why in session.execute(some)]
    _foresee_changed(session, row, found)
    found.examples = sorted(found.examples, key=lambda one: one[0].number)[:EXAMPLES]
    return found


def _foresee_changed(session: Session, row: Import, found: Outlook) -> None:
    mine = (ImportRow.import_id == row.id, ImportRow.verdict == Verdict.UPDATED)
    untouched = (
        select(Client.id)
        .where(Client.id == ImportRow.client_id, Client.updated_at == ImportRow.left_at)
        .exists()
    )
    counted = select(func.count()).select_from(ImportRow).where(*mine, untouched)
    found.restored += session.scalar(counted) or 0
    touched = select(ImportRow).where(*mine, ~untouched).order_by(ImportRow.number).limit(_CHUNK)
    after, some = 0, EXAMPLES
    while staged := list(session.scalars(touched.where(ImportRow.number > after))):
        after = staged[-1].number
        stay = list(_changed_since(session, staged))
        found.restored += len(staged) - len(stay)
        found.spared += len(stay)
        found.examples += stay[:some]
        some -= min(some, len(stay))


def _changed_since(
    session: Session, staged: Collection[ImportRow]
) -> Iterator[tuple[ImportRow, str]]:
    """Those of these rows whose clients would not get all their earlier values back, and why."""
    known = clients.find_many(session, [one.client_id for one in staged if one.client_id])
    pets = clients.pets_of(session, list(known), archived=True)
    for one in staged:
        client = known.get(one.client_id) if one.client_id else None
        if client is None or str(client.id) != one.undo["client"]:
            yield one, _GONE
        elif not _is_as_left(client, pets[client.id], one.undo):
            yield one, _CHANGED


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
    query = _made(row, ImportRow).order_by(ImportRow.number).limit(_CHUNK)
    after = 0
    while staged := list(session.scalars(query.where(ImportRow.number > after))):
        after = staged[-1].number
        _remove_chunk(session, row, {one.id: one for one in staged}, done)


def _remove_chunk(
    session: Session, row: Import, staged: dict[uuid.UUID, ImportRow], done: Undone
) -> None:
    """Their keys and open matches go along."""
    there = select(Client.id).where(Client.id.in_(staged)).order_by(Client.id)
    session.execute(there.with_for_update()).all()
    stay = _that_stay(row, ImportRow.id).where(ImportRow.id.in_(staged))
    staying: dict[uuid.UUID, str] = dict(session.execute(stay).all())
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


def _made(row: Import, *what: Any) -> Select[Any]:
    """Of the rows of this import that made a client, with the client as it is now, if it is there.
    A client that an import made has the id of its row."""
    return (
        select(*what)
        .select_from(ImportRow)
        .outerjoin(
            Client, (Client.business_id == ImportRow.business_id) & (Client.id == ImportRow.id)
        )
        .where(ImportRow.import_id == row.id, ImportRow.verdict.in_([Verdict.NEW, Verdict.REVIEW]))
    )


def _that_stay(row: Import, what: Any) -> Select[Any]:
    why = _why_it_stays()
    return _made(row, what, why).where(why.is_not(None))


def _why_it_stays() -> ColumnElement[str | None]:
    """Of a client that somebody worked with since; completes "This client …"."""
    return case(
        (Client.id.is_(None), _GONE),
        (clients.is_in_use(), "has appointments, an invitation or a login by now"),
        (_decided_about(), "was told apart from another one since"),
        (Client.updated_at != Client.created_at, "was changed since"),
    )


def _decided_about() -> ColumnElement[bool]:
    """Staff said who they are not, or with whom they live."""
    decided = (
        select(Match.id)
        .where(Match.business_id == Client.business_id, Match.state != MatchState.OPEN)
        .correlate(Client)
    )
    return or_(
        *(decided.where(one == Client.id).exists() for one in (Match.client_id, Match.other_id))
    )


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
