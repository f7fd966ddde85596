"""The round of the reminders: for each business that has chosen so claim, commit, send, mark."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from booking.database import Database, set_business
from booking.invitations.actions import reminders
from booking.invitations.actions.reminders import Claimed
from booking.mail.delivery import BATCH, never, send_each, write_down
from booking.mail.message import compose
from booking.mail.transports import Outcome, Stage, Transport


def remind_due(
    database: Database, transport: Transport, is_over: Callable[[], bool] = never
) -> int:
    """Sends what is due until nothing is; returns how many attempts were made.

    No transaction is open while the mail server is spoken to.
    """
    with database.reading() as session:
        businesses = reminders.reminding_businesses(session)
    attempts = 0
    for business_id in businesses:
        turn = _Turn(database, transport, business_id)
        goes_on = True
        while goes_on and not is_over() and (claimed := turn.claim()):
            made, goes_on = send_each(claimed, turn.attempt, turn.mark, turn.give_back, is_over)
            attempts += made
        if not goes_on:
            break
    return attempts


@dataclass(frozen=True, slots=True)
class _Turn:
    database: Database
    transport: Transport
    business_id: uuid.UUID

    def claim(self) -> list[Claimed]:
        with self.database.writing() as session:
            set_business(session, self.business_id)
            return reminders.claim(session, BATCH)

    def attempt(self, one: Claimed) -> Outcome:
        try:
            envelope = compose(
                one.email,
                to=one.to_email,
                row_id=one.id,
                written_at=one.written_at,
                settings=self.database.settings,
            )
        except Exception as error:  # noqa: BLE001 - a poison row fails alone, whatever is wrong
            return Outcome(Stage.REFUSED, None, f"could not be written: {type(error).__name__}")
        return self.transport.send(envelope)

    def mark(self, one: Claimed, outcome: Outcome) -> None:
        def act(session: Session) -> None:
            set_business(session, self.business_id)
            reminders.mark(session, one, outcome)

        write_down(self.database, act)

    def give_back(self, rows: Sequence[Claimed]) -> None:
        with self.database.writing() as session:
            set_business(session, self.business_id)
            reminders.give_back(session, rows)
