"""The processes of the product: the broker between them, and children that leave with us."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu.entity import Queue

from booking.config import Settings

_LEASH = "BOOKING_LEASH_FD"


def broker_options(settings: Settings) -> dict[str, Any]:
    """Celery's settings for the broker: Redis where configured, else files beside the data."""
    patience = {"socket_timeout": 10, "socket_connect_timeout": 3, "socket_keepalive": True}
    if settings.broker_url:
        return {
            "broker_url": settings.broker_url,
            "broker_transport_options": patience if "redis" in settings.broker_url else {},
            "broker_connection_retry_on_startup": True,
        }
    folder = settings.data_dir.resolve() / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "broker_url": "filesystem://",
        "broker_transport_options": {
            "data_folder_in": str(folder),
            "data_folder_out": str(folder),
            "control_folder": str(folder / "control"),
            "polling_interval": 0.2,
        },
    }


def queues(names: Sequence[str]) -> list[Queue]:
    return [Queue(name, routing_key=name) for name in names]  # type: ignore[no-untyped-call]


class _Senders:
    """One connection pool a process for those who only send."""

    made: Celery | None = None


def send_task(settings: Settings, name: str) -> None:
    """Tell the workers that work is due. Raises what the broker raises; the caller may not care."""
    if _Senders.made is None:
        _Senders.made = Celery("booking-sender", set_as_current=False)
        _Senders.made.conf.update(broker_options(settings), task_ignore_result=True)
    lane = "mail" if name == "send_due_emails" else "bulk"
    _Senders.made.send_task(name, queue=lane, expires=60, retry=False)


def check_broker(settings: Settings) -> None:
    """Raises when the broker does not answer."""
    with Celery("booking-check", set_as_current=False) as probe:
        probe.conf.update(broker_options(settings))
        with probe.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=3)


class Household:
    """The child processes of `booking up`: started, restarted when they die, stopped together.

    Each holds the reading end of a pipe that only we can write to: when we are gone, killed or not,
    it reads the end of the file and leaves.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self._reading, self._writing = os.pipe()
        os.set_inheritable(self._reading, True)
        self._environment = {**os.environ, **environment, _LEASH: str(self._reading)}
        self._commands: dict[str, list[str]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}

    def start(self, name: str, arguments: Sequence[str]) -> None:
        self._commands[name] = [sys.executable, "-m", *arguments]
        self._spawn(name)

    def _spawn(self, name: str) -> None:
        self._started[name] = time.monotonic()
        self._running[name] = subprocess.Popen(  # noqa: S603 - our own commands
            self._commands[name], env=self._environment, pass_fds=(self._reading,)
        )

    def tend(self) -> list[str]:
        """Starts again whoever died, a second after its last start at the earliest; names them."""
        died = [
            name
            for name, child in self._running.items()
            if child.poll() is not None and time.monotonic() - self._started[name] > 1
        ]
        for name in died:
            self._spawn(name)
        return died

    def stop(self, patience: float = 8) -> None:
        for child in self._running.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + patience
        for child in self._running.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        os.close(self._writing)


def leave_with_parent() -> None:
    """In a child of `booking up`: watch the leash from a thread, and leave when it is let go."""
    leash = os.environ.pop(_LEASH, None)
    if leash is not None:
        threading.Thread(target=_watch, args=(int(leash),), name="leash", daemon=True).start()


def _watch(leash: int) -> None:
    os.read(leash, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
    os._exit(1)
