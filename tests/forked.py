"""Processes that begin in a tenth of the time, for tests that start many of them.

They are forked from a process that has imported the product and done nothing else; a run has one,
wherever the tests of the group "forked" are. They leave with the process that started them, as the
children of `booking serve` do.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

GROUP = pytest.mark.xdist_group("forked")

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    [
        "tests.live",
        "tests.workers.forked",
        "celery.apps.beat",
        "celery.apps.worker",
        "celery.concurrency.thread",
        "kombu.transport.redis",
    ]
)
_PATIENCE = 15.0
_RUNS_AT_MOST = 360.0


class Forked:
    """A process that is killed, stopped for a while, and started again."""

    def __init__(self, target: Callable[..., None], *arguments: Any) -> None:
        self._target = target
        self._arguments = arguments
        self._child = self._made()

    def start(self) -> None:
        self._child = self._made()
        self._child.start()

    def kill(self) -> None:
        """As a crash would end it (SIGKILL)."""
        self._child.kill()
        self._child.join(_PATIENCE)
        assert not self._child.is_alive()

    def freeze(self) -> None:
        """It does nothing any more, and looks alive (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on as if no time had passed."""
        self._signal(signal.SIGCONT)

    def _made(self) -> BaseProcess:
        return _forks.Process(target=self._target, args=self._arguments, daemon=True)

    def _signal(self, number: signal.Signals) -> None:
        assert self._child.pid is not None
        os.kill(self._child.pid, number)


@contextmanager
def forked(process: Forked) -> Iterator[Forked]:
    """Start it, and kill it at the end: what is asked of it must not depend on how it ends."""
    process.start()
    try:
        yield process
    finally:
        process.kill()


def run(
    target: Callable[..., None],
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    typed: str,
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run` of a program that begins with this function, in that folder."""
    with tempfile.TemporaryDirectory() as place:
        streams = [Path(place) / name for name in ("typed", "said", "complained")]
        streams[0].write_text(typed)
        given = (target, arguments, environment, folder, streams)
        child = _forks.Process(target=_run, args=given)  # no daemon: commands have children
        child.start()
        child.join(_RUNS_AT_MOST)
        if child.exitcode is None:
            child.kill()
            child.join()
            raise subprocess.TimeoutExpired(list(arguments), _RUNS_AT_MOST)
        said, complained = (each.read_text() for each in streams[1:])
        return subprocess.CompletedProcess(list(arguments), child.exitcode, said, complained)


def _run(
    target: Callable[..., None],
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    streams: Sequence[Path],
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, (path, mode) in enumerate(zip(streams, ("r", "w", "w"), strict=True)):
        with path.open(mode) as file:
            os.dup2(file.fileno(), number)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.argv = list(arguments)
    target()


def write_to(log: Path) -> None:
    """What this process says goes there from now on."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
