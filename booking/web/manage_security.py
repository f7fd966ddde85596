"""What protects a staff login: password, second step, address, and where it is signed in."""

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import segno
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from markupsafe import Markup

from booking.accounts import queries as accounts
from booking.accounts.actions import address, proofs, second_factor, sign_in
from booking.accounts.actions import password as passwords
from booking.accounts.emails import SERVICE
from booking.accounts.models import Account
from booking.accounts.passwords import Hashing, Verified, check_new
from booking.accounts.queries import KnownPassword
from booking.accounts.rules import email_key, staff_minimum
from booking.audit.actions import VISITOR, Actor
from booking.audit.models import ActorKind
from booking.businesses import queries as businesses
from booking.dependencies import Reading, Writing, client_ip, database_of
from booking.errors import Refusal
from booking.rate_limit import Limit, Limiter
from booking.tokens import Purpose
from booking.web.manage_sign_in import let_in, remember, show_again
from booking.web.page import Form, SentForm, redirect, render
from booking.web.visitor import SentToSignIn, staff_account

router = APIRouter(include_in_schema=False)

HOME = "/manage/security"
_SIGN_IN = f"/manage/sign-in?next={HOME}"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Somebody signed in has typed their password once more."""

    known: KnownPassword
    verified: Verified
    context: tuple[str, ...]
    minimum: int


@router.get("/manage/security")
def security_page(session: Reading, request: Request) -> Response:
    return render(request, "manage_sign_in/security.html", **_shown(session, request))


@router.post("/manage/security/password")
async def change_password(request: Request, form: Form) -> Response:
    try:
        confirmed = await _confirmed(request, form)
        new = form.raw("password")
        check_new(new, minimum=confirmed.minimum, context=confirmed.context)
        password_hash = await _hashing(request).hash(new)
        token = await run_in_threadpool(_set_password, request, confirmed, password_hash)
    except Refusal as refusal:
        return await run_in_threadpool(_again, request, refusal)
    done = redirect(HOME, flash="Your password is changed. Everywhere else you are signed out.")
    return remember(done, request, token)


@router.post("/manage/security/second-step")
def begin_second_step(session: Writing, request: Request) -> Response:
    second_factor.begin(_person(session, request)[0])
    return redirect("/manage/security/second-step")


@router.get("/manage/security/second-step")
def second_step_page(session: Reading, request: Request) -> Response:
    account, _ = _person(session, request)
    if second_factor.is_on(account) or account.totp_generation == 0:
        return redirect(HOME)
    return render(request, "manage_sign_in/set_up.html", **_set_up(session, account))


@router.post("/manage/security/second-step/confirm")
async def confirm_second_step(request: Request, form: Form) -> Response:
    try:
        confirmed = await _confirmed(request, form)
        await run_in_threadpool(_switch_on, request, confirmed, form.text("code"))
    except Refusal as refusal:
        return await run_in_threadpool(_set_up_again, request, refusal)
    return redirect(HOME, flash="From now on signing in asks for a code of your app.")


@router.post("/manage/security/second-step/remove")
async def remove_second_step(request: Request, form: Form) -> Response:
    try:
        confirmed = await _confirmed(request, form)
        await run_in_threadpool(_switch_off, request, confirmed, form)
    except Refusal as refusal:
        return await run_in_threadpool(_again, request, refusal)
    return redirect(HOME, flash="Signing in no longer asks for a code.")


@router.post("/manage/security/email")
async def ask_for_other_address(request: Request, form: Form) -> Response:
    try:
        confirmed = await _confirmed(request, form)
        await run_in_threadpool(_ask_for_other_address, request, confirmed, form.text("email"))
    except Refusal as refusal:
        return await run_in_threadpool(_again, request, refusal)
    return redirect(
        HOME, flash="Open the link we sent to the new address. Until then nothing changes."
    )


@router.post("/manage/security/email/cancel")
def cancel_other_address(session: Writing, request: Request) -> Response:
    address.cancel_change(session, _person(session, request)[0])
    return redirect(HOME, flash="Your address stays as it is.")


@router.post("/manage/security/sessions/end-others")
def end_others(session: Writing, request: Request) -> Response:
    account, _ = _person(session, request)
    sign_in.end_all_sessions(session, account)
    token = let_in(session, request, account)
    return remember(redirect(HOME, flash="You are signed out everywhere else."), request, token)


@router.post("/manage/security/sessions/{session_id}/end")
def end_session(session: Writing, request: Request, session_id: uuid.UUID) -> Response:
    sign_in.end_session(session, _person(session, request)[0], session_id)
    return redirect(HOME, flash="That session is ended.")


@router.get("/manage/email/{secret}")
def other_address_page(session: Reading, request: Request, secret: str) -> Response:
    """Shows a button and changes nothing: mail scanners open links."""
    proof = proofs.peek_link(session, Purpose.EMAIL_CHANGE, secret)
    return render(request, "manage_sign_in/email.html", email=proof.email)


@router.post("/manage/email/{secret}")
def use_other_address(session: Writing, request: Request, secret: str) -> Response:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
    here = staff_account(session, request)
    proof = proofs.redeem_link(session, Purpose.EMAIL_CHANGE, secret)
    if isinstance(proof, Refusal):
        raise proof
    account = accounts.account(session, proof.subject_id)
    by = Actor(ActorKind.STAFF, account.id, account.name) if here else VISITOR
    changed = address.change_address(session, proof, place=SERVICE, by=by)
    if isinstance(changed, Refusal):
        raise changed
    if here is None or here[0].id != account.id:
        return redirect("/manage/sign-in", flash="Your new address counts. Sign in with it.")
    token = let_in(session, request, account)
    return remember(redirect(HOME, flash="Your new address counts."), request, token)


def _hashing(request: Request) -> Hashing:
    hashing: Hashing = request.app.state.hashing
    return hashing


def _person(session: Reading, request: Request) -> tuple[Account, uuid.UUID]:
    found = staff_account(session, request)
    if found is None:
        raise SentToSignIn(_SIGN_IN)
    return found


async def _confirmed(request: Request, form: SentForm) -> Confirmed:
    """Verify the password of whoever is signed in; no transaction is open meanwhile."""
    with _hashing(request).place():
        known, context, minimum = await run_in_threadpool(_whose_password, request)
        verified = await _hashing(request).verify(known.password_hash, form.raw("current_password"))
    return Confirmed(known, verified, context, minimum)


def _whose_password(request: Request) -> tuple[KnownPassword, tuple[str, ...], int]:
    limiter: Limiter = request.app.state.limiter
    with database_of(request).reading() as session:
        account, _ = _person(session, request)
        limiter.hit(Limit.SIGN_IN_ADDRESS, account.email_key)
        return (
            KnownPassword(account.id, account.password_hash),
            (account.email, account.name),
            staff_minimum(second_factor=second_factor.is_on(account)),
        )


@contextlib.contextmanager
def _changing(request: Request, confirmed: Confirmed) -> Iterator[tuple[Writing, Account, Actor]]:
    with database_of(request).writing() as session:
        account, _ = _person(session, request)
        sign_in.expect_password(account, confirmed.known, confirmed.verified)
        yield session, account, Actor(ActorKind.STAFF, account.id, account.name or account.email)


def _set_password(request: Request, confirmed: Confirmed, password_hash: str) -> str:
    with _changing(request, confirmed) as (session, account, by):
        passwords.set_password(session, account, password_hash, place=SERVICE, by=by)
        return let_in(session, request, account)


def _switch_on(request: Request, confirmed: Confirmed, code: str) -> None:
    with _changing(request, confirmed) as (session, account, by):
        second_factor.confirm(session, account, code=code, place=SERVICE, by=by)


def _switch_off(request: Request, confirmed: Confirmed, form: SentForm) -> None:
    with _changing(request, confirmed) as (session, account, by):
        second_factor.remove(
            session,
            account,
            password=form.raw("current_password"),
            code=form.text("code"),
            place=SERVICE,
            by=by,
        )


def _ask_for_other_address(request: Request, confirmed: Confirmed, email: str) -> None:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.MAIL_ADDRESS, email_key(email) or email)
    with _changing(request, confirmed) as (session, account, by):
        address.request_change(session, account, email=email, place=SERVICE, by=by)


def _again(request: Request, refusal: Refusal) -> Response:
    with database_of(request).reading() as session:
        context = _shown(session, request)
        return show_again(request, "manage_sign_in/security.html", refusal, **context)


def _set_up_again(request: Request, refusal: Refusal) -> Response:
    with database_of(request).reading() as session:
        context = _set_up(session, _person(session, request)[0])
        return show_again(request, "manage_sign_in/set_up.html", refusal, **context)


def _shown(session: Reading, request: Request) -> dict[str, Any]:
    account, sign_in_id = _person(session, request)
    return {
        "account": account,
        "has_second_step": second_factor.is_on(account),
        "minimum": staff_minimum(second_factor=second_factor.is_on(account)),
        "pending": address.pending_change(session, account),
        "sessions": sign_in.sessions(session, account),
        "this_session": sign_in_id,
        "memberships": businesses.businesses_of(session, account.id),
    }


def _set_up(session: Reading, account: Account) -> dict[str, Any]:
    where = second_factor.setup_address(session, account, issuer=SERVICE.name)
    drawing = segno.make(where, error="m").svg_inline(
        scale=5, border=4, dark="#000", light="#fff", svgclass="qr", title="QR code for your app"
    )
    secret = second_factor.secret(session, account)
    groups = [secret[start : start + 4] for start in range(0, len(secret), 4)]
    return {
        "account": account,
        # segno draws it from the address alone: nothing in it was typed by anybody
        "qr": Markup(drawing),  # noqa: S704 - a drawing of squares, made here
        "secret": " ".join(groups),
    }
