"""The demo salon: an owner, staff, services, hours, forty clients with pets, and a filled diary.

Made by the same verbs that people use, three weeks ago by the clock, so that it has a past.
"""

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts.passwords import hash_now
from booking.appointments.actions import decide
from booking.appointments.actions.book import BookedPet, Booking, book
from booking.appointments.models import Appointment, AppointmentState, BookedBy
from booking.audit.actions import SYSTEM, Actor
from booking.audit.models import ActorKind
from booking.availability import actions as calendar
from booking.availability.actions import Hours
from booking.availability.queries import free_times
from booking.businesses.actions import opening
from booking.businesses.models import Business
from booking.businesses.queries import by_slug, owners
from booking.catalogue import actions as catalogue
from booking.catalogue.actions import ServiceDetails, StaffDetails
from booking.catalogue.models import Service, StaffMember
from booking.clients import actions as clients
from booking.clients.models import Client, Pet
from booking.clients.queries import pets_of
from booking.clients.rules import ClientDetails, PetDetails
from booking.config import Settings
from booking.database import Database, set_business
from booking.mail.models import OutboundEmail
from booking.tokens import Purpose, keyring

SLUG = "happy-paws"
OWNER_EMAIL = "owner@happy-paws.example"
WEEKS_OF_PAST = 3
MAYA = Actor(ActorKind.STAFF, None, "Maya Torres")
NINE, FIVE, SIX = 9 * 60, 17 * 60, 18 * 60

SERVICES = (
    ("Bath and brush", "A bath, a blow-dry, brushed out, nails and ears.", 60, 4500, 10),
    ("Full groom", "Bath, haircut to your wishes, nails, ears and a bow.", 90, 7500, 15),
    ("Nail trim", "Nails clipped and filed, while you wait.", 15, 1500, 5),
    ("Puppy’s first visit", "A gentle start: table, brush, water, and treats.", 45, 3500, 10),
    ("De-shedding", "For thick coats in spring and autumn.", 75, 6000, 10),
)
STAFF = (
    ("Maya Torres", "Owner and groomer"),
    ("Jonas Lindqvist", "Groomer"),
    ("Ada Okafor", "Bather"),
)
PEOPLE = [
    "Alice Bauer",
    "Ben Carter",
    "Chloé Dupont",
    "Daniel Evans",
    "Elena Fuchs",
    "Frank García",
    "Grace Hughes",
    "Hugo Iversen",
    "Isabel Jensen",
    "Jack Kowalski",
    "Karin López",
    "Liam Murphy",
    "Mia Nakamura",
    "Noah Olsen",
    "Olga Petrova",
    "Paul Quinn",
    "Rosa Romano",
    "Samuel Schmidt",
    "Tara Thompson",
    "Ulrich Vogel",
    "Vera Walsh",
    "William Young",
    "Xenia Zhou",
    "Yusuf Adams",
    "Zoe Brown",
    "Anna Clark",
    "Bruno Díaz",
    "Carla Ellis",
    "David Fischer",
    "Emma Green",
    "Felix Hall",
    "Gina Ito",
    "Henry Jones",
    "Irene Kim",
    "Jorge Lewis",
    "Katie Moore",
    "Leo Nelson",
    "Maria Ortiz",
    "Nina Park",
    "Oscar Reed",
]
PETS = [
    "Bruno Labrador",
    "Luna Poodle",
    "Max Beagle",
    "Bella Havanese",
    "Charlie Cockapoo",
    "Coco Maltese",
    "Rocky Boxer",
    "Daisy Westie",
    "Milo Schnauzer",
    "Nala Spaniel",
    "Simba Pomeranian",
    "Ruby Shih-Tzu",
]


@dataclass(frozen=True, slots=True)
class Salon:
    """A business to name when the house is up; the owner only where it is the demo's."""

    slug: str
    owner_email: str = ""
    owner_password: str = ""


def owner_password(settings: Settings) -> str:
    """Derived, so that it can be told again and is kept nowhere."""
    secret = keyring(settings.secret).derive(Purpose.BROWSER, uuid.uuid5(uuid.NAMESPACE_URL, SLUG))
    return "-".join(secret.replace("_", "x").replace("-", "y")[i : i + 5] for i in range(0, 20, 5))


def salons(database: Database) -> Iterator[Salon]:
    with database.reading() as session:
        slugs = session.scalars(select(Business.slug).order_by(Business.created_at).limit(5)).all()
        business = by_slug(session, SLUG)
        is_demo = False
        if business is not None:
            set_business(session, business.id)
            is_demo = OWNER_EMAIL in [owner.email for owner in owners(session)]
    for slug in slugs:
        if slug == SLUG and is_demo:
            yield Salon(slug, OWNER_EMAIL, owner_password(database.settings))
        else:
            yield Salon(slug)


