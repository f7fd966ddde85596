"""`booking serve`: the production web server."""

from typing import Any

import uvicorn

from booking.commands import configured, talk
from booking.errors import Refusal


def run(*, host: str, port: int) -> int:
    try:
        settings = configured.settings()
    except Refusal as refusal:
        return talk.refuse(f"refuses to start: {talk.in_words(refusal)}")
    several = settings.web_processes if settings.web_processes > 1 else None
    listen("booking.commands.web:application", host=host, port=port, factory=True, workers=several)
    return talk.DONE


def listen(app: Any, *, host: str, port: int, **more: Any) -> None:
    """X-Forwarded-For is judged by our own rule (BOOKING_TRUSTED_PROXIES), not by uvicorn's."""
    uvicorn.run(
        app,
        host=host,
        port=port,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=8,
        **more,
    )
