"""A server in a thread whose answers are one function: for what stands in for a processor."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from starlette.datastructures import Headers


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Headers
    body: bytes


Answer = tuple[int, str, bytes]
"""status, content type, body"""


@contextmanager
def answering(answer: Callable[[Asked], Answer | None]) -> Iterator[str]:
    """Yields its address. Where there is no answer, the connection is closed without a word."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answer))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(answer: Callable[[Asked], Answer | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = Headers(dict(self.headers.items()))
            said = answer(Asked(self.command, self.path, headers, body))
            if said is None:
                self.close_connection = True
                return
            status, kind, content = said
            try:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except ConnectionError:
                self.close_connection = True  # the caller had given up

        do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - found by these names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    return Handler
