"""Invitations: whom they would reach, each by itself, and the link as the invited person has it."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import Path, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict

from booking import gate
from booking.accounts.actions import sign_in
from booking.accounts.models import Account
from booking.accounts.passwords import Hashing, check_new
from booking.accounts.queries import find_account
from booking.accounts.rules import CLIENT_MINIMUM, masked
from booking.api.caller import StaffReads, StaffWrites, bearer
from booking.api.client_access import (
    ClientSession,
    KnownClientOut,
    adopt_visits,
    known_clients,
    sign_in_now,
)
from booking.api.idempotent import IdempotentRoute
from booking.api.resource import resource
from booking.clients.models import Client
from booking.clients.queries import find
from booking.dependencies import Reading, client_ip, database_of
from booking.errors import SignInNeeded
from booking.fields import Password
from booking.gate import stays_open
from booking.invitations import queries
from booking.invitations.actions import links
from booking.invitations.models import Invitation
from booking.linking.actions.sign_up import AccountExists, PasswordNeeded
from booking.rate_limit import Limit, Limiter

router = resource(tag="invitations", route_class=IdempotentRoute)

Token = Annotated[str, Path(min_length=1, max_length=200)]


class PreviewOut(BaseModel):
    """Every client not invited counts under the first reason that applies."""

    recipients: int
    skipped: dict[str, int]


class InvitedOut(BaseModel):
    id: uuid.UUID
    first_name: str
    last_name: str
    email: str


class InvitationOut(BaseModel):
    """Never with its link: that is for the mailbox alone. `email` is where it was sent, empty
    before; `reason` says why it was skipped, or what the mail server said. It may have arrived
    twice when it was sent again because nobody knows whether the first copy arrived."""

    id: uuid.UUID
    campaign_id: uuid.UUID
    client: InvitedOut
    state: str
    reason: str
    email: str
    sent_at: datetime | None
    opened_at: datetime | None
    accepted_at: datetime | None
    expires_at: datetime | None
    reminded_at: datetime | None
    may_have_arrived_twice: bool


class BusinessName(BaseModel):
    slug: str
    name: str


class OpenInvitationOut(BaseModel):
    business: BusinessName
    first_name: str
    email_hint: str
    expires_at: datetime


class AcceptIn(BaseModel):
    """Whoever is signed in with the invited address needs no password. The address itself is that
    of the invitation and nobody else's."""

    model_config = ConfigDict(extra="forbid")

    password: Password | None = None


class AcceptOut(ClientSession):
    clients: list[KnownClientOut]
    candidates: list[KnownClientOut]


def invitation_out(row: Invitation, client: Client, state: str) -> InvitationOut:
    return InvitationOut(
        id=row.id,
        campaign_id=row.campaign_id,
        client=InvitedOut(
            id=client.id,
            first_name=client.first_name,
            last_name=client.last_name,
            email=client.email,
        ),
        state=state,
        reason=row.reason,
        email=row.email or "",
        sent_at=row.sent_at,
        opened_at=row.opened_at,
        accepted_at=row.accepted_at,
        expires_at=row.expires_at,
        reminded_at=row.reminded_at,
        may_have_arrived_twice=row.repeated,
    )


@router.get("/businesses/{slug}/invitations/preview")
def preview(caller: StaffReads) -> PreviewOut:
    found = queries.preview(caller.session)
    return PreviewOut(recipients=found.recipients, skipped=found.skipped)


@router.post("/businesses/{slug}/invitations/{invitation_id}/resend")
def resend(caller: StaffWrites, invitation_id: uuid.UUID) -> InvitationOut:
    row = queries.invitation(caller.session, invitation_id)
    links.resend(caller.session, row, by=caller.actor)
    return invitation_out(row, find(caller.session, row.client_id), row.state.value)


@router.post("/businesses/{slug}/invitations/{invitation_id}/revoke")
@stays_open
def revoke(caller: StaffWrites, invitation_id: uuid.UUID) -> InvitationOut:
    row = queries.invitation(caller.session, invitation_id)
    links.revoke(caller.session, row, by=caller.actor)
    return invitation_out(row, find(caller.session, row.client_id), row.state.value)


@router.get("/invitations/{token}")
def open_invitation(session: Reading, request: Request, token: Token) -> OpenInvitationOut:
    """Changes nothing: mail scanners open links."""
    _limit(request)
    opened = links.open_invitation(session, token)
    row = opened.invitation
    assert row.expires_at is not None
    return OpenInvitationOut(
        business=BusinessName(slug=opened.business.slug, name=opened.business.name),
        first_name=opened.client.first_name,
        email_hint=masked(row.email or opened.client.email),
        expires_at=row.expires_at,
    )


@router.post("/invitations/{token}/accept", status_code=201)
async def accept(request: Request, token: Token, body: AcceptIn | None = None) -> AcceptOut:
    """Which business it is for, the token alone decides."""
    password = body.password if body else None
    hashing: Hashing = request.app.state.hashing
    hashing.expect_room()
    await run_in_threadpool(_check, request, token, password)
    password_hash = await hashing.hash(password) if password else None
    return await run_in_threadpool(_accept, request, token, password_hash)


def _check(request: Request, token: str, password: str | None) -> None:
    """What can be refused before hashing: a dead link, a login already there, a weak password."""
    _limit(request)
    with database_of(request).reading() as session:
        here = _bearer_account(session, request)
        opened = links.open_invitation(session, token)
        row, business = opened.invitation, opened.business
        known = find_account(session, business_id=business.id, email_key=row.email_key)
        if known is not None:
            if here is None or here.id != known.id:
                raise AccountExists
            return
        context = (row.email or "", opened.client.name, business.name)
    if password is None:
        raise PasswordNeeded
    check_new(password, minimum=CLIENT_MINIMUM, context=context)


def _accept(request: Request, token: str, password_hash: str | None) -> AcceptOut:
    with database_of(request).writing() as session:
        here = _bearer_account(session, request)
        accepted = links.accept(session, token, password_hash=password_hash, account=here)
        gate.expect_open(session, request)
        adopt_visits(session, accepted.account, accepted.linked)
        opened = sign_in_now(session, request, accepted.account)
        return AcceptOut(
            **opened.model_dump(),
            clients=known_clients(session, accepted.linked),
            candidates=known_clients(session, accepted.candidates),
        )


def _bearer_account(session: Reading, request: Request) -> Account | None:
    """Who is signed in, if anybody. A token that has ended is refused, not overlooked."""
    token = bearer(request)
    if token is None:
        return None
    found = sign_in.session_of(session, token)
    if found is None:
        raise SignInNeeded("This token is unknown or has ended. Please sign in.")
    return found.account


def _limit(request: Request) -> None:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
