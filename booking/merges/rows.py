"""Rows of any table as a merge keeps them: read as JSON, compared, written back.

Plain tables, which the guard of tenants does not see: every statement here names its business.
"""

import functools
import uuid
from collections.abc import Collection, Iterator
from datetime import date, datetime
from enum import Enum as PythonEnum
from typing import Any

from sqlalchemy import Column, Date, Enum, Table, Uuid, delete, insert, select, update
from sqlalchemy.orm import Session

from booking.clients.models import Client
from booking.database import Base, UtcDateTime, business_of

Row = dict[str, Any]
Key = tuple[str, str]
"""Name of the table, and the row's own key as text."""

# What is derived of a client, and goes and comes with it.
_DERIVED = {"client_key", "newcomer"}
# Where a record that is gone is meant to be remembered.
_MEMORY = {"merged_client"}
_CHUNK = 500


def table_of(name: str) -> Table:
    return Base.metadata.tables[name]


@functools.cache
def pointing_at_clients() -> tuple[Column[Any], ...]:
    """Every column that names a client: by a foreign key, or by its name alone."""
    return tuple(
        column
        for table in Base.metadata.sorted_tables
        if "business_id" in table.c and table.name not in _DERIVED | _MEMORY
        for column in table.columns
        if column.name == "client_id" or _leads_to(column, Client.__tablename__)
    )


def _leads_to(column: Column[Any], target: str) -> bool:
    return any(
        key.column.table.name == target and key.column.name == "id" for key in column.foreign_keys
    )


def key_column(table: Table) -> Column[Any]:
    (column,) = table.primary_key.columns
    return column


def read(
    session: Session, column: Column[Any], values: Collection[uuid.UUID | str]
) -> dict[Key, Row]:
    """The rows in which that column has one of these values, as JSON."""
    table = column.table
    assert isinstance(table, Table)
    found: dict[Key, Row] = {}
    wanted = list(values)
    for start in range(0, len(wanted), _CHUNK):
        query = select(table).where(
            table.c.business_id == business_of(session),
            column.in_(wanted[start : start + _CHUNK]),
        )
        for row in session.execute(query).mappings():
            plain_row = {name: plain(value) for name, value in row.items()}
            found[table.name, str(plain_row[key_column(table).name])] = plain_row
    return found


def read_again(session: Session, keys: Collection[Key]) -> dict[Key, Row]:
    """Those of these rows that are still there."""
    found: dict[Key, Row] = {}
    for name in sorted({name for name, _ in keys}):
        column = key_column(table_of(name))
        wanted = [value(column, key) for table, key in keys if table == name]
        found |= read(session, column, wanted)
    return found


def write(session: Session, key: Key, values: Row) -> None:
    table = table_of(key[0])
    mine = key_column(table)
    session.execute(
        update(table)
        .where(table.c.business_id == business_of(session), mine == value(mine, key[1]))
        .values({name: value(table.c[name], kept) for name, kept in values.items()})
    )


def remove(session: Session, key: Key) -> None:
    table = table_of(key[0])
    mine = key_column(table)
    session.execute(
        delete(table).where(
            table.c.business_id == business_of(session), mine == value(mine, key[1])
        )
    )


def put_back(session: Session, name: str, row: Row) -> bool:
    """A whole row that was removed. False where something it points to is no longer there."""
    table = table_of(name)
    values = {column: value(table.c[column], kept) for column, kept in row.items()}
    if not all(_is_there(session, target, values) for target in _targets(table)):
        return False
    session.execute(insert(table).values(values))
    return True


def _targets(table: Table) -> Iterator[tuple[str, Column[Any]]]:
    for column in table.columns:
        for key in column.foreign_keys:
            if key.column.name != "business_id" and key.column.table.name != "business":
                yield column.name, key.column


def _is_there(session: Session, target: tuple[str, Column[Any]], values: Row) -> bool:
    name, column = target
    if values[name] is None:
        return True
    return session.execute(select(column).where(column == values[name])).first() is not None


def plain(value: Any) -> Any:
    if isinstance(value, PythonEnum):
        return value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    return value.isoformat() if isinstance(value, date | datetime) else value


def value(column: Column[Any], kept: Any) -> Any:
    """What `plain` was made of."""
    if kept is None:
        return None
    if isinstance(column.type, Uuid):
        return uuid.UUID(kept)
    if isinstance(column.type, UtcDateTime):
        return datetime.fromisoformat(kept)
    if isinstance(column.type, Date):
        return date.fromisoformat(kept)
    if isinstance(column.type, Enum) and column.type.enum_class is not None:
        return column.type.enum_class(kept)
    return kept
