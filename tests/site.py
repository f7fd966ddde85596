"""The database of one test, for arranging what no page does and for looking at what was kept."""

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from booking.audit.actions import SYSTEM
from booking.config import Settings
from booking.database import Database, set_business
from booking.preferences import actions as preferences
from tests.world import Salon, World


class Site:
    def __init__(self, database: Database, world: World) -> None:
        self.database = database
        self.world = world

    @property
    def settings(self) -> Settings:
        return self.database.settings

    @contextlib.contextmanager
    def writing(self, salon: Salon | None = None) -> Iterator[Session]:
        """A transaction for the salon (or that business); committed at the end."""
        with self.database.writing() as session:
            set_business(session, (salon or self.world.salon).id)
            yield session

    @contextlib.contextmanager
    def reading(self, salon: Salon | None = None) -> Iterator[Session]:
        with self.database.reading() as session:
            set_business(session, (salon or self.world.salon).id)
            yield session

    def prefer(self, section: str, **chosen: Any) -> None:
        """Change preferences of the salon: `site.prefer("booking_window", lead_time_minutes=0)`."""
        with self.writing() as session:
            version = preferences.current(session).version
            preferences.change(session, {section: chosen}, expected_version=version, by=SYSTEM)

    def allow_client_access(self, allow: bool) -> None:
        """The switch: Allow Client Online Account Access."""
        self.prefer("client_settings", allow_client_online_account_access=allow)

    def answers_at(self, url: str) -> None:
        """That is its public address from now on: frames of others know it by that."""
        self.database.settings = self.settings.model_copy(update={"public_url": url})
