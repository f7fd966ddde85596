"""The broker between the processes of the product."""

from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu.entity import Queue

from booking.config import Settings


def broker_options(settings: Settings) -> dict[str, Any]:
    """Celery's settings for the broker: Redis where configured, else files beside the data."""
    patience = {"socket_timeout": 10, "socket_connect_timeout": 3, "socket_keepalive": True}
    if settings.broker_url:
        return {
            "broker_url": settings.broker_url,
            "broker_transport_options": patience if "redis" in settings.broker_url else {},
            "broker_connection_retry_on_startup": True,
        }
    folder = settings.data_dir.resolve() / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "broker_url": "filesystem://",
        "broker_transport_options": {
            "data_folder_in": str(folder),
            "data_folder_out": str(folder),
            "control_folder": str(folder / "control"),
            "polling_interval": 0.2,
        },
    }


def queues(names: Sequence[str]) -> list[Queue]:
    return [Queue(name, routing_key=name) for name in names]  # type: ignore[no-untyped-call]


class _Senders:
    """One connection pool a process for those who only send."""

    made: Celery | None = None


def send_task(settings: Settings, name: str) -> None:
    """Tell the workers that work is due. Raises what the broker raises; the caller may not care."""
    if _Senders.made is None:
        _Senders.made = Celery("booking-sender", set_as_current=False)
        _Senders.made.conf.update(broker_options(settings), task_ignore_result=True)
    lane = "mail" if name == "send_due_emails" else "bulk"
    _Senders.made.send_task(name, queue=lane, expires=60, retry=False)


def check_broker(settings: Settings) -> None:
    """Raises when the broker does not answer."""
    with Celery("booking-check", set_as_current=False) as probe:
        probe.conf.update(broker_options(settings))
        with probe.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
