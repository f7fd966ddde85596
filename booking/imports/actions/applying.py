"""Staged rows become clients, a chunk a transaction: what is interrupted goes on where it was."""

import json
import logging
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Table, Text, cast, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from booking import bulk, clock, wakeup
from booking.audit.actions import SYSTEM, Actor, record
from booking.audit.models import ActorKind
from booking.bulk import no_collecting
from booking.clients.models import Client
from booking.database import set_business
from booking.imports.actions import asking, deciding, rehearsing, turns, undoing, writing
from booking.imports.actions.deciding import Decision
from booking.imports.actions.preparing import Preparer
from booking.imports.actions.recognising import Ready
from booking.imports.actions.rehearsing import Rehearsal
from booking.imports.actions.staging import JOB
from booking.imports.actions.waiting import Waiting, are_told_apart, in_hand, staged, waiting
from booking.imports.models import Import, ImportRow, ImportState, Verdict
from booking.imports.queries import counts
from booking.imports.rules.reading import RowProblem
from booking.matching.actions.raising import JOB as COMPARING
from booking.matching.actions.scans import start_scan
from booking.matching.renewal import renew_due_keys

CHUNK = 1_000
_log = logging.getLogger(__name__)
_DUE = (ImportState.QUEUED, ImportState.RUNNING)
_RENEWED_AT_ONCE = 1_000
_PLAIN = {"synchronize_session": False}
_row, _client = ImportRow.__table__, Client.__table__
assert isinstance(_row, Table)
assert isinstance(_client, Table)


@dataclass(frozen=True, slots=True)
class Progress:
    import_id: uuid.UUID
    done: int
    total: int

    @property
    def finished(self) -> bool:
        return self.done >= self.total


def apply_next_chunk(
    session: Session, *, of_this_business: bool = False, preparer: Preparer | None = None
) -> Progress | None:
    """The next rows of the import whose turn it is; None when it is no import's turn.

    One transaction around this is one chunk: call it again, in a new one, until it answers None.
    A session without a business looks everywhere, passes over what another worker holds, and then
    works for the business it found. One with a business waits. A `preparer` is at the next rows of
    a long list while these are applied.
    """
    row = turns.claim(session, _DUE, of_this_business=of_this_business)
    if row is None:
        return None
    set_business(session, row.business_id)
    row.state = ImportState.RUNNING
    rehearsal = rehearsing.rehearsal_of(session, row)
    last = min(row.done + CHUNK, row.people)
    with no_collecting():
        told = _match_unchanged(session, row, last)
        rows = waiting(session, row, row.done + 1, last)
        rehearsal.fresh.is_asked = row.dry_run or not rows or not are_told_apart(row, rows)
        ready = preparer.taken() if preparer else {}
        if renewed := _renew(session, row, rows, rehearsal):
            ready = {}  # which knows of none of these
        if renewed == _RENEWED_AT_ONCE:
            return Progress(row.id, row.done, row.people)
        work = _Work(row, rehearsal, told, ready)
        if preparer is not None and not renewed:  # as the other sees it, they have no keys yet
            _prepare(session, row, rows, preparer)
        _apply(session, work, rows)
        if not row.dry_run:
            _renew_statistics(session, row)
    row.done = last
    progress = Progress(row.id, row.done, row.people)
    if progress.finished:
        _finish(session, row)
    else:
        wakeup.after_commit(session, JOB)
        rehearsing.keep(rehearsal, last)
    return progress


def _renew_statistics(session: Session, row: Import) -> None:
    chunks = row.done // CHUNK + 1
    if chunks & (chunks - 1) == 0:  # the first, second, fourth, eighth …
        writing.renew_statistics(session)


def _match_unchanged(session: Session, row: Import, last: int) -> set[uuid.UUID]:
    """Rows that say what an earlier file said of a client who has not changed since: there is
    nothing to do for them, and so nothing to compare. Answers all rows that an earlier file had."""
    earlier = _row.alias()
    is_unchanged = (_client.c.updated_at == earlier.c.left_at) & (
        cast(_row.c.problems, Text) == "[]"
    )
    query = (
        select(_row.c.id, earlier.c.client_id, _client.c.updated_at, is_unchanged)
        .join(
            earlier,
            (earlier.c.business_id == _row.c.business_id)
            & (earlier.c.said == _row.c.said)
            & (earlier.c.import_id != _row.c.import_id)
            & earlier.c.verdict.in_(asking.ACCEPTED),
        )
        .join(
            _client,
            (_client.c.business_id == _row.c.business_id) & (_client.c.id == earlier.c.client_id),
        )
        .where(*in_hand(session, row, row.done + 1, last))
        .order_by(_client.c.id.desc())
    )
    told = session.execute(query).all()
    oldest = {row_id: found for row_id, *found, unchanged in told if unchanged}
    rows = [(row_id, Verdict.MATCHED, *found) for row_id, found in oldest.items()]
    bulk.update(session, ImportRow, ["verdict", "client_id", "left_at"], rows)
    return {row_id for row_id, *_ in told}


def _renew(session: Session, row: Import, rows: Sequence[Waiting], rehearsal: Rehearsal) -> int:
    """Gives those who are to be found their keys: they came with a list of a minute ago; or with
    this one, whose rows had numbers so far, or which another worker began. How many they were:
    when they were as many as are taken at once, there may be others."""
    fresh = rehearsal.fresh
    if row.done == 0:
        are_due = bool(rows) and asking.is_anybody_due(session)
    else:
        are_due = bool(rows) and fresh.misses and fresh.is_asked
    if not are_due:
        return 0
    renewed = renew_due_keys(session, most=_RENEWED_AT_ONCE)
    if renewed < _RENEWED_AT_ONCE:
        fresh.misses = False
    else:
        rehearsing.keep(rehearsal, row.done)
        wakeup.after_commit(session, JOB)
    return renewed


