"""Taking an import back, as far as nobody has built on it since: a chunk a transaction."""

import logging
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, func, or_, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, aliased, defer

from booking import clock, wakeup
from booking.audit.actions import Actor, record
from booking.audit.models import ActorKind
from booking.clients import queries as clients
from booking.clients.actions import write_changes
from booking.clients.models import Client, ClientStatus, Pet
from booking.database import lock, set_business
from booking.imports.actions import turns
from booking.imports.actions.staging import JOB as APPLYING
from booking.imports.actions.staging import NotNow
from booking.imports.actions.writing import plain
from booking.imports.models import Import, ImportRow, ImportState, Verdict
from booking.imports.rules.reading import RowProblem
from booking.matching.models import Match, MatchState

JOB = "undo_due_imports"
CHUNK = 300
_log = logging.getLogger(__name__)
_MADE = (Verdict.NEW, Verdict.REVIEW)
EXAMPLES = 20
"""of those who would stay are named before an import is undone"""
_DATES = {"birthday", "birth_date"}
_GONE = "was merged with another one, or removed, since"
_CHANGED_SINCE = "was changed since"
_CHANGED = "was changed since; those values stay"
_FAILED = "could not be changed back; please look at it"


@dataclass(slots=True)
class Undone:
    """How many clients; `spared` ones stay as they are: somebody worked with them."""

    removed: int = 0
    restored: int = 0
    spared: int = 0


def begin(session: Session, row: Import, *, by: Actor) -> None:
    """The worker is to remove the clients this import made, and to give back the values it changed.

    What was changed, booked, invited or linked since is spared. Raises NotNow.
    """
    lock(session, row)
    if not can_be_undone(row):
        raise NotNow("Only an import that is done can be undone.")
    row.state = ImportState.UNDOING
    row.due_since = clock.now()
    row.finished_at = None
    row.undone_by, row.undone_by_name = by.id, by.name[:200]
    wakeup.after_commit(session, JOB)


def can_be_undone(row: Import) -> bool:
    return row.state is ImportState.DONE and not row.dry_run


def undo_next_chunk(session: Session, *, of_this_business: bool = False) -> bool:
    """The next rows, from the last one on, of the import whose turn it is to be undone. False when
    it is none's turn.

    One transaction around this is one chunk, as with `apply_next_chunk`. The client a later row
    changed gets its earlier values back before the earlier row is looked at.
    """
    row = turns.claim(session, [ImportState.UNDOING], of_this_business=of_this_business)
    if row is None:
        return False
    set_business(session, row.business_id)
    staged = _next_rows(session, row)
    done = _undo(session, staged, _who_asked(row))
    _add(row, done)
    if len(staged) == CHUNK:
        row.done = staged[-1].number - 1
        wakeup.after_commit(session, JOB)
    else:
        row.done = 0
        _finish(session, row)
    return True


def _next_rows(session: Session, row: Import) -> Sequence[ImportRow]:
    """What they say of people, and in which cells, is not read."""
    query = (
        select(ImportRow)
        .where(
            ImportRow.import_id == row.id,
            ImportRow.verdict.in_([*_MADE, Verdict.UPDATED]),
            ImportRow.number <= row.done,
        )
        .order_by(ImportRow.number.desc())
        .limit(CHUNK)
        .options(defer(ImportRow.cells), defer(ImportRow.person))
    )
    return session.scalars(query).all()


def _finish(session: Session, row: Import) -> None:
    row.state = ImportState.UNDONE
    row.finished_at = clock.now()
    wakeup.after_commit(session, APPLYING)
    record(
        session,
        "import.undone",
        row,
        by=_who_asked(row),
        removed=row.removed,
        restored=row.restored,
        spared=row.spared,
    )


def _who_asked(row: Import) -> Actor:
    return Actor(ActorKind.STAFF, row.undone_by, row.undone_by_name)


