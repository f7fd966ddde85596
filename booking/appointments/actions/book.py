"""Booking: by a guest, by a client who has signed in, and by staff for a client."""

import dataclasses
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts.rules import email_key
from booking.appointments.actions import place, tell
from booking.appointments.actions.attach import person_behind
from booking.appointments.actions.place import Wanted
from booking.appointments.models import Appointment, AppointmentState, BookedBy
from booking.appointments.rules import OPEN, hold_until
from booking.audit.actions import Actor, record
from booking.availability import actions as calendar
from booking.businesses.queries import this_business
from booking.catalogue.models import Service
from booking.clients import actions as clients
from booking.clients.models import Client, Pet
from booking.clients.queries import clients_with_email, pets_of
from booking.clients.queries import find as find_client
from booking.clients.rules import ClientDetails, PetDetails
from booking.database import business_of, keyring_of, new_id
from booking.errors import Conflict, Invalid, NotAllowed
from booking.linking.actions.sign_up import SignUpForm, check_sign_up_is_open, sign_up
from booking.linking.models import SignUp
from booking.matching.actions import note_newcomer
from booking.matching.models import Origin
from booking.preferences.actions import current, policy_version
from booking.preferences.rules import Preferences
from booking.tokens import Purpose


class AccountNeeded(NotAllowed):
    code = "account_needed"
    message = "Please sign in to book here."


class BookingOff(NotAllowed):
    code = "booking_off"
    message = "Online booking is switched off at the moment."


class NotOffered(NotAllowed):
    code = "not_offered"
    message = "This can't be booked online. Please get in touch with us."


class TooManyOpen(Conflict):
    code = "too_many_open"
    message = "You have as many visits booked as you can have at a time."


@dataclass(frozen=True, slots=True)
class Person:
    first_name: str
    last_name: str
    email: str
    mobile_phone: str


@dataclass(frozen=True, slots=True)
class BookedPet:
    """A pet of the client's by its id, or one by its name."""

    name: str = ""
    species: str = ""
    breed: str = ""
    id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """What is asked for. `staff_id` None is anyone; a price is never among it.

    A guest gives `person`; otherwise `client_id` says whose visit it is, and the caller has made
    sure that it may be booked for. A client who has signed in and has no record yet gives both
    `person`, with the address of the login, and no `client_id`.
    `signs_up`: a login is being made with it, whose mail proves the mailbox.
    """

    service_id: uuid.UUID
    staff_id: uuid.UUID | None
    starts_at: datetime
    booked_by: BookedBy
    person: Person | None = None
    client_id: uuid.UUID | None = None
    pets: tuple[BookedPet, ...] = ()
    note: str = ""
    signs_up: bool = False


def book(session: Session, booking: Booking, *, by: Actor) -> Appointment:
    """Lock the calendar, ask again whether the time is free, write, and queue the emails.

    Raises SlotTaken with the nearest free times; AccountNeeded, BookingOff, NotOffered or
    TooManyOpen as the preferences say; Invalid with the field.
    """
    now = clock.now()
    chosen = current(session)
    client = find_client(session, booking.client_id) if booking.client_id else None
    online = booking.booked_by is not BookedBy.STAFF
    if online:
        _refuse_online(chosen, booking, client)
    starts_at = place.in_reach(booking.starts_at, now)
    service = _service(session, booking.service_id, online)
    asked_for = _staff_asked_for(chosen, booking) if online else booking.staff_id
    wanted = Wanted(service, asked_for, starts_at, now, any_time=not online)
    if place.guarded(session):
        calendar.lock_calendar(session)
    if online and client is not None:
        _refuse_too_many(session, chosen, client, now)
    staff_id = place.choose(session, wanted)
    client, known = _whose(session, booking, client, by)
    pets = _pets(session, booking, client, by)
    appointment = _write(session, booking, wanted, client, staff_id, pets)
    if booking.client_id is None:
        _look(session, appointment, client)
    if appointment.state is AppointmentState.CONFIRMED or _holds(chosen):
        place.hold(session, appointment, service)
    record(session, "appointment.booked", appointment, by=by, state=appointment.state.value)
    accounts_open = chosen.client_settings.allow_client_online_account_access
    claims = booking.booked_by is BookedBy.GUEST and not booking.signs_up
    tell.booked(session, appointment, claims=claims and (known or accounts_open))
    if online:
        tell.owners(session, appointment, "booked")
    return appointment


