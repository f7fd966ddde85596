"""Production refuses to start with what would hurt there, and says so in one line."""

from pathlib import Path

import pytest

from tests.databases import LICENCE_KEY
from tests.forked import GROUP
from tests.processes import free_port
from tests.product import Product, program

pytestmark = GROUP

GOOD = {
    "environment": "production",
    "public_url": "https://booking.example.com",
    "secret_key": "a long secret of our own, 2f7c1b9e-77aa",
    "licence_private_key": LICENCE_KEY,
    "database_url": "postgresql+psycopg://booking@127.0.0.1:1/booking",
    "broker_url": "redis://127.0.0.1:1/0",
    "smtp_url": "smtp://127.0.0.1:1",
}
DANGERS = {
    "no secret": ({"secret_key": ""}, "BOOKING_SECRET_KEY"),
    "a short secret": ({"secret_key": "changeme"}, "BOOKING_SECRET_KEY"),
    "a secret of one letter": ({"secret_key": "x" * 40}, "BOOKING_SECRET_KEY"),
    "no licence key": ({"licence_private_key": ""}, "BOOKING_LICENCE_PRIVATE_KEY"),
    "an address without TLS": (
        {"public_url": "http://booking.example.com"},
        "BOOKING_PUBLIC_URL",
    ),
    "debug": ({"debug": "true"}, "BOOKING_DEBUG"),
    "SQLite for several": ({"database_url": "", "web_processes": "2"}, "BOOKING_WEB_PROCESSES=1"),
    "no rate limits": ({"rate_limits": "off"}, "BOOKING_RATE_LIMITS"),
    "another time": ({"clock_offset": "60"}, "BOOKING_CLOCK_OFFSET"),
    "a lease too short": ({"send_lease_seconds": "60"}, "BOOKING_SEND_LEASE_SECONDS"),
    "no slot guard": ({"slot_guard": "off"}, "BOOKING_SLOT_GUARD"),
}


@pytest.mark.parametrize("danger", DANGERS)
def test_the_web_server_refuses_to_start(folder: Path, danger: str) -> None:
    changed, named = DANGERS[danger]
    product = Product(folder, GOOD | changed)
    ran = product.command("serve", "--port", str(free_port()))
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert ran.stderr.startswith("booking: refuses to start: ")
    assert named in ran.stderr
    assert GOOD["secret_key"] not in ran.stderr


@pytest.mark.parametrize(
    "command",
    [
        [program("uvicorn"), "--factory", "booking.main:from_environment", "--port", "0"],
        [program("celery"), "-A", "workers.app", "worker"],
        [program("celery"), "-A", "workers.app", "beat", "--pidfile="],
        [program("booking"), "migrate"],
    ],
    ids=["uvicorn", "worker", "beat", "migrate"],
)
def test_nothing_else_starts_either(folder: Path, command: list[str]) -> None:
    product = Product(folder, GOOD | {"clock_offset": "60"})
    ran = product.run(command)
    assert ran.returncode != 0
    assert "BOOKING_CLOCK_OFFSET" in ran.stderr
