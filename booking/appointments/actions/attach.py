"""Giving a client the visits that were booked without one."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.appointments.models import Appointment
from booking.appointments.queries import find
from booking.audit.actions import Actor, record
from booking.clients import actions as clients
from booking.clients.models import Client
from booking.clients.queries import find as find_client
from booking.clients.rules import ClientDetails, PetDetails
from booking.database import lock
from booking.errors import Conflict
from booking.matching.actions import note_newcomer, withdraw_visit
from booking.matching.models import Origin
from booking.matching.rules.people import Person, Pet


class HasClient(Conflict):
    code = "has_client"
    message = "This appointment already belongs to a client."


def adopt(session: Session, client: Client, email_key: str, *, by: Actor) -> list[Appointment]:
    """The guest bookings of an address that its owner has proved are this client's from now on."""
    waiting = select(Appointment).where(
        Appointment.email_key == email_key, Appointment.client_id.is_(None)
    )
    adopted = list(session.scalars(waiting.with_for_update()))
    for appointment in adopted:
        _attach(session, appointment, client, by)
        withdraw_visit(session, appointment.id)
    return adopted


def claimed(
    session: Session, appointment_id: uuid.UUID, client: Client | None, *, by: Actor
) -> Client:
    """The guest has proved the mailbox and said who they are; None: somebody new.

    A visit that has its client already keeps it.
    """
    appointment = find(session, appointment_id)
    lock(session, appointment)
    if appointment.client_id is not None:
        return find_client(session, appointment.client_id)
    client = client or _somebody_new(session, appointment, by)
    _attach(session, appointment, client, by)
    withdraw_visit(session, appointment.id)
    return client


def _somebody_new(session: Session, appointment: Appointment, by: Actor) -> Client:
    details = ClientDetails(
        first_name=appointment.first_name,
        last_name=appointment.last_name,
        email=appointment.email,
        mobile_phone=appointment.mobile_phone,
    )
    client = clients.add_client(session, details, by=by)
    session.flush()
    for pet in appointment.pets:
        known = {name: pet[name] for name in ("name", "species", "breed")}
        clients.add_pet(session, client, PetDetails(**known), by=by)
    note_newcomer(session, person_behind(appointment), origin=Origin.BOOKING, client=client)
    return client


def person_behind(appointment: Appointment) -> Person:
    """What was typed with the booking, as far as people are recognised by it."""
    return Person(
        first_name=appointment.first_name,
        last_name=appointment.last_name,
        email=appointment.email,
        mobile_phone=appointment.mobile_phone,
        pets=tuple(Pet(pet["name"], pet["breed"]) for pet in appointment.pets),
    )


def link_to_client(
    session: Session, appointment: Appointment, client: Client, *, by: Actor
) -> None:
    """A deliberate act of staff: nothing is asked about the visit any more. Raises HasClient."""
    give_client(session, appointment, client, by=by)
    withdraw_visit(session, appointment.id)


def give_client(session: Session, appointment: Appointment, client: Client, *, by: Actor) -> None:
    """As `link_to_client`; but what is asked about the visit stays, and waits in case this is taken
    back. Raises HasClient."""
    lock(session, appointment)
    if appointment.client_id is not None:
        raise HasClient
    _attach(session, appointment, client, by)


def take_client(session: Session, appointment: Appointment, *, by: Actor) -> None:
    """The visit is a guest's again. What was done with it meanwhile stays done: its time, its
    state, and the e-mails that were sent; whom they go to was always the guest's own address."""
    record(
        session,
        "appointment.unlinked",
        appointment,
        by=by,
        client_id=str(appointment.client_id),
    )
    appointment.client_id = None


def _attach(session: Session, appointment: Appointment, client: Client, by: Actor) -> None:
    appointment.client_id = client.id
    record(session, "appointment.linked", appointment, by=by, client_id=str(client.id))