def book_with_login(
    session: Session, booking: Booking, *, password_hash: str, by: Actor
) -> tuple[Appointment, SignUp]:
    """A guest books and makes a login at once; it opens when the mailbox is proved.

    Raises NotAvailable where clients have no logins or make none while booking.
    """
    check_sign_up_is_open(session)
    if booking.person is None or booking.booked_by is not BookedBy.GUEST:
        raise Invalid.field("create_account", "You are signed in already.", "not_offered")
    appointment = book(session, dataclasses.replace(booking, signs_up=True), by=by)
    form = SignUpForm(**dataclasses.asdict(booking.person))
    waiting = sign_up(session, form, password_hash=password_hash, appointment_id=appointment.id)
    return appointment, waiting


def _holds(chosen: Preferences) -> bool:
    return chosen.staff_and_confirmation.pending_holds_slot


def _refuse_online(chosen: Preferences, booking: Booking, client: Client | None) -> None:
    """Rules about who the client is count for those who have signed in; everybody else is new."""
    if not chosen.booking_window.online_booking_enabled:
        raise BookingOff(chosen.booking_window.disabled_message or None)
    settings = chosen.client_settings
    login_required = settings.require_login_to_book or settings.who_may_book == "existing"
    if booking.booked_by is BookedBy.GUEST:
        if login_required:
            raise AccountNeeded
        return
    if client is None:
        if settings.who_may_book == "existing":
            raise NotOffered("Only clients we know can book online. Please get in touch with us.")
        return
    if settings.who_may_book == "new":
        raise NotOffered("Only new clients can book online. Please get in touch with us.")
    if client.blocked:
        raise NotOffered


def _service(session: Session, service_id: uuid.UUID, online: bool) -> Service:
    service = session.scalar(select(Service).where(Service.id == service_id))
    if service is None or (online and not service.active):
        raise Invalid.field("service_id", "Choose one of the services.", "unknown")
    return service


def _staff_asked_for(chosen: Preferences, booking: Booking) -> uuid.UUID | None:
    choice = chosen.staff_and_confirmation.staff_choice
    if choice == "required" and booking.staff_id is None:
        raise Invalid.field("staff_id", "Choose who should look after your pet.", "required")
    if choice == "hidden" and booking.staff_id is not None:
        raise Invalid.field("staff_id", "This can't be chosen here.", "not_offered")
    return booking.staff_id


def _refuse_too_many(session: Session, chosen: Preferences, client: Client, now: datetime) -> None:
    most = chosen.booking_window.max_open_bookings_per_client
    still_to_come = (
        select(func.count())
        .select_from(Appointment)
        .where(
            Appointment.client_id == client.id,
            Appointment.ends_at > now,
            Appointment.state.in_(OPEN),
            Appointment.booked_by != BookedBy.STAFF,
        )
    )
    if most and (session.scalar(still_to_come) or 0) >= most:
        raise TooManyOpen(f"You can have {most} visits booked at a time.", limit=most)


def _whose(
    session: Session, booking: Booking, client: Client | None, by: Actor
) -> tuple[Client | None, bool]:
    """The client, and whether the address is one we know.

    A guest with an unknown address becomes a client at once. With a known one the visit keeps what
    was typed, and no client, until the mailbox is proved or staff links it.
    """
    if client is not None:
        return client, True
    if booking.person is None:
        raise Invalid.field("client_id", "Choose the client.", "required")
    key = email_key(booking.person.email)
    if key is None:
        raise Invalid.field("email", "Type an address like name@example.com.")
    if clients_with_email(session, key):
        return None, True
    if booking.booked_by is not BookedBy.GUEST:
        return None, False
    details = ClientDetails(
        first_name=booking.person.first_name,
        last_name=booking.person.last_name,
        email=booking.person.email,
        mobile_phone=booking.person.mobile_phone,
    )
    made = clients.add_client(session, details, by=by)
    session.flush()
    return made, False


