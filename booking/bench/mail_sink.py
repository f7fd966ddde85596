"""A mail server that only counts, quick enough to stand in nobody's way.

Run as `python -m booking.bench.mail_sink`: it prints its port, takes whatever comes, offers
PIPELINING (RFC 2920), and says on `XCOUNT` how many messages it took, and on `XHURRY` how many of
them were for addresses at `hurry.example`. It ends with its parent.
"""

import asyncio
import sys

_GREETING = b"220 sink ESMTP\r\n"
_HELLO = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
_OK = b"250 2.0.0 OK\r\n"


class Counter:
    """How many messages came over all connections."""

    messages = 0
    in_a_hurry = 0


class Talk(asyncio.Protocol):
    """One connection. Commands are answered together where they came together."""

    def __init__(self) -> None:
        self._held = b""
        self._in_message = False
        self._is_in_a_hurry = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(_GREETING)

    def data_received(self, data: bytes) -> None:
        self._held += data
        answers: list[bytes] = []
        while self._take_one(answers):
            pass
        if answers:
            self._transport.write(b"".join(answers))

    def _take_one(self, answers: list[bytes]) -> bool:
        end = b"\r\n.\r\n" if self._in_message else b"\r\n"
        place = self._held.find(end)
        if place < 0:
            return False
        line, self._held = self._held[:place], self._held[place + len(end) :]
        if self._in_message:
            self._in_message = False
            Counter.messages += 1
            Counter.in_a_hurry += self._is_in_a_hurry
            answers.append(_OK)
        else:
            if line[:4].upper() == b"RCPT":
                self._is_in_a_hurry = b"@hurry.example>" in line
            answers.append(self._answer(line[:6].upper()))
        return True

    def _answer(self, command: bytes) -> bytes:
        if command.startswith(b"DATA"):
            self._in_message = True
            return b"354 go on\r\n"
        if command.startswith(b"EHLO"):
            return _HELLO
        if command == b"XCOUNT":
            return b"250 %d\r\n" % Counter.messages
        if command == b"XHURRY":
            return b"250 %d\r\n" % Counter.in_a_hurry
        if command.startswith(b"QUIT"):
            asyncio.get_running_loop().call_soon(self._transport.close)
            return b"221 bye\r\n"
        return _OK


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Talk, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)  # until the parent is gone


if __name__ == "__main__":
    asyncio.run(_serve())
