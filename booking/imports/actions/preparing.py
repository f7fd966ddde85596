"""The next rows of a long list are held against the clients there are by a second process, while
this one writes.

That is half of all there is to do for a row. It only ever saves time: whatever the other process
did not do, for it was killed or never began, is done here.
"""

import logging
import pickle
import subprocess
import sys
import uuid
from contextlib import suppress
from typing import Self

from pydantic import ValidationError
from sqlalchemy.orm import Session

from booking.bulk import no_collecting
from booking.config import Settings
from booking.database import business_of, settings_of
from booking.imports.actions.recognising import Fresh, Ready, Recogniser
from booking.imports.actions.waiting import staged, waiting
from booking.imports.models import Import

_log = logging.getLogger(__name__)
_PATIENCE = 5.0
"""seconds that it may take to end after it was told so"""

Asked = tuple[Settings, uuid.UUID, uuid.UUID, int, int]
"""The business, the import, and from which to which of its rows."""


class Preparer:
    """For one `with` block. The process begins with the first rows and ends with the block; where
    this one is killed, the end of its standard input ends the other."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._is_asked = self._is_broken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._end(self._process)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def begin(self, session: Session, row: Import, first: int, last: int) -> None:
        """With these rows, in place of any that were begun before."""
        self.taken()
        if self._is_broken or first > last:
            return
        if self._process is None:
            self._process = _started()
        asked: Asked = (settings_of(session), business_of(session), row.id, first, last)
        try:
            assert self._process.stdin is not None
            pickle.dump(asked, self._process.stdin)
            self._process.stdin.flush()
            self._is_asked = True
        except OSError as error:
            self._give_up(error)

    def taken(self) -> dict[uuid.UUID, Ready]:
        """What was begun; waits until it is done. Nothing where it failed."""
        was_asked, self._is_asked = self._is_asked, False
        if not was_asked or self._process is None or self._process.stdout is None:
            return {}
        try:
            found: dict[uuid.UUID, Ready] = pickle.load(self._process.stdout)  # noqa: S301 - our own
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self._give_up(error)
            return {}
        return found

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


def ready(session: Session, import_id: uuid.UUID, first: int, last: int) -> dict[uuid.UUID, Ready]:
    """These rows, held against the list as it is, and not against one another."""
    row = session.get_one(Import, import_id)
    people = []
    for each in waiting(session, row, first, last):
        with suppress(ValidationError):  # told when it is applied
            people += staged(row, [each], ())
    with no_collecting():
        return Recogniser(session, row, people, Fresh(), {}).ready()
