"""Many requests at once: each on an open connection of its own, released together."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.live import LiveServer


def post_at_once(
    servers: Sequence[LiveServer], path: str, bodies: Sequence[dict[str, Any]]
) -> list[httpx.Response]:
    """One POST a body, shared out among the servers."""
    start = threading.Barrier(len(bodies))

    def post(number: int) -> httpx.Response:
        server = servers[number % len(servers)]
        # Over plain HTTP: the certificates of the world would take longer to read than we race.
        with httpx.Client(base_url=server.url, timeout=60, verify=False) as client:
            client.get("/healthz").raise_for_status()
            start.wait(timeout=60)
            return client.post(f"/api/v1{path}", json=bodies[number])

    with ThreadPoolExecutor(len(bodies)) as racers:
        return list(racers.map(post, range(len(bodies))))
