"""Who looks at a page, for which business, and in what kind of transaction.

Sessions are server-side; the browser holds a `__Host-` cookie (in development, without HTTPS, one
of another name). Staff have one cookie for the whole service, pet owners one for each business.
"""

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request, Response

from booking import gate
from booking.accounts.actions import sign_in as accounts
from booking.accounts.models import Account
from booking.accounts.queries import is_operator
from booking.audit.actions import VISITOR, Actor
from booking.audit.models import ActorKind
from booking.businesses import queries as businesses
from booking.businesses.models import Business, Member, Role
from booking.database import set_business
from booking.dependencies import Reading, Writing, settings_of
from booking.errors import NotAllowed, NotFound
from booking.preferences import actions as preferences
from booking.preferences.rules import Preferences

_EVERY_ROLE = frozenset(Role)
_MANAGERS = frozenset({Role.OWNER, Role.MANAGER})
_OWNERS = frozenset({Role.OWNER})


class SentToSignIn(Exception):
    """This page needs a sign-in; the answer is a redirect to it."""

    def __init__(self, path: str) -> None:
        self.path = path


class VisitorKind(StrEnum):
    ANYONE = "anyone"
    CLIENT = "client"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Visitor:
    session: Reading
    business: Business
    kind: VisitorKind
    actor: Actor
    account: Account | None = None
    member: Member | None = None
    sign_in_id: uuid.UUID | None = None

    @property
    def signed_in(self) -> Account:
        """The account of a visitor whose dependency has already sent strangers to sign in."""
        if self.account is None:
            raise SentToSignIn("/manage/sign-in")
        return self.account

    @property
    def preferences(self) -> Preferences:
        return preferences.current(self.session)


def staff_cookie(request: Request) -> str:
    return "__Host-manage" if settings_of(request).production else "manage"


def client_cookie(request: Request, slug: str) -> str:
    return f"__Host-visit-{slug}" if settings_of(request).production else f"visit-{slug}"


def set_cookie(response: Response, request: Request, name: str, value: str, days: float) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(days * 86_400),
        path="/",
        secure=settings_of(request).production,
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, request: Request, name: str) -> None:
    response.delete_cookie(
        name, path="/", secure=settings_of(request).production, httponly=True, samesite="lax"
    )


def staff_account(session: Reading, request: Request) -> tuple[Account, uuid.UUID] | None:
    """The staff account of this browser, with the id of its sign-in."""
    found = _signed_in(session, request.cookies.get(staff_cookie(request)))
    return found if found and found[0].business_id is None else None


def client_account(
    session: Reading, request: Request, business: Business
) -> tuple[Account, uuid.UUID] | None:
    """The pet owner's account of this browser at that business, while client access is on."""
    found = _signed_in(session, request.cookies.get(client_cookie(request, business.slug)))
    if found is None or found[0].business_id != business.id:
        return None
    is_open = preferences.current(session).client_settings.allow_client_online_account_access
    return found if is_open else None


def _signed_in(session: Reading, token: str | None) -> tuple[Account, uuid.UUID] | None:
    found = accounts.session_of(session, token) if token else None
    return (found[1], found[0].id) if found else None


def member_of_page(
    session: Reading, request: Request, slug: str, roles: frozenset[Role]
) -> Visitor:
    found = staff_account(session, request)
    if found is None:
        raise SentToSignIn(f"/manage/sign-in?next={_here(request)}")
    account, sign_in_id = found
    business = businesses.by_slug(session, slug)
    if business is None:
        raise NotFound
    set_business(session, business.id)
    member = businesses.member_of(session, account.id)
    if member is None:
        raise NotFound
    if member.role not in roles:
        raise NotAllowed("Your role does not include this page. Ask an owner or manager.")
    gate.expect_open(session, request, for_staff=True)
    actor = Actor(ActorKind.STAFF, account.id, account.name or account.email)
    return Visitor(session, business, VisitorKind.STAFF, actor, account, member, sign_in_id)


