"""Applications for tests: made once for each set of settings, then lent from test to test.

What is a test's own (its settings, its database, its counts of tries) is laid into `app.state`,
where every request looks for it.
"""

from fastapi import FastAPI

from booking.config import Settings
from booking.database import Database
from booking.main import create_app

_OF_ONE_TEST = {"data_dir", "database_url", "clock_offset", "sandbox_gateway_url"}


class Apps:
    def __init__(self) -> None:
        self._made: dict[str, FastAPI] = {}

    def like(self, settings: Settings) -> FastAPI:
        """An application with such settings, whatever database it last worked on."""
        kind = settings.model_dump_json(exclude=_OF_ONE_TEST)
        if kind not in self._made:
            self._made[kind] = create_app(settings)
            opened: Database = self._made[kind].state.database
            opened.engine.dispose()
        return self._made[kind]

    def close(self) -> None:
        for app in self._made.values():
            app.state.hashing.close()
