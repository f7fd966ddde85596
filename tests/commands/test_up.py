"""`booking up`: the whole product from one command, and nobody left behind when it ends."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.product import PATIENCE, wait_until
from tests.up import Up, house

SALON = "/api/v1/businesses/happy-paws"


@pytest.fixture
def up(folder: Path) -> Iterator[Up]:
    with house(folder) as up:
        yield up


def get(up: Up, path: str) -> httpx.Response:
    return httpx.get(f"{up.url}{path}", timeout=PATIENCE, trust_env=False)


def post(up: Up, path: str, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{up.url}{path}", json=body, timeout=PATIENCE, trust_env=False)


def sign_in(up: Up) -> int:
    owner = {"email": up.line("Owner e-mail"), "password": up.line("Owner password")}
    return post(up, "/api/v1/staff/sessions", owner).status_code


def book(up: Up, email: str) -> None:
    """As a guest, at the first free time of the salon."""
    service = get(up, SALON).json()["services"][0]["id"]
    today = time.strftime("%Y-%m-%d")
    free = get(up, f"{SALON}/availability?service={service}&from={today}").json()
    slot = next(slot for day in free["days"] for slot in day["slots"])
    wanted = {
        "service_id": service,
        "starts_at": slot["starts_at"],
        "client": {"first_name": "Gus", "last_name": "Guest", "email": email},
        "pets": [{"name": "Rex", "species": "dog"}],
    }
    answer = post(up, f"{SALON}/appointments", wanted)
    assert answer.status_code == 201, answer.text


def test_the_product_comes_up_works_and_goes_without_a_trace(up: Up) -> None:
    up.start("--demo")
    assert get(up, "/healthz").status_code == 200
    assert get(up, "/happy-paws").status_code == 200
    assert [line for line in up.children.values() if "gateways.sandbox" in line], up.children
    assert sign_in(up) == 201
    book(up, "gus.guest@mail.example")
    wait_until(lambda: up.mail_to("gus.guest@mail.example"), "the confirmation")
    [confirmation] = up.mail_to("gus.guest@mail.example")
    attached = [part.get_content_type() for part in confirmation.iter_attachments()]
    assert "text/calendar" in attached
    assert get(up, "/readyz").json() == {"database": "ok", "broker": "ok", "work": "ok"}

    killed = up.worker
    os.kill(killed, signal.SIGKILL)
    book(up, "gina.guest@mail.example")
    wait_until(lambda: up.mail_to("gina.guest@mail.example"), "the work of the next worker")
    assert up.worker != killed
    assert "The worker process ended and was started again." in up.said
    password = up.line("Owner password")
    assert up.end(signal.SIGINT) == 0
    assert up.children == {}

    up.start("--demo")
    assert up.line("Owner password") == password, "a second start finds what the first one made"
    assert sign_in(up) == 201
    assert up.end(signal.SIGTERM) == 0
    assert up.children == {}


def test_when_it_is_killed_nobody_stays(up: Up) -> None:
    up.start()
    assert len(up.children) >= 3
    up.end(signal.SIGKILL)
    wait_until(lambda: not up.children, "the children to leave", seconds=30)


def test_it_can_be_stopped_while_it_comes_up(up: Up) -> None:
    up.begin()
    wait_until(lambda: len(up.children) >= 2 or not up.is_running, "the first children")
    assert up.end(signal.SIGTERM) == 0, up.said
    assert up.children == {}


def test_a_taken_port_is_refused_in_one_line(up: Up) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", up.port))
        taken.listen()
        ran = up.product.command("up", "--port", str(up.port))
    assert ran.returncode == 1
    assert ran.stderr == f"booking: port {up.port} is taken; choose another with --port\n"