def owner_of_page(session: Reading, request: Request, slug: str) -> Visitor:
    """For the pages that ask the payment processor between their transactions."""
    return member_of_page(session, request, slug, _OWNERS)


def site_visitor(session: Reading, request: Request, slug: str) -> Visitor:
    business = businesses.by_slug(session, slug)
    if business is None:
        raise NotFound
    set_business(session, business.id)
    gate.expect_open(session, request)
    found = client_account(session, request, business)
    if found is None:
        return Visitor(session, business, VisitorKind.ANYONE, VISITOR)
    account, sign_in_id = found
    actor = Actor(ActorKind.CLIENT, account.id, account.name or account.email)
    return Visitor(session, business, VisitorKind.CLIENT, actor, account, None, sign_in_id)


def person(session: Reading, request: Request, slug: str) -> Visitor:
    visitor = site_visitor(session, request, slug)
    if visitor.account is None:
        raise SentToSignIn(f"/{slug}/sign-in?next={_here(request)}")
    return visitor


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who runs the whole service; no business is theirs by that."""

    session: Reading
    account: Account
    actor: Actor


def _operator(session: Reading, request: Request) -> Operator:
    """To everybody else these pages are not there."""
    found = staff_account(session, request)
    if found is None:
        raise SentToSignIn(f"/manage/sign-in?next={_here(request)}")
    account = found[0]
    if not is_operator(session, account.id):
        raise NotFound
    name = account.name or account.email
    return Operator(session, account, Actor(ActorKind.STAFF, account.id, name))


def _here(request: Request) -> str:
    """Where to come back to: only a page that can be looked at again."""
    if request.method != "GET":
        return quote(request.url.path.rsplit("/", 1)[0] or "/", safe="/")
    query = f"?{request.url.query}" if request.url.query else ""
    return quote(f"{request.url.path}{query}", safe="/")


def _operator_reads(session: Reading, request: Request) -> Operator:
    return _operator(session, request)


def _operator_writes(session: Writing, request: Request) -> Operator:
    return _operator(session, request)


def _member_reads(session: Reading, request: Request, slug: str) -> Visitor:
    return member_of_page(session, request, slug, _EVERY_ROLE)


def _member_writes(session: Writing, request: Request, slug: str) -> Visitor:
    return member_of_page(session, request, slug, _EVERY_ROLE)


def _manager_reads(session: Reading, request: Request, slug: str) -> Visitor:
    return member_of_page(session, request, slug, _MANAGERS)


def _manager_writes(session: Writing, request: Request, slug: str) -> Visitor:
    return member_of_page(session, request, slug, _MANAGERS)


def _owner_writes(session: Writing, request: Request, slug: str) -> Visitor:
    return member_of_page(session, request, slug, _OWNERS)


def _person_reads(session: Reading, request: Request, slug: str) -> Visitor:
    return person(session, request, slug)


def _person_writes(session: Writing, request: Request, slug: str) -> Visitor:
    return person(session, request, slug)


def _site_reads(session: Reading, request: Request, slug: str) -> Visitor:
    return site_visitor(session, request, slug)


def _site_writes(session: Writing, request: Request, slug: str) -> Visitor:
    return site_visitor(session, request, slug)


OperatorReads = Annotated[Operator, Depends(_operator_reads)]
OperatorWrites = Annotated[Operator, Depends(_operator_writes)]
MemberReads = Annotated[Visitor, Depends(_member_reads)]
MemberWrites = Annotated[Visitor, Depends(_member_writes)]
ManagerReads = Annotated[Visitor, Depends(_manager_reads)]
ManagerWrites = Annotated[Visitor, Depends(_manager_writes)]
OwnerReads = Annotated[Visitor, Depends(owner_of_page)]
OwnerWrites = Annotated[Visitor, Depends(_owner_writes)]
PersonReads = Annotated[Visitor, Depends(_person_reads)]
PersonWrites = Annotated[Visitor, Depends(_person_writes)]
SiteReads = Annotated[Visitor, Depends(_site_reads)]
SiteWrites = Annotated[Visitor, Depends(_site_writes)]
