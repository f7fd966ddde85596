"""Staged rows become clients, a chunk a transaction: what is interrupted goes on where it was."""

import logging
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, aliased

from booking import clock, wakeup
from booking.audit.actions import Actor, record
from booking.audit.models import ActorKind
from booking.database import across_businesses, set_business
from booking.imports.actions import deciding, writing
from booking.imports.actions.deciding import Decision
from booking.imports.actions.staging import JOB, person_of
from booking.imports.models import Import, ImportRow, ImportState, Verdict
from booking.imports.queries import counts
from booking.imports.rules.reading import RowProblem
from booking.imports.rules.rows import ImportedClient

CHUNK = 500
_log = logging.getLogger(__name__)
_DUE = (ImportState.QUEUED, ImportState.RUNNING)


@dataclass(frozen=True, slots=True)
class Progress:
    import_id: uuid.UUID
    done: int
    total: int

    @property
    def finished(self) -> bool:
        return self.done >= self.total


@dataclass(frozen=True, slots=True)
class _Staged:
    """What of a staged row is needed to apply it."""

    id: uuid.UUID
    number: int
    lines: list[int]
    person: dict[str, Any]
    verdict: Verdict | None


def apply_next_chunk(session: Session, *, of_this_business: bool = False) -> Progress | None:
    """The next rows of the import that has waited longest; None when no import waits.

    One transaction around this is one chunk: call it again, in a new one, until it answers None.
    A session without a business looks everywhere, passes over what another worker holds, and then
    works for the business it found. One with a business waits for its turn.
    """
    row = _claim(session, of_this_business=of_this_business)
    if row is None:
        return None
    set_business(session, row.business_id)
    row.state = ImportState.RUNNING
    staged = _staged(session, row)
    _apply(session, row, [each for each in staged if each.verdict is not Verdict.REJECTED])
    chunks = row.done // CHUNK + 1
    if not row.dry_run and chunks & (chunks - 1) == 0:  # the first, second, fourth, eighth …
        writing.renew_statistics(session)
    row.done = staged[-1].number if staged else row.people
    progress = Progress(row.id, row.done, row.people)
    if progress.finished:
        _finish(session, row)
    else:
        wakeup.after_commit(session, JOB)
    return progress


def _claim(session: Session, *, of_this_business: bool) -> Import | None:
    """Held by a row lock until the chunk is committed, so a crash gives it back at once.

    A business's imports go one after another: two of the same list would make everybody twice.
    """
    older = aliased(Import)
    has_older = (
        select(older.id)
        .where(older.business_id == Import.business_id, older.state.in_(_DUE), older.id < Import.id)
        .exists()
    )
    query = (
        select(Import)
        .where(Import.state.in_(_DUE), ~has_older)
        .order_by(Import.id)
        .limit(1)
        .with_for_update(skip_locked=not of_this_business, of=Import)
    )
    if of_this_business:
        return session.scalar(query)
    with across_businesses(session):
        return session.scalar(query)


def _staged(session: Session, row: Import) -> list[_Staged]:
    query = (
        select(ImportRow.id, ImportRow.number, ImportRow.lines, ImportRow.person, ImportRow.verdict)
        .where(ImportRow.import_id == row.id, ImportRow.number > row.done)
        .order_by(ImportRow.number)
        .limit(CHUNK)
    )
    return [_Staged(*each) for each in session.execute(query)]


def _apply(session: Session, row: Import, staged: list[_Staged]) -> None:
    """All at once; and where that fails, one by one: a wrong row stops nothing."""
    if not staged:
        return
    try:
        with session.begin_nested():
            _apply_together(session, row, staged)
    except OperationalError:
        raise  # the database itself: nothing is known of the rows
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one row, the others go on
        if len(staged) > 1:
            for each in staged:
                _apply(session, row, [each])
            return
        _log.warning("a row of an import could not be stored: %s", type(error).__name__)
        _note(session, [(staged[0], _not_stored(staged[0]))])


def _apply_together(session: Session, row: Import, staged: list[_Staged]) -> None:
    people = [person_of(each.person) for each in staged]
    decisions = deciding.decide(session, people, hold=not row.dry_run)
    if not row.dry_run:
        writing.write(session, decisions, by=actor_of(row))
    session.flush()
    _note(session, list(zip(staged, decisions, strict=True)))


def _not_stored(staged: _Staged) -> Decision:
    message = "This row could not be stored. Please add this client by hand."
    note = RowProblem(staged.lines[0], "", "not_stored", message)
    return Decision(ImportedClient(staged.lines[0]), Verdict.REJECTED, None, notes=[note])


def _note(session: Session, decided: list[tuple[_Staged, Decision]]) -> None:
    """What became of each row, in one statement."""
    table = ImportRow.__table__
    assert isinstance(table, Table)
    session.execute(
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values(
            verdict=bindparam("new_verdict"),
            client_id=bindparam("new_client_id"),
            undo=bindparam("new_undo"),
            problems=bindparam("new_problems"),
        ),
        [
            {
                "row_id": staged.id,
                "new_verdict": decision.verdict,
                "new_client_id": decision.client_id,
                "new_undo": decision.undo,
                "new_problems": [
                    asdict(each) for each in (*decision.person.warnings, *decision.notes)
                ],
            }
            for staged, decision in decided
        ],
    )


def _finish(session: Session, row: Import) -> None:
    row.state = ImportState.DONE
    row.finished_at = clock.now()
    if not row.dry_run:
        session.flush()
        verdicts = {verdict.value: number for verdict, number in counts(session, row.id).items()}
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
