"""The round of texts: claim what is due, commit, send each once, mark each."""

from collections.abc import Callable

from booking.database import Database
from booking.texts import actions
from booking.texts.actions import Claimed
from booking.texts.message import Text
from booking.texts.rules import Outcome, Stage
from booking.texts.transports import Transport

BATCH = 10


def send_due(
    database: Database,
    transport: Transport,
    is_over: Callable[[], bool],
    stopped: Callable[[str], object],
) -> int:
    """Sends what is due until nothing is; returns how many attempts were made. `stopped` is told
    the number of each receiver who wants no more.

    No transaction is open while the provider is spoken to. When nobody is there to take texts, the
    others need not find that out one by one.
    """
    attempts = 0
    while not is_over():
        with database.writing() as session:
            claimed = actions.claim(session, BATCH)
        for number, row in enumerate(claimed):
            outcome = _attempt(row, transport, database)
            attempts += 1
            with database.writing() as session:
                actions.mark(session, row, outcome)
                if outcome.stage is Stage.UNREACHABLE:
                    actions.give_back(session, claimed[number + 1 :])
            if outcome.has_stopped:
                stopped(row.to_phone)
            if outcome.stage is Stage.UNREACHABLE:
                return attempts
        if len(claimed) < BATCH:
            break
    return attempts


def _attempt(row: Claimed, transport: Transport, database: Database) -> Outcome:
    try:
        words = Text.kinds[row.kind].model_validate(row.fields).words(database.settings)
    except Exception as error:  # noqa: BLE001 - a poison row fails alone, whatever is wrong with it
        return Outcome(Stage.REFUSED, f"could not be written: {type(error).__name__}")
    return transport.send(row.to_phone, words)
