"""A program is registered, given its next number, named, released; and the temporary numbers."""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts.emails import SERVICE
from booking.accounts.models import Account
from booking.audit import actions as audit
from booking.audit.models import ActorKind
from booking.billing import queries as billing
from booking.businesses import queries as businesses
from booking.businesses.models import Business, Role
from booking.database import (
    across_businesses,
    keyring_of,
    lock,
    new_id,
    set_business,
    settings_of,
)
from booking.errors import (
    Conflict,
    Expired,
    FieldError,
    Invalid,
    NotAllowed,
    NotFound,
    PaymentNeeded,
    SignInNeeded,
)
from booking.licensing import licences, queries
from booking.licensing.emails import ProgramRegistered, TemporaryNumber
from booking.licensing.models import IssuedNumber, Registration, RegistrationState
from booking.licensing.rules import Term
from booking.mail import actions as mail
from booking.serial_numbers import MARKS, Kind, SerialNumber
from booking.tokens import Purpose

_LONGEST_TOKEN = 200


class NotAnOwner(NotAllowed):
    code = "not_an_owner"
    message = "Only an owner of a business can register the program. Ask one to do it."


class BusinessNeeded(Invalid):
    code = "business_needed"


class NoSeatLeft(Conflict):
    code = "no_seat_left"


class UnknownToken(SignInNeeded):
    code = "unknown_token"
    message = "This registration token is unknown, or another one has replaced it. Register again."


class Released(Expired):
    code = "released"
    message = "This installation was released. Register it again to use it."


class Revoked(Expired):
    code = "revoked"
    message = "The registration of this installation was revoked."


_ENDED = {RegistrationState.RELEASED: Released, RegistrationState.REVOKED: Revoked}


@dataclass(frozen=True, slots=True)
class Program:
    """What an installed program says of itself."""

    product: str
    installation_id: str
    machine_name: str


@dataclass(frozen=True, slots=True)
class Granted:
    """What a program is given. The token is derived, and nowhere kept."""

    registration: Registration
    registration_token: str
    serial_number: str
    licence: str
    valid_until: datetime
    next_check_at: datetime


def choose_business(session: Session, account: Account, slug: str) -> Business:
    """The one business this person owns, or which of several; the session works for it from here
    on. Raises NotAnOwner, BusinessNeeded."""
    owned = {
        each.business.slug: each.business
        for each in businesses.businesses_of(session, account.id)
        if each.member.role is Role.OWNER
    }
    if not owned:
        raise NotAnOwner
    chosen = owned.get(slug) if slug else next(iter(owned.values()))
    if chosen is None or (not slug and len(owned) > 1):
        choices = [{"slug": each.slug, "name": each.name} for each in owned.values()]
        words = f"Say for which business: {', '.join(owned)}."
        raise BusinessNeeded(
            words, fields=(FieldError("business", "choose", words),), businesses=choices
        )
    set_business(session, chosen.id)
    return chosen


def register(session: Session, program: Program, *, by: audit.Actor) -> Granted:
    """A seat for this installation; for one that has a seat, the same registration with a new
    token. Raises PaymentNeeded, NoSeatLeft."""
    business = businesses.this_business(session)
    lock(session, business)
    present = _expect_paid(session, business)
    found = queries.of_installation(session, program.installation_id)
    again = found is not None
    if found is None:
        _expect_seat(session)
        found = _new_registration(business, program, by)
        session.add(found)
    found.product, found.machine_name = program.product, program.machine_name
    found.token_generation += 1
    found.token_digest = keyring_of(session).digest(Purpose.REGISTRATION, _token(session, found))
    session.flush()
    action = "registration.repeated" if again else "registration.created"
    audit.record(session, action, found, by=by, name=found.name, product=found.product)
    _tell_owners(session, business, found)
    return _grant(session, business, found, present)


def recognise(session: Session, registration_id: uuid.UUID, token: str) -> Registration:
    """Whose token this is; the session works for its business from here on.

    Raises UnknownToken, NotFound where it is that of another registration, Released, Revoked.
    """
    found = None
    if token.isascii() and len(token) <= _LONGEST_TOKEN:
        digest = keyring_of(session).digest(Purpose.REGISTRATION, token)
        with across_businesses(session):
            found = session.scalar(select(Registration).where(Registration.token_digest == digest))
    if found is None:
        raise UnknownToken
    if found.id != registration_id:
        raise NotFound
    set_business(session, found.business_id)
    _expect_active(found)
    return found


def renew(session: Session, registration: Registration) -> Granted:
    """The serial number of the present period, a new one where it has none yet, and a new licence.

    Raises PaymentNeeded; Released or Revoked where that happened meanwhile.
    """
    lock(session, registration)
    _expect_active(registration)
    business = businesses.this_business(session)
    return _grant(session, business, registration, _expect_paid(session, business))


