"""Many rows in one statement, as the driver takes them.

Between a plain INSERT of SQLAlchemy and the driver lie several dictionaries for each row, which
for a list of a hundred thousand clients is most of the time. Values are given as the columns' types
have them; what is the same in all rows is given once. Each row names its business.
"""

import gc
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import sql
from sqlalchemy import JSON, Column, Dialect, Table
from sqlalchemy.orm import Session

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
    session: Session, model: type[Base], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Each row begins with its id; the values of `columns` follow in their order."""
    if not rows:
        return
    table = _table(model)
    dialect = session.get_bind().dialect
    given = _converted(table, ["id", *columns], rows, dialect)
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
