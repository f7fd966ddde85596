"""After a commit, tell the worker by task name that work is due. A lost wake-up loses nothing:
the schedule finds the same rows a little later."""

import logging
import queue
import threading
from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.orm import Session

_DUE = "wake"
_log = logging.getLogger(__name__)


def after_commit(session: Session, task: str) -> None:
    session.info.setdefault(_DUE, set()).add(task)


@event.listens_for(Session, "after_commit")
def _tell(session: Session) -> None:
    waker: Waker | None = session.info.get("waker")
    due: set[str] = session.info.pop(_DUE, set())
    if waker is not None:
        for task in due:
            waker.wake(task)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(_DUE, None)


class Waker:
    """Sends wake-ups from a thread of its own: a broker that hangs must not hold up an answer."""

    def __init__(self, send: Callable[[str], object]) -> None:
        self._send = send
        self._waiting: queue.Queue[str] = queue.Queue(maxsize=100)
        self._thread = threading.Thread(target=self._run, name="waker", daemon=True)
        self._thread.start()

    def wake(self, task: str) -> None:
        try:
            self._waiting.put_nowait(task)
        except queue.Full:
            _log.warning("a wake-up was dropped; the schedule will do", extra={"task": task})

    def _run(self) -> None:
        while True:
            tasks = {self._waiting.get()}
            while not self._waiting.empty():
                tasks.add(self._waiting.get_nowait())
            for task in tasks:
                try:
                    self._send(task)
                except Exception as error:  # noqa: BLE001 - whatever a broker raises: the schedule will do
                    _log.warning("no wake-up: %s", type(error).__name__, extra={"task": task})
