"""One plain builder a noun, on top of the rooms' verbs, for what a test needs beside its world.

All but `business` work for the business of the session: `with site.writing() as session: …`.
"""

import itertools
import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from booking.accounts.models import Account
from booking.appointments.actions.book import BookedPet, Booking, book
from booking.appointments.models import Appointment, BookedBy
from booking.audit.actions import SYSTEM
from booking.availability.actions import Hours, set_opening_hours, set_staff_hours
from booking.businesses.actions.opening import NewBusiness, create_business
from booking.businesses.models import Business
from booking.catalogue import actions as catalogue
from booking.catalogue.actions import ServiceDetails, StaffDetails
from booking.catalogue.models import Service, StaffMember
from booking.clients import actions as clients
from booking.clients.models import Client, LinkedBy, Pet
from booking.clients.rules import ClientDetails, PetDetails
from booking.linking.actions.sign_up import make_account
from booking.preferences.actions import change, current
from booking.preferences.rules import Preferences

MONDAY_TO_SATURDAY = tuple(
    Hours(weekday=weekday, start_minute=9 * 60, end_minute=17 * 60) for weekday in range(6)
)
_numbers = itertools.count(1)


def business(session: Session, *, slug: str = "", timezone: str = "Europe/Berlin") -> Business:
    """A business as it is on its first day: nothing set up, client access at NO."""
    slug = slug or f"salon-{next(_numbers)}"
    new = NewBusiness(slug, "New Salon", timezone, f"owner@{slug}.example.com", "New Owner")
    return create_business(session, new, password_hash=None, by=SYSTEM)


def service(
    session: Session, *, staff_ids: Collection[uuid.UUID] | None = None, **details: Any
) -> Service:
    given = {"name": "Nail trim", "duration_minutes": 30, **details}
    return catalogue.add_service(session, ServiceDetails(**given), staff_ids=staff_ids, by=SYSTEM)


def staff_member(
    session: Session, *, name: str = "Cleo", hours: Collection[Hours] = MONDAY_TO_SATURDAY
) -> StaffMember:
    member = catalogue.add_staff_member(session, StaffDetails(name=name), by=SYSTEM)
    set_staff_hours(session, member, list(hours), by=SYSTEM)
    return member


def opening_hours(session: Session, hours: Collection[Hours] = MONDAY_TO_SATURDAY) -> None:
    set_opening_hours(session, list(hours), by=SYSTEM)


def preferences(session: Session, patch: dict[str, Any]) -> Preferences:
    """Change some: `{"booking_window": {"lead_time_minutes": 0}}`."""
    return change(session, patch, expected_version=current(session).version, by=SYSTEM)


def client(session: Session, **details: Any) -> Client:
    given = details or {"first_name": f"Client {next(_numbers)}", "last_name": "Plain"}
    made = clients.add_client(session, ClientDetails(**given), by=SYSTEM)
    session.flush()
    return made


def pet(session: Session, owner: Client, *, name: str = "Rover", **details: Any) -> Pet:
    given = {"name": name, "species": "dog", **details}
    made = clients.add_pet(session, owner, PetDetails(**given), by=SYSTEM)
    session.flush()
    return made


def login(session: Session, client: Client, *, password_hash: str | None = None) -> Account:
    """A login for that client, linked as if an invitation had been accepted."""
    account = make_account(
        session, email=client.email, name=client.name, password_hash=password_hash
    )
    clients.link(session, client, account.id, linked_by=LinkedBy.INVITATION, by=SYSTEM)
    return account


def appointment(
    session: Session,
    client: Client,
    service_id: uuid.UUID,
    staff_id: uuid.UUID | None,
    starts_at: datetime,
    *,
    pets: tuple[BookedPet, ...] = (),
) -> Appointment:
    """Booked by staff for that client: at any time, but never twice."""
    wanted = Booking(
        service_id=service_id,
        staff_id=staff_id,
        starts_at=starts_at,
        booked_by=BookedBy.STAFF,
        client_id=client.id,
        pets=pets,
    )
    return book(session, wanted, by=SYSTEM)
