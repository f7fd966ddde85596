"""Registering an installed program with a username and password, and its next serial numbers.

The password is used once; from then on the program shows its registration token.
"""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from booking.accounts.actions import sign_in
from booking.accounts.passwords import Hashing, Verified
from booking.accounts.queries import KnownPassword
from booking.accounts.rules import device_name
from booking.api.caller import bearer
from booking.api.idempotent import IdempotentRoute, derived
from booking.api.resource import resource
from booking.api.staff_sessions import known_password
from booking.audit.actions import Actor
from booking.audit.models import ActorKind
from booking.businesses.actions.members import note_sign_in
from booking.dependencies import Reading, Writing, client_ip, database_of, settings_of
from booking.errors import Refusal, SignInNeeded
from booking.fields import EmailText, Line60, Password, Required60
from booking.licensing import actions, licences
from booking.licensing.actions import Granted, Program
from booking.licensing.models import Registration, RegistrationState
from booking.rate_limit import Limit, Limiter
from booking.tokens import Purpose

router = resource(tag="registrations", route_class=IdempotentRoute)


class RegistrationIn(BaseModel):
    """`username` is the e-mail of an owner's staff login; `business`, a slug, is needed where they
    own several. `installation_id` is the program's own, the same at every start."""

    model_config = ConfigDict(extra="forbid")

    username: EmailText
    password: Password
    code: Annotated[str, Field(max_length=20)] | None = None
    business: Line60 = ""
    product: Required60
    installation_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{8,100}$")]
    machine_name: Required60


class RegistrationOut(BaseModel):
    """`licence` is a JWS that `/licences/keys` verifies; `next_check_at` says when to renew."""

    id: uuid.UUID
    registration_token: str
    serial_number: str
    licence: str
    valid_until: datetime
    next_check_at: datetime


class PublicKey(BaseModel):
    """A JWK (RFC 8037)."""

    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class PublicKeys(BaseModel):
    keys: list[PublicKey]


@router.post("/registrations", status_code=201)
async def register(request: Request, body: RegistrationIn) -> RegistrationOut:
    hashing: Hashing = request.app.state.hashing
    with hashing.place():
        known = await run_in_threadpool(known_password, request, body.username)
        verified = await hashing.verify(known.password_hash, body.password)
    return await run_in_threadpool(_register, request, body, known, verified)


@router.post("/registrations/{registration_id}/renew")
def renew(session: Writing, request: Request, registration_id: uuid.UUID) -> RegistrationOut:
    registration = _of_token(session, request, registration_id)
    return _answer(request, actions.renew(session, registration))


@router.delete("/registrations/{registration_id}", status_code=204, response_class=Response)
def release(session: Writing, request: Request, registration_id: uuid.UUID) -> None:
    """The program gives its seat back."""
    registration = _of_token(session, request, registration_id)
    by = actions.as_program(registration)
    actions.end(session, registration, RegistrationState.RELEASED, by=by)


@router.get("/licences/keys")
def public_keys(request: Request, response: Response) -> PublicKeys:
    """Whoever knows these can tell a licence of ours from any other, without asking us."""
    response.headers["Cache-Control"] = "public, max-age=3600"
    keys = licences.public_keys(settings_of(request))
    return PublicKeys(keys=[PublicKey(**key) for key in keys])


def _register(
    request: Request, body: RegistrationIn, known: KnownPassword, verified: Verified
) -> RegistrationOut:
    program = Program(body.product, body.installation_id, body.machine_name)
    with database_of(request).writing() as session:
        account = sign_in.admit(session, known, verified, code=body.code or "")
        if not isinstance(account, Refusal):
            actions.choose_business(session, account, body.business)
            by = Actor(ActorKind.STAFF, account.id, account.name or account.email)
            return _answer(request, actions.register(session, program, by=by))
        device = device_name(request.headers.get("user-agent", ""))
        note_sign_in(session, known.account_id, ok=False, device=device)
    raise account


def _of_token(session: Reading, request: Request, registration_id: uuid.UUID) -> Registration:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
    token = bearer(request)
    if token is None:
        raise SignInNeeded("Send the header Authorization: Bearer REGISTRATION_TOKEN.")
    return actions.recognise(session, registration_id, token)


def _answer(request: Request, granted: Granted) -> RegistrationOut:
    registration = granted.registration
    derived(
        request,
        "registration_token",
        Purpose.REGISTRATION,
        registration.id,
        registration.token_generation,
    )
    return RegistrationOut(
        id=registration.id,
        registration_token=granted.registration_token,
        serial_number=granted.serial_number,
        licence=granted.licence,
        valid_until=granted.valid_until,
        next_check_at=granted.next_check_at,
    )
