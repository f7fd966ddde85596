"""The tables of a test database."""

from booking import metadata
from booking.availability.models import POSTGRES_NO_OVERLAP, SQLITE_NO_OVERLAP
from booking.config import Settings
from booking.database import Database


def migrate(settings: Settings) -> None:
    database = Database(settings)
    with database.engine.begin() as connection:
        metadata.metadata.create_all(connection)
        is_sqlite = connection.dialect.name == "sqlite"
        for statement in SQLITE_NO_OVERLAP if is_sqlite else POSTGRES_NO_OVERLAP:
            connection.exec_driver_sql(statement)
    database.engine.dispose()
