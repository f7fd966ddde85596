"""The installations of a business, for its owners: seen, named, released, revoked."""

import uuid
from datetime import datetime

from fastapi import Response
from pydantic import BaseModel, ConfigDict

from booking.api.caller import OwnerReads, OwnerWrites
from booking.api.idempotent import IdempotentRoute
from booking.api.resource import resource
from booking.billing import queries as billing
from booking.fields import Required60
from booking.licensing import actions, queries
from booking.licensing.models import RegistrationState
from booking.licensing.queries import Installation

router = resource(
    "/businesses/{slug}/registrations", tag="registrations", route_class=IdempotentRoute
)


class NameIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Required60


class InstallationOut(BaseModel):
    """`seen_at` is when the program last asked; the licence it then got ends at `valid_until`."""

    id: uuid.UUID
    name: str
    machine_name: str
    product: str
    installation_id: str
    serial_number: str
    valid_until: datetime
    registered_by: str
    created_at: datetime
    seen_at: datetime


class InstallationList(BaseModel):
    """`seats` are those of the plan; each item takes one."""

    items: list[InstallationOut]
    next_cursor: str | None = None
    seats: int


@router.get("")
def list_registrations(caller: OwnerReads) -> InstallationList:
    return InstallationList(
        items=[_shown(each) for each in queries.active(caller.session)],
        seats=billing.standing(caller.session).plan.seats,
    )


@router.patch("/{registration_id}")
def name_registration(
    caller: OwnerWrites, registration_id: uuid.UUID, body: NameIn
) -> InstallationOut:
    found = queries.installation(caller.session, registration_id)
    actions.rename(caller.session, found.registration, body.name, by=caller.actor)
    return _shown(found)


@router.post("/{registration_id}/revoke", status_code=204, response_class=Response)
def revoke_registration(caller: OwnerWrites, registration_id: uuid.UUID) -> None:
    """The machine is lost: its program gets no further number."""
    found = queries.registration(caller.session, registration_id)
    actions.end(caller.session, found, RegistrationState.REVOKED, by=caller.actor)


@router.delete("/{registration_id}", status_code=204, response_class=Response)
def release_registration(caller: OwnerWrites, registration_id: uuid.UUID) -> None:
    """The installation is not used any more."""
    found = queries.registration(caller.session, registration_id)
    actions.end(caller.session, found, RegistrationState.RELEASED, by=caller.actor)


def _shown(each: Installation) -> InstallationOut:
    registration = each.registration
    return InstallationOut(
        id=registration.id,
        name=registration.name,
        machine_name=registration.machine_name,
        product=registration.product,
        installation_id=registration.installation_id,
        serial_number=each.number.number,
        valid_until=each.term.valid_until,
        registered_by=registration.registered_by,
        created_at=registration.created_at,
        seen_at=registration.seen_at,
    )
