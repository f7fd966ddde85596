"""A pet owner's own record: contact details, a new address, and which record is theirs."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from booking.accounts import queries as accounts
from booking.accounts.actions import address, proofs, sign_in
from booking.accounts.models import Account, Proof
from booking.accounts.passwords import Hashing, Verified
from booking.accounts.queries import KnownPassword
from booking.accounts.rules import email_key
from booking.api.caller import Caller, ClientReads, ClientWrites, client_caller
from booking.api.client_access import (
    AccountOut,
    ClientSession,
    KnownClientOut,
    adopt_visits,
    known_clients,
    sign_in_now,
)
from booking.api.clients import Address
from booking.api.idempotent import IdempotentRoute
from booking.api.resource import resource
from booking.businesses.queries import place_of
from booking.clients import actions as clients
from booking.clients import queries
from booking.clients.models import Client
from booking.clients.rules import Line35
from booking.dependencies import client_ip, database_of
from booking.errors import FieldError, Invalid, NotAllowed, NotFound, Refusal
from booking.fields import EmailText, Line60, Line100, Password, PhoneText, Secret
from booking.gate import stays_open
from booking.linking.actions import records
from booking.linking.actions.address import change_address
from booking.preferences.actions import current
from booking.rate_limit import Limit, Limiter
from booking.tokens import Purpose

router = resource("/businesses/{slug}/me", tag="me", route_class=IdempotentRoute)

_GROUPS = {
    "first_name": "name",
    "last_name": "name",
    "mobile_phone": "phones",
    "home_phone": "phones",
    "address": "address",
    "language": "language",
}
Which = Annotated[uuid.UUID | None, Query(description="which of several records")]


class MeOut(BaseModel):
    """The record this login acts for; `id` is null while none is chosen. `pending_email` waits for
    its proof. `candidates` are records with the proved address that may still be chosen."""

    id: uuid.UUID | None
    first_name: str
    last_name: str
    email: str
    pending_email: str | None
    mobile_phone: str
    home_phone: str
    address: Address
    language: str
    account: AccountOut
    clients: list[KnownClientOut]
    candidates: list[KnownClientOut]
    may_edit: list[str]


class MePatch(BaseModel):
    """A merge patch. A new `email` needs the `password`, or the `code` of a sign-in code."""

    model_config = ConfigDict(extra="forbid")

    first_name: Line100 | None = None
    last_name: Line100 | None = None
    mobile_phone: PhoneText | None = None
    home_phone: PhoneText | None = None
    address: Address | None = None
    language: Line35 | None = None
    email: EmailText | None = None
    password: Password | None = None
    code: Line60 | None = None


class EmailProof(BaseModel):
    """The link's token, or the typed code."""

    model_config = ConfigDict(extra="forbid")

    token: Secret | None = None
    code: Line60 | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "EmailProof":
        if (self.token is None) == (self.code is None):
            raise PydanticCustomError("one_of_both", "Send either a token or a code.")
        return self


class ChoiceIn(BaseModel):
    """One of the candidates, or nobody of them: somebody new."""

    model_config = ConfigDict(extra="forbid")

    client_id: uuid.UUID | None = None
    new: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "ChoiceIn":
        if (self.client_id is None) == (self.new is None):
            raise PydanticCustomError("one_of_both", "Send either client_id or new.")
        return self


class ChoiceOut(KnownClientOut):
    candidates: list[KnownClientOut]


@router.get("")
def get_me(caller: ClientReads, client: Which = None) -> MeOut:
    return _shown(caller, theirs(caller, client))


@router.patch("")
async def change_me(request: Request, slug: str, body: MePatch, client: Which = None) -> MeOut:
    """All of it counts, or nothing; the new address only once its mailbox is proved."""
    typed = None
    if body.email is not None and body.password is not None:
        hashing: Hashing = request.app.state.hashing
        hashing.expect_room()
        known = await run_in_threadpool(_known, request, slug)
        typed = (known, await hashing.verify(known.password_hash, body.password))
    return await run_in_threadpool(_change, request, slug, client, body, typed)


@router.post("/email-change/confirm")
def confirm_email(caller: ClientWrites, request: Request, body: EmailProof) -> ClientSession:
    """Login and contact change together; every session ends, and this is a new one."""
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.CODE_IP, client_ip(request))
    account = caller.signed_in
    proof = _redeem(caller, account, body)
    if isinstance(proof, Refusal):
        caller.session.commit()  # a wrong code counts, though nothing else comes of it
        raise proof
    if proof.subject_id != account.id:
        raise proofs.ProofExpired
    changed = change_address(caller.session, proof, by=caller.actor)
    if isinstance(changed, Refusal):
        raise changed
    adopt_visits(caller.session, account, queries.clients_of(caller.session, account.id))
    return sign_in_now(caller.session, request, account)


@router.delete("/email-change", status_code=204, response_class=Response)
@stays_open
def cancel_email_change(caller: ClientWrites) -> None:
    address.cancel_change(caller.session, caller.signed_in)


@router.post("/clients", status_code=201)
def choose_client(caller: ClientWrites, body: ChoiceIn) -> ChoiceOut:
    account = caller.signed_in
    chosen = records.choose(caller.session, account, body.client_id, by=caller.actor)
    adopt_visits(caller.session, account, [chosen])
    left = records.candidates(caller.session, account)
    (shown,) = known_clients(caller.session, [chosen])
    return ChoiceOut(**shown.model_dump(), candidates=known_clients(caller.session, left))


