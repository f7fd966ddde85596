"""`booking up`: the whole product on one machine, and nobody left behind when it ends."""

import os
import signal
import socket
import time
import urllib.request
from pathlib import Path

from booking.commands import configured, talk
from booking.config import Settings
from booking.errors import Refusal
from booking.household import ErrandFailed, Household, Stopped

READY_WITHIN_SECONDS = 60


def run(*, demo: bool, port: int, data: Path | None) -> int:
    environment = _environment(port, data)
    os.environ.update(environment)
    try:
        settings = configured.settings()
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))
    if not _is_free(port):
        return talk.refuse(f"port {port} is taken; choose another with --port")
    if not (settings.gateways or settings.production):
        sandbox = f"http://localhost:{_free_port()}"
        settings = settings.model_copy(update={"sandbox_gateway_url": sandbox})
    environment["BOOKING_SANDBOX_GATEWAY_URL"] = settings.sandbox_gateway_url
    house = Household({**environment, "BOOKING_SECRET_KEY": settings.secret})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, house.ask_to_stop)
    try:
        return _keep_house(house, settings, demo, port)
    except ErrandFailed:
        return talk.refuse("the database could not be prepared; the lines above say why")
    except Stopped:
        talk.say("Stopping.")
        return talk.DONE
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        house.stop()


def _environment(port: int, data: Path | None) -> dict[str, str]:
    """What the children are told, besides what is configured."""
    chosen = {"BOOKING_UP_PORT": str(port)}
    if data is not None:
        chosen["BOOKING_DATA_DIR"] = str(data.resolve())
    if "BOOKING_PUBLIC_URL" not in os.environ:
        chosen["BOOKING_PUBLIC_URL"] = f"http://localhost:{port}"
    return chosen


def _keep_house(house: Household, settings: Settings, demo: bool, port: int) -> int:
    """The web server gets ready while the database does; the others begin when it answers."""
    house.start("web", ["booking.commands.web"])
    where = house.errand(["booking.commands.prepare", *(["--demo"] if demo else [])])
    house.open_gate()
    if not _answers(port, house):
        return talk.refuse("the web server did not come up; the lines above say why")
    celery = ["celery", "-A", "workers.app", "--quiet"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    house.start("worker", [*celery, "worker", "--loglevel", "WARNING", *quiet])
    house.start("schedule", [*celery, "beat", "--loglevel", "WARNING", "--pidfile="])
    if settings.sandbox_gateway_url:
        house.start("sandbox", ["booking.billing.gateways.sandbox"])
    _greet(settings, where)
    while True:
        for name in house.tend():
            talk.say(f"The {name} process ended and was started again.")


def _answers(port: int, house: Household) -> bool:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return True
        except OSError:
            house.tend()
    return False


def _greet(settings: Settings, where: str) -> None:
    talk.say(f"\n{where.rstrip()}")
    if settings.mailbox is not None:
        talk.say(f"Mailbox:        {settings.public_url}/mailbox   ({settings.mailbox})")
    talk.say(f"API:            {settings.public_url}/api/docs")
    talk.say("Press Ctrl-C to stop.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
