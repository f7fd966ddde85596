"""The naive way to free times: whole ORM rows, a query for each member of staff and day.

In its favour it knows the opening hours by heart and skips days on which nobody works.
"""

import json
import os
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from booking import clock
from booking.appointments.models import Appointment, AppointmentState
from booking.bench.salon import (
    CLOSE_MINUTE,
    OPEN_MINUTE,
    STEP_MINUTES,
    VISIT_MINUTES,
    ZONE,
    Workload,
)
from booking.database import across_businesses

WORKLOAD = "BENCH_WORKLOAD"
_OPEN_STATES = (AppointmentState.PENDING, AppointmentState.CONFIRMED)


def create_app() -> FastAPI:
    workload = Workload.of(json.loads(os.environ[WORKLOAD]))
    engine = create_engine(workload.database_url)
    app = FastAPI()

    @app.get("/healthz")
    def alive() -> PlainTextResponse:
        return PlainTextResponse("alive\n")

    @app.get("/availability")
    def availability(first: date, last: date) -> dict[str, Any]:
        with Session(engine) as session, across_businesses(session):
            days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
            return {"days": [_day(session, workload, day) for day in days]}

    return app


def _day(session: Session, workload: Workload, day: date) -> dict[str, Any]:
    slots: dict[datetime, list[str]] = {}
    for staff_id in workload.staff_ids if day.weekday() < 5 else ():
        booked = _booked(session, workload, UUID(staff_id), day)
        for start in _starts(day):
            end = start + timedelta(minutes=VISIT_MINUTES)
            if not any(each.starts_at < end and each.ends_at > start for each in booked):
                slots.setdefault(start, []).append(staff_id)
    return {
        "date": day,
        "slots": [
            {"starts_at": at, "ends_at": at + timedelta(minutes=VISIT_MINUTES), "staff": who}
            for at, who in sorted(slots.items())
        ],
    }


def _booked(session: Session, workload: Workload, staff_id: UUID, day: date) -> list[Appointment]:
    midnight = datetime.combine(day, time(), clock.zone(ZONE))
    return list(
        session.scalars(
            select(Appointment).where(
                Appointment.business_id == UUID(workload.business_id),
                Appointment.staff_id == staff_id,
                Appointment.starts_at >= midnight,
                Appointment.starts_at < midnight + timedelta(days=1),
                Appointment.state.in_(_OPEN_STATES),
            )
        )
    )


def _starts(day: date) -> list[datetime]:
    """As in a salon's first program: on the wall clock of a day without a clock change at work."""
    midnight = datetime.combine(day, time(), clock.zone(ZONE))
    minutes = range(OPEN_MINUTE, CLOSE_MINUTE - VISIT_MINUTES + 1, STEP_MINUTES)
    return [midnight + timedelta(minutes=minute) for minute in minutes]
