"""The people every test knows: a salon, and an outsider's kennels beside it.

Built once for each kind of database, through the rooms' own verbs. The salon is open Monday to
Saturday, nine to five, New York time; client access is switched to YES in both businesses.

    happy-paws              owner Olivia, manager Mark, staff Stella (their roles)
      performers            Ana (grooming, bath), Ben (grooming)
      services              grooming: 60 minutes, $60, 15 more to tidy up; bath: 30 minutes
      clients               Jo Bright (login; Rex and Mia; one visit past, one to come)
                            Sam Stone (login; Bella), Kim Cold (an address, no login),
                            Pat Silent (a phone number only)
    the service             operator Otto, of no business
    outsiders-kennels       the same in small: owner, client with login, pet, visit
"""

import functools
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from booking.accounts.actions.operators import add_operator
from booking.accounts.actions.sign_in import open_session
from booking.accounts.models import Account, Proof, SessionKind
from booking.accounts.passwords import hash_now
from booking.audit.actions import SYSTEM
from booking.businesses import queries as businesses
from booking.businesses.actions.members import accept_member_invitation, invite_member
from booking.businesses.actions.opening import NewBusiness, create_business
from booking.businesses.models import Role
from booking.config import Settings
from booking.database import Database, keyring_of, settings_of
from booking.mail.models import OutboundEmail
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
    operator: Person
    """of the whole service, of no business"""

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
        jo = _client(session, salon, "Jo Bright", ("Rex", "Mia"), with_visits=True)
        sam = _client(session, salon, "Sam Stone", ("Bella",))
        kim = _client(session, salon, "Kim Cold", ("Fluffy",), with_login=False)
        pat = make.client(session, first_name="Pat", last_name="Silent", mobile_phone="555 0100")
        silent = KnownClient(pat.id, "Pat", "Silent", "")
    with database.writing() as session:
        kennels = _open(session, "outsiders-kennels", "Outsider's Kennels", "Oscar Outsider")
        other = _client(session, kennels, "Max Other", ("Zorro",), with_visits=True)
    with database.writing() as session:
        hashed = _hash(settings_of(session))
        otto = add_operator(
            session, email="otto@example.com", name="Otto", password_hash=hashed, by=SYSTEM
        )
    clock.set(START - timedelta(hours=1))
    with database.writing() as session:
        session.execute(delete(OutboundEmail))
        return World(
            salon=replace(salon, owner=_signed_in(session, salon.owner)),
            manager=_signed_in(session, manager),
            staff=_signed_in(session, staff),
            jo=replace(jo, login=_signed_in(session, jo.person)),
            sam=replace(sam, login=_signed_in(session, sam.person)),
            kim=kim,
            pat=silent,
            kennels=replace(kennels, owner=_signed_in(session, kennels.owner)),
            max=replace(other, login=_signed_in(session, other.person)),
            operator=_signed_in(session, _person(otto)),
        )


def _open(session: Session, slug: str, name: str, owner_name: str) -> Salon:
    business = create_business(
        session,
        NewBusiness(slug, name, SALON_ZONE, _address(owner_name), owner_name),
        password_hash=_hash(settings_of(session)),
        by=SYSTEM,
    )
    owner = businesses.owners(session)[0]
    ana = make.staff_member(session, name="Ana")
    ben = make.staff_member(session, name="Ben")
    grooming = make.service(
        session,
        name="Full grooming",
        duration_minutes=60,
        buffer_after_minutes=15,
        price_minor=6000,
    )
    bath = make.service(
        session, name="Bath", duration_minutes=30, price_minor=2500, staff_ids=[ana.id]
    )
    make.opening_hours(session)
    make.preferences(session, {"client_settings": {"allow_client_online_account_access": True}})
    return Salon(
        id=business.id,
        slug=slug,
        name=name,
        timezone=SALON_ZONE,
        owner=_person(owner),
        grooming=grooming.id,
        bath=bath.id,
        ana=ana.id,
        ben=ben.id,
    )


def _member(session: Session, name: str, role: Role) -> Person:
    invitation = invite_member(session, email=_address(name), name=name, role=role, by=SYSTEM)
    proof = session.scalars(select(Proof).where(Proof.subject_id == invitation.id)).one()
    secret = keyring_of(session).derive(Purpose.MEMBER_INVITATION, proof.id)
    joined = accept_member_invitation(
        session, secret, account=None, password_hash=_hash(settings_of(session))
    )
    assert isinstance(joined, Account)
    member = businesses.member_of(session, joined.id)
    assert member is not None
    return replace(_person(joined), member_id=member.id)


def _client(
    session: Session,
    salon: Salon,
    name: str,
    pets: tuple[str, ...],
    *,
    with_login: bool = True,
    with_visits: bool = False,
) -> KnownClient:
    first_name, _, last_name = name.partition(" ")
    client = make.client(session, first_name=first_name, last_name=last_name, email=_address(name))
    pet_ids = tuple(make.pet(session, client, name=pet).id for pet in pets)
    login = (
        make.login(session, client, password_hash=_hash(settings_of(session)))
        if with_login
        else None
    )
    visits = [
        make.appointment(session, client, salon.grooming, salon.ana, starts_at).id
        for starts_at in (VISIT_PAST, VISIT_TO_COME)
        if with_visits
    ]
    past, to_come = visits or (None, None)
    return KnownClient(
        id=client.id,
        first_name=first_name,
        last_name=last_name,
        email=client.email,
        pet_ids=pet_ids,
        login=_person(login) if login else None,
        past_visit_id=past,
        visit_id=to_come,
    )


def _person(account: Account) -> Person:
    return Person(account.id, account.name, account.email, token="", cookie="")


def _signed_in(session: Session, person: Person) -> Person:
    account = session.get_one(Account, person.account_id)
    token, _ = open_session(session, account, kind=SessionKind.API, device="a test", days=60)
    cookie, _ = open_session(session, account, kind=SessionKind.BROWSER, device="a test", days=60)
    return replace(person, token=token, cookie=cookie)


def _address(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@example.com"


@functools.cache
def _hash(settings: Settings) -> str:
    """One for everybody: it takes some fifty milliseconds."""
    return hash_now(settings, PASSWORD)
