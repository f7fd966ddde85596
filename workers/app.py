"""The Celery app and its schedule, made from the table of jobs in a loop.

    celery -A workers.app worker
    celery -A workers.app beat

The queue is only the clock and the arms. Tasks carry nothing: flush the broker and nothing is lost.
"""

import functools
from collections.abc import Callable

from celery import Celery, signals

from booking import clock, household, metadata, processes
from booking.config import Settings
from booking.database import Database
from booking.logs import set_up_logging
from booking.wakeup import Waker
from workers.jobs import ENDING, JOBS, Job, Lane, one_at_a_time

assert metadata.EMAILS  # every email class must be known before one can be rendered


def make_app(settings: Settings) -> Celery:
    celery = Celery("booking", set_as_current=True)
    celery.conf.update(
        processes.broker_options(settings),
        task_ignore_result=True,
        task_default_queue=Lane.BULK.value,
        task_routes={job.name: {"queue": job.lane.value} for job in JOBS},
        task_queues=None,
        worker_pool="threads",
        worker_concurrency=len(JOBS) + 1,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=bool(settings.broker_url),
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        beat_scheduler="celery.beat:Scheduler",
        beat_schedule={
            job.name: {
                "task": job.name,
                "schedule": job.every_seconds,
                "options": {"expires": max(job.every_seconds, 5)},
            }
            for job in JOBS
        },
        timezone="UTC",
    )
    celery.conf.task_queues = processes.queues([lane.value for lane in Lane])
    database = _WhenNeeded(settings)
    for job in JOBS:
        celery.task(_task(job, database), name=job.name)
    signals.worker_shutting_down.connect(_end_soon)
    return celery


def _end_soon(**_: object) -> None:
    ENDING.set()


class _WhenNeeded:
    """The database, opened by the process that works and not by one that only reads the table."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @functools.cached_property
    def database(self) -> Database:
        send = functools.partial(processes.send_task, self._settings)
        return Database(self._settings, Waker(send))


def _task(job: Job, when_needed: _WhenNeeded) -> Callable[[], None]:
    return one_at_a_time(lambda: job.run(when_needed.database))


settings = Settings()
if objections := settings.objections():
    raise SystemExit("refuses to start: " + "; ".join(objections))
set_up_logging(settings)
household.leave_with_parent()
clock.set_offset(settings.clock_offset)
app = make_app(settings)
