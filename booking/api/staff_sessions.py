"""Signing in as staff, and a forgotten password. Known and unknown addresses get the same."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from booking.accounts import queries as accounts
from booking.accounts.actions import password as passwords
from booking.accounts.actions import sign_in
from booking.accounts.actions.second_factor import is_on
from booking.accounts.emails import SERVICE
from booking.accounts.models import SessionKind
from booking.accounts.passwords import Hashing, Verified, check_new
from booking.accounts.queries import KnownPassword
from booking.accounts.rules import device_name, email_key, staff_minimum
from booking.api.idempotent import IdempotentRoute, session_token
from booking.api.resource import resource
from booking.businesses import queries as businesses
from booking.businesses.actions.members import note_sign_in
from booking.dependencies import client_ip, database_of
from booking.errors import Invalid, Refusal
from booking.fields import EmailText, Password, Secret
from booking.rate_limit import Limit, Limiter

router = resource(tag="sign-in", route_class=IdempotentRoute)


class StaffCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: EmailText
    password: Password
    code: Annotated[str, Field(max_length=20)] | None = None


class AccountOut(BaseModel):
    id: uuid.UUID
    email: str
    name: str


class BusinessOut(BaseModel):
    slug: str
    name: str
    role: str


class StaffSession(BaseModel):
    token: str
    expires_at: datetime
    account: AccountOut
    businesses: list[BusinessOut]


class ResetRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: EmailText


class NewPassword(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: Secret
    password: Password


@router.post("/staff/sessions", status_code=201)
async def sign_in_staff(request: Request, body: StaffCredentials) -> StaffSession:
    hashing: Hashing = request.app.state.hashing
    with hashing.place():
        known = await run_in_threadpool(known_password, request, body.email)
        verified = await hashing.verify(known.password_hash, body.password)
    return await run_in_threadpool(_open, request, body, known, verified)


@router.post("/staff/password-resets", status_code=202)
def ask_for_reset(request: Request, body: ResetRequest) -> dict[str, str]:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.MAIL_IP, client_ip(request))
    key = email_key(body.email)
    if key is None:
        raise Invalid.field("email", "Type an address like name@example.com")
    if limiter.allows(Limit.MAIL_ADDRESS, key):
        with database_of(request).writing() as session:
            passwords.request_reset(session, email=body.email, place=SERVICE)
    return {"state": "sent"}


@router.post("/staff/password-resets/confirm", status_code=204, response_class=Response)
async def choose_password(request: Request, body: NewPassword) -> None:
    hashing: Hashing = request.app.state.hashing
    with hashing.place():
        await run_in_threadpool(_check_new_password, request, body)
        password_hash = await hashing.hash(body.password)
    await run_in_threadpool(_reset, request, body.token, password_hash)


def known_password(request: Request, email: str) -> KnownPassword:
    """The password to verify against, tried no oftener than limits allow, wherever it is typed."""
    limiter: Limiter = request.app.state.limiter
    key = email_key(email)
    limiter.hit(Limit.SIGN_IN_IP, client_ip(request))
    limiter.hit(Limit.SIGN_IN_ADDRESS, key or email)
    with database_of(request).reading() as session:
        return accounts.known_password(session, business_id=None, email_key=key)


def _open(
    request: Request, body: StaffCredentials, known: KnownPassword, verified: Verified
) -> StaffSession:
    device = device_name(request.headers.get("user-agent", ""))
    with database_of(request).writing() as session:
        account = sign_in.admit(session, known, verified, code=body.code or "")
        if isinstance(account, Refusal):
            note_sign_in(session, known.account_id, ok=False, device=device)
        else:
            note_sign_in(session, account.id, ok=True, device=device)
            token, opened = sign_in.open_session(
                session,
                account,
                kind=SessionKind.API,
                device=device,
                days=sign_in.STAFF_SESSION_DAYS,
            )
            memberships = businesses.businesses_of(session, account.id)
    if isinstance(account, Refusal):
        raise account
    session_token(request, account.id, sign_in.STAFF_SESSION_DAYS)
    return StaffSession(
        token=token,
        expires_at=opened.expires_at,
        account=AccountOut(id=account.id, email=account.email, name=account.name),
        businesses=[
            BusinessOut(
                slug=each.business.slug, name=each.business.name, role=each.member.role.value
            )
            for each in memberships
        ],
    )


def _check_new_password(request: Request, body: NewPassword) -> None:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
    with database_of(request).reading() as session:
        account = passwords.whose_reset(session, body.token, place=SERVICE)
        minimum = staff_minimum(second_factor=is_on(account))
        check_new(body.password, minimum=minimum, context=(account.email, account.name))


def _reset(request: Request, token: str, password_hash: str) -> None:
    with database_of(request).writing() as session:
        account = passwords.reset(session, secret=token, password_hash=password_hash, place=SERVICE)
    if isinstance(account, Refusal):
        raise account