def _undo(session: Session, staged: Sequence[ImportRow], by: Actor) -> Undone:
    """All at once; and where that fails, one by one: one that can't be undone holds up no other."""
    done = Undone()
    try:
        with session.begin_nested():
            _undo_together(session, staged, done, by)
    except OperationalError:
        raise  # the database itself: nothing is known of the rows
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one row, the others go on
        done = Undone()
        if len(staged) > 1:
            for each in staged:
                _add(done, _undo(session, [each], by))
        else:
            _log.warning("a row of an import could not be undone: %s", type(error).__name__)
            _spare(staged[0], done, _FAILED)
    return done


def _add(total: Import | Undone, done: Undone) -> None:
    total.removed += done.removed
    total.restored += done.restored
    total.spared += done.spared


def _undo_together(session: Session, staged: Sequence[ImportRow], done: Undone, by: Actor) -> None:
    """What was made and then changed by a later row is as it was made before it is looked at."""
    changed = [one for one in staged if one.verdict is Verdict.UPDATED]
    _restore_changed(session, changed, done, by)
    session.flush()
    _remove_made(session, {one.id: one for one in staged if one.verdict in _MADE}, done)
    session.flush()


@dataclass(slots=True)
class Outlook:
    """What undoing would do. `spared` counts the rows whose clients would stay as they are;
    `examples` are the first of them, and why."""

    removed: int = 0
    restored: int = 0
    spared: int = 0
    examples: list[tuple[ImportRow, str]] = field(default_factory=list)


def foresee(session: Session, row: Import) -> Outlook:
    """What undoing would do now, without doing it. The database counts: rows are read only of those
    whose clients were changed since."""
    found = Outlook()
    made = _made(row, _why_it_stays().label("why")).subquery()
    counted = select(made.c.why, func.count()).group_by(made.c.why)
    for why, number in session.execute(counted):
        if why is None:
            found.removed += number
        else:
            found.spared += number
    taken_back = _only_changed_by(session, row)
    found.removed += len(taken_back)
    found.spared -= len(taken_back)
    some = _that_stay(row, ImportRow).order_by(ImportRow.number).limit(EXAMPLES + len(taken_back))
    staying = [
        (staged, why) for staged, why in session.execute(some) if staged.id not in taken_back
    ]
    found.examples += staying[:EXAMPLES]
    _foresee_changed(session, row, found)
    found.examples = sorted(found.examples, key=lambda one: one[0].number)[:EXAMPLES]
    return found


def _only_changed_by(session: Session, row: Import) -> set[uuid.UUID]:
    """Rows that made a client whom nobody but later rows of this import changed. Those are taken
    back before it is looked at, and so it does not stay."""
    later = aliased(ImportRow)
    query = (
        _made(row, ImportRow.id, Client.updated_at, later.undo)
        .join(later, (later.business_id == Client.business_id) & (later.client_id == Client.id))
        .where(
            later.import_id == row.id,
            later.verdict == Verdict.UPDATED,
            _why_it_stays() == _CHANGED_SINCE,
        )
        .order_by(later.number)
    )
    is_as_left = {
        row_id: updated_at == datetime.fromisoformat(undo["after"])
        for row_id, updated_at, undo in session.execute(query)
    }
    return {row_id for row_id, is_last in is_as_left.items() if is_last}


def _foresee_changed(session: Session, row: Import, found: Outlook) -> None:
    mine = (ImportRow.import_id == row.id, ImportRow.verdict == Verdict.UPDATED)
    untouched = (
        select(Client.id)
        .where(Client.id == ImportRow.client_id, Client.updated_at == ImportRow.left_at)
        .exists()
    )
    counted = select(func.count()).select_from(ImportRow).where(*mine, untouched)
    found.restored += session.scalar(counted) or 0
    touched = select(ImportRow).where(*mine, ~untouched).order_by(ImportRow.number).limit(CHUNK)
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


