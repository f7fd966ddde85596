"""Real web servers on this machine: uvicorn in a thread, or in a process of its own."""

import contextlib
import functools
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from booking import household
from booking.config import Settings
from booking.main import from_environment
from tests.databases import CHEAP_HASHES
from tests.forked import Forked, forked, write_to
from tests.processes import folder_of_its_own, free_port
from tests.product import status_of, wait_until


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
        folder = stack.enter_context(folder_of_its_own())
        ports = [free_port() for _ in range(count)]
        for port in ports:
            log = folder / f"{port}.log"
            stack.enter_context(forked(Forked(_serve, environment_of(settings), port, log)))
        for port in ports:
            wait_until(functools.partial(_answers, port), "a web server")
        yield [LiveServer(f"http://127.0.0.1:{port}") for port in ports]


def environment_of(settings: Settings) -> dict[str, str]:
    """`BOOKING_…` for each setting, for a child process: it hashes at the full cost."""
    given = settings.model_dump(mode="json", exclude=set(CHEAP_HASHES))
    given["trusted_proxies"] = ",".join(settings.trusted_proxies)
    return {f"BOOKING_{name.upper()}": str(value) for name, value in given.items()}


def _serve(environment: dict[str, str], port: int, log: Path) -> None:
    """As `uvicorn --factory booking.main:from_environment` does."""
    household.leave_with_parent()
    os.environ.update(environment)
    write_to(log)
    uvicorn.run(
        from_environment,
        factory=True,
        host="127.0.0.1",
        port=port,
        timeout_keep_alive=60,  # a racer waits on an open connection
    )


def _answers(port: int) -> bool:
    return status_of(f"http://127.0.0.1:{port}/healthz") == 200


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    give_up = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server ended at once"
        assert time.monotonic() < give_up, "the server did not come up"
        time.sleep(0.01)
