"""The child processes of `booking up` and `booking serve`, and how they leave with them.

Each child of `up` holds the reading end of a pipe that only the parent can write to: when that is
gone, killed or not, it reads the end of the file and leaves. Those of `serve` have such a pipe from
`multiprocessing`.
"""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType

_LEASH = "BOOKING_LEASH_FD"
_LOOK_SECONDS = 0.05
_BREATH_SECONDS = 1.0
_GRACE_SECONDS = 8.0


class ErrandFailed(Exception):
    """A child that was to do one thing ended without having done it."""


class Stopped(Exception):
    """Somebody asked the household to end."""


class Household:
    """Children that are started, started again when they die, and stopped together.

    Their standard input is a gate: one that has got ready early waits there until it is opened.
    That it shall end is noted, and raised between two steps: a signal in the midst of a start would
    leave a child that nobody knows.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self._leash, self._leash_end = os.pipe()
        self._gate, self._gate_end = os.pipe()
        self._is_open = False
        self._is_to_stop = False
        self._environment = {**os.environ, **environment, _LEASH: str(self._leash)}
        self._commands: dict[str, list[str]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}

    def start(self, name: str, arguments: Sequence[str]) -> None:
        self._commands[name] = [sys.executable, "-m", *arguments]
        self._spawn(name)

    def errand(self, arguments: Sequence[str]) -> str:
        """Run one to its end, and give back what it said. Raises ErrandFailed and Stopped."""
        child = self._popen([sys.executable, "-m", *arguments], stdout=subprocess.PIPE)
        self._running["errand"] = child
        said = None
        while said is None:
            self._raise_if_stopped()
            with contextlib.suppress(subprocess.TimeoutExpired):
                said, _ = child.communicate(timeout=_LOOK_SECONDS)
        del self._running["errand"]
        if child.returncode:
            raise ErrandFailed(" ".join(arguments))
        return said.decode()

    def open_gate(self) -> None:
        if not self._is_open:
            self._is_open = True
            os.close(self._gate_end)

    def tend(self) -> list[str]:
        """Starts again whoever died, a second after its last start at the earliest; names them.
        Takes a moment, so that it may be called in a loop. Raises Stopped."""
        self._raise_if_stopped()
        time.sleep(_LOOK_SECONDS)
        died = [
            name
            for name, child in self._running.items()
            if child.poll() is not None and time.monotonic() - self._started[name] > _BREATH_SECONDS
        ]
        for name in died:
            self._spawn(name)
        return died

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        """For `signal.signal`."""
        self._is_to_stop = True

    def _raise_if_stopped(self) -> None:
        if self._is_to_stop:
            raise Stopped

    def stop(self, patience: float = 8) -> None:
        """Everybody is asked to leave, and made to after `patience` seconds."""
        self.open_gate()
        for child in self._running.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + patience
        for child in self._running.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for end in (self._leash_end, self._leash, self._gate):
            os.close(end)

    def _spawn(self, name: str) -> None:
        self._started[name] = time.monotonic()
        self._running[name] = self._popen(self._commands[name])

    def _popen(self, command: list[str], stdout: int | None = None) -> subprocess.Popen[bytes]:
        """A group of their own, so that Ctrl-C reaches us alone and we see them out in order."""
        return subprocess.Popen(  # noqa: S603 - our own commands
            command,
            env=self._environment,
            stdin=self._gate,
            stdout=stdout,
            pass_fds=(self._leash,),
            process_group=0,
        )


def leave_with_parent() -> None:
    """In a child: watch for the parent's end from a thread, and leave then."""
    leash = os.environ.pop(_LEASH, None)
    parent = multiprocessing.parent_process()
    if leash is not None:
        _leave_after(lambda: os.read(int(leash), 1))
    elif parent is not None:
        _leave_after(parent.join)


def wait_at_the_gate() -> None:
    """In a child that got ready early: until the parent opens."""
    sys.stdin.buffer.read(1)


def _leave_after(end_of_parent: Callable[[], object]) -> None:
    def leave() -> None:
        end_of_parent()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=leave, name="leash", daemon=True).start()
