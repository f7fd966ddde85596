"""Worker processes that begin in a tenth of the time, for tests that kill many of them.

They are forked from a process that has imported the product and done nothing else. What runs then
is `celery -A workers.app …` as in production, or one job of the table over and over. They leave
with the process that started them, as the children of `booking serve` do.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

from celery.bin.celery import main as celery
from sqlalchemy.exc import OperationalError

from booking import clock, household
from booking.config import Settings
from booking.database import Database
from tests.product import Product
from workers import jobs

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    [
        "tests.workers.forked",
        "celery.apps.beat",
        "celery.apps.worker",
        "celery.concurrency.thread",
        "kombu.transport.redis",
    ]
)
_PATIENCE = 15.0


class Forked:
    """A process that is killed, stopped for a while, and started again."""

    def __init__(self, target: Callable[..., None], *arguments: Any) -> None:
        self._target = target
        self._arguments = arguments
        self._child = self._made()

    def start(self) -> None:
        self._child = self._made()
        self._child.start()

    def kill(self) -> None:
        """As a crash would end it (SIGKILL)."""
        self._child.kill()
        self._child.join(_PATIENCE)
        assert not self._child.is_alive()

    def freeze(self) -> None:
        """It does nothing any more, and looks alive (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on as if no time had passed."""
        self._signal(signal.SIGCONT)

    def _made(self) -> BaseProcess:
        return _forks.Process(target=self._target, args=self._arguments, daemon=True)

    def _signal(self, number: signal.Signals) -> None:
        assert self._child.pid is not None
        os.kill(self._child.pid, number)


@contextmanager
def forked(process: Forked) -> Iterator[Forked]:
    """Start it, and kill it at the end: what is asked of it must not depend on how it ends."""
    process.start()
    try:
        yield process
    finally:
        process.kill()


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
    with (product.folder / f"{name}.log").open("ab") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
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
