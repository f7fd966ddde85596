"""Staff members: those who perform services, with their hours and time off."""

import uuid
from datetime import datetime, timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from booking import clock
from booking.api.caller import Caller, ManagerWrites, StaffReads
from booking.api.hours import Interval, WeekBody
from booking.api.idempotent import IdempotentRoute
from booking.api.merge import merged
from booking.api.resource import resource
from booking.availability import actions as availability
from booking.availability import queries as times
from booking.availability.actions import MOST_ABSENCES, WHENEVER_OPEN, Absence
from booking.availability.models import TimeOff
from booking.catalogue import actions, queries
from booking.catalogue.actions import StaffDetails
from booking.catalogue.models import StaffMember

router = resource(tag="staff", route_class=IdempotentRoute)


class StaffBody(StaffDetails):
    """Without `services`, they perform all active ones; without `hours`, they are in whenever the
    business is open."""

    services: list[uuid.UUID] | None = Field(default=None, max_length=1000)
    hours: list[Interval] | None = Field(default=None, max_length=availability.MOST_INTERVALS)


class StaffPatch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    title: str | None = None
    active: bool | None = None
    services: list[uuid.UUID] | None = Field(default=None, max_length=1000)
    position: int | None = Field(default=None, ge=0, le=100_000)


class StaffAnswer(BaseModel):
    id: uuid.UUID
    name: str
    title: str
    active: bool
    position: int
    services: list[uuid.UUID]
    hours: list[Interval]


class StaffPage(BaseModel):
    items: list[StaffAnswer]
    next_cursor: str | None = None


class HoursAnswer(BaseModel):
    hours: list[Interval]


class TimeOffBody(BaseModel):
    """All of their absences; those left out are forgotten."""

    model_config = ConfigDict(extra="forbid")

    time_off: list[Absence] = Field(max_length=MOST_ABSENCES)


class AbsenceAnswer(BaseModel):
    id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    reason: str

    @classmethod
    def of(cls, row: TimeOff) -> Self:
        return cls(id=row.id, starts_at=row.starts_at, ends_at=row.ends_at, reason=row.reason)


class TimeOffAnswer(BaseModel):
    time_off: list[AbsenceAnswer]


def _answers(caller: Caller, members: list[StaffMember]) -> list[StaffAnswer]:
    pairs = queries.performers(caller.session).items()
    hours = times.staff_hours(caller.session)
    return [
        StaffAnswer(
            id=member.id,
            name=member.name,
            title=member.title,
            active=member.active,
            position=member.position,
            services=sorted(service_id for service_id, staff in pairs if member.id in staff),
            hours=[Interval.of(row) for row in hours.get(member.id, [])],
        )
        for member in members
    ]


@router.get("/businesses/{slug}/staff")
def show_all(caller: StaffReads) -> StaffPage:
    """Everyone, also those who can't be booked any more, in the order of the site."""
    members = queries.staff_members(caller.session, only_active=False)
    return StaffPage(items=_answers(caller, list(members)))


@router.post("/businesses/{slug}/staff", status_code=201)
def add(caller: ManagerWrites, body: StaffBody) -> StaffAnswer:
    details = StaffDetails.model_construct(**body.model_dump(exclude={"services", "hours"}))
    member = actions.add_staff_member(
        caller.session, details, service_ids=body.services, by=caller.actor
    )
    hours = WHENEVER_OPEN if body.hours is None else [each.hours() for each in body.hours]
    availability.set_staff_hours(caller.session, member, hours, by=caller.actor)
    return _answers(caller, [member])[0]


@router.get("/businesses/{slug}/staff/{staff_id}")
def show(caller: StaffReads, staff_id: uuid.UUID) -> StaffAnswer:
    return _answers(caller, [queries.staff_member(caller.session, staff_id)])[0]


@router.patch("/businesses/{slug}/staff/{staff_id}")
def change(caller: ManagerWrites, staff_id: uuid.UUID, body: StaffPatch) -> StaffAnswer:
    member = queries.staff_member(caller.session, staff_id)
    now = actions.details_of_staff(member)
    details = merged(StaffDetails, now, body, "services", "position")
    actions.change_staff_member(
        caller.session, member, details, service_ids=body.services, by=caller.actor
    )
    if body.position is not None:
        actions.place_staff_member(caller.session, member, body.position)
    return _answers(caller, [member])[0]


@router.delete("/businesses/{slug}/staff/{staff_id}", status_code=204)
def remove(caller: ManagerWrites, staff_id: uuid.UUID) -> None:
    """Someone with appointments, past or to come, is only taken off the site."""
    member = queries.staff_member(caller.session, staff_id)
    actions.remove_staff_member(caller.session, member, by=caller.actor)


@router.get("/businesses/{slug}/staff/{staff_id}/hours")
def hours(caller: StaffReads, staff_id: uuid.UUID) -> HoursAnswer:
    member = queries.staff_member(caller.session, staff_id)
    rows = times.staff_hours(caller.session).get(member.id, [])
    return HoursAnswer(hours=[Interval.of(row) for row in rows])


@router.put("/businesses/{slug}/staff/{staff_id}/hours")
def set_hours(caller: ManagerWrites, staff_id: uuid.UUID, body: WeekBody) -> HoursAnswer:
    """Their week; none at all means that they can't be booked. They work where these hours and the
    opening hours meet."""
    member = queries.staff_member(caller.session, staff_id)
    given = [interval.hours() for interval in body.hours]
    availability.set_staff_hours(caller.session, member, given, by=caller.actor)
    rows = times.staff_hours(caller.session).get(member.id, [])
    return HoursAnswer(hours=[Interval.of(row) for row in rows])


@router.get("/businesses/{slug}/staff/{staff_id}/time-off")
def time_off(caller: StaffReads, staff_id: uuid.UUID) -> TimeOffAnswer:
    """Their absences, now and to come."""
    member = queries.staff_member(caller.session, staff_id)
    return _time_off(caller, member)


@router.put("/businesses/{slug}/staff/{staff_id}/time-off")
def set_time_off(caller: ManagerWrites, staff_id: uuid.UUID, body: TimeOffBody) -> TimeOffAnswer:
    """Appointments already made in that time stay until they are cancelled."""
    member = queries.staff_member(caller.session, staff_id)
    availability.set_time_off(caller.session, member, body.time_off, by=caller.actor)
    return _time_off(caller, member)


def _time_off(caller: Caller, member: StaffMember) -> TimeOffAnswer:
    rows = times.time_off(caller.session, since=clock.now() - timedelta(days=1))
    own = [row for row in rows if row.staff_id == member.id]
    return TimeOffAnswer(time_off=[AbsenceAnswer.of(row) for row in own])
