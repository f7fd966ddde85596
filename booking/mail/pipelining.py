"""Many messages over one connection, with few round trips (RFC 2920, command pipelining).

The end of one message and the envelope of the next leave in one write. The server's answers come in
the order of the commands, so each is read for the command it belongs to, refused or not.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from booking.mail.message import Envelope

Reply = tuple[int, bytes]


class Connection(Protocol):
    """What is needed of `smtplib.SMTP`. `data_was_sent`: a message is out, its answer is not in."""

    data_was_sent: bool

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
            connection.data_was_sent = wanted
        if content or opening:
            connection.send(content + opening)
        later = next(waiting, None) if following else None
        answer = connection.getreply() if content else ready
        connection.data_was_sent = False
        if following and not wanted:
            connection.getreply()  # to the RSET before it
        yield Answers(sender, receiver, answer)
        one, upcoming = following, later


def _envelope(one: Envelope, *, after_refusal: bool) -> bytes:
    """A refused receiver leaves its sender standing; RSET clears that away."""
    reset = "RSET\r\n" if after_refusal else ""
    return f"{reset}MAIL FROM:<{one.mail_from}>\r\nRCPT TO:<{one.to}>\r\nDATA\r\n".encode("ascii")


def _dotted(content: bytes) -> bytes:
    """RFC 5321 §4.5.2: a line that begins with a dot gets another one."""
    body = content.replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"
