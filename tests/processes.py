"""Child processes and folders that leave nothing behind, for `tests.servers`.

Linux ends every process started here when ours ends, even by SIGKILL (PR_SET_PDEATHSIG). A folder
is held by a lock that ends with us too; one nobody holds any more is swept away by the next run.
"""

import ctypes
import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import TypedDict

TOP = Path(__file__).resolve().parent.parent

_PREFIX = "booking-test-"
_ROOM_NEEDED = 1 << 30
_PR_SET_PDEATHSIG = 1
_chance = SystemRandom()  # pytest-randomly gives every worker one seed: `random` would collide
_libc = ctypes.CDLL(None, use_errno=True)


class DidNotStart(RuntimeError):
    """A server ended or stayed silent instead of answering; the message is the end of its log."""


@dataclass(frozen=True)
class Kind:
    """How one kind of server is started, asked and ended."""

    command: Callable[[int], list[str]]
    """port → command line"""
    answers: Callable[[int], bool]
    """port → whether it is ready to work"""
    ends_with: signal.Signals = signal.SIGTERM
    dies_with_us_by: signal.Signals = signal.SIGKILL
    runs_as: str | None = None
    """a user name, when it must not be ours"""
    patience: float = 30
    """seconds it may take to come up"""


class Process:
    """One server process; its port stays through restarts, so those who knew it find it again."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.log = folder / "server.log"
        self.port = 0
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers.

        Its predecessor may hold on for a moment after a kill, hence the tries.
        """
        if self._child is not None:
            return
        for _ in range(20):
            port = self.port or free_port()
            self._child = self._spawn(port)
            if self._came_up(port):
                self.port = port
                return
            self._end(signal.SIGKILL)
            time.sleep(0.1)
        raise DidNotStart(self.log.read_text(errors="replace")[-4000:])

    def stop(self) -> None:
        """End it in the orderly way."""
        self._end(self.kind.ends_with)

    def kill(self, by: signal.Signals = signal.SIGKILL) -> None:
        """End it as a crash would."""
        self._end(by)

    def restart(self) -> None:
        """Start again on the same port with the same data; stops it first if it runs."""
        self.stop()
        self.start()

    @property
    def pid(self) -> int:
        """Process id, for tests that send other signals (SIGSTOP makes a server hang)."""
        if self._child is None:
            raise RuntimeError("this server is not running")
        return self._child.pid

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        user = self.kind.runs_as
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.kind.command(port),
                cwd=TOP if user is None else "/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for pytest: servers outlive its clean-up
                preexec_fn=_die_with_us(self.kind.dies_with_us_by),
                **as_user(user),
            )

    def _came_up(self, port: int) -> bool:
        give_up = time.monotonic() + self.kind.patience
        while time.monotonic() < give_up:
            if self._child is None or self._child.poll() is not None:
                return False
            if self.kind.answers(port):
                return self._child.poll() is None  # else it is a stranger's server that answered
            time.sleep(0.01)
        return False

    def _end(self, by: signal.Signals) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.send_signal(by)
        try:
            child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def free_port() -> int:
    """A free port of this machine, below those the system gives to outgoing connections.

    A server that is down for a moment could lose such a port to a client of another test.
    """
    while True:
        port = _chance.randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


@contextmanager
def running(process: Process) -> Iterator[Process]:
    """Start it, and stop it at the end."""
    try:
        process.start()
        yield process
    finally:
        process.stop()


@contextmanager
def folder_of_its_own(*, in_memory: bool = True) -> Iterator[Path]:
    """A folder for one server, in memory if there is room: a database is then made in 20 ms."""
    shm = Path("/dev/shm")
    roomy = in_memory and os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > _ROOM_NEEDED
    place = shm if roomy else Path(tempfile.gettempdir())
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _sweep(place: Path) -> None:
    """Remove the folders of runs that were killed; a new one is not yet locked, so it is spared."""
    for folder in place.glob(_PREFIX + "*"):
        try:
            if time.time() - folder.stat().st_mtime < 60:
                continue
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:  # another user's, or somebody was quicker
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(held)


def _die_with_us(by: signal.Signals) -> Callable[[], None] | None:
    """What a child does before it becomes the server.

    Linux ties the promise to the thread that started the child, not to the process; a server that
    a test starts again from another thread goes without, or it would die as that thread ends.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(_libc, "prctl"):
        return None
    us = os.getpid()

    def promise() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(by))
        if os.getppid() != us:  # we died in between
            os._exit(1)

    return promise


class _User(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def as_user(name: str | None) -> _User:
    """The arguments of `subprocess` that run a child as this user; none for ourselves."""
    if name is None:
        return {}
    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
