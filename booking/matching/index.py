"""The keys of clients in the database: written in bulk, and who holds them found again.

Plain SQL for two databases: these statements run for every row of an import, and for every change,
thousands of keys at a time. Each names its business.
"""

import json
import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Text, TextClause, Uuid, bindparam, column, text
from sqlalchemy.orm import Session

from booking.database import business_of
from booking.matching.rules.keys import LIMIT


class Keyed(NamedTuple):
    """Somebody with their keys; `name` stands for the visible name."""

    client_id: uuid.UUID
    name: int
    keys: Collection[int]


KeyRow = tuple[int, str, int]
"""A key, the client's id as in `Holder`, and the number of the name."""


class Holder(NamedTuple):
    """Who has a key: `client` is the id's 32 hexadecimal digits, as many are never looked at."""

    client: str
    name: str


def as_one(dialect: str, values: Sequence[int] | Sequence[str]) -> str:
    """Many numbers or ids as one parameter: JSON, or PostgreSQL's text for an array, which its
    driver passes on much faster than a list."""
    return f"{{{','.join(map(str, values))}}}" if dialect == "postgresql" else json.dumps(values)


def _statement(sql: str) -> TextClause:
    return text(sql).bindparams(bindparam("business_id", type_=Uuid()))


# Told in their order, so that SQLAlchemy looks at them only once.
_FOUND = column("key", BigInteger()), column("holders", Text())
# The inner SELECT stops at LIMIT holders, however many a key has.
_HOLDERS = {
    "sqlite": _statement(
        f"""
        SELECT key, holders FROM (
            SELECT wanted.value AS key, (
                SELECT group_concat(few.client_id || ' ' || few.name) FROM (
                    SELECT client_id, name FROM client_key
                    WHERE business_id = :business_id AND key = wanted.value LIMIT {LIMIT}
                ) AS few
            ) AS holders FROM json_each(:keys) AS wanted LIMIT -1
        ) WHERE holders IS NOT NULL
        """  # noqa: S608 - a number of ours
    ).columns(*_FOUND),
    "postgresql": _statement(
        f"""
        SELECT wanted.key, replace(few.client_id::text, '-', '') || ' ' || few.name AS holders
        FROM unnest(ARRAY(SELECT unnest(CAST(:keys AS bigint[])))) AS wanted(key)
        CROSS JOIN LATERAL (
            SELECT client_id, name FROM client_key
            WHERE business_id = :business_id AND key = wanted.key LIMIT {LIMIT}
        ) AS few
        """  # noqa: S608 - a number of ours
    ).columns(*_FOUND),
}
_WRITE = """
    INSERT INTO client_key (business_id, key, client_id, name)
    SELECT %s, one.* FROM unnest(%s::bigint[], %s::uuid[], %s::integer[]) AS one
    ON CONFLICT DO NOTHING
"""
_WRITE_EACH = """
    INSERT INTO client_key (business_id, key, client_id, name) VALUES (?, ?, ?, ?)
    ON CONFLICT DO NOTHING
"""
_FORGET = {
    "sqlite": _statement(
        """
        DELETE FROM client_key
        WHERE business_id = :business_id AND client_id IN (SELECT value FROM json_each(:clients))
        """
    ),
    "postgresql": _statement(
        """
        DELETE FROM client_key
        WHERE business_id = :business_id AND client_id = ANY(CAST(:clients AS uuid[]))
        """
    ),
}


def holders(session: Session, keys: Collection[int]) -> dict[int, list[Holder]]:
    """At most LIMIT of each key; a key that nobody has is left out. Asked for in the order of the
    index: of thousands many lie on the same page."""
    dialect = session.get_bind().dialect.name
    given = {"business_id": business_of(session), "keys": as_one(dialect, sorted(keys))}
    found: dict[int, list[Holder]] = {}
    for key, several in session.execute(_HOLDERS[dialect], given).all():
        there = found.setdefault(key, [])
        there += [Holder(one[:32], one[33:]) for one in several.split(",")]
    return found


def rows_of(people: Iterable[Keyed]) -> list[KeyRow]:
    """In the order of the index, which a database likes: the more at once, the fewer of its pages
    are written again and again."""
    return sorted((key, one.client_id.hex, one.name) for one in people for key in one.keys)


def write(session: Session, rows: Sequence[KeyRow]) -> None:
    """A key that is there already stays."""
    if not rows:
        return
    connection, business_id = session.connection(), business_of(session)
    if connection.dialect.name == "postgresql":
        columns = [list(each) for each in zip(*rows, strict=True)]
        connection.exec_driver_sql(_WRITE, (business_id, *columns))
    else:
        whose = business_id.hex
        connection.exec_driver_sql(_WRITE_EACH, [(whose, *row) for row in rows])


def forget(session: Session, client_ids: Sequence[uuid.UUID]) -> None:
    """All keys of these clients."""
    dialect = session.get_bind().dialect.name
    ids = as_one(dialect, [one.hex for one in client_ids])
    session.execute(_FORGET[dialect], {"business_id": business_of(session), "clients": ids})
