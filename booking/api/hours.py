"""Opening hours and closures."""

import uuid
from datetime import date, timedelta
from typing import Annotated, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from booking import clock
from booking.api.caller import ManagerWrites, StaffReads
from booking.api.idempotent import IdempotentRoute
from booking.api.merge import merged
from booking.api.resource import resource
from booking.availability import actions, queries
from booking.availability.actions import Closing, Hours
from booking.availability.models import Closure, OpeningHours

router = resource(tag="hours", route_class=IdempotentRoute)

WallTime = Annotated[
    str,
    StringConstraints(pattern=r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", max_length=5),
    Field(description="Local time, like 09:30; an end may be 24:00", examples=["09:30"]),
]
Weekday = Annotated[int, Field(ge=0, le=6, description="0 is Monday, 6 is Sunday")]


class _Stretch(Protocol):
    @property
    def weekday(self) -> int: ...
    @property
    def start_minute(self) -> int: ...
    @property
    def end_minute(self) -> int: ...


class Interval(BaseModel):
    """From `start` to `end` of one weekday, in the business's zone."""

    model_config = ConfigDict(extra="forbid")

    weekday: Weekday
    start: WallTime
    end: WallTime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start >= self.end:
            raise ValueError("The end must be later than the start.")
        return self

    @classmethod
    def of(cls, row: _Stretch) -> Self:
        start, end = _wall(row.start_minute), _wall(row.end_minute)
        return cls(weekday=row.weekday, start=start, end=end)

    def hours(self) -> Hours:
        return Hours(
            weekday=self.weekday, start_minute=_minutes(self.start), end_minute=_minutes(self.end)
        )


class IntervalPatch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    weekday: int | None = None
    start: str | None = None
    end: str | None = None


class OpeningInterval(BaseModel):
    id: uuid.UUID
    weekday: int
    start: str
    end: str

    @classmethod
    def of(cls, row: OpeningHours) -> Self:
        start, end = _wall(row.start_minute), _wall(row.end_minute)
        return cls(id=row.id, weekday=row.weekday, start=start, end=end)


class OpeningPage(BaseModel):
    items: list[OpeningInterval]
    next_cursor: str | None = None


class WeekBody(BaseModel):
    """The whole week at once; a weekday that is not named is closed."""

    model_config = ConfigDict(extra="forbid")

    hours: list[Interval] = Field(max_length=actions.MOST_INTERVALS)


class ClosureAnswer(BaseModel):
    id: uuid.UUID
    first_day: date
    last_day: date
    reason: str

    @classmethod
    def of(cls, row: Closure) -> Self:
        return cls(id=row.id, first_day=row.first_day, last_day=row.last_day, reason=row.reason)


class ClosurePage(BaseModel):
    items: list[ClosureAnswer]
    next_cursor: str | None = None


class ClosurePatch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    first_day: date | None = None
    last_day: date | None = None
    reason: str | None = None


def _opening(rows: list[OpeningHours]) -> OpeningPage:
    return OpeningPage(items=[OpeningInterval.of(row) for row in rows])


@router.get("/businesses/{slug}/opening-hours")
def opening_hours(caller: StaffReads) -> OpeningPage:
    return _opening(list(queries.opening_hours(caller.session)))


@router.put("/businesses/{slug}/opening-hours")
def set_opening_hours(caller: ManagerWrites, body: WeekBody) -> OpeningPage:
    hours = [interval.hours() for interval in body.hours]
    actions.set_opening_hours(caller.session, hours, by=caller.actor)
    return _opening(list(queries.opening_hours(caller.session)))


@router.post("/businesses/{slug}/opening-hours", status_code=201)
def add_opening_hours(caller: ManagerWrites, body: Interval) -> OpeningInterval:
    row = actions.add_opening_hours(caller.session, body.hours(), by=caller.actor)
    return OpeningInterval.of(row)


@router.patch("/businesses/{slug}/opening-hours/{interval_id}")
def change_opening_hours(
    caller: ManagerWrites, interval_id: uuid.UUID, body: IntervalPatch
) -> OpeningInterval:
    row = queries.opening_interval(caller.session, interval_id)
    hours = merged(Interval, Interval.of(row), body).hours()
    actions.change_opening_hours(caller.session, row, hours, by=caller.actor)
    return OpeningInterval.of(row)


@router.delete("/businesses/{slug}/opening-hours/{interval_id}", status_code=204)
def remove_opening_hours(caller: ManagerWrites, interval_id: uuid.UUID) -> None:
    row = queries.opening_interval(caller.session, interval_id)
    actions.remove_opening_hours(caller.session, row, by=caller.actor)


@router.get("/businesses/{slug}/closures")
def closures(caller: StaffReads) -> ClosurePage:
    """Those in force and to come, the soonest first."""
    yesterday = clock.to_local(clock.now(), caller.business.timezone).date() - timedelta(days=1)
    rows = queries.closures(caller.session, since=yesterday)
    return ClosurePage(items=[ClosureAnswer.of(row) for row in rows])


@router.post("/businesses/{slug}/closures", status_code=201)
def add_closure(caller: ManagerWrites, body: Closing) -> ClosureAnswer:
    """Appointments already made on these days stay until they are cancelled."""
    return ClosureAnswer.of(actions.add_closure(caller.session, body, by=caller.actor))


@router.patch("/businesses/{slug}/closures/{closure_id}")
def change_closure(
    caller: ManagerWrites, closure_id: uuid.UUID, body: ClosurePatch
) -> ClosureAnswer:
    row = queries.closure(caller.session, closure_id)
    now = Closing(first_day=row.first_day, last_day=row.last_day, reason=row.reason)
    closing = merged(Closing, now, body)
    return ClosureAnswer.of(actions.change_closure(caller.session, row, closing, by=caller.actor))


@router.delete("/businesses/{slug}/closures/{closure_id}", status_code=204)
def remove_closure(caller: ManagerWrites, closure_id: uuid.UUID) -> None:
    row = queries.closure(caller.session, closure_id)
    actions.remove_closure(caller.session, row, by=caller.actor)


def _wall(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _minutes(wall: str) -> int:
    return int(wall[:2]) * 60 + int(wall[3:])
