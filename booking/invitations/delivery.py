"""The envelope's round: for each business claim, commit, send each once, mark each."""

from booking.database import Database, set_business
from booking.invitations.actions import sending
from booking.mail.message import compose
from booking.mail.transports import Outcome, Stage, Transport

BATCH = 10


def send_due(database: Database, transport: Transport) -> int:
    """Sends what is due until nothing is; returns how many attempts were made.

    At most one batch is unmarked at a time, and only the message in flight can arrive twice when
    this process is killed. No transaction is open while the mail server is spoken to.
    """
    attempts = 0
    with database.reading() as session:
        waiting = sending.due_businesses(session)
    for business_id in waiting:
        while True:
            with database.writing() as session:
                set_business(session, business_id)
                batch = sending.claim(session, BATCH)
            for one in batch.claimed:
                outcome = _attempt(one, transport, database)
                with database.writing() as session:
                    set_business(session, business_id)
                    sending.mark(session, one, outcome)
                attempts += 1
            if not batch.taken:
                break
    return attempts


def _attempt(one: sending.Claimed, transport: Transport, database: Database) -> Outcome:
    try:
        envelope = compose(
            one.email,
            to=one.to_email,
            row_id=one.message_key,
            written_at=one.written_at,
            settings=database.settings,
        )
    except Exception as error:  # noqa: BLE001 - a poison row fails alone, whatever is wrong with it
        return Outcome(Stage.REFUSED, None, f"could not be written: {type(error).__name__}")
    return transport.send(envelope)
