"""Where a command works: the configured database, and one business of it."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from booking import processes
from booking.audit.actions import Actor
from booking.audit.models import ActorKind
from booking.businesses.queries import by_slug
from booking.config import Settings
from booking.database import Database, set_business
from booking.errors import NotFound
from booking.wakeup import Waker

COMMAND = Actor(ActorKind.SYSTEM, None, "the command line")


def database(chosen: Settings) -> Database:
    return Database(chosen, Waker(functools.partial(processes.send_task, chosen)))


@contextmanager
def writing(where: Database, slug: str) -> Iterator[Session]:
    """A transaction within that business. Raises NotFound."""
    with where.writing() as session:
        business = by_slug(session, slug)
        if business is None:
            raise NotFound(f"There is no business {slug!r}.")
        set_business(session, business.id)
        yield session
