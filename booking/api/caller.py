"""Who calls the API, for which business, and in what kind of transaction.

The tenant comes from the path and must agree with the token. Somebody else's business is not
found, exactly like one that does not exist.
"""

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request

from booking import gate
from booking.accounts.actions import sign_in as accounts
from booking.accounts.models import Account
from booking.accounts.queries import is_operator
from booking.audit.actions import VISITOR, Actor
from booking.audit.models import ActorKind
from booking.businesses import queries as businesses
from booking.businesses.models import Business, Member, Role
from booking.database import set_business
from booking.dependencies import Reading, Writing, writable
from booking.errors import NotAllowed, NotFound, SignInNeeded
from booking.preferences import actions as preferences


class CallerKind(StrEnum):
    ANYONE = "anyone"
    CLIENT = "client"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Caller:
    session: Reading
    business: Business
    kind: CallerKind
    actor: Actor
    account: Account | None = None
    member: Member | None = None
    sign_in_id: uuid.UUID | None = None

    @property
    def signed_in(self) -> Account:
        """The account of a caller whose dependency has already refused strangers."""
        if self.account is None:
            raise SignInNeeded
        return self.account


def bearer(request: Request) -> str | None:
    """The token of the Authorization header, or None where there is none."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise SignInNeeded("Send the header Authorization: Bearer TOKEN.")
    return token.strip()


def signed_in(session: Reading, request: Request) -> tuple[Account, uuid.UUID]:
    """The account of the token and the id of its sign-in. Raises SignInNeeded."""
    token = bearer(request)
    found = accounts.session_of(session, token) if token else None
    if found is None:
        raise SignInNeeded("This token is unknown or has ended. Please sign in.")
    sign_in, account = found
    if accounts.is_worth_noting(sign_in):
        with writable(request, session) as own:
            accounts.note_seen(own, sign_in.id)
    return account, sign_in.id


def _staff(session: Reading, request: Request, slug: str, roles: frozenset[Role]) -> Caller:
    account, sign_in_id = signed_in(session, request)
    business = businesses.by_slug(session, slug)
    if business is None:
        raise NotFound
    if account.business_id == business.id:
        raise NotAllowed("This is for the people who run the business.")
    if account.business_id is not None:
        raise NotFound
    set_business(session, business.id)
    member = businesses.member_of(session, account.id)
    if member is None:
        raise NotFound
    if member.role not in roles:
        raise NotAllowed("Your role does not include this. Ask an owner or manager.")
    gate.expect_open(session, request, for_staff=True)
    actor = Actor(ActorKind.STAFF, account.id, account.name or account.email)
    return Caller(session, business, CallerKind.STAFF, actor, account, member, sign_in_id)


def _client(session: Reading, request: Request, slug: str) -> Caller:
    account, sign_in_id = signed_in(session, request)
    business = businesses.by_slug(session, slug)
    if business is None or account.business_id not in (business.id, None):
        raise NotFound
    set_business(session, business.id)
    if account.business_id is None:
        if businesses.member_of(session, account.id) is None:
            raise NotFound
        raise NotAllowed("This is for clients; you are signed in as staff.")
    if not preferences.current(session).client_settings.allow_client_online_account_access:
        raise SignInNeeded("Client accounts are switched off at the moment.")
    gate.expect_open(session, request)
    actor = Actor(ActorKind.CLIENT, account.id, account.name or account.email)
    return Caller(session, business, CallerKind.CLIENT, actor, account, None, sign_in_id)


def _anyone(session: Reading, request: Request, slug: str) -> Caller:
    if bearer(request) is not None:
        account, _ = signed_in(session, request)
        if account.business_id is not None:
            return _client(session, request, slug)
        return _staff(session, request, slug, frozenset(Role))
    business = businesses.by_slug(session, slug)
    if business is None:
        raise NotFound
    set_business(session, business.id)
    gate.expect_open(session, request)
    return Caller(session, business, CallerKind.ANYONE, VISITOR)


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who runs the whole service; no business is theirs by that."""

    session: Writing
    actor: Actor


def _operator_writes(session: Writing, request: Request) -> Operator:
    account, _ = signed_in(session, request)
    if not is_operator(session, account.id):
        raise NotAllowed("This is for the operators of the service.")
    return Operator(session, Actor(ActorKind.STAFF, account.id, account.name or account.email))


_EVERY_ROLE = frozenset(Role)
_MANAGERS = frozenset({Role.OWNER, Role.MANAGER})
_OWNERS = frozenset({Role.OWNER})


def _staff_reads(session: Reading, request: Request, slug: str) -> Caller:
    return _staff(session, request, slug, _EVERY_ROLE)


def _staff_writes(session: Writing, request: Request, slug: str) -> Caller:
    return _staff(session, request, slug, _EVERY_ROLE)


def _manager_reads(session: Reading, request: Request, slug: str) -> Caller:
    return _staff(session, request, slug, _MANAGERS)


def _manager_writes(session: Writing, request: Request, slug: str) -> Caller:
    return _staff(session, request, slug, _MANAGERS)


def _owner_reads(session: Reading, request: Request, slug: str) -> Caller:
    return _staff(session, request, slug, _OWNERS)


def _owner_writes(session: Writing, request: Request, slug: str) -> Caller:
    return _staff(session, request, slug, _OWNERS)


def _client_reads(session: Reading, request: Request, slug: str) -> Caller:
    return _client(session, request, slug)


def _client_writes(session: Writing, request: Request, slug: str) -> Caller:
    return _client(session, request, slug)


def _visitor_reads(session: Reading, request: Request, slug: str) -> Caller:
    return _anyone(session, request, slug)


def _visitor_writes(session: Writing, request: Request, slug: str) -> Caller:
    return _anyone(session, request, slug)


OperatorWrites = Annotated[Operator, Depends(_operator_writes)]
StaffReads = Annotated[Caller, Depends(_staff_reads)]
StaffWrites = Annotated[Caller, Depends(_staff_writes)]
ManagerReads = Annotated[Caller, Depends(_manager_reads)]
ManagerWrites = Annotated[Caller, Depends(_manager_writes)]
OwnerReads = Annotated[Caller, Depends(_owner_reads)]
OwnerWrites = Annotated[Caller, Depends(_owner_writes)]
ClientReads = Annotated[Caller, Depends(_client_reads)]
ClientWrites = Annotated[Caller, Depends(_client_writes)]
VisitorReads = Annotated[Caller, Depends(_visitor_reads)]
VisitorWrites = Annotated[Caller, Depends(_visitor_writes)]


def staff_caller(session: Reading, request: Request, slug: str) -> Caller:
    """For endpoints that open their own transaction (those that hash a password)."""
    return _staff(session, request, slug, _EVERY_ROLE)


def client_caller(session: Reading, request: Request, slug: str) -> Caller:
    return _client(session, request, slug)


def visitor_caller(session: Reading, request: Request, slug: str) -> Caller:
    return _anyone(session, request, slug)


def owner_caller(session: Reading, request: Request, slug: str) -> Caller:
    """For the endpoint that asks the payment processor between its transactions."""
    return _staff(session, request, slug, _OWNERS)
