"""A pet owner makes a login: signs up, and proves the mailbox. Known and unknown addresses get the
same answer."""

from typing import Any, TypeVar

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from booking import gate
from booking.accounts.actions import proofs
from booking.accounts.models import Proof
from booking.accounts.passwords import Hashing, check_new
from booking.accounts.rules import CLIENT_MINIMUM, email_key
from booking.api.client_access import (
    ClientSession,
    KnownClientOut,
    adopt_visits,
    at_business,
    at_open_business,
    known_clients,
    sign_in_now,
)
from booking.api.idempotent import IdempotentRoute, derived
from booking.api.resource import resource
from booking.database import new_id
from booking.dependencies import Reading, client_ip, database_of, settings_of
from booking.errors import Invalid, Refusal
from booking.fields import EmailText, Line60, Password, Secret
from booking.linking.actions import sign_up as signing_up
from booking.linking.actions.sign_up import SignUpForm
from booking.rate_limit import Limit, Limiter
from booking.tokens import Purpose, keyring

router = resource("/businesses/{slug}/accounts", tag="client logins", route_class=IdempotentRoute)

_Body = TypeVar("_Body", bound=BaseModel)


class SignUpIn(SignUpForm):
    password: Password


class SignUpOut(BaseModel):
    sign_up_token: str


class ConfirmIn(BaseModel):
    """The link's `token`, or `email` with the typed `code`; and the `sign_up_token` of the browser
    that signed up, or a new `password`."""

    model_config = ConfigDict(extra="forbid")

    token: Secret | None = None
    email: EmailText | None = None
    code: Line60 | None = None
    sign_up_token: Secret | None = None
    password: Password | None = None

    @model_validator(mode="after")
    def _one_proof(self) -> "ConfirmIn":
        by_link = self.token is not None
        by_code = self.email is not None and self.code is not None
        is_mixed = by_link and (self.email is not None or self.code is not None)
        if is_mixed or not (by_link or by_code):
            raise PydanticCustomError("one_proof", "Send either a token, or an e-mail and a code.")
        return self


class ConfirmOut(ClientSession):
    candidates: list[KnownClientOut]
    linked: list[KnownClientOut]


@router.post(
    "",
    status_code=202,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": SignUpIn.model_json_schema()}},
        }
    },
)
async def sign_up(request: Request, slug: str) -> SignUpOut:
    """The body is read by hand: where there is nothing to sign up for, nothing sent matters."""
    business_name = await run_in_threadpool(_check_open, request, slug)
    body = parsed(SignUpIn, request, await request.body())
    hashing: Hashing = request.app.state.hashing
    hashing.expect_room()
    _check_sign_up(request, body, business_name)
    password_hash = await hashing.hash(body.password)
    token = await run_in_threadpool(_sign_up, request, slug, body, password_hash)
    return SignUpOut(sign_up_token=token)


@router.post("/confirm")
async def confirm(request: Request, slug: str, body: ConfirmIn) -> ConfirmOut:
    hashing: Hashing = request.app.state.hashing
    hashing.expect_room()
    await run_in_threadpool(_check_confirm, request, slug, body)
    password_hash = await hashing.hash(body.password) if body.password else None
    return await run_in_threadpool(_confirm, request, slug, body, password_hash)


def parsed(model: type[_Body], request: Request, raw: bytes) -> _Body:
    """As FastAPI itself would read it. Raises RequestValidationError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (kind == "application/json" or kind.endswith("+json")):
        raise HTTPException(415)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise RequestValidationError(_without_input(error)) from None


def _without_input(error: ValidationError) -> list[Any]:
    """What was typed has no place in an error: passwords are among it."""
    return error.errors(include_input=False, include_url=False)


def _check_open(request: Request, slug: str) -> str:
    with database_of(request).reading() as session:
        business = at_business(session, slug)
        signing_up.check_sign_up_is_open(session)
        return business.name


def _check_sign_up(request: Request, body: SignUpIn, business_name: str) -> None:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.SIGN_UP_IP, client_ip(request))
    if email_key(body.email) is None:
        raise Invalid.field("email", "Type an address like name@example.com")
    context = (body.email, body.first_name, body.last_name, business_name)
    check_new(body.password, minimum=CLIENT_MINIMUM, context=context)


def _sign_up(request: Request, slug: str, body: SignUpIn, password_hash: str) -> str:
    """An address that was written to too often gets no further mail, and nobody learns of it."""
    limiter: Limiter = request.app.state.limiter
    is_written_to = limiter.allows(Limit.MAIL_ADDRESS, email_key(body.email) or body.email)
    form = SignUpForm(**body.model_dump(exclude={"password"}))
    waiting_id = new_id()
    if is_written_to:
        with database_of(request).writing() as session:
            at_business(session, slug)
            gate.expect_open(session, request)
            signing_up.check_sign_up_is_open(session)
            waiting_id = signing_up.sign_up(session, form, password_hash=password_hash).id
    derived(request, "sign_up_token", Purpose.BROWSER, waiting_id)
    return keyring(settings_of(request).secret).derive(Purpose.BROWSER, waiting_id)


def _check_confirm(request: Request, slug: str, body: ConfirmIn) -> None:
    """What can be refused before hashing: too many tries, a dead link, a weak new password."""
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP if body.token else Limit.CODE_IP, client_ip(request))
    with database_of(request).reading() as session:
        business = at_open_business(session, slug)
        context: tuple[str, ...] = (business.name, body.email or "")
        if body.token is not None:
            context += _who_signed_up(session, body.token)
    if body.password is not None:
        check_new(body.password, minimum=CLIENT_MINIMUM, context=context)


def _who_signed_up(session: Reading, token: str) -> tuple[str, ...]:
    business_id = session.info["business_id"]
    proof = proofs.peek_link(session, Purpose.SIGN_UP, token, business_id=business_id)
    waiting = signing_up.waiting_behind(session, proof)
    return (waiting.email, waiting.first_name, waiting.last_name) if waiting else ()


def _confirm(request: Request, slug: str, body: ConfirmIn, password_hash: str | None) -> ConfirmOut:
    with database_of(request).writing() as session:
        business = at_open_business(session, slug)
        gate.expect_open(session, request)
        proof = _redeem(session, business.id, body)
        if not isinstance(proof, Refusal):
            made = signing_up.confirm(
                session, proof, browser_token=body.sign_up_token, password_hash=password_hash
            )
            adopt_visits(session, made.account, made.linked)
            opened = sign_in_now(session, request, made.account)
            candidates = known_clients(session, made.candidates)
            linked = known_clients(session, made.linked)
    if isinstance(proof, Refusal):
        raise proof  # a wrong code is counted: its transaction is committed
    return ConfirmOut(**opened.model_dump(), candidates=candidates, linked=linked)


def _redeem(session: Reading, business_id: Any, body: ConfirmIn) -> Proof | Refusal:
    if body.token is not None:
        return proofs.redeem_link(session, Purpose.SIGN_UP, body.token, business_id=business_id)
    return proofs.redeem_code(
        session,
        Purpose.SIGN_UP,
        email_key=email_key(body.email or ""),
        business_id=business_id,
        code=body.code or "",
    )
