"""Staged rows as they are written: a thousand at once, their JSON made by pydantic beforehand.

Python's own JSON, five values a row, took more than half of the time that staging takes.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy import JSON, TableClause, column, insert, table
from sqlalchemy.orm import Session
from sqlalchemy.types import UserDefinedType

from booking.database import new_id
from booking.imports.models import Import, ImportRow, Verdict
from booking.imports.rules.grouping import ImportedPerson
from booking.imports.rules.reading import RejectedRow, Row
from booking.imports.rules.rows import ImportedClient
from booking.imports.rules.saying import said

Cells = Mapping[int, tuple[str, ...]]
Staged = ImportedPerson | RejectedRow | Row
_CHUNK = 1_000
_PERSON = TypeAdapter(ImportedClient)
_OF_THE_FILE = {"line", "warnings"}


class _Written(UserDefinedType[str]):
    """JSON that is text already."""

    cache_ok = True

    def get_col_spec(self, **_given: object) -> str:
        return "JSON"


def _plain_table() -> TableClause:
    columns = ImportRow.__table__.columns
    return table(
        ImportRow.__tablename__,
        *(
            column(each.name, _Written() if isinstance(each.type, JSON) else each.type)
            for each in columns
        ),
    )


_TABLE = _plain_table()
_EMPTY = {"cells": "{}", "person": "{}", "said": None, "verdict": None, "problems": "[]"}
_EMPTY |= {"undo": "{}", "client_id": None}


def write(
    session: Session,
    row: Import,
    people: Iterable[ImportedPerson | RejectedRow | Row],
    cells: Cells,
) -> Iterator[int]:
    """Numbered in the order given; answers after every thousand how many there are by now."""
    numbered = enumerate(people, 1)
    while part := list(itertools.islice(numbered, _CHUNK)):
        whose = {"business_id": row.business_id, "import_id": row.id}
        session.execute(
            insert(_TABLE),
            [
                {**_EMPTY, **whose, "id": new_id(), "number": number, **_values(each, cells)}
                for number, each in part
            ],
        )
        yield part[-1][0]


def _values(each: Staged, cells: Cells) -> dict[str, Any]:
    if isinstance(each, ImportedPerson):
        return _person(each, cells)
    if isinstance(each, Row):
        return {"lines": f"[{each.line}]", "cells": _text({"rows": [[each.line, each.cells]]})}
    return {
        "lines": f"[{each.line}]",
        "cells": _kept([each.line], cells),
        "verdict": Verdict.REJECTED,
        "problems": _text(each.problems),
    }


def _person(person: ImportedPerson, cells: Cells) -> dict[str, Any]:
    client = person.client
    if person.warnings != client.warnings:
        client = replace(client, warnings=person.warnings)
    told = _PERSON.dump_json(client, exclude_defaults=True, exclude=_OF_THE_FILE)
    values: dict[str, Any] = {
        "lines": _text(person.lines),
        "person": _PERSON.dump_json(client, exclude_defaults=True).decode(),
        "said": said(told),
    }
    if cells:
        values["cells"] = _kept(person.lines, cells)
    if person.warnings:
        values["problems"] = _text(person.warnings)
    return values


def _kept(lines: Iterable[int], cells: Cells) -> str:
    rows = [[line, cells[line]] for line in lines if line in cells]
    return _text({"rows": rows}) if rows else "{}"


def _text(value: object) -> str:
    return to_json(value).decode()
