"""What is seen of every request: a line in the log and figures for Prometheus."""

import logging
import time

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("booking.requests")

REQUESTS = Counter("booking_requests_total", "Answers given", ["method", "route", "status"])
SECONDS = Histogram(
    "booking_request_seconds",
    "Time to the first byte of an answer",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
QUIET = {"/healthz", "/readyz", "/metrics", "/static"}


class Observation:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            _note(scope, status, time.perf_counter() - started)


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = _route(scope)
    REQUESTS.labels(scope["method"], route, status).inc()
    SECONDS.labels(route).observe(seconds)
    if route not in QUIET:
        _log.info(
            "%s %s %s",
            scope["method"],
            route,
            status,
            extra={"milliseconds": round(seconds * 1000, 1)},
        )


def _route(scope: Scope) -> str:
    """The template of the address."""
    path = getattr(scope.get("route"), "path", None)
    if path is None:
        return "/static" if scope["path"].startswith("/static/") else "unknown"
    return str(path)
