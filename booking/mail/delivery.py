"""The post round: claim what is due, commit, send each once, mark each."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from booking import clock
from booking.config import Settings
from booking.database import Database
from booking.mail import actions
from booking.mail.actions import Claimed
from booking.mail.message import Email, compose
from booking.mail.transports import Outcome, Stage, Transport

BATCH = 10
_ASK_AGAIN_AFTER = 0.25


class Claim(Protocol):
    """A row this worker alone may send; after `stale_at` its lease is too near its end to begin."""

    @property
    def stale_at(self) -> datetime: ...


Row = TypeVar("Row", bound=Claim)
Answer = TypeVar("Answer")


def never() -> bool:
    return False


def write_down(database: Database, act: Callable[[Session], Answer]) -> Answer:
    """What became of messages that have left, in a transaction.

    While the database is away it is tried again, as long as their lease is sure to last: forgotten,
    they would be sent once more. `act` must bear to be carried out twice, since the answer to a
    commit can be lost.
    """
    give_up = time.monotonic() + database.settings.send_lease_seconds / 2
    while True:
        try:
            with database.writing() as session:
                return act(session)
        except OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(_ASK_AGAIN_AFTER)


def send_each(
    rows: Sequence[Row],
    attempt: Callable[[Row], Outcome],
    mark: Callable[[Row, Outcome], None],
    give_back: Callable[[Sequence[Row]], None],
    is_over: Callable[[], bool],
) -> tuple[int, bool]:
    """Each is sent once and marked, or given back untried: how many were tried, and whether it
    makes sense to go on.

    When nobody is there to take mail, the others need not find that out one by one.
    """
    for number, row in enumerate(rows):
        if is_over() or (number and row.stale_at <= clock.now()):
            give_back(rows[number:])
            return number, not is_over()
        outcome = attempt(row)
        mark(row, outcome)
        if outcome.stage is Stage.UNREACHABLE:
            give_back(rows[number + 1 :])
            return number + 1, False
    return len(rows), True


def send_due(database: Database, transport: Transport, is_over: Callable[[], bool] = never) -> int:
    """Sends what is due until nothing is; returns how many attempts were made.

    No transaction is open while the mail server is spoken to.
    """

    def attempt(row: Claimed) -> Outcome:
        return _attempt(row, transport, database.settings)

    def mark(row: Claimed, outcome: Outcome) -> None:
        write_down(database, lambda session: actions.mark(session, row, outcome))

    def give_back(rows: Sequence[Claimed]) -> None:
        with database.writing() as session:
            actions.give_back(session, rows)

    attempts, goes_on = 0, True
    while goes_on and not is_over():
        with database.writing() as session:
            claimed = actions.claim(session, BATCH)
        made, goes_on = send_each(claimed, attempt, mark, give_back, is_over)
        attempts += made
        goes_on = goes_on and len(claimed) == BATCH
    return attempts


def _attempt(row: Claimed, transport: Transport, settings: Settings) -> Outcome:
    try:
        email = Email.kinds[row.kind].model_validate(row.fields)
        envelope = compose(
            email, to=row.to_email, row_id=row.id, written_at=row.created_at, settings=settings
        )
    except Exception as error:  # noqa: BLE001 - a poison row fails alone, whatever is wrong with it
        return Outcome(Stage.REFUSED, None, f"could not be written: {type(error).__name__}")
    return transport.send(envelope)
