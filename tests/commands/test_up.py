"""`booking up`: the whole product from one command, and nobody left behind when it ends."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from tests.processes import free_port
from tests.product import PATIENCE, Product, processes_with, program, say, wait_until

pytestmark = pytest.mark.xdist_group("processes")


class Up:
    """One `booking up`, with what it has said so far."""

    def __init__(self, folder: Path) -> None:
        self.product = Product(folder)
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.said = folder / "said"
        self.child: subprocess.Popen[bytes] | None = None
        self.seconds = 0.0

    def start(self) -> None:
        began = time.monotonic()
        command = [program("booking"), "up", "--demo", "--port", str(self.port)]
        with self.said.open("wb") as said:
            self.child = subprocess.Popen(
                [*command, "--data", str(self.data)],
                cwd=self.product.folder,
                env=self.product.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(lambda: "Press Ctrl-C" in self.output or not self.is_running, "the greeting")
        assert self.is_running, self.output
        self.seconds = time.monotonic() - began
        say(f"booking up answered after {self.seconds:.1f} s")

    @property
    def is_running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    @property
    def output(self) -> str:
        return self.said.read_text(errors="replace")

    @property
    def family(self) -> dict[int, str]:
        """Everybody who was started with our port in the environment, however far down."""
        return processes_with(f"BOOKING_UP_PORT={self.port}\0")

    def end(self, by: signal.Signals) -> int:
        assert self.child is not None
        self.child.send_signal(by)
        return self.child.wait(timeout=PATIENCE)

    def worker(self) -> int:
        found = [pid for pid, line in self.family.items() if " worker " in line]
        assert len(found) == 1, self.family
        return found[0]

    def line(self, label: str) -> str:
        """What follows a label that stands alone on its line."""
        found = re.findall(rf"^{label}: (\S+)$", self.output, re.MULTILINE)
        assert len(found) == 1, self.output
        return str(found[0])

    def sign_in(self) -> httpx.Response:
        owner = {"email": self.line("Owner e-mail"), "password": self.line("Owner password")}
        return self.post("/staff/sessions", owner)

    def post(self, path: str, body: dict[str, object]) -> httpx.Response:
        return httpx.post(f"{self.url}/api/v1{path}", json=body, timeout=PATIENCE, trust_env=False)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", timeout=PATIENCE, trust_env=False)

    def book(self, email: str) -> None:
        """As a guest, at the first free time of the salon."""
        business = self.get("/api/v1/businesses/happy-paws").json()
        service = business["services"][0]["id"]
        today = time.strftime("%Y-%m-%d")
        days = self.get(
            f"/api/v1/businesses/happy-paws/availability?service={service}&from={today}"
        ).json()["days"]
        slot = next(slot for day in days for slot in day["slots"])
        answer = self.post(
            "/businesses/happy-paws/appointments",
            {
                "service_id": service,
                "starts_at": slot["starts_at"],
                "client": {"first_name": "Gus", "last_name": "Guest", "email": email},
                "pets": [{"name": "Rex", "species": "dog"}],
            },
        )
        assert answer.status_code == 201, answer.text

    def mail_to(self, address: str) -> list[EmailMessage]:
        found = []
        for path in sorted((self.data / "mailbox").glob("*.eml")):
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
            if address in str(message["To"]):
                found.append(message)
        return found


@pytest.fixture
def up(folder: Path) -> Iterator[Up]:
    up = Up(folder)
    yield up
    if up.is_running:
        up.end(signal.SIGKILL)
    for pid in up.family:
        os.kill(pid, signal.SIGKILL)


def test_the_product_comes_up_works_and_goes_without_a_trace(up: Up) -> None:
    up.start()
    assert up.get("/healthz").status_code == 200
    assert up.get("/happy-paws").status_code == 200
    assert up.sign_in().status_code == 201
    up.book("gus.guest@mail.example")
    wait_until(lambda: up.mail_to("gus.guest@mail.example"), "the confirmation")
    [confirmation] = up.mail_to("gus.guest@mail.example")
    attached = [part.get_content_type() for part in confirmation.iter_attachments()]
    assert "text/calendar" in attached
    assert up.get("/readyz").json() == {"database": "ok", "broker": "ok", "work": "ok"}

    killed = up.worker()
    os.kill(killed, signal.SIGKILL)
    up.book("gina.guest@mail.example")
    wait_until(lambda: up.mail_to("gina.guest@mail.example"), "the work of the next worker")
    assert up.worker() != killed
    assert "The worker process ended and was started again." in up.output

    assert up.end(signal.SIGINT) == 0
    assert up.family == {}
    password = up.line("Owner password")
    up.start()
    assert up.line("Owner password") == password, "a second start finds what the first one made"
    assert up.sign_in().status_code == 201
    assert up.end(signal.SIGTERM) == 0
    assert up.family == {}


def test_when_it_is_killed_nobody_stays(up: Up) -> None:
    up.start()
    assert len(up.family) >= 3
    up.end(signal.SIGKILL)
    wait_until(lambda: not up.family, "the children to leave", seconds=30)


def test_it_can_be_stopped_while_it_comes_up(up: Up) -> None:
    command = [program("booking"), "up", "--port", str(up.port), "--data", str(up.data)]
    with subprocess.Popen(
        command, cwd=up.product.folder, env=up.product.environment, stdout=subprocess.PIPE
    ) as child:
        wait_until(lambda: len(up.family) >= 2 or child.poll() is not None, "the first children")
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=PATIENCE) == 0
    assert up.family == {}


def test_a_taken_port_is_refused_in_one_line(up: Up) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", up.port))
        taken.listen()
        ran = up.product.command("up", "--port", str(up.port))
    assert ran.returncode == 1
    assert ran.stderr == f"booking: port {up.port} is taken; choose another with --port\n"
