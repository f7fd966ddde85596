"""Migrations: from nothing to today's tables and back, on both databases, and nothing left out."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from booking import metadata
from booking.commands.migrate import config_for
from booking.config import Settings
from booking.database import Database
from booking.migrations import versions
from tests.databases import DatabaseKind, Databases, settings_for
from tests.times import Clock

DATED = re.compile(r"\d{4}-\d{2}-\d{2}-\d{4}_[a-z0-9_]+\.py")
FILES = sorted(
    path for path in Path(versions.__file__).parent.glob("*.py") if path.name != "__init__.py"
)


@pytest.fixture
def empty(
    databases: Databases, database_kind: DatabaseKind, folder: Path, clock: Clock
) -> Settings:
    """The settings of a database without any table."""
    return settings_for(folder, databases.empty(database_kind, folder), clock)


@pytest.fixture
def config(empty: Settings) -> Config:
    return config_for(empty)


@pytest.fixture
def engine(empty: Settings) -> Iterator[Engine]:
    engine = create_engine(empty.sqlalchemy_url)
    yield engine
    engine.dispose()


def tables_of(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_up_down_and_up_again(config: Config, engine: Engine) -> None:
    command.upgrade(config, "head")
    assert tables_of(engine) == set(metadata.metadata.tables)
    command.downgrade(config, "base")
    assert tables_of(engine) == set()
    command.upgrade(config, "head")
    assert tables_of(engine) == set(metadata.metadata.tables)


def test_each_step_goes_back_and_forth(config: Config, engine: Engine) -> None:
    for step in reversed(list(ScriptDirectory.from_config(config).walk_revisions())):
        command.upgrade(config, step.revision)
        before = tables_of(engine)
        command.downgrade(config, "-1")
        command.upgrade(config, step.revision)
        assert tables_of(engine) == before


def test_the_models_say_what_the_migrations_say(config: Config) -> None:
    command.upgrade(config, "head")
    command.check(config)


def test_migrating_twice_changes_nothing(config: Config) -> None:
    command.upgrade(config, "head")
    command.upgrade(config, "head")


def test_a_migrated_database_refuses_an_overlap(
    database: Database, database_kind: DatabaseKind
) -> None:
    """Written by hand, since no model can say it."""
    again = text(
        "INSERT INTO busy (business_id, appointment_id, staff_id, starts_at, ends_at)"
        " SELECT business_id, :id, staff_id, starts_at + 60, ends_at + 60 FROM busy LIMIT 1"
    )
    with pytest.raises(DBAPIError, match="overlap"), database.engine.begin() as connection:
        connection.execute(again, {"id": "0" * 32})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_migration_is_dated_and_reversible(path: Path) -> None:
    assert DATED.fullmatch(path.name)
    downgrade = path.read_text().partition("def downgrade() -> None:")[2].strip()
    assert downgrade
    assert not downgrade.startswith("pass")


def test_migrations_stand_in_the_order_of_their_dates(config: Config) -> None:
    steps = list(ScriptDirectory.from_config(config).walk_revisions())
    assert [Path(step.path).name for step in reversed(steps)] == [path.name for path in FILES]