def theirs(caller: Caller, client_id: uuid.UUID | None) -> Client | None:
    """The record named, or the first of the login's. Raises NotFound for anybody else's."""
    found = queries.clients_of(caller.session, caller.signed_in.id)
    if client_id is None:
        return found[0] if found else None
    chosen = next((each for each in found if each.id == client_id), None)
    if chosen is None:
        raise NotFound
    return chosen


def _known(request: Request, slug: str) -> KnownPassword:
    limiter: Limiter = request.app.state.limiter
    with database_of(request).reading() as session:
        caller = client_caller(session, request, slug)
        limiter.hit(Limit.SIGN_IN_ADDRESS, caller.signed_in.email_key)
        return accounts.known_password(
            session, business_id=caller.business.id, email_key=caller.signed_in.email_key
        )


def _change(
    request: Request,
    slug: str,
    client_id: uuid.UUID | None,
    body: MePatch,
    typed: tuple[KnownPassword, Verified] | None,
) -> MeOut:
    refused: Refusal | None = None
    with database_of(request).writing() as session:
        caller = client_caller(session, request, slug)
        client = theirs(caller, client_id)
        if client is None:
            raise NotFound
        is_new = _is_new_address(caller.signed_in, client, body)
        if is_new:
            refused = _who_asks(caller, body, typed)
        if refused is None:
            _edit(caller, client, body)
        if is_new and refused is None:
            _ask_for_address(caller, request, body.email or "")
        shown = _shown(caller, client)
    if refused is not None:
        raise refused  # a wrong code counts; nothing else was done
    return shown


def _is_new_address(account: Account, client: Client, body: MePatch) -> bool:
    if "email" not in body.model_fields_set:
        return False
    if body.email is None:
        raise Invalid.field("email", "Your login needs an address.", "required")
    return not (body.email == client.email or email_key(body.email) == account.email_key)


def _who_asks(
    caller: Caller, body: MePatch, typed: tuple[KnownPassword, Verified] | None
) -> Refusal | None:
    """Before the address moves, whoever holds this session shows that they own the login."""
    if typed is not None:
        try:
            sign_in.expect_password(caller.signed_in, *typed)
        except Invalid as wrong:
            return Invalid.field("password", wrong.fields[0].message, wrong.fields[0].code)
        return None
    if body.code is None:
        return Invalid.field(
            "password", "Type your password, or a sign-in code.", "password_needed"
        )
    found = sign_in.redeem_sign_in_code(
        caller.session,
        email=caller.signed_in.email,
        business_id=caller.business.id,
        code=body.code,
    )
    return found if isinstance(found, Refusal) else None


def _edit(caller: Caller, client: Client, body: MePatch) -> None:
    """What the business lets its clients change; their own login's address always."""
    sent = body.model_dump(exclude_unset=True, exclude={"address", "email", "password", "code"})
    allowed = current(caller.session).client_settings.client_may_edit
    refused = [name for name in body.model_fields_set & _GROUPS.keys() if not _may(allowed, name)]
    if refused:
        raise NotAllowed(
            "This can't be changed here. Please get in touch with us.",
            fields=tuple(
                FieldError(name, "not_editable", "This can't be changed here.")
                for name in sorted(refused)
            ),
        )
    if "address" in body.model_fields_set:
        parts = body.address.model_dump(exclude_unset=True) if body.address else None
        sent |= dict.fromkeys(Address.model_fields) if parts is None else parts
    if body.email and email_key(body.email) == caller.signed_in.email_key:
        sent["email"] = caller.signed_in.email
    if sent:
        clients.change_client(caller.session, client, sent, by=caller.actor)


def _may(allowed: tuple[str, ...], name: str) -> bool:
    return _GROUPS[name] in allowed


def _ask_for_address(caller: Caller, request: Request, email: str) -> None:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.MAIL_ADDRESS, email_key(email) or email)
    address.request_change(
        caller.session,
        caller.signed_in,
        email=email,
        place=place_of(caller.business),
        by=caller.actor,
    )


def _redeem(caller: Caller, account: Account, body: EmailProof) -> Proof | Refusal:
    business_id = caller.business.id
    if body.token is not None:
        return proofs.redeem_link(
            caller.session, Purpose.EMAIL_CHANGE, body.token, business_id=business_id
        )
    pending = address.pending_change(caller.session, account)
    return proofs.redeem_code(
        caller.session,
        Purpose.EMAIL_CHANGE,
        email_key=pending.email_key if pending else None,
        business_id=business_id,
        code=body.code or "",
    )


def _shown(caller: Caller, client: Client | None) -> MeOut:
    account = caller.signed_in
    pending = address.pending_change(caller.session, account)
    session = caller.session
    values: dict[str, Any] = {
        name: getattr(client, name, "")
        for name in ("first_name", "last_name", "mobile_phone", "home_phone", "language")
    }
    return MeOut(
        **values,
        id=client.id if client else None,
        email=client.email if client else account.email,
        pending_email=pending.email if pending else None,
        address=Address(**{name: getattr(client, name, "") for name in Address.model_fields}),
        account=AccountOut(id=account.id, email=account.email),
        clients=known_clients(session, queries.clients_of(session, account.id)),
        candidates=known_clients(session, records.candidates(session, account)),
        may_edit=list(current(session).client_settings.client_may_edit),
    )
