"""What all ways to a client's login share: the business, its switch, and the answers."""

import uuid
from datetime import datetime

from fastapi import Request
from pydantic import BaseModel

from booking.accounts.actions import sign_in
from booking.accounts.models import Account, SessionKind
from booking.accounts.rules import device_name
from booking.api.idempotent import session_token
from booking.appointments.actions.attach import adopt
from booking.businesses import queries as businesses
from booking.businesses.models import Business
from booking.clients.models import Client
from booking.clients.queries import pets_of
from booking.database import set_business
from booking.dependencies import Reading, Writing
from booking.errors import NotFound
from booking.linking.actions.entry import check_access
from booking.linking.actions.records import actor_of
from booking.preferences.actions import current


class AccountOut(BaseModel):
    id: uuid.UUID
    email: str


class KnownClientOut(BaseModel):
    """As much as a person needs to recognise a record of theirs."""

    id: uuid.UUID
    first_name: str
    pets: list[str]


class ClientSession(BaseModel):
    token: str
    expires_at: datetime
    account: AccountOut


class Accepted(BaseModel):
    """What was asked for is done, or not: the answer is the same."""

    state: str = "sent"


def at_business(session: Reading, slug: str) -> Business:
    """The session works for that business from here on. Raises NotFound."""
    business = businesses.by_slug(session, slug)
    if business is None:
        raise NotFound
    set_business(session, business.id)
    return business


def at_open_business(session: Reading, slug: str) -> Business:
    """The same, where clients have logins. Raises ClientAccessOff."""
    business = at_business(session, slug)
    check_access(session)
    return business


def known_clients(session: Reading, found: list[Client]) -> list[KnownClientOut]:
    pets = pets_of(session, [client.id for client in found])
    return [
        KnownClientOut(
            id=client.id, first_name=client.first_name, pets=[pet.name for pet in pets[client.id]]
        )
        for client in found
    ]


def adopt_visits(session: Writing, account: Account, linked: list[Client]) -> None:
    """The mailbox is proved: what its owner booked as a guest belongs to their record now."""
    for client in linked[:1]:
        adopt(session, client, account.email_key, by=actor_of(account))


def sign_in_now(session: Writing, request: Request, account: Account) -> ClientSession:
    """A new session; a repeat of the request under the same key opens another one."""
    days = current(session).client_settings.session_days
    token, opened = sign_in.open_session(
        session,
        account,
        kind=SessionKind.API,
        device=device_name(request.headers.get("user-agent", "")),
        days=days,
    )
    session_token(request, account.id, days)
    return ClientSession(
        token=token,
        expires_at=opened.expires_at,
        account=AccountOut(id=account.id, email=account.email),
    )
