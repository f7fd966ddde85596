"""Real web servers on this machine: uvicorn in a thread, or in a process of its own."""

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import urlopen

import uvicorn
from fastapi import FastAPI

from booking.config import Settings
from tests.databases import CHEAP_HASHES
from tests.processes import Kind, Process, folder_of_its_own, running


@dataclass(frozen=True, slots=True)
class LiveServer:
    url: str
    """`http://127.0.0.1:PORT`"""


@contextlib.contextmanager
def serve(app: FastAPI) -> Iterator[LiveServer]:
    """In a thread: shares the clock and the database with the test."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=2)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield LiveServer(f"http://127.0.0.1:{port}")
        finally:
            server.should_exit = True
            thread.join(timeout=15)


@contextlib.contextmanager
def web_processes(settings: Settings, count: int = 1) -> Iterator[list[LiveServer]]:
    """Servers in processes of their own, as in production, on the database of these settings."""
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(count):
            folder = stack.enter_context(folder_of_its_own())
            process = Process(_web_kind(settings), folder)
            stack.enter_context(running(process))
            found.append(LiveServer(f"http://127.0.0.1:{process.port}"))
        yield found


def environment_of(settings: Settings) -> list[str]:
    """`BOOKING_…=…` for each setting, for a child process: it hashes at the full cost."""
    given = settings.model_dump(mode="json", exclude=set(CHEAP_HASHES))
    given["trusted_proxies"] = ",".join(settings.trusted_proxies)
    return [f"BOOKING_{name.upper()}={value}" for name, value in given.items()]


def _web_kind(settings: Settings) -> Kind:
    command = ["env", *environment_of(settings), sys.executable, "-m", "uvicorn"]
    command += ["--factory", "booking.main:from_environment", "--host", "127.0.0.1"]
    command += ["--timeout-keep-alive", "60"]  # a racer waits on an open connection

    def answers(port: int) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as response:
                return bool(response.status == 200)
        except (URLError, OSError):
            return False

    return Kind(lambda port: [*command, "--port", str(port)], answers)


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    give_up = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server ended at once"
        assert time.monotonic() < give_up, "the server did not come up"
        time.sleep(0.01)
