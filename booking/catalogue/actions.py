"""Changing services, staff members, and who performs what.

What has been booked once is never deleted: removing it only takes it off the site.
"""

import uuid
from collections.abc import Collection, Sequence

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.audit.actions import Actor, record
from booking.catalogue import queries
from booking.catalogue.models import Performs, Service, StaffMember
from booking.database import business_of
from booking.errors import Invalid
from booking.fields import Line60, Paragraph, Required60, Required100


class ServiceDetails(BaseModel):
    """A service as people fill it in. Buffers left empty are those of the preferences; no price
    means "on request"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Required100
    description: Paragraph = ""
    duration_minutes: int = Field(ge=5, le=1440)
    buffer_before_minutes: int | None = Field(default=None, ge=0, le=240)
    buffer_after_minutes: int | None = Field(default=None, ge=0, le=240)
    price_minor: int | None = Field(default=None, ge=0, le=100_000_000)
    active: bool = True


class StaffDetails(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Required60
    title: Line60 = ""
    active: bool = True


def details_of_service(service: Service) -> ServiceDetails:
    return ServiceDetails.model_construct(
        **{name: getattr(service, name) for name in ServiceDetails.model_fields}
    )


def details_of_staff(member: StaffMember) -> StaffDetails:
    return StaffDetails.model_construct(
        **{name: getattr(member, name) for name in StaffDetails.model_fields}
    )


def add_service(
    session: Session,
    details: ServiceDetails,
    *,
    staff_ids: Collection[uuid.UUID] | None = None,
    by: Actor,
) -> Service:
    """A new service, last on the list; performed by all active staff unless some are named."""
    last = session.scalar(select(func.max(Service.position)))
    service = Service(
        business_id=business_of(session),
        position=0 if last is None else last + 1,
        **details.model_dump(),
    )
    session.add(service)
    session.flush()
    if staff_ids is None:
        staff_ids = [member.id for member in queries.staff_members(session)]
    _set_performers(session, service.id, staff_ids)
    record(session, "service.added", service, by=by)
    return service


def change_service(
    session: Session,
    service: Service,
    details: ServiceDetails,
    *,
    staff_ids: Collection[uuid.UUID] | None = None,
    by: Actor,
) -> Service:
    """Appointments already made keep their time, name and price: they hold a snapshot."""
    changed = _assign(service, details)
    if staff_ids is not None:
        changed += _set_performers(session, service.id, staff_ids)
    if changed:
        record(session, "service.changed", service, by=by, fields=changed)
    session.flush()
    return service


def remove_service(session: Session, service: Service, *, by: Actor) -> bool:
    """True when it is gone, False when bookings hold on to it and it only left the site."""
    return _remove(session, service, "service", by)


def place_service(session: Session, service: Service, at: int) -> None:
    """Move it to that place of the list, counted from 0."""
    _place(queries.services(session, only_active=False), service, at)
    session.flush()


def add_staff_member(
    session: Session,
    details: StaffDetails,
    *,
    service_ids: Collection[uuid.UUID] | None = None,
    by: Actor,
) -> StaffMember:
    """Someone new, last on the list; performs all active services unless some are named.

    Their hours are set by availability.
    """
    last = session.scalar(select(func.max(StaffMember.position)))
    member = StaffMember(
        business_id=business_of(session),
        position=0 if last is None else last + 1,
        **details.model_dump(),
    )
    session.add(member)
    session.flush()
    if service_ids is None:
        service_ids = [service.id for service in queries.services(session)]
    _set_services(session, member.id, service_ids)
    record(session, "staff_member.added", member, by=by)
    return member


def change_staff_member(
    session: Session,
    member: StaffMember,
    details: StaffDetails,
    *,
    service_ids: Collection[uuid.UUID] | None = None,
    by: Actor,
) -> StaffMember:
    changed = _assign(member, details)
    if service_ids is not None:
        changed += _set_services(session, member.id, service_ids)
    if changed:
        record(session, "staff_member.changed", member, by=by, fields=changed)
    session.flush()
    return member


def remove_staff_member(session: Session, member: StaffMember, *, by: Actor) -> bool:
    """True when gone, False when appointments hold on to them and they only left the site."""
    return _remove(session, member, "staff_member", by)


def place_staff_member(session: Session, member: StaffMember, at: int) -> None:
    """Move them to that place of the list, counted from 0."""
    _place(queries.staff_members(session, only_active=False), member, at)
    session.flush()


def _assign(row: Service | StaffMember, details: BaseModel) -> list[str]:
    given = details.model_dump()
    changed = [name for name, value in given.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, given[name])
    return changed


def _remove(session: Session, row: Service | StaffMember, noun: str, by: Actor) -> bool:
    record(session, f"{noun}.removed", row, by=by, name=row.name)
    try:
        with session.begin_nested():
            session.delete(row)
            session.flush()
    except IntegrityError:
        row.active = False
        session.flush()
        return False
    return True


def _place(rows: Sequence[Service | StaffMember], row: Service | StaffMember, at: int) -> None:
    others = [other for other in rows if other.id != row.id]
    others.insert(max(0, min(at, len(others))), row)
    for position, each in enumerate(others):
        each.position = position


def _set_performers(
    session: Session, service_id: uuid.UUID, staff_ids: Collection[uuid.UUID]
) -> list[str]:
    known = {member.id for member in queries.staff_members(session, only_active=False)}
    if not known.issuperset(staff_ids):
        raise Invalid.field("staff", "One of these staff members does not exist.", "unknown")
    now = session.scalars(select(Performs).where(Performs.service_id == service_id)).all()
    wanted = {(service_id, staff_id) for staff_id in staff_ids}
    return ["staff"] if _replace(session, now, wanted) else []


def _set_services(
    session: Session, staff_id: uuid.UUID, service_ids: Collection[uuid.UUID]
) -> list[str]:
    known = {service.id for service in queries.services(session, only_active=False)}
    if not known.issuperset(service_ids):
        raise Invalid.field("services", "One of these services does not exist.", "unknown")
    now = session.scalars(select(Performs).where(Performs.staff_id == staff_id)).all()
    wanted = {(service_id, staff_id) for service_id in service_ids}
    return ["services"] if _replace(session, now, wanted) else []


def _replace(
    session: Session, now: Sequence[Performs], wanted: set[tuple[uuid.UUID, uuid.UUID]]
) -> bool:
    """Whether anything changed."""
    there = {(pair.service_id, pair.staff_id): pair for pair in now}
    for key in there.keys() - wanted:
        session.delete(there[key])
    session.add_all(
        Performs(business_id=business_of(session), service_id=service_id, staff_id=staff_id)
        for service_id, staff_id in wanted - there.keys()
    )
    session.flush()
    return there.keys() != wanted