def _remove_made(session: Session, staged: dict[uuid.UUID, ImportRow], done: Undone) -> None:
    """A client that an import made has the id of its row. Keys and open matches go along."""
    there = select(Client.id).where(Client.id.in_(staged)).order_by(Client.id)
    held = set(session.scalars(there.with_for_update()))
    why = select(Client.id, _why_it_stays()).where(Client.id.in_(held))
    staying = dict.fromkeys(staged.keys() - held, _GONE)
    staying |= {client_id: reason for client_id, reason in session.execute(why) if reason}
    for client_id, reason in staying.items():
        _spare(staged[client_id], done, reason)
    removable = list(staged.keys() - staying.keys())
    if removable:
        for kind, column in ((Pet, Pet.client_id), (Client, Client.id)):
            session.execute(
                delete(kind)
                .where(column.in_(removable))
                .execution_options(synchronize_session=False)
            )
    done.removed += len(removable)


def _made(row: Import, *what: Any) -> Select[Any]:
    """Of the rows of this import that made a client, with the client as it is now, if it is there.
    A client that an import made has the id of its row."""
    return (
        select(*what)
        .select_from(ImportRow)
        .outerjoin(
            Client, (Client.business_id == ImportRow.business_id) & (Client.id == ImportRow.id)
        )
        .where(ImportRow.import_id == row.id, ImportRow.verdict.in_(_MADE))
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
        (Client.updated_at != Client.created_at, _CHANGED_SINCE),
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
    done.spared += 1
    note = RowProblem(staged.lines[0], "", "spared", f"Not undone: this client {why}.")
    staged.problems = [*staged.problems, asdict(note)]


def _restore_changed(
    session: Session, staged: Sequence[ImportRow], done: Undone, by: Actor
) -> None:
    """Latest first, so that a client changed by two rows gets its first values back."""
    ids = {one.client_id for one in staged if one.client_id}
    held = (
        select(Client)
        .where(Client.id.in_(ids))
        .order_by(Client.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    known = {client.id: client for client in session.scalars(held)}
    pets = clients.pets_of(session, list(known), archived=True)
    for one in staged:
        client = known.get(one.client_id) if one.client_id else None
        if client is None or str(client.id) != one.undo["client"]:
            _spare(one, done, _GONE)
        elif _restore(session, client, pets[client.id], one.undo, by):
            done.restored += 1
        else:
            _spare(one, done, _CHANGED)


def _restore(
    session: Session, client: Client, pets: list[Pet], undo: dict[str, Any], by: Actor
) -> bool:
    """Whether everything could be given back. What differs from what the import wrote stays.
    `pets` are left without those the import brought."""
    untouched = client.updated_at == datetime.fromisoformat(undo["after"])
    whole = True
    for pet in pets:
        if str(pet.id) in undo["pets"]:
            session.delete(pet)
        else:
            whole &= _give_back(pet, undo["pet_fields"].get(str(pet.id), {}))
    pets[:] = [pet for pet in pets if str(pet.id) not in undo["pets"]]
    changes = _still_as_written(client, undo["fields"])
    whole &= len(changes) == len(undo["fields"])
    names = [pet.name for pet in pets if pet.archived_at is None]
    write_changes(session, client, changes, by=by, pets=names)
    if untouched:
        client.updated_at = datetime.fromisoformat(undo["before"])
    return whole


def _give_back(pet: Pet, fields: dict[str, Any]) -> bool:
    changes = _still_as_written(pet, fields)
    for name, value in changes.items():
        setattr(pet, name, value)
    return len(changes) == len(fields)


def _still_as_written(record: Client | Pet, fields: dict[str, Any]) -> dict[str, Any]:
    """The earlier values of those fields that hold what the import wrote."""
    return {
        name: _value(name, old)
        for name, (old, new) in fields.items()
        if plain(getattr(record, name)) == new
    }


def _value(name: str, kept: Any) -> Any:
    if name in _DATES and kept is not None:
        return date.fromisoformat(kept)
    return ClientStatus(kept) if name == "status" else kept
