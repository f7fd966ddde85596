"""The tables of a benchmark's database, without the way of migrations to them.

Apart from the guard, so that a million rows can be laid in before it looks at each.
"""

from booking import metadata
from booking.availability.models import POSTGRES_NO_OVERLAP, SQLITE_NO_OVERLAP
from booking.config import Settings
from booking.database import Database


def create(settings: Settings) -> None:
    database = Database(settings)
    metadata.metadata.create_all(database.engine)
    database.engine.dispose()


def guard(settings: Settings) -> None:
    """From here on the database refuses overlaps."""
    database = Database(settings)
    is_sqlite = database.engine.dialect.name == "sqlite"
    with database.engine.begin() as connection:
        for statement in SQLITE_NO_OVERLAP if is_sqlite else POSTGRES_NO_OVERLAP:
            connection.exec_driver_sql(statement)
        if not is_sqlite:
            connection.exec_driver_sql("ANALYZE")  # as autovacuum would have done
    database.engine.dispose()
