"""How imports stand, and what became of each row."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking import clock
from booking.database import across_businesses
from booking.errors import NotFound
from booking.imports.models import DUE, Import, ImportMapping, ImportRow, Verdict
from booking.imports.rules import formats
from booking.imports.rules.reading import RejectedRow, Row, RowProblem
from booking.imports.rules.rows import ImportedClient, read_client

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
    return [cells for _, cells in _first_lines(session, import_id, limit)]


def _first_lines(session: Session, import_id: uuid.UUID, limit: int) -> list[tuple[int, list[str]]]:
    """A person of several lines keeps them together, so the lines are put in order again."""
    query = (
        select(ImportRow.cells)
        .where(ImportRow.import_id == import_id)
        .order_by(ImportRow.number)
        .limit(limit * 4)
    )
    found = [
        (line, texts) for cells in session.scalars(query) for line, texts in cells.get("rows", [])
    ]
    return sorted(found)[:limit]


def remembered(session: Session, row: Import) -> ImportMapping | None:
    """What was said of the columns of a list with these headers, if one was here before."""
    digest = formats.headers_digest(row.headers)
    return session.scalar(select(ImportMapping).where(ImportMapping.headers_digest == digest))


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One of the first lines: its cells, and how it would be read; None where it can't be used."""

    line: int
    cells: tuple[str, ...]
    client: ImportedClient | None
    problems: tuple[RowProblem, ...]


def preview(
    session: Session,
    row: Import,
    mapping: Mapping[str, str | None] | None = None,
    limit: int = 5,
) -> list[PreviewRow]:
    """How the first lines would be read with this mapping, or with the one that stands.

    Raises `UnusableMapping`.
    """
    chosen = row.mapping if mapping is None else mapping
    columns = formats.plan(row.headers, chosen)
    lines = [Row(line, tuple(cells)) for line, cells in _first_lines(session, row.id, limit)]
    found: list[PreviewRow] = []
    for each in lines:
        read = read_client(each, columns)
        if isinstance(read, RejectedRow):
            found.append(PreviewRow(each.line, each.cells, None, read.problems))
        else:
            found.append(PreviewRow(each.line, each.cells, read, read.warnings))
    return found


def oldest_due_seconds(session: Session) -> float | None:
    """How long the import that has waited longest has waited; None when none waits."""
    with across_businesses(session):
        since = session.scalar(select(func.min(Import.due_since)).where(Import.state.in_(DUE)))
    return None if since is None else (clock.now() - since).total_seconds()
