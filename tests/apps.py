"""Applications for tests: made once for each set of settings, then lent from test to test.

A new one works out all its addresses at its first request, which takes a second. What is a test's
own (its settings, its database, its counts of tries, its places for hashing) is laid into
`app.state`, where every request looks for it.
"""

from fastapi import FastAPI

from booking.config import Settings
from booking.main import create_app

_OF_ONE_TEST = {"data_dir", "database_url", "clock_offset"}


class Apps:
    def __init__(self) -> None:
        self._made: dict[str, FastAPI] = {}

    def like(self, settings: Settings) -> FastAPI:
        """An application with such settings, whatever database it last worked on."""
        kind = settings.model_dump_json(exclude=_OF_ONE_TEST)
        if kind not in self._made:
            app = self._made[kind] = create_app(settings)
            app.state.database.engine.dispose()
            app.state.hashing.close()
        return self._made[kind]
