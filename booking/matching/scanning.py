"""A whole list held against itself, in memory, while the rows tell how far it is.

Each step is a short transaction of its own, so that nobody waits for it. A worker that is killed
leaves the scan RUNNING; another begins it anew, and finds the same pairs.
"""

import contextlib
import itertools
import time
import uuid
from collections.abc import Callable, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.bulk import no_collecting
from booking.database import Database, set_business
from booking.matching import profiles
from booking.matching.actions import scans
from booking.matching.actions.raising import Pair, open_pairs, pair_of
from booking.matching.models import Match, MatchState, Origin, Scan
from booking.matching.rules import finder
from booking.matching.rules.people import Profile
from booking.matching.rules.verdicts import WORTH_A_LOOK

_PAGE = 2_000
_PAIRS_AT_ONCE = 500
_BEAT_SECONDS = 1.0


class _Ending(Exception):
    """This worker was asked to end."""


def scan_next(database: Database, ending: Callable[[], bool]) -> bool:
    """Look through the list that has waited longest. False when none waits, or the worker ends."""
    with database.writing() as session:
        scan = scans.take_on(session)
    if scan is None:
        return False
    look = _Look(database, scan, ending)
    try:
        with no_collecting():
            look.through_all()
    except scans.Overtaken:
        return True
    except _Ending:
        with look.writing() as session:
            scans.hand_back(session, scan)
        return False
    return True


class _Look:
    def __init__(self, database: Database, scan: Scan, ending: Callable[[], bool]) -> None:
        self._database = database
        self._scan = scan
        self._ending = ending
        self._done = self._found = 0
        self._told_at = time.monotonic()

    def through_all(self) -> None:
        """Raises Overtaken, or _Ending."""
        before = self._open_pairs()
        pairs = finder.pairs(self._people(), self._on_compared)
        worth = (
            pair_of(_id(one), _id(other), comparison)
            for one, other, comparison in pairs
            if comparison.score >= WORTH_A_LOOK
        )
        while batch := list(itertools.islice(worth, _PAIRS_AT_ONCE)):
            self._keep(batch)
            for pair in batch:
                before.pop((pair.client_id, pair.other_id), None)
        gone = iter(before.values())
        while part := list(itertools.islice(gone, _PAIRS_AT_ONCE)):
            with self.writing() as session:
                scans.withdraw_unseen(session, part)
        with self.writing() as session:
            scans.finish(session, self._scan, self._found)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        with self._database.writing() as session:
            set_business(session, self._scan.business_id)
            yield session

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Session]:
        with self._database.reading() as session:
            set_business(session, self._scan.business_id)
            yield session

    def _open_pairs(self) -> dict[tuple[uuid.UUID, uuid.UUID | None], uuid.UUID]:
        """Those that stay only if they are found again."""
        query = select(Match.client_id, Match.other_id, Match.id).where(
            Match.state == MatchState.OPEN, Match.origin == Origin.LIST, Match.other_id.is_not(None)
        )
        with self._reading() as session:
            return {(row[0], row[1]): row[2] for row in session.execute(query)}

    def _people(self) -> Iterator[tuple[uuid.UUID, Profile]]:
        """Reading them is half of the way."""
        after: uuid.UUID | None = None
        read = 0
        while True:
            with self._reading() as session:
                page = profiles.page(session, after, _PAGE)
            if not page:
                return
            yield from page.items()
            after = max(page)
            read += len(page)
            self._tell(read // 2)

    def _on_compared(self, done: int, total: int) -> None:
        self._tell((total + done) // 2)

    def _keep(self, pairs: list[Pair]) -> None:
        with self.writing() as session:
            open_pairs(session, pairs, origin=Origin.LIST)
        self._found += len(pairs)
        self._tell(self._done)

    def _tell(self, done: int) -> None:
        self._done = done
        if self._ending():
            raise _Ending
        if time.monotonic() - self._told_at < _BEAT_SECONDS:
            return
        with self.writing() as session:
            scans.note(session, self._scan, done, self._found)
        self._told_at = time.monotonic()


def _id(found: uuid.UUID | str) -> uuid.UUID:
    assert isinstance(found, uuid.UUID)
    return found
