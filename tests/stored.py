"""All that a database holds, as text."""

import json
from collections.abc import Iterator

from sqlalchemy import select

from booking.database import Database
from booking.metadata import metadata


def cells(database: Database) -> Iterator[tuple[str, str]]:
    """(table and column, value as text) of the whole database."""
    with database.engine.connect() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                for column, value in row._mapping.items():
                    if value is not None:
                        yield f"{table.name}.{column}", _text(value)


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
