"""How Alembic reaches the database: by its own connection, in one transaction, alone."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, text

from booking.availability.models import OVERLAP_CONSTRAINT
from booking.config import Settings
from booking.database import EpochSeconds, UtcDateTime
from booking.metadata import metadata

_ONE_AT_A_TIME = 7_340_912_558  # any number, the same in every process that migrates


def migrate() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or Settings().sqlalchemy_url
    engine = _engine(url)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            compare_type=True,
            compare_server_default=True,
            render_as_batch=True,  # SQLite changes a table by making it anew
            include_name=_is_ours,
            render_item=_render_type,
            user_module_prefix="sa.",
        )
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME}
                )
            context.run_migrations()
            if connection.dialect.name == "sqlite":
                _check_foreign_keys(connection)
    engine.dispose()


def _engine(url: str) -> Engine:
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """With foreign keys on, making a table anew would delete what points at the old one."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "busy_timeout=30000", "foreign_keys=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise RuntimeError(f"rows point at nothing after this migration: {broken[:5]}")


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """What the models can't say is written by hand in a migration: not to be compared."""
    return not (kind in {"index", "unique_constraint"} and name == OVERLAP_CONSTRAINT)


def _render_type(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """A migration says what is in the database, not which Python type we read it as."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, EpochSeconds):
        return "sa.BigInteger()"
    return False


migrate()