def rename(session: Session, registration: Registration, name: str, *, by: audit.Actor) -> None:
    if name == registration.name:
        return
    audit.record(session, "registration.renamed", registration, by=by, old=registration.name)
    registration.name = name


def end(
    session: Session, registration: Registration, state: RegistrationState, *, by: audit.Actor
) -> None:
    """Release or revoke it: the seat is free, and its token is good for nothing any more."""
    lock(session, registration)
    _expect_active(registration)
    registration.state = state
    registration.ended_at = clock.now()
    audit.record(session, f"registration.{state.value}", registration, by=by)


def as_program(registration: Registration) -> audit.Actor:
    """Who acts where the program itself does."""
    return audit.Actor(ActorKind.SYSTEM, registration.id, f"the program on {registration.name}")


def send_temporary_number(session: Session) -> bool:
    """E-mail this business the temporary number of its present period, once, unless a program is
    registered or something is to be paid."""
    business = businesses.this_business(session)
    lock(session, business)
    present = queries.present_temporary_term(session)
    if present is None or queries.seats_taken(session):
        return False
    if queries.number_of(session, None, present) is not None:
        return False
    issued = _issue(session, business, None, present)
    for owner in businesses.owners(session):
        mail.queue(
            session,
            TemporaryNumber(
                sender_name=SERVICE.name,
                slug=business.slug,
                business_name=business.name,
                number=issued.number,
                last_day=present.last_day,
            ),
            to=owner.email,
            business_id=business.id,
        )
    return True


def _expect_paid(session: Session, business: Business) -> Term:
    present = queries.present_term(session)
    if present is None:
        address = f"{settings_of(session).public_url}/manage/{business.slug}/billing"
        raise PaymentNeeded(
            f"A payment for {business.name} is due. Pay it at {address}, then try again.",
            billing_url=address,
        )
    return present


def _expect_seat(session: Session) -> None:
    seats = billing.standing(session).plan.seats
    if queries.seats_taken(session) >= seats:
        raise NoSeatLeft(
            f"All seats of the plan are taken ({seats}). Release an installation first, or choose "
            "a larger plan.",
            seats=seats,
        )


def _expect_active(registration: Registration) -> None:
    if registration.state is not RegistrationState.ACTIVE:
        raise _ENDED[registration.state]


def _new_registration(business: Business, program: Program, by: audit.Actor) -> Registration:
    return Registration(
        id=new_id(),
        business_id=business.id,
        installation_id=program.installation_id,
        name=program.machine_name,
        state=RegistrationState.ACTIVE,
        token_generation=0,
        registered_by=by.name[:200],
        created_at=clock.now(),
        seen_at=clock.now(),
    )


def _token(session: Session, registration: Registration) -> str:
    return keyring_of(session).derive(
        Purpose.REGISTRATION, registration.id, registration.token_generation
    )


def _grant(
    session: Session, business: Business, registration: Registration, present: Term
) -> Granted:
    moment = clock.now()
    registration.seen_at = moment
    issued = queries.number_of(session, registration.id, present) or _issue(
        session, business, registration, present
    )
    licence = licences.Licence(
        registration_id=registration.id,
        installation_id=registration.installation_id,
        product=registration.product,
        business=business.slug,
        serial_number=issued.number,
        paid_until=present.period_ends_at,
        valid_until=present.valid_until,
        issued_at=moment,
    )
    return Granted(
        registration=registration,
        registration_token=_token(session, registration),
        serial_number=issued.number,
        licence=licences.sign(licence, settings_of(session)),
        valid_until=present.valid_until,
        next_check_at=present.next_check_at(moment, registration.id.int),
    )


def _issue(
    session: Session, business: Business, registration: Registration | None, period: Term
) -> IssuedNumber:
    """The number of a period that has none. Whoever asks holds the lock on what it is for."""
    kind = Kind.TEMPORARY if registration is None else Kind.REGISTERED
    issued = IssuedNumber(
        id=new_id(),
        business_id=business.id,
        registration_id=registration.id if registration else None,
        number=str(SerialNumber(kind, period.last_day, secrets.randbelow(MARKS))),
        period_ends_at=period.period_ends_at,
        issued_at=clock.now(),
    )
    session.add(issued)
    session.flush()
    by = as_program(registration) if registration else audit.SYSTEM
    audit.record(
        session,
        "serial_number.issued",
        issued,
        by=by,
        number=issued.number,
        last_day=period.last_day.isoformat(),
    )
    return issued


def _tell_owners(session: Session, business: Business, registration: Registration) -> None:
    """Whoever owns the business learns of every program that was let in with a password."""
    for owner in businesses.owners(session):
        mail.queue(
            session,
            ProgramRegistered(
                sender_name=SERVICE.name,
                slug=business.slug,
                business_name=business.name,
                machine_name=registration.machine_name,
                registered_by=registration.registered_by,
            ),
            to=owner.email,
            business_id=business.id,
        )
