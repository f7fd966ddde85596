"""`booking up`: the whole product on one machine, and nobody left behind when it ends."""

import os
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from booking import demo as demo_salon
from booking.commands import migrate, place, talk
from booking.config import Settings
from booking.errors import Refusal
from booking.processes import Household

READY_WITHIN_SECONDS = 60


class _Stopped(Exception):
    """Ctrl-C or SIGTERM."""


def run(*, demo: bool, port: int, data: Path | None) -> int:
    environment = _environment(port, data)
    os.environ.update(environment)
    try:
        settings = place.settings()
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))
    if not _is_free(port):
        return talk.refuse(f"port {port} is taken; choose another with --port")
    with _stoppable():
        migrate.upgrade(settings)
        if demo:
            demo_salon.open_if_empty(place.database(settings))
        return _keep_house(settings, environment, port)


def _environment(port: int, data: Path | None) -> dict[str, str]:
    """What the children are told, besides what is configured."""
    chosen = {"BOOKING_UP_PORT": str(port)}
    if data is not None:
        chosen["BOOKING_DATA_DIR"] = str(data.resolve())
    if "BOOKING_PUBLIC_URL" not in os.environ:
        chosen["BOOKING_PUBLIC_URL"] = f"http://localhost:{port}"
    return chosen


def _keep_house(settings: Settings, environment: dict[str, str], port: int) -> int:
    house = Household(environment)
    try:
        house.start("web", ["booking.commands.web"])
        celery = ["celery", "-A", "workers.app", "--quiet"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        house.start("worker", [*celery, "worker", "--loglevel", "WARNING", *quiet])
        house.start("schedule", [*celery, "beat", "--loglevel", "WARNING", "--pidfile="])
        if not _answers(port, house):
            return talk.refuse("the web server did not come up; the lines above say why")
        _greet(settings, port)
        while True:
            time.sleep(0.5)
            for name in house.tend():
                talk.say(f"The {name} process ended and was started again.")
    except _Stopped:
        talk.say("Stopping.")
        return talk.DONE
    finally:
        house.stop()


def _answers(port: int, house: Household) -> bool:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return True
        except OSError:
            house.tend()
            time.sleep(0.1)
    return False


def _greet(settings: Settings, port: int) -> None:
    site = f"http://localhost:{port}"
    talk.say()
    for salon in demo_salon.salons(place.database(settings)):
        talk.say(f"Booking site:   {site}/{salon.slug}")
        talk.say(f"Manage Site:    {site}/manage/{salon.slug}")
        if salon.owner_email:
            talk.say(f"Owner e-mail: {salon.owner_email}")
            talk.say(f"Owner password: {salon.owner_password}")
    if settings.mailbox is not None:
        talk.say(f"Mailbox:        {site}/mailbox   ({settings.mailbox})")
    talk.say(f"API:            {site}/api/docs")
    talk.say("Press Ctrl-C to stop.")


@contextmanager
def _stoppable() -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _Stopped

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        yield
    except _Stopped:
        talk.say("Stopping.")
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