def open_if_empty(database: Database) -> None:
    """One transaction: the salon is there with everything, or not at all."""
    password_hash = hash_now(database.settings, owner_password(database.settings))
    with database.writing() as session:
        if session.scalar(select(func.count()).select_from(Business)):
            return
        offset = database.settings.clock_offset
        clock.set_offset(offset - WEEKS_OF_PAST * 7 * 86_400)
        try:
            _open(session, password_hash)
        finally:
            clock.set_offset(offset)
        _let_the_past_happen(session)
        session.execute(delete(OutboundEmail))  # nobody here can read mail


def _open(session: Session, password_hash: str) -> None:
    new = opening.NewBusiness(
        slug=SLUG,
        name="Happy Paws Grooming",
        timezone="America/New_York",
        owner_email=OWNER_EMAIL,
        owner_name="Maya Torres",
    )
    business = opening.create_business(session, new, password_hash=password_hash, by=SYSTEM)
    details = {
        "about": "A small salon for dogs and cats, calm hands and warm towels since 2009.",
        "email": "hello@happy-paws.example",
        "phone": "(555) 010-2030",
        "address": "12 Maple Street, Springfield",
    }
    opening.change_details(session, business, details, by=SYSTEM)
    staff = _staff(session)
    services = [
        catalogue.add_service(
            session,
            ServiceDetails(
                name=name,
                description=description,
                duration_minutes=minutes,
                price_minor=price,
                buffer_after_minutes=buffer,
            ),
            staff_ids=[member.id for member in staff[: 3 if minutes < 90 else 2]],
            by=SYSTEM,
        )
        for name, description, minutes, price, buffer in SERVICES
    ]
    session.flush()
    _diary(session, business, services, _clients(session))


def _staff(session: Session) -> list[StaffMember]:
    opening_hours = [Hours(weekday=day, start_minute=NINE, end_minute=SIX) for day in range(5)]
    saturday = Hours(weekday=5, start_minute=NINE, end_minute=13 * 60)
    calendar.set_opening_hours(session, [*opening_hours, saturday], by=SYSTEM)
    staff = [
        catalogue.add_staff_member(session, StaffDetails(name=name, title=title), by=SYSTEM)
        for name, title in STAFF
    ]
    session.flush()
    for number, member in enumerate(staff):
        days = [day for day in range(5) if day != number + 1]
        hours = [Hours(weekday=day, start_minute=NINE, end_minute=FIVE) for day in days]
        calendar.set_staff_hours(session, member, [*hours, saturday], by=SYSTEM)
    return staff


def _clients(session: Session) -> list[Client]:
    chance = random.Random(2009)  # noqa: S311 - a demo that is the same each time
    made = []
    for number, name in enumerate(PEOPLE):
        first, last = name.split(" ", 1)
        details = ClientDetails(
            first_name=first,
            last_name=last,
            email=f"{first.lower().replace('é', 'e')}.{last.lower()}@mail.example".replace(
                "í", "i"
            ),
            mobile_phone=f"(555) 01{number:02d}-{chance.randrange(1000, 9999)}",
            city="Springfield",
            status="inactive" if number % 13 == 12 else "active",
        )
        client = clients.add_client(session, details, by=SYSTEM)
        session.flush()
        for pet in chance.sample(PETS, 2 if number % 4 == 0 else 1):
            pet_name, breed = pet.split(" ", 1)
            said = PetDetails(name=pet_name, species="dog", breed=breed)
            clients.add_pet(session, client, said, by=SYSTEM)
        made.append(client)
    return made


def _diary(
    session: Session, business: Business, services: Sequence[Service], people: Sequence[Client]
) -> None:
    chance = random.Random(2010)  # noqa: S311 - a demo that is the same each time
    active = [client for client in people if client.status.value == "active"]
    pets = pets_of(session, [client.id for client in active])
    today = clock.to_local(clock.now(), business.timezone).date()
    for day in range(1, (WEEKS_OF_PAST + 2) * 7):
        date = today + timedelta(days=day)
        for _ in range(chance.randrange(1, 5)):
            service, client = chance.choice(services), chance.choice(active)
            found = free_times(
                session, service=service, days=(date, date), now=clock.now(), by_staff=True
            )
            slots = found.days[date]
            if slots:
                slot = chance.choice(slots)
                starts = datetime.fromtimestamp(slot.starts, UTC)
                _book(session, service, client, pets[client.id], starts)


def _book(
    session: Session, service: Service, client: Client, pets: Sequence[Pet], starts: datetime
) -> None:
    booking = Booking(
        service_id=service.id,
        staff_id=None,
        starts_at=starts,
        booked_by=BookedBy.STAFF,
        client_id=client.id,
        pets=(BookedPet(id=pets[0].id),),
    )
    book(session, booking, by=SYSTEM)


def _let_the_past_happen(session: Session) -> None:
    past = session.scalars(
        select(Appointment).where(
            Appointment.ends_at < clock.now(), Appointment.state == AppointmentState.CONFIRMED
        )
    ).all()
    for number, appointment in enumerate(past):
        if number % 17 == 16:
            decide.no_show(session, appointment, by=MAYA)
        else:
            decide.complete(session, appointment, by=MAYA)
