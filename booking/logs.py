"""Structured logs: one line an event, JSON in production, and never a secret in them.

Addresses are logged by the template of their route, so that a link's token never is.
"""

import logging
import sys

import structlog

from booking.config import Settings

# httpx would write down addresses, and in those of a payment processor stand references to cards.
_NOISY = (
    "celery.app.trace",
    "celery.beat",
    "celery.worker.strategy",
    "httpx",
    "uvicorn.access",
)


def set_up_logging(settings: Settings) -> None:
    as_json = settings.log_format == "json" or settings.production
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_colours,
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _without_colours(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Uvicorn adds the same message once more, painted for a terminal."""
    event.pop("color_message", None)
    return event
