"""Where a benchmark keeps its data: SQLite files, or new databases on a PostgreSQL server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine, make_url


@contextmanager
def databases(postgres: str, count: int) -> Iterator[list[str]]:
    """As many addresses: "" for a SQLite file in the data directory, else new, empty databases on
    the server at that URL, which are dropped at the end."""
    if not postgres:
        yield [""] * count
        return
    url = make_url(postgres).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    names = [f"booking_bench_{os.getpid()}_{number}" for number in range(count)]
    try:
        for name in names:
            _run(engine, f"CREATE DATABASE {name}")
        yield [url.set(database=name).render_as_string(hide_password=False) for name in names]
    finally:
        for name in names:
            _run(engine, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        engine.dispose()


def _run(engine: Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
