"""How imports stand, and what became of each row."""

import uuid
from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking import clock
from booking.database import across_businesses
from booking.errors import NotFound
from booking.imports.models import Import, ImportRow, ImportState, Verdict

_PAGE = 1_000


def find(session: Session, import_id: uuid.UUID) -> Import:
    """Raises NotFound."""
    row = session.scalar(select(Import).where(Import.id == import_id))
    if row is None:
        raise NotFound
    return row


def recent(session: Session, limit: int = 20) -> list[Import]:
    return list(session.scalars(select(Import).order_by(Import.id.desc()).limit(limit)))


def counts(session: Session, import_id: uuid.UUID) -> dict[Verdict, int]:
    """How many people (or rejected lines) have each verdict; all verdicts are there."""
    query = (
        select(ImportRow.verdict, func.count())
        .where(ImportRow.import_id == import_id, ImportRow.verdict.is_not(None))
        .group_by(ImportRow.verdict)
    )
    found = {verdict: number for verdict, number in session.execute(query) if verdict}
    return {verdict: found.get(verdict, 0) for verdict in Verdict}


def report(
    session: Session,
    import_id: uuid.UUID,
    *,
    verdict: Verdict | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[ImportRow]:
    """What became of the rows, in the order of the file; `after` is the last number seen."""
    query = (
        select(ImportRow)
        .where(ImportRow.import_id == import_id, ImportRow.number > after)
        .order_by(ImportRow.number)
        .limit(limit)
    )
    if verdict is not None:
        query = query.where(ImportRow.verdict == verdict)
    return list(session.scalars(query))


def whole_report(session: Session, import_id: uuid.UUID) -> Iterator[ImportRow]:
    after = 0
    while rows := report(session, import_id, after=after, limit=_PAGE):
        yield from rows
        after = rows[-1].number


def reasons(session: Session, import_id: uuid.UUID, verdict: Verdict) -> list[tuple[str, int]]:
    """How often each reason was given to rows of this verdict, the most frequent first."""
    found: dict[str, int] = {}
    query = select(ImportRow.problems).where(
        ImportRow.import_id == import_id, ImportRow.verdict == verdict
    )
    for problems in session.scalars(query.execution_options(yield_per=_PAGE)):
        for message in {problem["message"] for problem in problems}:
            found[message] = found.get(message, 0) + 1
    return sorted(found.items(), key=lambda one: -one[1])


def samples(session: Session, import_id: uuid.UUID, limit: int = 3) -> list[list[str]]:
    """The cells of the first lines, for the screen that asks what the columns are."""
    query = (
        select(ImportRow.cells)
        .where(ImportRow.import_id == import_id)
        .order_by(ImportRow.number)
        .limit(limit * 4)
    )
    lines = [cells["rows"][0][1] for cells in session.scalars(query) if cells]
    return lines[:limit]


def oldest_due_seconds(session: Session) -> float | None:
    """How long the import that has waited longest has waited; None when none waits."""
    with across_businesses(session):
        since = session.scalar(
            select(func.min(Import.created_at)).where(
                Import.state.in_([ImportState.QUEUED, ImportState.RUNNING])
            )
        )
    return None if since is None else (clock.now() - since).total_seconds()
