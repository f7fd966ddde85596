"""`booking migrate`: bring the database up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config

import booking
from booking.commands import configured, talk
from booking.config import Settings
from booking.errors import Refusal


def run() -> int:
    try:
        settings = configured.settings()
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))
    upgrade(settings)
    talk.say("The database is up to date.")
    return talk.DONE


def upgrade(settings: Settings) -> None:
    if settings.embedded_database and not settings.database_url:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    command.upgrade(config_for(settings), "head")


def config_for(settings: Settings) -> Config:
    """Alembic's configuration without its file, for an installed package."""
    config = Config()
    config.set_main_option("script_location", str(Path(booking.__file__).parent / "migrations"))
    config.set_main_option("sqlalchemy.url", settings.sqlalchemy_url.replace("%", "%%"))
    return config
