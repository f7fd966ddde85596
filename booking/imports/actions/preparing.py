"""What the next rows of a long list are looked up by, made by a second process meanwhile.

Normal forms and keys are pure work and a third of all there is to do for a row; what this process
does meanwhile waits for the database half of its time. It only ever saves time: whatever the other
process did not do, for it was killed or never began, is done here.
"""

import logging
import pickle
import subprocess
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from booking.imports.rules.lookups import Lookup

_log = logging.getLogger(__name__)
_PATIENCE = 5.0
"""seconds that it may take to end after it was told so"""

Text = tuple[uuid.UUID, str]


class Preparer:
    """For one `with` block. The process begins with the first rows and ends with the block; where
    this one is killed, the end of its standard input ends the other."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: list[uuid.UUID] = []
        self._is_broken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._end(self._process)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def begin(self, rows: Sequence[Text], country: str) -> None:
        """With these rows, as JSON, in place of any that were begun before."""
        self.taken()
        if self._is_broken or not rows:
            return
        if self._process is None:
            self._process = _started()
        try:
            assert self._process.stdin is not None
            pickle.dump((country, [text for _, text in rows]), self._process.stdin)
            self._process.stdin.flush()
            self._asked = [row_id for row_id, _ in rows]
        except OSError as error:
            self._give_up(error)

    def taken(self) -> dict[uuid.UUID, Lookup]:
        """What was begun; waits until it is done. Nothing where it failed."""
        asked, self._asked = self._asked, []
        if not asked or self._process is None or self._process.stdout is None:
            return {}
        try:
            found: list[Lookup | None] = pickle.load(self._process.stdout)  # noqa: S301 - our own
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self._give_up(error)
            return {}
        return {row: each for row, each in zip(asked, found, strict=True) if each is not None}

    def _give_up(self, error: Exception) -> None:
        _log.warning("the process that prepares rows ended: %s", type(error).__name__)
        self._is_broken = True

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait(_PATIENCE)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # what it was not told any more is of no use
                    pipe.close()


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "booking.imports.lookup_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
