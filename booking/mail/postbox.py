"""The mailbox that bounces go to, read over IMAP (RFC 3501)."""

import contextlib
import imaplib
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from booking.config import Settings
from booking.mail.bounces import LARGEST

_SECONDS = 30
_MOST = 500


class Unreachable(Exception):
    """The mailbox can't be read now; what is in it waits there."""


class Postbox:
    """Letters nobody has read yet. What is done with is deleted; what is none of ours stays, marked
    as read, for a person to look at."""

    def __init__(self, connection: imaplib.IMAP4) -> None:
        self._connection = connection

    def letters(self) -> Iterator[tuple[str, bytes]]:
        """(number, message), oldest first, as far as a report needs to be read."""
        for uid in self._asked("SEARCH", "UNSEEN")[0].split()[:_MOST]:
            number = uid.decode("ascii")
            parts = self._asked("FETCH", number, f"(BODY.PEEK[]<0.{LARGEST}>)")
            found = [part[1] for part in parts if isinstance(part, tuple)]
            if found:
                yield number, found[0]

    def done_with(self, number: str) -> None:
        self._asked("STORE", number, "+FLAGS.SILENT", "(\\Deleted)")
        if "UIDPLUS" in self._connection.capabilities:
            self._asked("EXPUNGE", number)
        else:
            self._connection.expunge()

    def leave(self, number: str) -> None:
        self._asked("STORE", number, "+FLAGS.SILENT", "(\\Seen)")

    def _asked(self, command: str, *arguments: str) -> list[Any]:
        """What IMAP answers: lines, and (line, literal) where it sent a literal."""
        answer, data = self._connection.uid(command, *arguments)
        if answer != "OK":
            raise Unreachable(f"{command} was refused")
        return [part for part in data if part is not None] or [b""]


@contextlib.contextmanager
def open_postbox(settings: Settings) -> Iterator[Postbox]:
    """`imaps://user:password@host/INBOX`. Raises Unreachable, also when the connection breaks."""
    parts = urlsplit(settings.bounce_imap_url)
    folder = unquote(parts.path.strip("/")) or "INBOX"
    try:
        with _connected(parts.scheme, parts.hostname or "localhost", parts.port) as connection:
            connection.login(unquote(parts.username or ""), unquote(parts.password or ""))
            connection.capability()
            answer, _ = connection.select(f'"{folder}"')
            if answer != "OK":
                raise Unreachable(f"there is no folder {folder}")
            yield Postbox(connection)
    except (imaplib.IMAP4.error, OSError) as error:
        raise Unreachable(str(error) or type(error).__name__) from error


def _connected(scheme: str, host: str, port: int | None) -> imaplib.IMAP4:
    if scheme == "imaps":
        context = ssl.create_default_context()
        return imaplib.IMAP4_SSL(host, port or 993, ssl_context=context, timeout=_SECONDS)
    return imaplib.IMAP4(host, port or 143, timeout=_SECONDS)
