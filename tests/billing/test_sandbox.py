"""The sandbox as a process of its own: it starts with nothing but settings, and forgets nothing."""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from booking import clock
from booking.billing.gateways.protocol import Charge, NotKept, Payer, Result
from booking.billing.gateways.sandbox.client import Sandbox
from booking.config import Settings
from tests.databases import SECRET
from tests.processes import Kind, Process, free_port, running
from tests.product import status_of, wait_until
from tests.sandbox import GOOD, NEVER_KEPT

SALON = Payer("the-salon", "Happy Paws", "owner@example.com")
PARENT = "http%3A%2F%2Flocalhost%3A8000"


class Listener(HTTPServer):
    """Where events go; each is kept with its headers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Ear)
        self.heard: list[tuple[dict[str, str], bytes]] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class _Ear(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.heard.append((headers, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.shutdown()
    listener.server_close()


@pytest.fixture
def settings(folder: Path, listener: Listener) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=folder,
        secret_key=SECRET,
        public_url=f"http://127.0.0.1:{listener.server_port}",
        sandbox_gateway_url=f"http://127.0.0.1:{free_port()}",
    )


@pytest.fixture
def process(settings: Settings, folder: Path) -> Iterator[Process]:
    names = ("data_dir", "secret_key", "public_url", "sandbox_gateway_url")
    given = [f"BOOKING_{name.upper()}={getattr(settings, name)}" for name in names]
    unset = [f"--unset={name}" for name in os.environ if "BOOKING" in name]
    command = [sys.executable, "-m", "booking.billing.gateways.sandbox"]
    kind = Kind(
        lambda _: ["env", *unset, *given, *command],
        lambda _: status_of(f"{settings.sandbox_gateway_url}/field?parent={PARENT}") == 200,
    )
    with running(Process(kind, folder)) as process:
        yield process


def token(settings: Settings, number: str) -> str:
    typed = json.dumps({"number": number, "expires": "2031-12", "code": "123"}).encode()
    with urlopen(Request(f"{settings.sandbox_gateway_url}/tokens", typed)) as answer:
        return str(json.load(answer)["token"])


def test_it_takes_money_once_and_remembers_it(
    process: Process, settings: Settings, listener: Listener
) -> None:
    with contextlib.closing(Sandbox(settings)) as gateway:
        kept = gateway.keep_card(token(settings, GOOD), SALON)
        assert (kept.brand, kept.last4, kept.expires) == ("Visa", "4242", "2031-12")
        charge = Charge("bkorder1", 5_900, "USD", kept.reference, SALON, "Invoice 1")
        first = gateway.charge(charge)
        assert (first.result, first.amount_minor) == (Result.APPROVED, 5_900)
        assert first.payer_id == SALON.id
        assert gateway.charge(charge) == first
        wait_until(lambda: listener.heard, "the event")

        process.kill()
        assert gateway.charge(charge).result is Result.UNKNOWN
        process.start()
        assert gateway.find("bkorder1") == first
        assert gateway.find("bkorder2") is None
        gateway.void("bkorder2")
        late = Charge("bkorder2", 5_900, "USD", kept.reference, SALON, "Invoice 1")
        assert gateway.charge(late).reason == "voided"
        gateway.forget_card(kept.reference)
        again = Charge("bkorder3", 5_900, "USD", kept.reference, SALON, "Invoice 1")
        assert gateway.charge(again).result is Result.DECLINED
        headers, body = listener.heard[0]
        event = gateway.read_event(headers, body)
        assert event.order_id == "bkorder1"
        assert abs((clock.now() - event.occurred_at).total_seconds()) < 60
    stored = b"".join(each.read_bytes() for each in settings.data_dir.glob("sandbox-gateway*"))
    assert b"bkorder1" in stored
    assert GOOD.encode() not in stored


def test_its_field_is_for_one_site_and_says_what_is_wrong(
    process: Process, settings: Settings
) -> None:
    address = f"{settings.sandbox_gateway_url}/field?parent="
    with urlopen(address + PARENT) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert 'const parentOrigin = "http://localhost:8000"' in answer.read().decode()
    assert "frame-ancestors http://localhost:8000" in policy
    assert status_of(f"{address}%22%3Cscript%3E") == 400
    with pytest.raises(HTTPError) as refused:
        token(settings, "4111111111111112")
    assert refused.value.code == 422
    with contextlib.closing(Sandbox(settings)) as gateway:
        form = gateway.card_form(SALON, return_url="http://localhost:8000/manage/x/billing")
        assert form.is_frame
        assert form.origin == settings.sandbox_gateway_url
        for given in (token(settings, NEVER_KEPT), "tok_nobody_knows"):
            with pytest.raises(NotKept):
                gateway.keep_card(given, SALON)
