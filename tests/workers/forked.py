"""Worker processes for tests that kill many of them: see `tests.forked`. What runs is
`celery -A workers.app …` as in production, or one job of the table over and over."""

import contextlib
import os
import sys
import time

from celery.bin.celery import main as celery
from sqlalchemy.exc import OperationalError

from booking import clock, household
from booking.config import Settings
from booking.database import Database
from tests.forked import Forked, write_to
from tests.product import Product
from workers import jobs


def worker(product: Product, name: str) -> Forked:
    """Without asking its neighbours for what they know, for which it would wait a second."""
    said = ["worker", f"--hostname={name}@here", "--without-mingle", "--without-gossip"]
    return Forked(_celery, product, name, said)


def beat(product: Product) -> Forked:
    return Forked(_celery, product, "beat", ["beat", "--pidfile="])


def sender(settings: Settings) -> Forked:
    """Sends what is due among the invitations, and looks again at once."""
    return Forked(_send, settings)


def _celery(product: Product, name: str, arguments: list[str]) -> None:
    os.environ.clear()
    os.environ.update(product.environment)
    os.chdir(product.folder)
    write_to(product.folder / f"{name}.log")
    sys.argv = ["celery", "-A", "workers.app", "--quiet", *arguments, "--loglevel", "WARNING"]
    celery()


def _send(settings: Settings) -> None:
    household.leave_with_parent()
    clock.set_offset(settings.clock_offset)
    database = Database(settings)
    while True:
        with contextlib.suppress(OperationalError):  # as a worker logs it and tries again
            jobs.send_due_invitations(database)
        time.sleep(0.1)
