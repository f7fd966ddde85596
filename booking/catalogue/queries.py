"""What can be booked, and with whom."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.catalogue.models import Performs, Service, StaffMember
from booking.errors import NotFound


def services(session: Session, *, only_active: bool = True) -> Sequence[Service]:
    query = select(Service).order_by(Service.position, Service.name, Service.id)
    return session.scalars(query.where(Service.active) if only_active else query).all()


def service(session: Session, service_id: uuid.UUID) -> Service:
    """Raises NotFound, also for another business's."""
    found = session.scalars(select(Service).where(Service.id == service_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


def staff_members(session: Session, *, only_active: bool = True) -> Sequence[StaffMember]:
    query = select(StaffMember).order_by(StaffMember.position, StaffMember.name, StaffMember.id)
    return session.scalars(query.where(StaffMember.active) if only_active else query).all()


def staff_member(session: Session, staff_id: uuid.UUID) -> StaffMember:
    """Raises NotFound, also for another business's."""
    found = session.scalars(select(StaffMember).where(StaffMember.id == staff_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


def who_performs(session: Session, service_id: uuid.UUID) -> Sequence[StaffMember]:
    """The active staff of a service, in the order of the Staff page."""
    query = (
        select(StaffMember)
        .join(Performs, Performs.staff_id == StaffMember.id)
        .where(Performs.service_id == service_id, StaffMember.active)
        .order_by(StaffMember.position, StaffMember.name, StaffMember.id)
    )
    return session.scalars(query).all()


def performers(session: Session) -> dict[uuid.UUID, set[uuid.UUID]]:
    """For each service the ids of those who perform it, active or not."""
    found: dict[uuid.UUID, set[uuid.UUID]] = {}
    for service_id, staff_id in session.execute(select(Performs.service_id, Performs.staff_id)):
        found.setdefault(service_id, set()).add(staff_id)
    return found
