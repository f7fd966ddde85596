"""From an uploaded file to staged rows, within the request; nothing else is written here."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, BinaryIO

from pydantic import TypeAdapter
from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.orm import Session

from booking import clock, wakeup
from booking.audit.actions import Actor, record
from booking.database import business_of, lock, new_id
from booking.errors import Conflict, Invalid
from booking.imports.models import Import, ImportRow, ImportState, Verdict
from booking.imports.rules import formats, reading
from booking.imports.rules.formats import Column
from booking.imports.rules.grouping import ImportedPerson, group
from booking.imports.rules.reading import RejectedRow, Row, RowProblem, read_table
from booking.imports.rules.rows import ImportedClient, read_clients
from booking.imports.rules.values import clean

MAX_ROWS = 200_000
JOB = "apply_due_imports"
_CHUNK = 1_000
_PERSON = TypeAdapter(ImportedClient)


class NotNow(Conflict):
    code = "not_now"
    message = "This import can't do that in the state it is in."


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
    table = read_table(file)
    known = formats.recognise(table.headers)
    row = _new(session, table, known, by)
    row.dry_run = dry_run
    row.file_name = clean(file_name)[-200:] or "list.csv"
    session.add(row)
    session.flush()
    if known is None:
        row.mapping = dict(formats.guess_mapping(table.headers))
        _stage_raw(session, row, table)
    else:
        row.mapping = dict(formats.mapping_of(known, table.headers))
        found = _read(table.rows, formats.plan(table.headers, row.mapping), keep_cells=False)
        _stage_people(session, row, found)
    told: dict[str, Any] = {"file_name": row.file_name, "rows": row.rows, "dry_run": dry_run}
    record(session, "import.uploaded", row, by=by, **told, dropped_columns=row.dropped_columns)
    return row


def _new(session: Session, table: reading.Table, known: formats.Format | None, by: Actor) -> Import:
    return Import(
        id=new_id(),
        business_id=business_of(session),
        state=ImportState.NEEDS_MAPPING,
        format=known.name if known else None,
        headers=list(table.headers),
        mapping={},
        dropped_columns=list(table.dropped_columns),
        rows=0,
        people=0,
        done=0,
        created_by=by.id,
        created_by_name=by.name[:200],
        created_at=clock.now(),
    )


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
    columns = formats.plan(row.headers, whole)
    found = _read(_raw_rows(session, row), columns, keep_cells=True)
    session.execute(delete(ImportRow).where(ImportRow.import_id == row.id))
    row.mapping = whole
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


def _read(
    rows: Iterable[Row | RejectedRow], columns: tuple[Column, ...], *, keep_cells: bool
) -> _Reading:
    found = _Reading([], [], {}, 0)

    def noted() -> Iterator[Row | RejectedRow]:
        for row in rows:
            found.lines += 1
            if found.lines > MAX_ROWS:
                sentence = f"A list may have {MAX_ROWS:,} rows. Please split this one."
                raise Invalid.field("file", sentence, "too_many_rows")
            if keep_cells and isinstance(row, Row):
                found.cells[row.line] = row.cells
            yield row

    def accepted() -> Iterator[ImportedClient]:
        for client in read_clients(noted(), columns):
            if isinstance(client, RejectedRow):
                found.rejected.append(client)
            else:
                yield client

    found.people = list(group(accepted()))
    return found


def _stage_people(session: Session, row: Import, found: _Reading) -> None:
    """One staged row a person, in the order of the file, rejected lines among them."""
    everything: list[ImportedPerson | RejectedRow] = [*found.people, *found.rejected]
    everything.sort(key=lambda each: each.line if isinstance(each, RejectedRow) else each.lines[0])
    business_id = business_of(session)
    numbered = enumerate(everything, 1)
    while part := list(itertools.islice(numbered, _CHUNK)):
        session.execute(
            insert(_table()),
            [
                {
                    "id": new_id(),
                    "business_id": business_id,
                    "import_id": row.id,
                    "number": number,
                    **(
                        _rejected(each, found.cells)
                        if isinstance(each, RejectedRow)
                        else _person(each, found.cells)
                    ),
                }
                for number, each in part
            ],
        )
    row.rows = found.lines
    row.people = len(everything)
    row.done = 0
    row.finished_at = None
    if found.people:
        row.state = ImportState.QUEUED
        wakeup.after_commit(session, JOB)
    else:
        row.state = ImportState.FAILED
        row.reason = "None of the rows in this file can be used."
        row.done = row.people
        row.finished_at = clock.now()


def _table() -> Table:
    """For plain bulk inserts, which name their business themselves."""
    table = ImportRow.__table__
    assert isinstance(table, Table)
    return table


def _person(person: ImportedPerson, cells: dict[int, tuple[str, ...]]) -> dict[str, Any]:
    client = replace(person.client, warnings=person.warnings)
    return {
        "lines": list(person.lines),
        "cells": _kept(person.lines, cells),
        "person": _PERSON.dump_python(client, mode="json", exclude_defaults=True),
        "verdict": None,
        "problems": [asdict(warning) for warning in person.warnings],
        "undo": {},
    }


def _rejected(row: RejectedRow, cells: dict[int, tuple[str, ...]]) -> dict[str, Any]:
    return {
        "lines": [row.line],
        "cells": _kept([row.line], cells),
        "person": {},
        "verdict": Verdict.REJECTED,
        "problems": [asdict(problem) for problem in row.problems],
        "undo": {},
    }


def _kept(lines: Iterable[int], cells: dict[int, tuple[str, ...]]) -> dict[str, Any]:
    rows = [[line, list(cells[line])] for line in lines if line in cells]
    return {"rows": rows} if rows else {}


def _stage_raw(session: Session, row: Import, table: reading.Table) -> None:
    """One staged row a line, until somebody says what the columns are."""
    numbered = enumerate(table.rows, 1)
    while part := list(itertools.islice(numbered, _CHUNK)):
        session.execute(insert(_table()), [_raw(row, number, each) for number, each in part])
        row.rows += len(part)
        if row.rows > MAX_ROWS:
            sentence = f"A list may have {MAX_ROWS:,} rows. Please split this one."
            raise Invalid.field("file", sentence, "too_many_rows")
    row.people = row.rows


def _raw(row: Import, number: int, each: Row | RejectedRow) -> dict[str, Any]:
    cells = {each.line: each.cells} if isinstance(each, Row) else {}
    told = (
        _rejected(each, cells)
        if isinstance(each, RejectedRow)
        else {"lines": [each.line], "cells": _kept([each.line], cells), "person": {}}
        | {"verdict": None, "problems": [], "undo": {}}
    )
    return {
        "id": new_id(),
        "business_id": row.business_id,
        "import_id": row.id,
        "number": number,
        **told,
    }


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
