"""The notices that stand on every page while they hold, until their reader puts them away.

What holds is looked up every few seconds, not for every page: each process keeps the few notices
that are not over, and whether one holds is decided by the clock at each page.
"""

import logging
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request, Response

from booking import clock
from booking.database import Database
from booking.dependencies import database_of, settings_of
from booking.notices import queries, rules
from booking.notices.rules import Condition, Promise, Window

LOOKED_UP_EVERY_SECONDS = 15
_COOKIE = "notices-put-away"
_MOST_KEPT = 30
_KEPT_SECONDS = 90 * 86_400
_OPENINGS = {Promise.END: "Until", Promise.UPDATE: "Next word by"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Banner:
    id: uuid.UUID
    title: str
    condition: Condition
    window: Window
    read_only: tuple[str, ...]
    """names of components in which nothing can be changed meanwhile"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A banner as a page shows it. `back` is where putting it away leads without the script; empty
    on a page that answers a form, which would be lost."""

    id: uuid.UUID
    title: str
    condition: Condition
    opening: str
    ends_at: datetime
    zone: str
    read_only: tuple[str, ...]
    back: str


class Board:
    """What is not over, as this process last saw it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._database: Database | None = None
        self._seen_at = 0.0
        self._banners: tuple[Banner, ...] = ()

    def in_force(self, database: Database, now: datetime) -> list[Banner]:
        is_old = time.monotonic() - self._seen_at > LOOKED_UP_EVERY_SECONDS
        if (is_old or self._database is not database) and self._turn.acquire(blocking=False):
            try:
                self._banners = _look_up(database, now)
            except Exception as error:  # noqa: BLE001 - a page must not fail for its banner
                _log.warning("service notices can't be looked up: %s", type(error).__name__)
            finally:
                self._database, self._seen_at = database, time.monotonic()
                self._turn.release()
        return [each for each in self._banners if rules.is_in_force(each.window, now)]

    def look_again(self) -> None:
        """Something was posted here: the next page looks at once."""
        self._database = None


def _look_up(database: Database, now: datetime) -> tuple[Banner, ...]:
    with database.reading() as session:
        return tuple(
            Banner(
                posted.notice.id,
                posted.notice.title,
                posted.condition,
                posted.window,
                tuple(each.name for each in posted.components if posted.notice.read_only),
            )
            for posted in queries.not_over(session, now)
        )


def banners(request: Request, zone: str) -> list[Shown]:
    """For this reader, in that zone, or the service's where none is named."""
    board: Board = request.app.state.board
    found = board.in_force(database_of(request), clock.now())
    put_away = _put_away(request)
    zone = zone or settings_of(request).timezone
    query = f"?{request.url.query}" if request.url.query else ""
    back = f"{request.url.path}{query}" if request.method == "GET" else ""
    return [
        Shown(
            each.id,
            each.title,
            each.condition,
            _OPENINGS[each.window.promise],
            each.window.ends_at,
            zone,
            each.read_only,
            back,
        )
        for each in found
        if each.id.hex not in put_away
    ]


def put_away(response: Response, request: Request, notice_id: uuid.UUID) -> None:
    """This browser shows it no more."""
    kept = [each for each in _put_away(request) if each != notice_id.hex]
    response.set_cookie(
        _COOKIE,
        ".".join([*kept, notice_id.hex][-_MOST_KEPT:]),
        max_age=_KEPT_SECONDS,
        path="/",
        secure=settings_of(request).production,
        httponly=True,
        samesite="lax",
    )


def _put_away(request: Request) -> list[str]:
    return request.cookies.get(_COOKIE, "").split(".")[-_MOST_KEPT:]
