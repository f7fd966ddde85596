"""What every test may ask for: a world on a database of its own, the application before it, the
callers, the mail, the clock. A test that asks for any of these runs on SQLite and on PostgreSQL."""

import contextlib
import gc
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import anyio.to_thread
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from booking.accounts.passwords import Hashing
from booking.config import Settings
from booking.database import Database
from booking.rate_limit import Limiter
from tests import servers
from tests.apps import Apps
from tests.databases import DatabaseKind, Databases, settings_for
from tests.front_door import Api, FrontDoor
from tests.live import LiveServer, serve
from tests.mailbox import Mailbox
from tests.missing import NO_CHROMIUM
from tests.pages import Pages
from tests.processes import folder_of_its_own
from tests.sandbox import Sandbox
from tests.site import Site
from tests.times import Clock
from tests.world import World

_SLOWEST = (
    "tests/browser/test_pages.py",
    "tests/workers/test_chaos.py",
    "tests/workers/test_killed.py",
    "tests/commands/test_up.py",
    "tests/bench/",
    "tests/walk/",
    "tests/house/test_bad_input.py",
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "settings(**changed): settings of this test that differ from the usual ones"
    )
    servers.share_postgres(config)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What was imported stays, so the garbage collector shall not go through all of it time and
    again; that and its rarer rounds save a tenth of the run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slowest begin first, so that no process works alone at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(_SLOWEST))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was not run is said even where skipped tests are only counted."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any(NO_CHROMIUM in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(f"NOTE: {NO_CHROMIUM}", yellow=True)


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    worker = getattr(request.config, "workerinput", {"workerid": "main"})["workerid"]
    with contextlib.closing(Databases(worker)) as databases:
        yield databases


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """One event loop for all requests of a run."""
    with start_blocking_portal() as portal:
        portal.call(_as_many_threads_as_in_service)
        yield portal


def _as_many_threads_as_in_service() -> None:
    threads = Settings.model_fields["web_threads"].default
    anyio.to_thread.current_default_thread_limiter().total_tokens = threads


@pytest.fixture(params=list(DatabaseKind), ids=str)
def database_kind(request: pytest.FixtureRequest) -> DatabaseKind:
    kind: DatabaseKind = request.param
    return kind


@pytest.fixture
def world(databases: Databases, database_kind: DatabaseKind) -> World:
    """Who is there; `tests/world.py` introduces them."""
    return databases.world(database_kind)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """`clock.move(days=3)`; every test begins on Monday, 1 March 2027, 9 am in New York."""
    clock = Clock()
    yield clock
    clock.restore()


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    with folder_of_its_own() as place:
        yield place


@pytest.fixture
def folder(place: Path) -> Iterator[Path]:
    """The data directory of a test: at the same path for all tests of a run, and empty."""
    folder = place / "data"
    folder.mkdir()
    yield folder
    while folder.exists():  # a wake-up may just be on its way to the broker's files
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sandbox(folder: Path, clock: Clock) -> Iterator[Sandbox]:
    """The sandbox of payments; a test that asks for it has settings that name it."""
    with contextlib.closing(Sandbox(folder)) as sandbox:
        yield sandbox


@pytest.fixture
def settings(
    request: pytest.FixtureRequest,
    databases: Databases,
    database_kind: DatabaseKind,
    folder: Path,
    world: World,
    clock: Clock,
) -> Settings:
    """Of a test that is to have other ones: `@pytest.mark.settings(rate_limits="off")`."""
    changed: dict[str, object] = {}
    for mark in reversed(list(request.node.iter_markers("settings"))):
        changed |= mark.kwargs
    if "sandbox" in request.fixturenames:
        changed["sandbox_gateway_url"] = request.getfixturevalue("sandbox").url
    return settings_for(folder, databases.copy(database_kind, folder), clock, **changed)


@pytest.fixture
def database(databases: Databases, settings: Settings) -> Iterator[Database]:
    """The database of this test, with the world in it."""
    with databases.opened(settings) as database:
        yield database


@pytest.fixture
def site(database: Database, world: World) -> Site:
    """For arranging and looking: `with site.writing() as session: make.client(session)`."""
    return Site(database, world)


@pytest.fixture(scope="session")
def apps() -> Apps:
    return Apps()


@pytest.fixture
def app(apps: Apps, settings: Settings, database: Database, clock: Clock) -> Iterator[FastAPI]:
    """The application on the database of this test."""
    app = apps.like(settings)
    clock.set_again()
    app.state.settings = settings
    app.state.database = database
    app.state.limiter = Limiter(settings)
    app.state.hashing = Hashing(settings)
    yield app
    app.state.hashing.close()


@pytest.fixture
def door(app: FastAPI, portal: BlockingPortal) -> FrontDoor:
    return FrontDoor(app, portal)


@pytest.fixture
def api(door: FrontDoor, world: World) -> Api:
    """Callers of the API: `api.owner.get("/businesses/{b}/clients")`."""
    return Api(door, world)


@pytest.fixture
def pages(door: FrontDoor, world: World) -> Pages:
    """Browsers without JavaScript: `pages.owner.get("/manage/happy-paws")`."""
    return Pages(door, world)


@pytest.fixture
def live(app: FastAPI) -> Iterator[LiveServer]:
    """A real uvicorn on a port of this machine, in a thread, on the database of this test."""
    with serve(app) as live:
        yield live


@pytest.fixture
def mailbox(database: Database) -> Mailbox:
    """What was written to people: `mailbox.latest("jo.bright@example.com").link("/i/")`."""
    return Mailbox(database)
