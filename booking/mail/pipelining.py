"""Many messages over one connection, with few round trips.

By command pipelining (RFC 2920) the end of one message and the envelope of the next leave in one
write; where the server takes chunks too (RFC 3030), many messages leave before any is answered. The
server's answers come in the order of the commands, so each is read for the command it belongs to,
refused or not.
"""

import contextlib
import smtplib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from booking.mail.message import Envelope

Reply = tuple[int, bytes]


class Connection(Protocol):
    """What is needed of `smtplib.SMTP`. `in_doubt` messages are out, and their answers not in."""

    in_doubt: int
    sock: Any  # of smtplib's, whose type says that there may be none

    def send(self, s: Any) -> None: ...

    def getreply(self) -> Reply: ...


class Answers:
    """What a server said to one message: to its envelope, and to the message itself if it was sent.

    `sender_refused`: it would take nothing from us, which says nothing of the receiver.
    """

    __slots__ = ("message", "receiver", "sender_refused")

    def __init__(self, sender: Reply, receiver: Reply, message: Reply) -> None:
        self.sender_refused = sender[0] != 250
        self.receiver = sender if self.sender_refused else receiver
        self.message = message

    @property
    def is_farewell(self) -> bool:
        """The server ends the connection before it has heard of this message."""
        return self.sender_refused and self.receiver[0] == 421

    @property
    def decisive(self) -> Reply:
        return self.message if self.receiver[0] in (250, 251) else self.receiver


def exchange(
    connection: Connection, envelopes: Iterable[Envelope], goes_on: Callable[[], bool]
) -> Iterator[Answers]:
    """The answers to each message in turn, until `goes_on` says no before the next envelope.

    The one after the next is asked for while the server has a message to read: whoever writes them
    one by one does so meanwhile, and must not raise. Raises what `smtplib` raises when the
    connection breaks.
    """
    waiting = iter(envelopes)
    one = next(waiting, None)
    if one is not None:
        connection.send(_envelope(one, after_refusal=False))
    upcoming = next(waiting, None)
    while one is not None:
        sender, receiver, ready = (connection.getreply() for _ in range(3))
        wanted = sender[0] == 250 and receiver[0] in (250, 251)
        following = upcoming if upcoming is not None and goes_on() else None
        opening = b"" if following is None else _envelope(following, after_refusal=not wanted)
        content = b""
        if ready[0] == 354:
            content = _dotted(one.content) if wanted else b".\r\n"
            connection.in_doubt = int(wanted)
        if content or opening:
            connection.send(content + opening)
        later = next(waiting, None) if following else None
        answer = connection.getreply() if content else ready
        connection.in_doubt = 0
        if following and not wanted:
            connection.getreply()  # to the RSET before it
        yield Answers(sender, receiver, answer)
        one, upcoming = following, later


def exchange_in_chunks(
    connection: Connection, envelopes: Iterable[Envelope], goes_on: Callable[[], bool]
) -> Iterator[Answers]:
    """The same of a server that takes messages by their length (RFC 3030, CHUNKING): nothing has to
    be waited for before a message may follow, so all of them leave in one write. While it answers,
    all that it has not answered are in doubt; so it is asked before whether it is there at all, and
    they are written meanwhile.

    Of a server that has had enough (421) no more is heard, and nothing after it was taken.
    """
    connection.send("NOOP\r\n")
    leaving: list[bytes] = []
    for one in envelopes:
        if leaving and not goes_on():
            break
        reset = "RSET\r\n" if leaving else ""  # what came before may be refused
        size = f"BDAT {len(one.content)} LAST\r\n"
        leaving.append(f"{reset}{_opening(one)}{size}".encode("ascii") + one.content)
    if connection.getreply()[0] == 421:
        raise smtplib.SMTPServerDisconnected("the mail server ended the connection")
    connection.in_doubt = len(leaving)
    with contextlib.suppress(OSError):  # what it said before it left can be read all the same
        connection.sock.sendall(b"".join(leaving))
    for place in range(connection.in_doubt):
        *_, sender, receiver, message = _replies(connection, 4 if place else 3)
        has_enough = message[0] == 421
        connection.in_doubt = 0 if has_enough else connection.in_doubt - 1
        yield Answers(sender, receiver, message)
        if has_enough:
            return


def _replies(connection: Connection, count: int) -> list[Reply]:
    """A farewell (421) stands for all that would have come after it."""
    told: list[Reply] = []
    while len(told) < count:
        told.append(connection.getreply())
        if told[-1][0] == 421:
            told += [told[-1]] * (count - len(told))
    return told


def _envelope(one: Envelope, *, after_refusal: bool) -> bytes:
    """A refused receiver leaves its sender standing; RSET clears that away."""
    reset = "RSET\r\n" if after_refusal else ""
    return f"{reset}{_opening(one)}DATA\r\n".encode("ascii")


def _opening(one: Envelope) -> str:
    return f"MAIL FROM:<{one.mail_from}>\r\nRCPT TO:<{one.to}>\r\n"


def _dotted(content: bytes) -> bytes:
    """RFC 5321 §4.5.2: a line that begins with a dot gets another one."""
    body = content.replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"
