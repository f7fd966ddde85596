"""Many rows in one statement, as the driver takes them.

Between a plain INSERT of SQLAlchemy and the driver lie several dictionaries for each row, which
for a list of a hundred thousand clients is most of the time. Values are given as the columns' types
have them; what is the same in all rows is given once. Each row names its business.
"""

import gc
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import sql
from sqlalchemy import JSON, Column, CursorResult, Dialect, Table, TextualSelect, Update
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import ReturningUpdate

from booking.database import Base, business_of


@contextmanager
def no_collecting() -> Iterator[None]:
    """For work that makes a great many small objects and no circles of them: looking for those
    takes a quarter of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Written(str):
    """JSON that is text already."""

    __slots__ = ()


def insert(
    session: Session,
    model: type[Base],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    **same: Any,
) -> None:
    """`rows` hold the values of `columns` in their order."""
    if not rows:
        return
    table = _table(model)
    same = {"business_id": business_of(session), **same}
    dialect = session.get_bind().dialect
    names = [*columns, *same]
    given = _converted(table, columns, rows, dialect)
    given += [itertools.repeat(_one(table.c[name], value, dialect)) for name, value in same.items()]
    driven = zip(*given, strict=False)
    if dialect.name == "postgresql":
        _copy(session, table.name, names, driven)
    else:
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
        session.connection().exec_driver_sql(statement, list(driven))


def update(
    session: Session,
    model: type[Base],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    **same: Any,
) -> None:
    """Each row begins with its id; the values of `columns` follow in their order."""
    if not rows:
        return
    table = _table(model)
    dialect = session.get_bind().dialect
    given = _converted(table, ["id", *columns], rows, dialect)
    given += [[_one(table.c[name], value, dialect)] * len(rows) for name, value in same.items()]
    columns = [*columns, *same]
    business_id = _one(table.c.business_id, business_of(session), dialect)
    if dialect.name == "postgresql":
        _update_from_arrays(session, table, columns, given, business_id)
        return
    changes = ", ".join(f"{name} = ?" for name in columns)
    ids, *values = given
    session.connection().exec_driver_sql(
        f"UPDATE {table.name} SET {changes} WHERE business_id = ? AND id = ?",  # noqa: S608
        list(zip(*values, itertools.repeat(business_id), ids, strict=False)),
    )


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _converted(
    table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]], dialect: Dialect
) -> list[Iterable[Any]]:
    """Column by column, as the driver takes the values."""
    found: list[Iterable[Any]] = []
    for name, values in zip(columns, zip(*rows, strict=True), strict=True):
        convert = _converter(table.c[name], dialect)
        found.append(values if convert is None else list(map(convert, values)))
    return found


def _one(column: Column[Any], value: Any, dialect: Dialect) -> Any:
    convert = _converter(column, dialect)
    return value if convert is None else convert(value)


def _converter(column: Column[Any], dialect: Dialect) -> Any:
    if isinstance(column.type, JSON):
        return _as_json
    return column.type.dialect_impl(dialect).bind_processor(dialect)


def _as_json(value: Any) -> str:
    return value if isinstance(value, Written) else json.dumps(value)


def _copy(
    session: Session, table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    connection: Any = session.connection().connection.dbapi_connection
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _update_from_arrays(
    session: Session,
    table: Table,
    columns: Sequence[str],
    given: Sequence[Iterable[Any]],
    business_id: Any,
) -> None:
    dialect = session.get_bind().dialect
    types = [table.c[name].type.compile(dialect) for name in ("id", *columns)]
    arrays = ", ".join(f"%s::{'text' if each == 'JSON' else each}[]" for each in types)
    changes = ", ".join(
        f"{name} = new.{name}::{kind}" for name, kind in zip(columns, types[1:], strict=True)
    )
    session.connection().exec_driver_sql(
        f"UPDATE {table.name} AS old SET {changes}"  # noqa: S608 - names of ours
        f" FROM unnest({arrays}) AS new(id, {', '.join(columns)})"
        " WHERE old.id = new.id AND old.business_id = %s",
        (*map(list, given), business_id),
    )


_Statement = Update | ReturningUpdate[Any] | TextualSelect


class Ready:
    """A statement about a few rows that is executed thousands of times: compiled once for each kind
    of database, since what SQLAlchemy does each time takes longer than the database does.

    The tenant guard does not see it: it names its business, or finds its rows by ids that belong to
    the business.
    """

    def __init__(self, statement: _Statement) -> None:
        self._statement = statement
        self._driven: dict[str, _Driven] = {}

    def execute(self, session: Session, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """`values`, and what is returned of each row, are as the columns' types have them."""
        dialect = session.get_bind().dialect
        known = self._driven.get(dialect.name)
        if known is None:
            known = self._driven[dialect.name] = _Driven(self._statement, dialect)
        given = known.parameters(values)  # before a connection holds SQLite's lock
        result = session.connection().exec_driver_sql(known.words, given)
        return known.rows(result) if result.returns_rows else []


class _Driven:
    """A statement as one driver takes it."""

    def __init__(self, statement: _Statement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        self.words = str(compiled)
        self._by_place = compiled.positiontup
        types = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
        self._writers = {name: type_.bind_processor(dialect) for name, type_ in types.items()}
        self._constant = self._written(
            {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        )
        columns = statement.exported_columns
        self._readers = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
        ]

    def parameters(self, values: Mapping[str, Any]) -> Any:
        named = self._constant | self._written(values)
        return named if self._by_place is None else tuple(map(named.__getitem__, self._by_place))

    def _written(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: value if (write := self._writers[name]) is None else write(value)
            for name, value in values.items()
        }

    def rows(self, result: CursorResult[Any]) -> list[tuple[Any, ...]]:
        return [
            tuple(
                value if read is None else read(value)
                for value, read in zip(row, self._readers, strict=True)
            )
            for row in result
        ]
