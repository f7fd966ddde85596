"""`booking read-bounce < message`: for the pipe of a mail server.

    bounce: "|/srv/booking/.venv/bin/booking read-bounce"

stands in /etc/aliases of a Postfix with `recipient_delimiter = +`.

Exit code 0 also for what is no bounce of ours: a mail server must not answer a forged one. 75
(EX_TEMPFAIL of sysexits.h) when we can't read it now, so that the server keeps it and tries again.
"""

import sys

from sqlalchemy.exc import DBAPIError

from booking import metadata
from booking.commands import configured, place, talk
from booking.errors import Refusal
from booking.invitations.actions import coming_back
from booking.mail import bounces

TRY_AGAIN = 75

assert metadata.EMAILS  # a table is written only when those it refers to are known


def run() -> int:
    try:
        settings = configured.settings()
        found = bounces.read(sys.stdin.buffer.read(bounces.LARGEST), settings)
        while sys.stdin.buffer.read(1 << 16):
            continue
        taken = coming_back.take_each(place.database(settings), [found] if found else [])
    except Refusal as refusal:
        talk.refuse(talk.in_words(refusal))
        return TRY_AGAIN
    except DBAPIError as error:
        talk.refuse(f"the database does not answer ({type(error).__name__})")
        return TRY_AGAIN
    talk.say("Taken." if taken else "Not a bounce of ours; nothing was changed.")
    return talk.DONE
