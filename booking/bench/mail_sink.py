"""A mail server that only counts, quick enough to stand in nobody's way.

Run as `python -m booking.bench.mail_sink`: it prints its port, takes whatever comes, offers
PIPELINING (RFC 2920) and CHUNKING (RFC 3030), and says on `XCOUNT` how many messages it took, and
on `XHURRY` how many of them were for addresses at `hurry.example`. It ends with its parent.
"""

import contextlib
import socket
import sys
import threading

_GREETING = b"220 sink ESMTP\r\n"
_HELLO = b"250-sink\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n"
_OK = b"250 2.0.0 OK\r\n"
_AT_ONCE = 1 << 18


class Counter:
    """How many messages came over all connections."""

    lock = threading.Lock()
    messages = 0
    in_a_hurry = 0


class Talk:
    """One connection, a thread of its own: who waits in `recv` needs no loop of events. Commands
    are answered together where they came together."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._in_message = False
        self._chunk = 0
        self._is_in_a_hurry = False
        self._is_over = False

    def run(self) -> None:
        with self._connection, contextlib.suppress(ConnectionError):
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection.sendall(_GREETING)
            held = b""
            while not self._is_over and (came := self._connection.recv(_AT_ONCE)):
                held = self._take(held + came)

    def _take(self, held: bytes) -> bytes:
        """Answers what is there whole; gives back what is not."""
        answers: list[bytes] = []
        at = 0
        while (found := self._next(held, at)) is not None:
            answers.append(found[0])
            at = found[1]
        if answers:
            self._connection.sendall(b"".join(answers))
        return held[at:]

    def _next(self, held: bytes, at: int) -> tuple[bytes, int] | None:
        """The answer to what begins there, and where it ends."""
        if self._chunk:
            end = at + self._chunk
            return (self._took_one(), end) if end <= len(held) else None
        mark = b"\r\n.\r\n" if self._in_message else b"\r\n"
        end = held.find(mark, at)
        if end < 0:
            return None
        is_message = self._in_message
        answer = self._took_one() if is_message else self._answer(held[at:end])
        if answer:
            return answer, end + len(mark)
        return self._next(held, end + len(mark))

    def _took_one(self) -> bytes:
        self._in_message, self._chunk = False, 0
        with Counter.lock:
            Counter.messages += 1
            Counter.in_a_hurry += self._is_in_a_hurry
        return _OK

    def _answer(self, line: bytes) -> bytes:
        """Nothing yet to a command that a message follows at once."""
        command, *words = line.upper().split()
        if command == b"RCPT":
            self._is_in_a_hurry = b"@HURRY.EXAMPLE>" in words[0]
        elif command == b"DATA":
            self._in_message = True
            return b"354 go on\r\n"
        elif command == b"BDAT":
            self._chunk = int(words[0])
            return b""
        elif command == b"EHLO":
            return _HELLO
        elif command == b"XCOUNT":
            return b"250 %d\r\n" % Counter.messages
        elif command == b"XHURRY":
            return b"250 %d\r\n" % Counter.in_a_hurry
        elif command == b"QUIT":
            self._is_over = True
            return b"221 bye\r\n"
        return _OK


def _serve() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=Talk(connection).run, daemon=True).start()


if __name__ == "__main__":
    threading.Thread(target=_serve, daemon=True).start()
    sys.stdin.read()  # until the parent is gone
