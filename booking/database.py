"""The database: sessions that read or write, the tenant guard, and column types with a meaning."""

import contextlib
import enum
import functools
import sqlite3
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

import uuid_utils.compat
from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Engine,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    Table,
    Uuid,
    create_engine,
    event,
    select,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidRequestError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.sql import visitors
from sqlalchemy.sql.visitors import ExternallyTraversible
from sqlalchemy.types import JSON, TypeDecorator

from booking.config import Settings
from booking.errors import Conflict, NotFound
from booking.tokens import Keyring, keyring


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, kept as UTC. A naive value is a mistake of the caller and raises."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone can't be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class EpochSeconds(TypeDecorator[datetime]):
    """An aware instant of whole seconds, kept as an integer.

    For intervals that are compared in bulk and held apart by the database itself: the same integer
    arithmetic serves SQLite's trigger, PostgreSQL's exclusion constraint and the rules.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value.timestamp())

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)


def new_id() -> uuid.UUID:
    """UUIDv7 (RFC 9562): sorted by time, never a secret."""
    return uuid_utils.compat.uuid7()


def states(states_of: type[enum.StrEnum], *, checked: bool = True) -> Enum:
    """A state column: kept as its value, checked by the database; or unchecked, where the table
    has a check of its own."""
    return Enum(
        states_of,
        native_enum=False,
        length=32,
        create_constraint=checked,
        values_callable=lambda members: [member.value for member in members],
        name=states_of.__name__.lower(),
    )


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        dict[str, int]: JSON,
        list[dict[str, Any]]: JSON,
        list[str]: JSON,
        uuid.UUID: Uuid(),
    }


class Owned:
    """A row that belongs to one business. The guard below filters it in every ORM statement.

    Foreign keys between owned tables are composite, `(business_id, id)`, since the guard does not
    see INSERTs, Core selects of plain tables, or raw SQL: see `same_business`.
    """

    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("business.id", ondelete="CASCADE"))


class OwnedPart(Owned):
    """A row of something that is owned itself, by `same_business`. That has the key to the
    business: to check it again for each row is felt where PostgreSQL writes a long list."""

    business_id: Mapped[uuid.UUID] = mapped_column()


def same_business(column: str, target: str, **options: Any) -> ForeignKeyConstraint:
    """A foreign key that stays within the tenant: `(business_id, column)` → `(business_id, id)`.

    The target table needs a unique constraint over `(business_id, id)`.
    """
    return ForeignKeyConstraint(
        ["business_id", column], [f"{target}.business_id", f"{target}.id"], **options
    )


class TenantMissing(Exception):
    """A statement touched owned rows in a session that has no business: a fault in our code."""


_ACROSS = "across_businesses"
_TENANT = "business_id"


def set_business(session: Session, business_id: uuid.UUID) -> None:
    """This session works for that business from here on, and for no other."""
    if session.info.get(_TENANT, business_id) != business_id:
        raise TenantMissing("this session already works for another business")
    session.info[_TENANT] = business_id


def business_of(session: Session) -> uuid.UUID:
    business_id: uuid.UUID | None = session.info.get(_TENANT)
    if business_id is None:
        raise TenantMissing("this session has no business")
    return business_id


@contextlib.contextmanager
def across_businesses(session: Session) -> Iterator[None]:
    """Lift the guard, for jobs that look for due work and for secrets that name no business."""
    session.info[_ACROSS] = session.info.get(_ACROSS, 0) + 1
    try:
        yield
    finally:
        session.info[_ACROSS] -= 1


def is_writing(session: Session) -> bool:
    return bool(session.info.get("writing"))


def settings_of(session: Session) -> Settings:
    settings: Settings = session.info["settings"]
    return settings


def keyring_of(session: Session) -> Keyring:
    return keyring(settings_of(session).secret)


def lock(session: Session, row: Any) -> None:
    """Hold the owner of a rule until this transaction ends, and see it as it is now.

    On SQLite the whole file is already held since BEGIN IMMEDIATE. On PostgreSQL it is FOR NO KEY
    UPDATE, which others may go on referring to the row under. Raises NotFound when it went
    meanwhile: merged into another, or removed.
    """
    try:
        session.refresh(row, with_for_update={"key_share": True})
    except InvalidRequestError as error:
        raise NotFound from error


@event.listens_for(Session, "do_orm_execute")
def _guard(state: ORMExecuteState) -> None:
    if state.is_column_load or state.is_relationship_load or not state.is_orm_statement:
        return
    if state.session.info.get(_ACROSS):
        return
    business_id = state.session.info.get(_TENANT)
    if business_id is None:
        _refuse_owned(state)
        return
    state.statement = state.statement.options(
        with_loader_criteria(
            Owned,
            lambda cls: cls.business_id == business_id,
            include_aliases=True,
        )
    )


_owned_tables: set[str] = set()


def _refuse_owned(state: ORMExecuteState) -> None:
    if not _owned_tables:
        _owned_tables.update(
            mapper.local_table.name  # type: ignore[attr-defined]
            for mapper in Base.registry.mappers
            if issubclass(mapper.class_, Owned)
        )
    for element in visitors.iterate(cast("ExternallyTraversible", state.statement)):
        if isinstance(element, Table) and element.name in _owned_tables:
            raise TenantMissing(f"{element.name} was asked for without a business")


class ChangedMeanwhile(Conflict):
    code = "changed_meanwhile"
    message = "Somebody else has just changed this. Look at it again, then try once more."


_FOREIGN_KEY, _DEADLOCK = "23503", "40P01"


def _lost_a_race(error: DBAPIError) -> bool:
    """A row that was there when it was looked up is gone, or two waited for each other."""
    if getattr(error.orig, "sqlstate", None) in (_FOREIGN_KEY, _DEADLOCK):
        return True
    return isinstance(error, IntegrityError) and "FOREIGN KEY" in str(error.orig)


class Database:
    """The engine and the two kinds of transaction. Sessions carry the settings and the waker."""

    def __init__(self, settings: Settings, waker: object | None = None) -> None:
        self.settings = settings
        self.waker = waker
        self.engine = _engine(settings)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that may change things; committed when the block ends without an error.

        Raises ChangedMeanwhile when what it builds on went at the same moment.
        """
        with self._session(write=True) as session:
            try:
                yield session
                session.commit()
            except DBAPIError as error:
                if _lost_a_race(error):
                    raise ChangedMeanwhile from error
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that changes nothing: it is rolled back whatever happens."""
        with self._session(write=False) as session:
            try:
                yield session
            finally:
                session.rollback()

    def _session(self, *, write: bool) -> Session:
        return Session(
            _for(self.engine, write=write),
            expire_on_commit=False,
            autoflush=True,
            info={"settings": self.settings, "waker": self.waker, "writing": write},
        )

    def is_alive(self) -> None:
        """Raises sqlalchemy.exc.DBAPIError when the database does not answer."""
        with self.engine.connect() as connection:
            connection.execute(select(1))


_LOCK_SECONDS = 30
"""So long a writer of SQLite waits for the others."""


@functools.lru_cache(maxsize=16)
def _for(engine: Engine, *, write: bool) -> Engine:
    """The same pool, for one kind of transaction; made once, not for each of them."""
    return engine.execution_options(booking_write=write, postgresql_readonly=not write)


def _engine(settings: Settings) -> Engine:
    url = settings.sqlalchemy_url
    if not url.startswith("sqlite"):
        engine = create_engine(
            url, pool_size=settings.web_threads, max_overflow=4, pool_pre_ping=True
        )
        event.listen(engine, "connect", _prepare_postgresql)
        return engine
    if not settings.database_url:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=settings.web_threads,
        max_overflow=4,
        connect_args={"timeout": _LOCK_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a commit survives a power cut
        "foreign_keys=ON",
        f"busy_timeout={_LOCK_SECONDS * 1000}",
        "cache_size=-8000",
        "temp_store=MEMORY",
        "wal_autocheckpoint=8000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    """To compile a statement takes PostgreSQL longer than any of ours takes to run."""
    with connection.cursor() as cursor:
        cursor.execute("SET jit = off")
    connection.commit()


def _begin_sqlite(connection: Any) -> None:
    """Writers take the lock at once: an upgrade from a deferred BEGIN fails without waiting."""
    if connection.get_execution_options().get("booking_write", True):
        _take_the_lock(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _take_the_lock(connection: Any) -> None:
    """Whoever has to wait looks again after a fifth of a millisecond, and then after five at most.
    SQLite by itself naps for up to a hundred, and meanwhile those who come later have had their
    turn."""
    driver = connection.connection.dbapi_connection
    give_up, nap = time.monotonic() + _LOCK_SECONDS, 0.0002
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < give_up:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    break
                time.sleep(nap)
                nap = min(nap * 1.25, 0.005)
            else:
                return
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # raises what is wrong
    finally:
        driver.execute(f"PRAGMA busy_timeout={_LOCK_SECONDS * 1000}")
