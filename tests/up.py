"""`booking up` as a test starts it, with what it says and all who belong to it."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.processes import free_port
from tests.product import PATIENCE, Product, processes_with, program, say, wait_until


class Up:
    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self.product = Product(self.data)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._said = folder / "said"
        self._child: subprocess.Popen[bytes] | None = None

    def begin(self, *options: str) -> None:
        """Start it, and not wait."""
        command = [program("booking"), "up", "--port", str(self.port), "--data", str(self.data)]
        with self._said.open("wb") as said:
            self._child = subprocess.Popen(
                [*command, *options],
                cwd=self.data,
                env=self.product.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(self, *options: str) -> None:
        """Start it, and wait until it says where it is."""
        began = time.monotonic()
        self.begin(*options)
        wait_until(lambda: "Press Ctrl-C" in self.said or not self.is_running, "the greeting")
        assert self.is_running, self.said
        say(f"booking up answered after {time.monotonic() - began:.1f} s")

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def said(self) -> str:
        return self._said.read_text(errors="replace")

    @property
    def children(self) -> dict[int, str]:
        """pid → command line of all who were started with our port, however far down."""
        return processes_with(f"BOOKING_UP_PORT={self.port}\0")

    @property
    def worker(self) -> int:
        found = [pid for pid, line in self.children.items() if " worker " in line]
        assert len(found) == 1, self.children
        return found[0]

    def end(self, by: signal.Signals) -> int:
        assert self._child is not None
        self._child.send_signal(by)
        return self._child.wait(timeout=PATIENCE)

    def sweep(self) -> None:
        """For the end of a test that failed."""
        if self.is_running:
            self.end(signal.SIGKILL)
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def line(self, label: str) -> str:
        """What follows a label that stands alone on its line."""
        found = re.findall(rf"^{label}: (\S+)$", self.said, re.MULTILINE)
        assert len(found) == 1, self.said
        return str(found[0])

    def mail(self) -> list[EmailMessage]:
        """What lies in the local mailbox."""
        return [
            message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in sorted((self.data / "mailbox").glob("*.eml"))
        ]

    def mail_to(self, address: str) -> list[EmailMessage]:
        return [message for message in self.mail() if address in str(message["To"])]


@contextlib.contextmanager
def house(folder: Path) -> Iterator[Up]:
    """Not started yet; swept away at the end, whatever happens."""
    up = Up(folder)
    try:
        yield up
    finally:
        up.sweep()
