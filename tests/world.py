"""The people every test knows: a salon, and an outsider's kennels beside it.

Built once for each kind of database, through the rooms' own verbs. The salon is open Monday to
Saturday, nine to five, New York time; client access is switched to YES in both businesses.

    happy-paws              owner Olivia, manager Mark, staff Stella (their roles)
      performers            Ana (grooming, bath), Ben (grooming)
      services              grooming: 60 minutes, $60, a quarter of an hour between; bath: 30 minutes
      clients               Jo Bright (login; Rex and Mia; one visit past, one to come)
                            Sam Stone (login; Bella), Kim Cold (an address, no login),
                            Pat Silent (a phone number only)
    outsiders-kennels       the same in small: owner, client with login, pet, visit
"""

import functools
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from booking.accounts.actions import sign_in
from booking.accounts.models import Account, SessionKind
from booking.accounts.passwords import hash_now
from booking.businesses import queries as businesses
from booking.businesses.actions.members import accept_member_invitation, invite_member
from booking.businesses.actions.opening import NewBusiness, create_business
from booking.businesses.models import Role
from booking.catalogue.models import Service, StaffMember
from booking.clients.models import Client
from booking.config import Settings
from booking.database import Database, set_business, settings_of
from booking.errors import Refusal
from booking.mail import actions as mail
from booking.tokens import Purpose
from tests import make
from tests.times import START, Clock

PASSWORD = "seven wet otters on a raft"

SALON_ZONE = "America/New_York"
VISIT_PAST = datetime.fromisoformat("2027-02-25T10:00:00-05:00")
VISIT_TO_COME = datetime.fromisoformat("2027-03-03T10:00:00-05:00")
"""Wednesday of the week in which tests begin, ten o'clock in New York"""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who signs in, and is signed in already: `token` for the API, `cookie` for pages."""

    account_id: uuid.UUID
    name: str
    email: str
    token: str
    cookie: str
    member_id: uuid.UUID | None = None
    password: str = PASSWORD


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A client record; `login` where the person has one."""

    id: uuid.UUID
    first_name: str
    last_name: str
    email: str
    pet_ids: tuple[uuid.UUID, ...] = ()
    login: Person | None = None
    past_visit_id: uuid.UUID | None = None
    visit_id: uuid.UUID | None = None
    """the appointment to come"""

    @property
    def person(self) -> Person:
        assert self.login is not None, f"{self.first_name} has no login"
        return self.login

    @property
    def visit(self) -> uuid.UUID:
        assert self.visit_id is not None, f"{self.first_name} has no visit to come"
        return self.visit_id


@dataclass(frozen=True, slots=True)
class Salon:
    """A business with all that a booking needs."""

    id: uuid.UUID
    slug: str
    name: str
    timezone: str
    owner: Person
    grooming: uuid.UUID
    bath: uuid.UUID
    ana: uuid.UUID
    ben: uuid.UUID


@dataclass(frozen=True, slots=True)
class World:
    salon: Salon
    manager: Person
    staff: Person
    jo: KnownClient
    sam: KnownClient
    kim: KnownClient
    pat: KnownClient
    kennels: Salon
    """the outsider's business"""
    max: KnownClient
    """the outsider's client, with a login there"""

    @property
    def owner(self) -> Person:
        return self.salon.owner

    @property
    def outsider(self) -> Person:
        return self.kennels.owner


def build(database: Database, clock: Clock) -> World:
    """The clock stands ten days before the tests begin, and is moved to their eve."""
    with database.writing() as session:
        salon = _open(session, "happy-paws", "Happy Paws", "Olivia Owner")
        manager = _member(session, "Mark Manager", Role.MANAGER)
        staff = _member(session, "Stella Staff", Role.STAFF)
        jo = _client(session, "Jo", "Bright", ("Rex", "Mia"), visits_of=salon)
        sam = _client(session, "Sam", "Stone", ("Bella",))
        kim = _client(session, "Kim", "Cold", ("Fluffy",), login=False)
        pat = make.client(session, first_name="Pat", last_name="Silent", mobile_phone="555 0100")
        pat_known = KnownClient(pat.id, "Pat", "Silent", "")
    with database.writing() as session:
        kennels = _open(session, "outsiders-kennels", "Outsider's Kennels", "Oscar Outsider")
        outsiders = _client(session, "Max", "Other", ("Zorro",), visits_of=kennels)
    clock.set(START - timedelta(hours=1))
    with database.writing() as session:
        _drop_mail(session)
        people = [
            _signed_in(session, person)
            for person in (
                salon.owner,
                manager,
                staff,
                jo.person,
                sam.person,
                kennels.owner,
                outsiders.person,
            )
        ]
    owner, manager, staff, jo_login, sam_login, outsider, max_login = people
    return World(
        salon=_replaced(salon, owner=owner),
        manager=manager,
        staff=staff,
        jo=_replaced(jo, login=jo_login),
        sam=_replaced(sam, login=sam_login),
        kim=kim,
        pat=pat_known,
        kennels=_replaced(kennels, owner=outsider),
        max=_replaced(outsiders, login=max_login),
    )
