"""`booking serve`: the production web server."""

import uvicorn

from booking.commands import place, talk
from booking.errors import Refusal


def run(*, host: str, port: int) -> int:
    try:
        settings = place.settings()
    except Refusal as refusal:
        return talk.refuse(f"refuses to start: {talk.in_words(refusal)}")
    serve(host=host, port=port, processes=settings.web_processes)
    return talk.DONE


def serve(*, host: str, port: int, processes: int) -> None:
    """X-Forwarded-For is judged by our own rule (BOOKING_TRUSTED_PROXIES), not by uvicorn's."""
    uvicorn.run(
        "booking.main:from_environment",
        factory=True,
        host=host,
        port=port,
        workers=processes if processes > 1 else None,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=8,
    )
