"""Services: what can be booked, for how long, at what price, and who performs it."""

import uuid

from pydantic import BaseModel, ConfigDict, Field

from booking.api.caller import Caller, ManagerWrites, StaffReads
from booking.api.idempotent import IdempotentRoute
from booking.api.merge import merged
from booking.api.resource import resource
from booking.catalogue import actions, queries
from booking.catalogue.actions import ServiceDetails
from booking.catalogue.models import Service

router = resource(tag="services", route_class=IdempotentRoute)


class ServiceBody(ServiceDetails):
    """Without `staff`, all active staff perform it. The currency is the business's."""

    staff: list[uuid.UUID] | None = Field(default=None, max_length=1000)


class ServicePatch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    description: str | None = None
    duration_minutes: int | None = None
    buffer_before_minutes: int | None = None
    buffer_after_minutes: int | None = None
    price_minor: int | None = None
    active: bool | None = None
    staff: list[uuid.UUID] | None = Field(default=None, max_length=1000)
    position: int | None = Field(default=None, ge=0, le=100_000)


class ServiceAnswer(BaseModel):
    """`price_minor` is in minor units of `currency`, null for a price on request. Buffers that are
    null are those of the preferences. One that is not `active` can't be booked."""

    id: uuid.UUID
    name: str
    description: str
    duration_minutes: int
    buffer_before_minutes: int | None
    buffer_after_minutes: int | None
    price_minor: int | None
    currency: str
    active: bool
    position: int
    staff: list[uuid.UUID]


class ServicePage(BaseModel):
    items: list[ServiceAnswer]
    next_cursor: str | None = None


def _answer(caller: Caller, service: Service, staff: set[uuid.UUID]) -> ServiceAnswer:
    return ServiceAnswer(
        id=service.id,
        position=service.position,
        currency=caller.business.currency,
        staff=sorted(staff),
        **actions.details_of_service(service).model_dump(),
    )


def _with_staff(caller: Caller, service: Service) -> ServiceAnswer:
    staff = queries.performers(caller.session).get(service.id, set())
    return _answer(caller, service, staff)


@router.get("/businesses/{slug}/services")
def show_all(caller: StaffReads) -> ServicePage:
    """All services, also those that can't be booked any more, in the order of the site."""
    performers = queries.performers(caller.session)
    services = queries.services(caller.session, only_active=False)
    return ServicePage(
        items=[_answer(caller, each, performers.get(each.id, set())) for each in services]
    )


@router.post("/businesses/{slug}/services", status_code=201)
def add(caller: ManagerWrites, body: ServiceBody) -> ServiceAnswer:
    details = ServiceDetails.model_construct(**body.model_dump(exclude={"staff"}))
    service = actions.add_service(caller.session, details, staff_ids=body.staff, by=caller.actor)
    return _with_staff(caller, service)


@router.get("/businesses/{slug}/services/{service_id}")
def show(caller: StaffReads, service_id: uuid.UUID) -> ServiceAnswer:
    return _with_staff(caller, queries.service(caller.session, service_id))


@router.patch("/businesses/{slug}/services/{service_id}")
def change(caller: ManagerWrites, service_id: uuid.UUID, body: ServicePatch) -> ServiceAnswer:
    service = queries.service(caller.session, service_id)
    now = actions.details_of_service(service)
    details = merged(ServiceDetails, now, body, "staff", "position")
    actions.change_service(caller.session, service, details, staff_ids=body.staff, by=caller.actor)
    if body.position is not None:
        actions.place_service(caller.session, service, body.position)
    return _with_staff(caller, service)


@router.delete("/businesses/{slug}/services/{service_id}", status_code=204)
def remove(caller: ManagerWrites, service_id: uuid.UUID) -> None:
    """A service that was booked once is only taken off the site."""
    service = queries.service(caller.session, service_id)
    actions.remove_service(caller.session, service, by=caller.actor)
