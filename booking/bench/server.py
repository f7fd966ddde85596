"""The servers of a benchmark, each a process of its own on temporary data."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import booking
from booking.config import Settings

PRODUCT = "booking.bench.product:with_constant"
_START_SECONDS = 120


def settings_for(folder: Path, **changed: Any) -> Settings:
    """A development set-up in that folder; of the environment only the cost of hashing counts."""
    given: dict[str, Any] = {
        "environment": "development",
        "data_dir": folder,
        "database_url": "",
        "broker_url": "",
        "smtp_url": "",
        "public_url": "http://localhost:8000",
        "secret_key": "the secret of a benchmark that keeps nothing",
        "trusted_proxies": (),
        "rate_limits": "off",
        "clock_offset": 0,
        "debug": False,
        "slot_guard": "on",
        "log_format": "json",
        "_env_file": None,
        **changed,
    }
    return Settings(**given)


def environment_of(settings: Settings) -> dict[str, str]:
    """The same settings for a child process; nothing else of ours gets through to it."""
    others = {k: v for k, v in os.environ.items() if not k.startswith("BOOKING_")}
    ours = {
        f"BOOKING_{name.upper()}": ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in settings.model_dump().items()
    }
    top = str(Path(booking.__file__).resolve().parents[1])
    return {**others, **ours, "PYTHONPATH": top}


class Server:
    """A server at work."""

    def __init__(self, app: str, environment: Mapping[str, str], folder: Path) -> None:
        self.port = _free_port()
        self._log = folder / f"{app.rpartition(':')[2]}-{self.port}.log"
        with self._log.open("wb") as log:
            self._child = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "booking.bench.serving", app, str(self.port)],
                env=environment,
                cwd=folder,  # no .env of the project's is read there
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._child.poll() is None:
            try:
                self.ask("/healthz")
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"did not start:\n{self._log.read_text(errors='replace')[-4000:]}")

    def ask(self, path: str, **headers: str) -> tuple[Any, Mapping[str, str]]:
        """One request: (the answer, from JSON where it is that; its headers)."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
            text = answer.read()
            is_json = "json" in answer.headers.get("content-type", "")
            return json.loads(text) if is_json else text, answer.headers

    def cpu_seconds(self) -> float | None:
        """Used so far; None where the system does not tell (no /proc)."""
        try:
            told = Path(f"/proc/{self._child.pid}/stat").read_text()
        except OSError:
            return None
        fields = told.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mib(self) -> float | None:
        return peak_mib(self._child.pid)

    def stop(self) -> None:
        self._child.terminate()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdin is not None:
            self._child.stdin.close()


@contextmanager
def running(
    folder: Path, apps: Mapping[str, tuple[str, Mapping[str, str]]]
) -> Iterator[dict[str, Server]]:
    """Servers by name, from (app, environment); all start at once and are ready inside."""
    servers: dict[str, Server] = {}
    try:
        for name, (app, environment) in apps.items():
            servers[name] = Server(app, environment, folder)
        for server in servers.values():
            server.wait_until_it_answers()
        yield servers
    finally:
        for server in servers.values():
            server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def peak_mib(pid: int) -> float | None:
    """Of that process alone; what `getrusage` says begins with what its parent held. None where
    there is no /proc, or no such process."""
    try:
        told = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    lines = dict(line.split(":", 1) for line in told.splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024
