"""A load generator of our own: HTTP over kept connections and raw sockets, in its own process.

`python -m booking.bench.loading` reads an Order as JSON from standard input and writes what it saw
as JSON. One thread drives all connections, so that it takes little from the servers it measures.
"""

import json
import selectors
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import count

_PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Order:
    """What to ask, on how many connections at once, and for how long.

    `requests` are whole HTTP requests, sent in turn. Whatever is under way when the time is over is
    waited for, so that it burdens nobody else. `at_most` requests in all where it is not 0. `pause`
    seconds pass before each request, on a single connection.
    """

    port: int
    requests: tuple[str, ...]
    at_once: int = 1
    seconds: float = 2.0
    at_most: int = 0
    pause: float = 0.0


@dataclass(slots=True)
class Seen:
    """What was answered: `milliseconds` for each of the order's requests, `statuses` by number."""

    milliseconds: list[list[float]]
    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    retry_after: int = 0
    """answers that carried that header"""


class Loader:
    """A load generator at work; `seen` waits for its end."""

    def __init__(self, order: Order) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "booking.bench.loading"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._order = json.dumps(asdict(order)).encode()

    def begin(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(self._order)
        self._child.stdin.close()

    def seen(self) -> Seen:
        assert self._child.stdout is not None
        said = self._child.stdout.read()
        self._child.stdout.close()
        if self._child.wait():
            raise RuntimeError("the load generator failed; the lines above say why")
        return Seen(**json.loads(said))


def load(order: Order) -> Seen:
    loader = Loader(order)
    loader.begin()
    return loader.seen()


def get(path: str, **headers: str) -> str:
    """A GET as it goes over the wire; underscores in the names of headers become hyphens."""
    return _request("GET", path, headers)


def post_json(path: str, body: object, **headers: str) -> str:
    text = json.dumps(body)
    told = {"content_type": "application/json", "content_length": str(len(text))}
    return _request("POST", path, {**told, **headers}) + text


def _request(method: str, path: str, headers: dict[str, str]) -> str:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", "host: localhost", *lines, "", ""])


class _Connection:
    """One connection: what it waits for, since when, and what has arrived of it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.which = 0
        self._asked_at = 0.0
        self._arrived = b""

    def ask(self, which: int, request: bytes) -> None:
        self.which, self._arrived = which, b""
        self._asked_at = time.perf_counter()
        self.socket.sendall(request)

    def take(self) -> tuple[float, int, bool] | None:
        """(milliseconds, status, whether it says Retry-After) once the whole answer is there."""
        received = self.socket.recv(1 << 18)
        if not received:
            raise ConnectionError("the server hung up")
        self._arrived += received
        head, found, body = self._arrived.partition(b"\r\n\r\n")
        if not found:
            return None
        status = int(head[9:12])
        head = head.lower()
        _, says_length, rest = head.partition(b"\r\ncontent-length:")
        length = int(rest.split(b"\r\n", 1)[0]) if says_length else 0
        if status != 304 and len(body) < length:
            return None
        took = (time.perf_counter() - self._asked_at) * 1000
        return took, status, b"\r\nretry-after:" in head


def drive(order: Order) -> Seen:
    """Put the load on, in this process."""
    seen = Seen([[] for _ in order.requests])
    with ExitStack() as stack:
        connections = [_Connection(order.port) for _ in range(order.at_once)]
        for connection in connections:
            stack.enter_context(connection.socket)
        started = time.perf_counter()
        _drive(connections, order, seen, until=started + order.seconds)
        seen.seconds = time.perf_counter() - started
    return seen


def _drive(connections: list[_Connection], order: Order, seen: Seen, *, until: float) -> None:
    requests = [request.encode() for request in order.requests]
    numbers = count()

    def asks(connection: _Connection) -> bool:
        number = next(numbers)
        if (order.at_most and number >= order.at_most) or time.perf_counter() >= until:
            return False
        if order.pause:
            time.sleep(order.pause)
        which = number % len(requests)
        connection.ask(which, requests[which])
        return True

    with selectors.DefaultSelector() as selector:
        waiting = 0
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            waiting += asks(connection)
        while waiting:
            for key, _ in selector.select(_PATIENCE_SECONDS):
                answer = key.data.take()
                if answer is not None:
                    _note(seen, key.data.which, *answer)
                    waiting -= not asks(key.data)


def _note(seen: Seen, which: int, took: float, status: int, says_retry_after: bool) -> None:
    seen.milliseconds[which].append(took)
    seen.statuses[str(status)] = seen.statuses.get(str(status), 0) + 1
    seen.retry_after += says_retry_after


if __name__ == "__main__":
    json.dump(asdict(drive(Order(**json.load(sys.stdin)))), sys.stdout)
