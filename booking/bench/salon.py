"""Salons of a benchmark: five staff, a diary booked to 55 % for thirty days, and years of history.

What is few is made by the rooms' own verbs; appointments and clients are laid in as rows.
"""

import random
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Self

from sqlalchemy import insert
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts.actions.sign_in import open_session
from booking.accounts.models import SessionKind
from booking.appointments.models import Appointment, AppointmentState, BookedBy
from booking.audit.actions import SYSTEM
from booking.availability import actions as calendar
from booking.availability.actions import Hours
from booking.availability.models import Busy
from booking.bench import tables
from booking.businesses.actions.opening import NewBusiness, create_business
from booking.catalogue import actions as catalogue
from booking.catalogue.actions import ServiceDetails, StaffDetails
from booking.clients.actions import link
from booking.clients.models import Client, ClientStatus, LinkedBy
from booking.config import Settings
from booking.database import Database, new_id
from booking.linking.actions.sign_up import make_account
from booking.preferences.actions import change

ZONE = "America/New_York"
DAYS = 30
OPEN_MINUTE, CLOSE_MINUTE = 9 * 60, 18 * 60
VISIT_MINUTES = 45
STEP_MINUTES = 15
STAFF = 5
BOOKED = 0.55
_HISTORY_DAYS = 730
_CHUNK = 10_000
_VISITS_PER_CLIENT = 20
TO_COME = 3
"""visits to come of the client who signs in"""


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked, and of whom; as text, for it goes to other processes as JSON."""

    database_url: str
    appointments: int
    slug: str
    business_id: str
    service_id: str
    staff_ids: tuple[str, ...]
    client_token: str
    first: str
    last: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        return cls(**told)


@dataclass(frozen=True, slots=True)
class _Salon:
    """One of the businesses, as its rows need it."""

    business_id: uuid.UUID
    service_id: uuid.UUID
    staff_ids: tuple[uuid.UUID, ...]
    client_ids: tuple[uuid.UUID, ...]


def build(settings: Settings, appointments: int) -> Workload:
    """As many appointments in an empty database, in as many salons as two years of history need."""
    tables.create(settings)
    database = Database(settings)
    chance = random.Random(2026)  # noqa: S311 - the same diary in each run
    first = clock.to_local(clock.now(), ZONE).date() + timedelta(days=2)
    workload, made, number = None, 0, 0
    while made < appointments:
        with database.writing() as session:
            salon, token = _open(session, number)
            visits = islice(_visits(salon, first, chance), appointments - made)
            made += _lay_in(session, salon, visits, chance)
        number += 1
        workload = workload or _workload(settings, salon, token, first, appointments)
    database.engine.dispose()
    tables.guard(settings)
    assert workload is not None
    return workload


def _workload(
    settings: Settings, salon: _Salon, token: str, first: date, appointments: int
) -> Workload:
    return Workload(
        database_url=settings.sqlalchemy_url,
        appointments=appointments,
        slug="salon-0",
        business_id=str(salon.business_id),
        service_id=str(salon.service_id),
        staff_ids=tuple(str(one) for one in salon.staff_ids),
        client_token=token,
        first=first.isoformat(),
        last=(first + timedelta(days=DAYS - 1)).isoformat(),
    )


def _open(session: Session, number: int) -> tuple[_Salon, str]:
    """A salon with a first client who has a login, and the token of that login."""
    slug = f"salon-{number}"
    new = NewBusiness(slug, f"Salon {number}", ZONE, f"owner@{slug}.example", "Olive Owner")
    business = create_business(session, new, password_hash=None, by=SYSTEM)
    week = [Hours(weekday=d, start_minute=OPEN_MINUTE, end_minute=CLOSE_MINUTE) for d in range(5)]
    calendar.set_opening_hours(session, week, by=SYSTEM)
    staff = [
        catalogue.add_staff_member(session, StaffDetails(name=f"Groomer {n}"), by=SYSTEM)
        for n in range(STAFF)
    ]
    session.flush()
    for member in staff:
        calendar.set_staff_hours(session, member, week, by=SYSTEM)
    details = ServiceDetails(name="Bath and brush", duration_minutes=VISIT_MINUTES)
    service = catalogue.add_service(session, details, by=SYSTEM)
    patch = {
        "client_settings": {"allow_client_online_account_access": True},
        "booking_window": {"slot_interval_minutes": STEP_MINUTES},
    }
    change(session, patch, expected_version=1, by=SYSTEM)
    client_ids = _clients(session, business.id)
    account = make_account(session, email=f"ann@{slug}.example", name="Ann", password_hash=None)
    client = session.get_one(Client, client_ids[0])
    link(session, client, account.id, linked_by=LinkedBy.INVITATION, by=SYSTEM)
    token, _ = open_session(session, account, kind=SessionKind.API, device="bench", days=30)
    return _Salon(business.id, service.id, tuple(one.id for one in staff), client_ids), token


def _clients(session: Session, business_id: uuid.UUID) -> tuple[uuid.UUID, ...]:
    now = clock.now()
    rows = [
        {
            "id": new_id(),
            "business_id": business_id,
            "first_name": "Ann",
            "last_name": f"Number {number}",
            "email": f"ann.{number}@mail.example",
            "email_key": f"ann.{number}@mail.example",
            "status": ClientStatus.ACTIVE,
            "created_at": now,
            "updated_at": now,
        }
        for number in range(1_000)
    ]
    session.execute(insert(Client.__table__), rows)  # type: ignore[arg-type]
    return tuple(row["id"] for row in rows)  # type: ignore[misc]


def _visits(
    salon: _Salon, first: date, chance: random.Random
) -> Iterator[tuple[uuid.UUID, datetime, bool]]:
    """(staff, start, whether it is to come): the days asked for first, then back through the past.

    A visit of 45 minutes or a gap of 15, so often that 55 % of the time is booked.
    """
    ahead = [first + timedelta(days=n) for n in range(DAYS)]
    past = [first - timedelta(days=n) for n in range(3, _HISTORY_DAYS)]
    a_visit = BOOKED * STEP_MINUTES / (VISIT_MINUTES - BOOKED * (VISIT_MINUTES - STEP_MINUTES))
    for day in ahead + past:
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the salon's wall clock
        for staff_id in salon.staff_ids if day.weekday() < 5 else ():
            minute = OPEN_MINUTE
            while minute + VISIT_MINUTES <= CLOSE_MINUTE:
                if chance.random() < a_visit:
                    local = midnight + timedelta(minutes=minute)
                    yield staff_id, clock.to_utc(local, ZONE), day >= first
                    minute += VISIT_MINUTES
                else:
                    minute += STEP_MINUTES


def _lay_in(
    session: Session,
    salon: _Salon,
    visits: Iterator[tuple[uuid.UUID, datetime, bool]],
    chance: random.Random,
) -> int:
    made, of_first = 0, 0
    while chunk := list(islice(visits, _CHUNK)):
        rows = []
        for staff_id, starts, is_to_come in chunk:
            of_the_first = of_first < (TO_COME if is_to_come else _VISITS_PER_CLIENT)
            of_first += of_the_first
            client_id = salon.client_ids[0] if of_the_first else chance.choice(salon.client_ids[1:])
            rows.append(_row(salon, staff_id, starts, client_id))
        session.execute(insert(Appointment.__table__), rows)  # type: ignore[arg-type]
        session.execute(
            insert(Busy.__table__),  # type: ignore[arg-type]
            [
                {
                    "appointment_id": row["id"],
                    **{name: row[name] for name in ("business_id", "staff_id")},
                    **{name: row[name] for name in ("starts_at", "ends_at")},
                }
                for row in rows
            ],
        )
        made += len(rows)
    return made


def _row(
    salon: _Salon, staff_id: uuid.UUID, starts: datetime, client_id: uuid.UUID
) -> dict[str, Any]:
    is_past = starts < datetime.now(UTC)
    return {
        "id": new_id(),
        "business_id": salon.business_id,
        "state": AppointmentState.COMPLETED if is_past else AppointmentState.CONFIRMED,
        "starts_at": starts,
        "ends_at": starts + timedelta(minutes=VISIT_MINUTES),
        "service_id": salon.service_id,
        "staff_id": staff_id,
        "client_id": client_id,
        "service_name": "Bath and brush",
        "currency": "USD",
        "first_name": "Ann",
        "last_name": "Number",
        "email": "ann@mail.example",
        "email_key": "ann@mail.example",
        "mobile_phone": "(555) 010-2030",
        "pets": [{"id": None, "name": "Bruno", "species": "dog", "breed": "Labrador"}],
        "booked_by": BookedBy.CLIENT,
        "created_at": starts,
        "updated_at": starts,
    }
