"""Pet owners sign in, by password or by a code mailed to them, and choose a new password."""

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from booking.accounts import queries as accounts
from booking.accounts.actions import password as passwords
from booking.accounts.actions import sign_in
from booking.accounts.models import Account
from booking.accounts.passwords import Hashing, Verified, check_new
from booking.accounts.queries import KnownPassword
from booking.accounts.rules import CLIENT_MINIMUM, device_name, email_key
from booking.api.client_access import (
    Accepted,
    ClientSession,
    at_business,
    at_open_business,
    sign_in_now,
)
from booking.api.idempotent import IdempotentRoute
from booking.api.resource import resource
from booking.businesses.queries import place_of
from booking.dependencies import Writing, client_ip, database_of
from booking.errors import Invalid, Refusal
from booking.fields import EmailText, Line60, Password, Secret
from booking.linking.actions.entry import check_still_client, note_sign_in
from booking.rate_limit import Limit, Limiter

router = resource("/businesses/{slug}", tag="client logins", route_class=IdempotentRoute)


class Credentials(BaseModel):
    """`email` with either the `password` or a `code` that was mailed."""

    model_config = ConfigDict(extra="forbid")

    email: EmailText
    password: Password | None = None
    code: Line60 | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "Credentials":
        if (self.password is None) == (self.code is None):
            raise PydanticCustomError("one_of_both", "Send either a password or a code.")
        return self


class AddressIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: EmailText


class NewPassword(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: Secret
    password: Password


@router.post("/sessions", status_code=201)
async def sign_in_client(request: Request, slug: str, body: Credentials) -> ClientSession:
    if body.password is None:
        return await run_in_threadpool(_by_code, request, slug, body)
    hashing: Hashing = request.app.state.hashing
    hashing.expect_room()
    known = await run_in_threadpool(_known, request, slug, body)
    verified = await hashing.verify(known.password_hash, body.password)
    return await run_in_threadpool(_by_password, request, slug, known, verified)


@router.post("/sign-in-codes", status_code=202)
def ask_for_code(request: Request, slug: str, body: AddressIn) -> Accepted:
    """The same answer, and one mail, for any address."""
    if _may_write_to(request, slug, body.email):
        with database_of(request).writing() as session:
            place = place_of(at_open_business(session, slug))
            sign_in.request_code(session, email=body.email, place=place)
    return Accepted()


@router.post("/password-resets", status_code=202)
def ask_for_reset(request: Request, slug: str, body: AddressIn) -> Accepted:
    """The same answer, and one mail, for any address."""
    if _may_write_to(request, slug, body.email):
        with database_of(request).writing() as session:
            place = place_of(at_open_business(session, slug))
            passwords.request_reset(session, email=body.email, place=place)
    return Accepted()


@router.post("/password-resets/confirm", status_code=204, response_class=Response)
async def choose_password(request: Request, slug: str, body: NewPassword) -> None:
    """Ends every session of the login and opens none."""
    hashing: Hashing = request.app.state.hashing
    hashing.expect_room()
    await run_in_threadpool(_check_new_password, request, slug, body)
    password_hash = await hashing.hash(body.password)
    await run_in_threadpool(_reset, request, slug, body.token, password_hash)


def _known(request: Request, slug: str, body: Credentials) -> KnownPassword:
    key = email_key(body.email)
    _limit_sign_in(request, Limit.SIGN_IN_IP, key or body.email)
    with database_of(request).reading() as session:
        business = at_open_business(session, slug)
        return accounts.known_password(session, business_id=business.id, email_key=key)


def _by_password(
    request: Request, slug: str, known: KnownPassword, verified: Verified
) -> ClientSession:
    with database_of(request).writing() as session:
        at_open_business(session, slug)
        admitted = sign_in.admit(session, known, verified)
        opened = _let_in(session, request, admitted)
    if isinstance(opened, Refusal):
        raise opened
    return opened


def _by_code(request: Request, slug: str, body: Credentials) -> ClientSession:
    """A wrong code is counted, so the transaction is committed before the refusal is raised."""
    _limit_sign_in(request, Limit.CODE_IP, email_key(body.email) or body.email)
    with database_of(request).writing() as session:
        business = at_open_business(session, slug)
        admitted = sign_in.redeem_sign_in_code(
            session, email=body.email, business_id=business.id, code=body.code or ""
        )
        opened = _let_in(session, request, admitted)
    if isinstance(opened, Refusal):
        raise opened
    return opened


def _let_in(
    session: Writing, request: Request, admitted: Account | Refusal
) -> ClientSession | Refusal:
    if not isinstance(admitted, Refusal):
        try:
            check_still_client(session, admitted)
        except Refusal as refusal:
            admitted = refusal
    account = None if isinstance(admitted, Refusal) else admitted
    note_sign_in(session, account, device=device_name(request.headers.get("user-agent", "")))
    return admitted if isinstance(admitted, Refusal) else sign_in_now(session, request, admitted)


def _limit_sign_in(request: Request, by_ip: Limit, address: str) -> None:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(by_ip, client_ip(request))
    limiter.hit(Limit.SIGN_IN_ADDRESS, address)


def _may_write_to(request: Request, slug: str, email: str) -> bool:
    """Beyond the limit of an address nothing is sent, and the answer stays the same."""
    limiter: Limiter = request.app.state.limiter
    with database_of(request).reading() as session:
        at_open_business(session, slug)
    limiter.hit(Limit.MAIL_IP, client_ip(request))
    key = email_key(email)
    if key is None:
        raise Invalid.field("email", "Type an address like name@example.com")
    return limiter.allows(Limit.MAIL_ADDRESS, key)


def _check_new_password(request: Request, slug: str, body: NewPassword) -> None:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
    with database_of(request).reading() as session:
        business = at_open_business(session, slug)
        account = passwords.whose_reset(session, body.token, place=place_of(business))
        context = (account.email, account.name, business.name)
    check_new(body.password, minimum=CLIENT_MINIMUM, context=context)


def _reset(request: Request, slug: str, token: str, password_hash: str) -> None:
    with database_of(request).writing() as session:
        place = place_of(at_business(session, slug))
        account = passwords.reset(session, secret=token, password_hash=password_hash, place=place)
    if isinstance(account, Refusal):
        raise account
