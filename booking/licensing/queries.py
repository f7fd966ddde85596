"""Which installations are registered, and with which numbers."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking import clock
from booking.billing import queries as billing
from booking.businesses.models import Business
from booking.database import across_businesses
from booking.errors import NotFound
from booking.licensing.models import IssuedNumber, Registration, RegistrationState
from booking.licensing.rules import LONGEST_PERIOD, Term, temporary_term, term

_SHOWN_ENDED = 20


@dataclass(frozen=True, slots=True)
class Installation:
    """A registration with its latest serial number, and until when that counts."""

    registration: Registration
    number: IssuedNumber

    @property
    def term(self) -> Term:
        return Term(self.number.period_ends_at)


def active(session: Session) -> list[Installation]:
    """Those that take a seat, oldest first."""
    rows = session.scalars(
        select(Registration)
        .where(Registration.state == RegistrationState.ACTIVE)
        .order_by(Registration.id)
    ).all()
    numbers = _latest_numbers(session, [row.id for row in rows])
    return [Installation(row, numbers[row.id]) for row in rows]


def ended(session: Session) -> list[Registration]:
    """Released and revoked ones, the last to end first; no more than a page shows."""
    return list(
        session.scalars(
            select(Registration)
            .where(Registration.state != RegistrationState.ACTIVE)
            .order_by(Registration.ended_at.desc(), Registration.id.desc())
            .limit(_SHOWN_ENDED)
        )
    )


def registration(session: Session, registration_id: uuid.UUID) -> Registration:
    """One that is active. Raises NotFound."""
    found = session.scalar(
        select(Registration).where(
            Registration.id == registration_id, Registration.state == RegistrationState.ACTIVE
        )
    )
    if found is None:
        raise NotFound
    return found


def installation(session: Session, registration_id: uuid.UUID) -> Installation:
    """One that is active. Raises NotFound."""
    found = registration(session, registration_id)
    return Installation(found, _latest_numbers(session, [found.id])[found.id])


def of_installation(session: Session, installation_id: str) -> Registration | None:
    """The active registration of that installation."""
    return session.scalar(
        select(Registration).where(
            Registration.installation_id == installation_id,
            Registration.state == RegistrationState.ACTIVE,
        )
    )


def seats_taken(session: Session) -> int:
    return session.scalars(
        select(func.count())
        .select_from(Registration)
        .where(Registration.state == RegistrationState.ACTIVE)
    ).one()


def present_term(session: Session) -> Term | None:
    """What a program of this business may be given now; None while something is to be paid."""
    standing = billing.standing(session)
    return term(standing.status, standing.covered_until, clock.now())


def present_temporary_term(session: Session) -> Term | None:
    standing = billing.standing(session)
    return temporary_term(standing.status, standing.covered_until, clock.now())


def number_of(
    session: Session, registration_id: uuid.UUID | None, period: Term
) -> IssuedNumber | None:
    """Its number in that period; without a registration, the temporary one."""
    return session.scalar(
        select(IssuedNumber).where(
            IssuedNumber.registration_id == registration_id,
            IssuedNumber.period_ends_at == period.period_ends_at,
        )
    )


def businesses_without_program(session: Session) -> list[uuid.UUID]:
    """Those that no program is registered for, and that have no temporary number of a period that
    may be the present one."""
    moment = clock.now()
    with across_businesses(session):
        registered = select(Registration.business_id).where(
            Registration.state == RegistrationState.ACTIVE
        )
        numbered = select(IssuedNumber.business_id).where(
            IssuedNumber.registration_id.is_(None),
            IssuedNumber.period_ends_at > moment,
            IssuedNumber.period_ends_at <= moment + LONGEST_PERIOD,
        )
        return list(
            session.scalars(
                select(Business.id)
                .where(Business.id.not_in(registered), Business.id.not_in(numbered))
                .order_by(Business.id)
            )
        )


def _latest_numbers(
    session: Session, registration_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID | None, IssuedNumber]:
    rows = session.scalars(
        select(IssuedNumber)
        .where(IssuedNumber.registration_id.in_(registration_ids))
        .order_by(IssuedNumber.period_ends_at)
    )
    return {row.registration_id: row for row in rows}