def _prepare(session: Session, row: Import, rows: Sequence[Waiting], preparer: Preparer) -> None:
    """As all of these are to be looked up, the next ones may be so too. Four fifths of them are as
    long a work as all that is left to do for all of them."""
    alone = not asking.is_anybody_besides(session, asking.made_by(session, row))
    if len(rows) < CHUNK or (alone and are_told_apart(row, rows)):
        return
    last = row.done + CHUNK
    preparer.begin(session, row, last + 1, min(last + CHUNK * 4 // 5, row.people))


@dataclass(frozen=True, slots=True)
class _Work:
    """`told` are the rows that an earlier file had, `ready` those another process has looked up."""

    row: Import
    rehearsal: Rehearsal
    told: Collection[uuid.UUID]
    ready: Mapping[uuid.UUID, Ready]


def _apply(session: Session, work: _Work, rows: Sequence[Waiting]) -> None:
    """All at once; and where that fails, one by one: a wrong row stops nothing."""
    if not rows:
        return
    try:
        with session.begin_nested():
            _apply_together(session, work, rows)
    except OperationalError:
        raise  # the database itself: nothing is known of the rows
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one row, the others go on
        if len(rows) > 1:
            _apply_one_by_one(session, work, rows)
            return
        _log.warning("a row of an import could not be stored: %s", type(error).__name__)
        work.rehearsal.fresh.take_back(rows[0][0])
        _reject(session, rows[0])


def _apply_one_by_one(session: Session, work: _Work, rows: Sequence[Waiting]) -> None:
    """Looked up anew: somebody whom the other process found may be gone since."""
    rehearsing.begin_again(work.rehearsal)
    anew = replace(work, ready={})
    for each in rows:
        _apply(session, anew, [each])


def _apply_together(session: Session, work: _Work, rows: Sequence[Waiting]) -> None:
    row = work.row
    people = staged(row, rows, work.told)
    decisions = deciding.decide(session, row, people, work.rehearsal, work.ready)
    if not row.dry_run:
        writing.write(session, decisions, by=actor_of(row))
    session.flush()
    _note(session, row, decisions)


def _reject(session: Session, read: Waiting) -> None:
    row_id, _, _, _, problems = read
    lines = session.execute(select(_row.c.lines).where(_row.c.id == row_id)).scalar_one()
    message = "This row could not be stored. Please add this client by hand."
    note = RowProblem(lines[0], "", "not_stored", message)
    told = [*json.loads(problems), asdict(note)]
    bulk.update(session, ImportRow, ["verdict", "problems"], [(row_id, Verdict.REJECTED, told)])


def _note(session: Session, row: Import, decisions: Sequence[Decision]) -> None:
    """What became of each row. Most are new, and new clients have the ids of their rows: of those
    that have nothing else to tell a single statement does for all."""
    told = [one for one in decisions if not _goes_without_saying(one)]
    plain = [
        (one.staged.id, one.verdict, _client_of(row, one), one.left_at)
        for one in told
        if not (one.notes or one.undo or one.staged.has_problems)
    ]
    bulk.update(session, ImportRow, ["verdict", "client_id", "left_at"], plain)
    whole = [
        (
            one.staged.id,
            one.verdict,
            _client_of(row, one),
            one.left_at,
            one.undo,
            [asdict(each) for each in (*one.person.warnings, *one.notes)],
        )
        for one in told
        if one.notes or one.undo or one.staged.has_problems
    ]
    columns = ["verdict", "client_id", "left_at", "undo", "problems"]
    bulk.update(session, ImportRow, columns, whole)
    first, last = decisions[0].staged.number, decisions[-1].staged.number
    left = update(ImportRow).where(*in_hand(session, row, first, last))
    if row.dry_run:
        session.execute(left.values(verdict=Verdict.NEW), execution_options=_PLAIN)
    else:
        moment = next((one.left_at for one in decisions if _goes_without_saying(one)), None)
        known = left.values(verdict=Verdict.NEW, client_id=ImportRow.id, left_at=moment)
        session.execute(known, execution_options=_PLAIN)


def _goes_without_saying(decision: Decision) -> bool:
    return decision.verdict is Verdict.NEW and not decision.staged.has_problems


def _client_of(row: Import, decision: Decision) -> uuid.UUID | None:
    """In a dry run only clients who are there."""
    return decision.client_id if decision.is_there or not row.dry_run else None


def _finish(session: Session, row: Import) -> None:
    row.state = ImportState.DONE
    row.finished_at = clock.now()
    wakeup.after_commit(session, undoing.JOB)
    if not row.dry_run:
        wakeup.after_commit(session, COMPARING)
        session.flush()
        verdicts = {verdict.value: number for verdict, number in counts(session, row.id).items()}
        if verdicts[Verdict.NEW] + verdicts[Verdict.REVIEW] > CHUNK:
            start_scan(session, by=SYSTEM)  # who came meanwhile found only those who had keys
        record(
            session,
            "import.applied",
            row,
            by=actor_of(row),
            file_name=row.file_name,
            verdicts=verdicts,
        )


def actor_of(row: Import) -> Actor:
    return Actor(ActorKind.STAFF, row.created_by, row.created_by_name)
