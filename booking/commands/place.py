"""Where a command works: the configured database, and one business of it."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from sqlalchemy.orm import Session

from booking import clock, processes
from booking.audit.actions import Actor
from booking.audit.models import ActorKind
from booking.businesses.queries import by_slug
from booking.config import Settings
from booking.database import Database, set_business
from booking.errors import Invalid, NotFound
from booking.wakeup import Waker

COMMAND = Actor(ActorKind.SYSTEM, None, "the command line")


def settings() -> Settings:
    """The configuration. Raises Invalid with what is wrong, in words."""
    try:
        found = Settings()
    except ValidationError as error:
        wrong = [f"BOOKING_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        raise Invalid("; ".join(wrong)) from None
    if objections := found.objections():
        raise Invalid("; ".join(objections))
    clock.set_offset(found.clock_offset)
    return found


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
