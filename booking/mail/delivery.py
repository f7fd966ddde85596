"""The post round: claim what is due, commit, send each once, mark each."""

from booking import clock
from booking.config import Settings
from booking.database import Database
from booking.mail import actions
from booking.mail.actions import Claimed
from booking.mail.message import Email, compose
from booking.mail.transports import Outcome, Stage, Transport


def send_due(database: Database, transport: Transport, *, batch: int = 10) -> int:
    """Sends what is due until nothing is; returns how many attempts were made.

    No transaction is open while the mail server is spoken to.
    """
    attempts = 0
    while True:
        with database.writing() as session:
            claimed = actions.claim(session, batch)
        for row in claimed:
            outcome = _attempt(row, transport, database.settings)
            with database.writing() as session:
                actions.mark(session, row, outcome)
            attempts += 1
        if len(claimed) < batch:
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


def is_late(database: Database, seconds: int) -> bool:
    """Has an email been due for longer than that? Then the worker is not doing its work."""
    with database.reading() as session:
        oldest = actions.oldest_due(session)
    return oldest is not None and (clock.now() - oldest).total_seconds() > seconds
