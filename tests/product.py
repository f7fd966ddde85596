"""The product as its users run it: `booking` commands, web servers and Celery workers as processes
of their own, with nothing but environment variables to tell them where they are."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import httpx

from booking.cli import main as cli
from booking.config import Settings
from booking.database import Database
from tests import forked
from tests.front_door import Visitor
from tests.pages import Browser
from tests.processes import Kind, Process, running

PATIENCE = 120.0
"""Seconds that a machine may take for what usually takes less than one."""


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def say(text: str) -> None:
    """For the eyes of whoever runs the tests with `-s`."""
    sys.stdout.write(f"\n{text}\n")


def wait_until(done: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    give_up = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < give_up, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.05)


@dataclass
class Product:
    """One installation: its folder, and the settings its processes find in the environment."""

    folder: Path
    given: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Ours without what somebody set for a Booking of their own."""
        kept = {name: value for name, value in os.environ.items() if "BOOKING" not in name}
        ours = {"data_dir": str(self.folder), **self.given}
        return kept | {f"BOOKING_{name.upper()}": value for name, value in ours.items()}

    @property
    def settings(self) -> Settings:
        values: dict[str, Any] = {"data_dir": self.folder, **self.given}
        return Settings(_env_file=None, **values)

    @contextmanager
    def database(self) -> Iterator[Database]:
        found = Database(self.settings)
        try:
            yield found
        finally:
            found.engine.dispose()

    def command(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """`booking …`, run to its end, by a process that had nothing to import."""
        return forked.run(cli, ["booking", *arguments], self.environment, self.folder, typed)

    def run(self, command: list[str], typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 3,
            check=False,
        )

    def done(self, *arguments: str, typed: str = "") -> str:
        """What a command said that must succeed."""
        ran = self.command(*arguments, typed=typed)
        assert ran.returncode == 0, f"{arguments}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    @contextmanager
    def serving(self) -> Iterator[str]:
        """`booking serve`; gives its address."""
        process = self.web_server()
        with running(process):
            yield f"http://127.0.0.1:{process.port}"

    def web_server(self) -> Process:
        def answers(port: int) -> bool:
            return status_of(f"http://127.0.0.1:{port}/healthz") == 200

        return Process(
            Kind(
                lambda port: self._as_said(program("booking"), "serve", "--port", str(port)),
                answers,
                patience=PATIENCE,
            ),
            self._logs("web"),
        )

    def worker(self) -> Process:
        """`celery -A workers.app worker`, as in production."""
        return self._celery("worker", "worker", "--loglevel", "WARNING")

    def beat(self) -> Process:
        return self._celery("beat", "beat", "--loglevel", "WARNING", "--pidfile=")

    @contextmanager
    def working(self) -> Iterator[None]:
        with running(self.worker()), running(self.beat()):
            yield

    def log(self, name: str) -> str:
        """What `web`, `worker` or `beat` wrote so far."""
        return (self._logs(name) / "server.log").read_text(errors="replace")

    def _celery(self, name: str, *arguments: str) -> Process:
        command = self._as_said(program("celery"), "-A", "workers.app", "--quiet", *arguments)
        return Process(Kind(lambda _: command, lambda _: True), self._logs(name))

    def _as_said(self, *command: str) -> list[str]:
        unset = [f"--unset={name}" for name in os.environ if "BOOKING" in name]
        ours = {name: value for name, value in self.environment.items() if "BOOKING" in name}
        given = [f"{name}={value}" for name, value in ours.items()]
        return ["env", f"--chdir={self.folder}", *unset, *given, *command]

    def _logs(self, name: str) -> Path:
        folder = self.folder / "logs" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def status_of(url: str, headers: dict[str, str] | None = None) -> int:
    """The status of an answer; 0 when nobody answers."""
    try:
        with urlopen(Request(url, headers=headers or {}), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


class OverTheWire(Visitor):
    """As `Visitor`, before a server in another process."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self._wire = httpx.Client(
            base_url=url, headers=headers, follow_redirects=True, timeout=PATIENCE, trust_env=False
        )

    @property
    def cookies(self) -> httpx.Cookies:
        return self._wire.cookies

    def request(self, method: str, url: str, **given: Any) -> httpx.Response:
        return self._wire.request(method, url, **given)

    def close(self) -> None:
        self._wire.close()


@contextmanager
def browser_at(url: str) -> Iterator[Browser]:
    visitor = OverTheWire(url)
    try:
        yield Browser(visitor)
    finally:
        visitor.close()


def processes_with(marker: str) -> dict[int, str]:
    """pid → command line of every process that has this text in its environment."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (folder / "environ").read_bytes():
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                if line and not re.search(r"\) Z ", (folder / "stat").read_text()):
                    found[int(folder.name)] = line
        except OSError:  # it ended meanwhile
            continue
    return found
