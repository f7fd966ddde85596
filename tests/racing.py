"""Many requests at once: each on an open connection of its own, released together. And, for the
positive controls, a database in which whoever writes does not begin by taking the lock."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from sqlalchemy import Connection, event

from booking import database as databases
from booking.database import Database
from tests.live import LiveServer


def post_at_once(
    servers: Sequence[LiveServer], path: str, bodies: Sequence[dict[str, Any]]
) -> list[httpx.Response]:
    """One POST a body, shared out among the servers."""
    start = threading.Barrier(len(bodies))

    def post(number: int) -> httpx.Response:
        server = servers[number % len(servers)]
        # Over plain HTTP: the certificates of the world would take longer to read than we race.
        with httpx.Client(base_url=server.url, timeout=60, verify=False) as client:
            client.get("/healthz").raise_for_status()
            start.wait(timeout=60)
            return client.post(f"/api/v1{path}", json=bodies[number])

    with ThreadPoolExecutor(len(bodies)) as racers:
        return list(racers.map(post, range(len(bodies))))


@contextlib.contextmanager
def locked_late(database: Database) -> Iterator[None]:
    """On SQLite the guard of every look that is followed by a write is that writers begin by taking
    the lock: here they take it as they write. PostgreSQL has no such guard to turn off."""
    if database.engine.dialect.name != "sqlite":
        yield
        return
    event.remove(database.engine, "begin", databases._begin_sqlite)
    event.listen(database.engine, "begin", _begin_late)
    try:
        yield
    finally:
        event.remove(database.engine, "begin", _begin_late)
        event.listen(database.engine, "begin", databases._begin_sqlite)


def _begin_late(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