def _write(
    session: Session,
    booking: Booking,
    wanted: Wanted,
    client: Client | None,
    staff_id: uuid.UUID,
    pets: list[dict[str, Any]],
) -> Appointment:
    chosen = current(session).staff_and_confirmation
    pending = booking.booked_by is not BookedBy.STAFF and chosen.confirmation_mode == "approve"
    lapses_at = hold_until(wanted.now, chosen.pending_expiry_hours, wanted.starts_at)
    policy = policy_version(session)
    appointment_id = new_id()
    appointment = Appointment(
        id=appointment_id,
        business_id=business_of(session),
        state=AppointmentState.PENDING if pending else AppointmentState.CONFIRMED,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        service_id=wanted.service.id,
        staff_id=staff_id,
        client_id=client.id if client else None,
        service_name=wanted.service.name,
        price_minor=wanted.service.price_minor,
        currency=this_business(session).currency,
        pets=pets,
        note=booking.note,
        booked_by=booking.booked_by,
        policy_id=policy.id if policy else None,
        hold_expires_at=lapses_at if pending else None,
        manage_digest=_manage_digest(session, appointment_id),
        created_at=wanted.now,
        updated_at=wanted.now,
        **_contact(booking, client),
    )
    session.add(appointment)
    session.flush()
    return appointment


def _look(session: Session, appointment: Appointment, client: Client | None) -> None:
    """Perhaps the booker is on the list; staff is asked about a new client, or about the visit."""
    note_newcomer(
        session,
        person_behind(appointment),
        origin=Origin.BOOKING,
        client=client,
        appointment_id=None if client else appointment.id,
    )


def _manage_digest(session: Session, appointment_id: uuid.UUID) -> str:
    keyring = keyring_of(session)
    secret = keyring.derive(Purpose.MANAGE_BOOKING, appointment_id)
    return keyring.digest(Purpose.MANAGE_BOOKING, secret)


def _contact(booking: Booking, client: Client | None) -> dict[str, Any]:
    """Whom to write to, as it is now. A client without a usable address has that of their login."""
    person = booking.person
    if client is not None:
        typed = person.email if person and client.email_key is None else client.email
        person = Person(client.first_name, client.last_name, typed, client.mobile_phone)
    assert person is not None
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email.strip(),
        "email_key": email_key(person.email) if person.email else None,
        "mobile_phone": person.mobile_phone,
    }


def _pets(
    session: Session, booking: Booking, client: Client | None, by: Actor
) -> list[dict[str, Any]]:
    """As they are called now. One the client has by that name is that one; a new one is added to
    the record where the booker may do that."""
    if client is None:
        return [_snapshot(pet) for pet in booking.pets]
    theirs = pets_of(session, [client.id])[client.id]
    by_id = {pet.id: pet for pet in theirs}
    by_name = {pet.name.casefold(): pet for pet in theirs}
    may_add = booking.booked_by is not BookedBy.CLIENT or current(
        session
    ).client_settings.client_may_manage_pets in ("add", "edit")
    found = []
    for place_of, asked in enumerate(booking.pets):
        pet = by_id.get(asked.id) if asked.id else by_name.get(asked.name.casefold())
        if pet is None and asked.id:
            raise Invalid.field(f"pets.{place_of}.id", "Choose one of the pets.", "unknown")
        if pet is None and may_add:
            details = PetDetails(name=asked.name, species=asked.species, breed=asked.breed)
            pet = clients.add_pet(session, client, details, by=by)
        found.append(_snapshot(pet or asked))
    return found


def _snapshot(pet: Pet | BookedPet) -> dict[str, Any]:
    return {
        "id": str(pet.id) if pet.id else None,
        "name": pet.name,
        "species": pet.species,
        "breed": pet.breed,
    }
