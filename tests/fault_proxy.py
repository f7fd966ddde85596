"""A way to a mail server that breaks on command: connections that end, are reset, fall silent, are
slow, or lose the one answer that matters.

Commands may be given at any time, from the test's own thread; each is in force when it returns.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from anyio.from_thread import BlockingPortal, start_blocking_portal

_CHUNK = 1 << 16
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: closing sends RST


@dataclass
class Faults:
    """What happens to whatever comes by from now on."""

    black_hole: bool = False
    latency: float = 0.0
    """seconds by which each answer is late"""
    bytes_left: int | None = None
    """how much more of what clients say is passed on before everything is reset"""
    swallow: int = 0
    """how many more answers to whole messages are kept from the client"""


class _Line:
    """One connection and its way on, while both stand."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.is_silent = False
        self.answers_message = False

    def end(self, *, reset: bool) -> None:
        for writer in (self.client, self.server):
            if reset and (known := writer.get_extra_info("socket")) is not None:
                with suppress(OSError):
                    known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.close()


class FaultProxy:
    """`proxy.url` stands for the mail server behind it."""

    def __init__(self, upstream: int, portal: BlockingPortal) -> None:
        self.faults = Faults()
        self.swallowed = 0
        """answers to whole messages that no client heard"""
        self.port = 0
        self._upstream = upstream
        self._portal = portal
        self._lines: set[_Line] = set()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def is_in_use(self) -> bool:
        return bool(self._lines)

    def heal(self) -> None:
        """No more faults; connections that had fallen silent stay so."""
        self._command(lambda: setattr(self, "faults", Faults()))

    def delay(self, seconds: float) -> None:
        self._command(lambda: setattr(self.faults, "latency", seconds))

    def drop(self) -> None:
        """Every open connection ends, in the orderly way; new ones are welcome."""
        self._command(lambda: self._end_all(reset=False))

    def reset(self) -> None:
        """Every open connection breaks; new ones are welcome."""
        self._command(lambda: self._end_all(reset=True))

    def black_hole(self) -> None:
        """Connections stay open, new ones too, and nothing is ever heard again, until `heal`."""
        self._command(self._swallow_everything)

    def cut_after(self, count: int) -> None:
        """So many bytes more reach the server, then every open connection breaks; once."""
        self._command(lambda: setattr(self.faults, "bytes_left", count))

    def swallow_the_250(self) -> None:
        """The next message arrives, and its sender never learns of it: that line falls silent."""
        self._command(lambda: setattr(self.faults, "swallow", self.faults.swallow + 1))

    def _command(self, act: Callable[[], object]) -> None:
        self._portal.call(act)

    def _swallow_everything(self) -> None:
        self.faults.black_hole = True
        for line in self._lines:
            line.is_silent = True

    def _end_all(self, *, reset: bool) -> None:
        for line in self._lines:
            line.end(reset=reset)

    async def listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, said: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            answers, server = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            client.close()
            return
        line = _Line(client, server)
        line.is_silent = self.faults.black_hole
        self._lines.add(line)
        ways = [
            asyncio.create_task(self._pass_on(line, said)),
            asyncio.create_task(self._bring_back(line, answers)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        line.end(reset=False)
        await asyncio.wait(ways)
        self._lines.discard(line)

    async def _pass_on(self, line: _Line, said: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while chunk := await said.read(_CHUNK):
                if line.is_silent:
                    continue
                left = self.faults.bytes_left
                line.server.write(chunk if left is None else chunk[:left])
                await line.server.drain()
                if left is not None and left <= len(chunk):
                    self.faults.bytes_left = None
                    self._end_all(reset=True)
                elif left is not None:
                    self.faults.bytes_left = left - len(chunk)

    async def _bring_back(self, line: _Line, answers: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while chunk := await answers.read(_CHUNK):
                await asyncio.sleep(self.faults.latency)
                heard = self._heard(line, chunk)
                if heard:
                    line.client.write(heard)
                    await line.client.drain()

    def _heard(self, line: _Line, chunk: bytes) -> bytes:
        """What reaches the client of some answers; the server writes whole lines."""
        heard = b""
        for answer in chunk.splitlines(keepends=True):
            if line.answers_message and answer.startswith(b"250") and self.faults.swallow:
                self.faults.swallow -= 1
                self.swallowed += 1
                line.is_silent = True
            if not line.is_silent:
                heard += answer
            line.answers_message = answer.startswith(b"354")
        return heard


@contextmanager
def fault_proxy(upstream: int) -> Iterator[FaultProxy]:
    """Before the server at this port of our own machine."""
    with start_blocking_portal() as portal:
        proxy = FaultProxy(upstream, portal)
        server = portal.call(proxy.listen)
        try:
            yield proxy
        finally:
            portal.call(server.close)
            proxy.drop()
