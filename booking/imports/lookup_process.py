"""The other end of `actions.preparing`: reads from standard input which rows to look up, answers
with what it found, and ends with its input. It writes nothing."""

import pickle
import signal
import sys

from booking.database import Database, set_business
from booking.imports.actions.preparing import Asked, ready


def main() -> None:
    """An interrupt from the keyboard is for the process that began this one, which ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    database: Database | None = None
    while True:
        try:
            asked: Asked = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own process
        except EOFError:
            return
        settings, business_id, import_id, first, last = asked
        database = database or Database(settings)
        with database.reading() as session:
            set_business(session, business_id)
            found = ready(session, import_id, first, last)
        pickle.dump(found, sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
