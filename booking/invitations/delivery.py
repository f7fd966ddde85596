"""The envelope's round: for each business claim, commit, send each once, mark each."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from booking import clock
from booking.database import Database, set_business
from booking.invitations.actions import sending
from booking.mail.delivery import BATCH, never, send_each
from booking.mail.message import compose
from booking.mail.transports import Outcome, Stage, Transport

_LOOK_AGAIN_AFTER = timedelta(seconds=5)


def send_due(database: Database, transport: Transport, is_over: Callable[[], bool] = never) -> int:
    """Sends what is due until nothing is; returns how many attempts were made.

    Businesses take turns, a batch each. At most one batch is unmarked at a time, and only the
    message in flight can arrive twice when this process is killed. No transaction is open while the
    mail server is spoken to.
    """
    attempts = 0
    goes_on = True
    while goes_on and not is_over() and (waiting := _due_businesses(database)):
        looked_at = clock.now()
        took_any = False
        while waiting and goes_on and clock.now() - looked_at < _LOOK_AGAIN_AFTER:
            turn = _Turn(database, transport, waiting.pop(0), is_over)
            taken, made, goes_on = turn.take()
            attempts += made
            if taken:
                took_any = True
                waiting.append(turn.business_id)
        if not took_any:
            break
    return attempts


def _due_businesses(database: Database) -> list[uuid.UUID]:
    with database.reading() as session:
        return sending.due_businesses(session)


@dataclass(frozen=True, slots=True)
class _Turn:
    """One batch of one business."""

    database: Database
    transport: Transport
    business_id: uuid.UUID
    is_over: Callable[[], bool]

    def take(self) -> tuple[int, int, bool]:
        """How many rows were taken, how many sent, and whether it makes sense to go on."""
        with self.database.writing() as session:
            set_business(session, self.business_id)
            batch = sending.claim(session, BATCH)
        made, goes_on = send_each(
            batch.claimed, self._attempt, self._mark, self._give_back, self.is_over
        )
        return batch.taken, made, goes_on

    def _attempt(self, one: sending.Claimed) -> Outcome:
        try:
            envelope = compose(
                one.email,
                to=one.to_email,
                row_id=one.message_key,
                written_at=one.written_at,
                settings=self.database.settings,
            )
        except Exception as error:  # noqa: BLE001 - a poison row fails alone, whatever is wrong with it
            return Outcome(Stage.REFUSED, None, f"could not be written: {type(error).__name__}")
        return self.transport.send(envelope)

    def _mark(self, one: sending.Claimed, outcome: Outcome) -> None:
        with self.database.writing() as session:
            set_business(session, self.business_id)
            sending.mark(session, one, outcome)

    def _give_back(self, rest: Sequence[sending.Claimed]) -> None:
        with self.database.writing() as session:
            set_business(session, self.business_id)
            sending.give_back(session, rest)
