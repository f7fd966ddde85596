"""Databases for the tests: both kinds, each test on a copy of its own of the same world.

The world is built once for each kind, migrated first, through the rooms' own verbs; a test gets a
copy in some 30 ms (a file, or a PostgreSQL database made from a template).
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from booking.commands.migrate import upgrade
from booking.config import Settings
from booking.database import Database
from tests import servers, world
from tests.processes import folder_of_its_own
from tests.servers import Postgres
from tests.times import START, Clock
from tests.world import World

SECRET = "a secret of the tests, the same in every one of them"


class DatabaseKind(StrEnum):
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


def settings_for(folder: Path, database_url: str, clock: Clock, **changed: Any) -> Settings:
    """The settings of a test: nothing comes from the environment or a `.env` file."""
    given: dict[str, Any] = {
        "environment": "development",
        "data_dir": folder,
        "database_url": database_url,
        "broker_url": "",
        "smtp_url": "",
        "public_url": "http://localhost:8000",
        "secret_key": SECRET,
        "rate_limits": "on",
        "clock_offset": clock.offset,
        **changed,
    }
    return Settings(_env_file=None, **given)


class Databases:
    """Both kinds of database of one run of pytest (one for each xdist worker).

    Given a server, PostgreSQL's are made on that one: a test that stops a server brings its own.
    """

    def __init__(self, worker: str, server: Postgres | None = None) -> None:
        self._worker = worker
        self._ending = ExitStack()
        self._folder = self._ending.enter_context(folder_of_its_own())
        self._server = server
        self._worlds: dict[DatabaseKind, World] = {}
        self._engines: dict[tuple[str, int], Engine] = {}

    def close(self) -> None:
        self._ending.close()

    @property
    def server(self) -> Postgres:
        """The PostgreSQL server of this run, started when it is first needed."""
        if self._server is None:
            self._server = self._ending.enter_context(servers.postgres())
        return self._server

    def world(self, kind: DatabaseKind) -> World:
        if kind not in self._worlds:
            self._worlds[kind] = self._build(kind)
        return self._worlds[kind]

    def copy(self, kind: DatabaseKind, folder: Path) -> str:
        """The address of a fresh copy of the world."""
        self.world(kind)
        if kind is DatabaseKind.SQLITE:
            copy = folder / "booking.sqlite3"
            shutil.copyfile(self._file, copy)
            return f"sqlite:///{copy}"
        return self.server.create_database(f"test_{self._worker}", self._template)

    @contextmanager
    def opened(self, settings: Settings) -> Iterator[Database]:
        """A database of one test. Its engine is that of the test before, which has compiled most of
        our SQL already, as one in service has; its connections are new."""
        database = Database(settings)
        key = settings.sqlalchemy_url, settings.web_threads
        database.engine = self._engines.setdefault(key, database.engine)
        try:
            yield database
        finally:
            database.engine.dispose()

    def empty(self, kind: DatabaseKind, folder: Path) -> str:
        """The address of a database without any table."""
        if kind is DatabaseKind.SQLITE:
            return f"sqlite:///{folder}/empty.sqlite3"
        return self.server.create_database(f"empty_{self._worker}")

    @property
    def _file(self) -> Path:
        return self._folder / "world.sqlite3"

    @property
    def _template(self) -> str:
        return f"world_{self._worker}"

    def _build(self, kind: DatabaseKind) -> World:
        url = (
            f"sqlite:///{self._file}"
            if kind is DatabaseKind.SQLITE
            else self.server.create_database(self._template)
        )
        clock = Clock()
        settings = settings_for(self._folder / kind, url, clock)
        upgrade(settings)
        database = Database(settings)
        try:
            clock.set(START - timedelta(days=10))
            return world.build(database, clock)
        finally:
            database.engine.dispose()
            clock.restore()
