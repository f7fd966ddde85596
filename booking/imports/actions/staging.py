"""From an uploaded file to staged rows, within the request; nothing else is written here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from pydantic import TypeAdapter
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from booking import clock, wakeup
from booking.audit.actions import Actor, record
from booking.database import business_of, lock, new_id
from booking.errors import Conflict, Invalid
from booking.imports.actions import staged
from booking.imports.models import Import, ImportMapping, ImportRow, ImportState, Verdict
from booking.imports.queries import remembered
from booking.imports.rules import formats, known_formats
from booking.imports.rules.dating import dated
from booking.imports.rules.files import read_file
from booking.imports.rules.grouping import ImportedPerson, group
from booking.imports.rules.reading import RejectedRow, Row, RowProblem
from booking.imports.rules.reading import Table as ReadTable
from booking.imports.rules.records import Records
from booking.imports.rules.rows import ImportedClient, KeyedClient, read_clients
from booking.imports.rules.values import clean

MAX_ROWS = 200_000
JOB = "apply_due_imports"


_PERSON = TypeAdapter(ImportedClient)


class NotNow(Conflict):
    code = "not_now"
    message = "This import can't do that in the state it is in."


class TooManyRows(Invalid):
    code = "too_many_rows"
    message = f"A list may have {MAX_ROWS:,} rows. Please split this one."


@dataclass(slots=True)
class _Reading:
    """`cells` are kept by line where a person maps the columns; `lines` counts what was read."""

    people: list[ImportedPerson]
    rejected: list[RejectedRow]
    cells: dict[int, tuple[str, ...]]
    lines: int


def stage(session: Session, file: BinaryIO, *, file_name: str, dry_run: bool, by: Actor) -> Import:
    """Read the whole file into staged rows. A file whose headers nobody knows waits for a mapping.

    Raises `UnreadableFile` and Invalid; a row that can't be read is only reported.
    """
    source = read_file(file)
    row = _new(session, by)
    row.dry_run = dry_run
    row.file_name = clean(file_name)[-200:] or "list.csv"
    session.add(row)
    session.flush()
    if isinstance(source, Records):
        _stage_records(session, row, source)
    else:
        _stage_table(session, row, source)
    about: dict[str, Any] = {"file_name": row.file_name, "rows": row.rows, "dry_run": dry_run}
    record(session, "import.uploaded", row, by=by, **about, dropped_columns=row.dropped_columns)
    return row


def _new(session: Session, by: Actor) -> Import:
    return Import(
        id=new_id(),
        business_id=business_of(session),
        state=ImportState.NEEDS_MAPPING,
        headers=[],
        mapping={},
        dropped_columns=[],
        rows=0,
        people=0,
        done=0,
        created_by=by.id,
        created_by_name=by.name[:200],
        created_at=clock.now(),
    )


def _stage_records(session: Session, row: Import, source: Records) -> None:
    row.format = source.format
    found = _gather(source.clients)
    row.dropped_columns = list(source.dropped)
    if any(isinstance(one.client, KeyedClient) for one in found.people):
        row.mapping = {"": "client_key"}
    _stage_people(session, row, found)


def _stage_table(session: Session, row: Import, table: ReadTable) -> None:
    row.headers = list(table.headers)
    row.dropped_columns = list(table.dropped_columns)
    known = known_formats.recognise(table.headers)
    if known is None:
        row.mapping = dict(_recalled(session, row))
        _stage_raw(session, row, table)
    else:
        row.format = known.name
        row.mapping = dict(known_formats.mapping_of(known, table.headers))
        columns = formats.plan(table.headers, row.mapping)
        _stage_people(session, row, _gather(read_clients(*dated(table.rows, columns, known.order))))


def map_columns(
    session: Session, row: Import, mapping: Mapping[str, str | None], *, by: Actor
) -> None:
    """Say which column is what, and begin. Columns not named, or named None, are left out.

    May be said again after a dry run. Raises `UnusableMapping` and NotNow.
    """
    lock(session, row)
    tried = row.dry_run and row.state in (ImportState.DONE, ImportState.FAILED)
    if row.format is not None or not (row.state is ImportState.NEEDS_MAPPING or tried):
        raise NotNow("The columns of this list are settled.")
    whole = {header: mapping.get(header) for header in row.headers} | dict(mapping)
    rows, columns = dated(_raw_rows(session, row), formats.plan(row.headers, whole))
    cells: dict[int, tuple[str, ...]] = {}
    found = _gather(read_clients(_noted(rows, cells), columns), cells)
    session.execute(delete(ImportRow).where(ImportRow.import_id == row.id))
    row.mapping = whole
    _remember(session, row)
    _stage_people(session, row, found)
    record(session, "import.mapped", row, by=by, mapping=whole)


def begin(session: Session, row: Import, *, by: Actor) -> None:
    """After a dry run: the same rows, and this time for good. Raises NotNow."""
    lock(session, row)
    if not row.dry_run or row.state is not ImportState.DONE:
        raise NotNow
    row.dry_run = False
    row.done = 0
    row.finished_at = None
    row.state = ImportState.QUEUED
    row.due_since = clock.now()
    session.execute(
        update(ImportRow)
        .where(ImportRow.import_id == row.id, ImportRow.verdict != Verdict.REJECTED)
        .values(verdict=None, client_id=None)
        .execution_options(synchronize_session=False)
    )
    record(session, "import.begun", row, by=by, file_name=row.file_name, rows=row.rows)
    wakeup.after_commit(session, JOB)


def person_of(stored: dict[str, Any]) -> ImportedClient:
    return _PERSON.validate_python(stored)


def told(client: ImportedClient) -> dict[str, Any]:
    """What a row says, as JSON has it, without what it does not say."""
    said: dict[str, Any] = _PERSON.dump_python(
        client, mode="json", exclude_defaults=True, exclude={"line", "warnings"}
    )
    return said


def _noted(
    rows: Iterable[Row | RejectedRow], cells: dict[int, tuple[str, ...]]
) -> Iterator[Row | RejectedRow]:
    for row in rows:
        if isinstance(row, Row):
            cells[row.line] = row.cells
        yield row


def _gather(
    clients: Iterable[ImportedClient | RejectedRow],
    cells: dict[int, tuple[str, ...]] | None = None,
) -> _Reading:
    found = _Reading([], [], {} if cells is None else cells, 0)

    def accepted() -> Iterator[ImportedClient]:
        for client in clients:
            found.lines += 1
            if found.lines > MAX_ROWS:
                raise TooManyRows
            if isinstance(client, RejectedRow):
                found.rejected.append(client)
            else:
                yield client

    found.people = list(group(accepted()))
    return found


def _remember(session: Session, row: Import) -> None:
    """For the next list with these column names."""
    memory = remembered(session, row)
    if memory is None:
        digest = formats.headers_digest(row.headers)
        memory = ImportMapping(
            id=new_id(), business_id=row.business_id, headers_digest=digest, mapping={}
        )
        session.add(memory)
    memory.mapping = {formats.header_key(header): row.mapping[header] for header in row.headers}
    memory.remembered_at = clock.now()


def _recalled(session: Session, row: Import) -> dict[str, str | None]:
    """What this business said of these columns before, or a guess."""
    memory = remembered(session, row)
    if memory is None:
        return formats.guess_mapping(row.headers)
    known = {header: memory.mapping.get(formats.header_key(header)) for header in row.headers}
    return {header: field if field in formats.FIELDS else None for header, field in known.items()}


def _stage_people(session: Session, row: Import, found: _Reading) -> None:
    """One staged row a person, in the order of the file, rejected lines among them."""
    everything: list[ImportedPerson | RejectedRow] = [*found.people, *found.rejected]
    everything.sort(key=lambda each: each.line if isinstance(each, RejectedRow) else each.lines[0])
    for _ in staged.write(session, row, everything, found.cells):
        pass
    row.rows = found.lines
    row.people = len(everything)
    row.done = 0
    row.finished_at = None
    if found.people:
        row.state = ImportState.QUEUED
        row.due_since = clock.now()
        wakeup.after_commit(session, JOB)
    else:
        row.state = ImportState.FAILED
        row.reason = "None of the rows in this file can be used."
        row.done = row.people
        row.finished_at = clock.now()


def _stage_raw(session: Session, row: Import, table: ReadTable) -> None:
    """One staged row a line, until somebody says what the columns are."""
    for number in staged.write(session, row, table.rows, {}):
        if number > MAX_ROWS:
            raise TooManyRows
        row.rows = row.people = number


def _raw_rows(session: Session, row: Import) -> list[Row | RejectedRow]:
    """The lines as they were read, in the order of the file."""
    found: list[Row | RejectedRow] = []
    query = select(ImportRow.cells, ImportRow.lines, ImportRow.problems)
    for cells, lines, problems in session.execute(query.where(ImportRow.import_id == row.id)):
        if cells:
            found += [Row(line, tuple(texts)) for line, texts in cells["rows"]]
        else:
            found.append(RejectedRow(lines[0], tuple(RowProblem(**each) for each in problems)))
    return sorted(found, key=lambda each: each.line)
