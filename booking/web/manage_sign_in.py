"""Signing in as staff, in one step or two; a forgotten password; choosing a business."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from booking.accounts import queries as accounts
from booking.accounts.actions import password as passwords
from booking.accounts.actions import second_factor, sign_in
from booking.accounts.emails import SERVICE
from booking.accounts.models import Account, SessionKind
from booking.accounts.passwords import Hashing, Verified, check_new
from booking.accounts.queries import KnownPassword
from booking.accounts.rules import device_name, email_key, staff_minimum
from booking.businesses import queries as businesses
from booking.businesses.actions.members import note_sign_in
from booking.dependencies import Reading, Writing, client_ip, database_of
from booking.errors import Expired, FieldError, Invalid, Refusal
from booking.rate_limit import Limit, Limiter
from booking.web.page import Form, SentForm, local_path, redirect, render, status_and_title
from booking.web.visitor import (
    SentToSignIn,
    drop_cookie,
    set_cookie,
    staff_account,
    staff_cookie,
)

router = APIRouter(include_in_schema=False)

HOME = "/manage"
_SECOND_STEP_DAYS = 5 / 1440


def show_again(request: Request, template: str, refusal: Refusal, **context: Any) -> Response:
    """The form once more, with what is wrong above it and beside its fields."""
    status, _ = status_and_title(refusal)
    errors = refusal.fields or (FieldError("", refusal.code, refusal.message),)
    response = render(request, template, status=status, errors=errors, **context)
    retry_after = getattr(refusal, "retry_after", None)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def let_in(session: Writing, request: Request, account: Account) -> str:
    """A new session for this browser; the one it had before ends. Returns the token."""
    before = sign_in.session_of(session, request.cookies.get(staff_cookie(request), ""))
    if before is not None:
        sign_in.end_session(session, before.account, before.sign_in.id)
    token, _ = sign_in.open_session(
        session,
        account,
        kind=SessionKind.BROWSER,
        device=device_name(request.headers.get("user-agent", "")),
        days=sign_in.STAFF_SESSION_DAYS,
    )
    return token


def remember(response: Response, request: Request, token: str) -> Response:
    set_cookie(response, request, staff_cookie(request), token, sign_in.STAFF_SESSION_DAYS)
    return response


@router.get("/manage")
def home(session: Reading, request: Request) -> Response:
    """To the only business, or a choice of several."""
    found = staff_account(session, request)
    if found is None:
        raise SentToSignIn("/manage/sign-in")
    memberships = businesses.businesses_of(session, found[0].id)
    if not memberships and accounts.is_operator(session, found[0].id):
        return redirect("/operator")
    if len(memberships) == 1:
        return redirect(f"/manage/{memberships[0].business.slug}")
    return render(request, "manage_sign_in/choose.html", account=found[0], memberships=memberships)


@router.get("/manage/sign-in")
def sign_in_page(request: Request) -> Response:
    return render(
        request, "manage_sign_in/sign_in.html", next=request.query_params.get("next", ""), email=""
    )


@router.post("/manage/sign-in")
async def signing_in(request: Request, form: Form) -> Response:
    hashing: Hashing = request.app.state.hashing
    try:
        with hashing.place():
            known = await run_in_threadpool(_known, request, form)
            verified = await hashing.verify(known.password_hash, form.raw("password"))
        return await run_in_threadpool(_finish_first_step, request, form, known, verified)
    except Refusal as refusal:
        return show_again(
            request,
            "manage_sign_in/sign_in.html",
            refusal,
            next=form.text("next"),
            email=form.text("email"),
        )


def _known(request: Request, form: SentForm) -> KnownPassword:
    limiter: Limiter = request.app.state.limiter
    key = email_key(form.text("email"))
    limiter.hit(Limit.SIGN_IN_IP, client_ip(request))
    limiter.hit(Limit.SIGN_IN_ADDRESS, key or form.text("email"))
    with database_of(request).reading() as session:
        return accounts.known_password(session, business_id=None, email_key=key)


def _finish_first_step(
    request: Request, form: SentForm, known: KnownPassword, verified: Verified
) -> Response:
    token = ticket = None
    with database_of(request).writing() as session:
        admitted = sign_in.admit(session, known, verified)
        if isinstance(admitted, sign_in.SecondFactorNeeded) and known.account_id:
            account = accounts.account(session, known.account_id)
            ticket = second_factor.ticket(session, account)
        else:
            ok = not isinstance(admitted, Refusal)
            note_sign_in(session, known.account_id, ok=ok, device=_device(request))
        if not isinstance(admitted, Refusal):
            token = let_in(session, request, admitted)
    onwards = local_path(form.text("next"), HOME)
    if ticket is not None:
        response = redirect(f"/manage/sign-in/code?next={quote(onwards, safe='/')}")
        set_cookie(response, request, _ticket_cookie(request), ticket, _SECOND_STEP_DAYS)
        return response
    if token is None:
        raise admitted if isinstance(admitted, Refusal) else sign_in.WrongCredentials()
    return remember(redirect(onwards), request, token)


@router.get("/manage/sign-in/code")
def code_page(session: Reading, request: Request) -> Response:
    onwards = request.query_params.get("next", "")
    presented = request.cookies.get(_ticket_cookie(request), "")
    if second_factor.whose_ticket(session, presented) is None:
        raise SentToSignIn("/manage/sign-in")
    return render(request, "manage_sign_in/code.html", next=onwards)


@router.post("/manage/sign-in/code")
def second_step(request: Request, form: Form) -> Response:
    limiter: Limiter = request.app.state.limiter
    presented = request.cookies.get(_ticket_cookie(request), "")
    token = None
    try:
        limiter.hit(Limit.CODE_IP, client_ip(request))
        with database_of(request).writing() as session:
            account = second_factor.whose_ticket(session, presented)
            if account is None:
                raise SentToSignIn("/manage/sign-in")
            limiter.hit(Limit.SIGN_IN_ADDRESS, account.email_key)
            if second_factor.check(session, account, form.text("code")):
                token = let_in(session, request, account)
            note_sign_in(session, account.id, ok=token is not None, device=_device(request))
        if token is None:
            raise second_factor.WrongSecondFactor
    except Refusal as refusal:
        return show_again(request, "manage_sign_in/code.html", refusal, next=form.text("next"))
    response = remember(redirect(local_path(form.text("next"), HOME)), request, token)
    drop_cookie(response, request, _ticket_cookie(request))
    return response


@router.post("/manage/sign-out")
def sign_out(session: Writing, request: Request) -> Response:
    found = staff_account(session, request)
    if found is not None:
        sign_in.end_session(session, found[0], found[1])
    response = redirect("/manage/sign-in", flash="You are signed out.")
    drop_cookie(response, request, staff_cookie(request))
    return response


@router.get("/manage/forgot")
def forgot_page(request: Request) -> Response:
    return render(request, "manage_sign_in/forgot.html", email="")


@router.post("/manage/forgot")
def ask_for_reset(request: Request, form: Form) -> Response:
    """The same page for any address."""
    limiter: Limiter = request.app.state.limiter
    email = form.text("email")
    try:
        limiter.hit(Limit.MAIL_IP, client_ip(request))
        key = email_key(email)
        if key is None:
            raise Invalid.field("email", "Type an address like name@example.com")
        if limiter.allows(Limit.MAIL_ADDRESS, key):
            with database_of(request).writing() as session:
                passwords.request_reset(session, email=email, place=SERVICE)
    except Refusal as refusal:
        return show_again(request, "manage_sign_in/forgot.html", refusal, email=email)
    return render(request, "manage_sign_in/forgot_sent.html", email=email)


@router.get("/manage/reset/{secret}")
def reset_page(session: Reading, request: Request, secret: str) -> Response:
    """Shows a form and changes nothing: mail scanners open links."""
    account = passwords.whose_reset(session, secret, place=SERVICE)
    return render(request, "manage_sign_in/reset.html", **_reset_context(account))


@router.post("/manage/reset/{secret}")
async def choose_password(request: Request, form: Form, secret: str) -> Response:
    hashing: Hashing = request.app.state.hashing
    password = form.raw("password")
    hashing.expect_room()
    whose = await run_in_threadpool(_whose_reset, request, secret)
    try:
        check_new(password, minimum=whose["minimum"], context=(whose["email"], whose["name"]))
        password_hash = await hashing.hash(password)
        await run_in_threadpool(_reset, request, secret, password_hash)
    except Expired:
        raise
    except Refusal as refusal:
        return show_again(request, "manage_sign_in/reset.html", refusal, **whose)
    return redirect("/manage/sign-in", flash="Your new password counts. Sign in with it.")


def _whose_reset(request: Request, secret: str) -> dict[str, Any]:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
    with database_of(request).reading() as session:
        return _reset_context(passwords.whose_reset(session, secret, place=SERVICE))


def _reset_context(account: Account) -> dict[str, Any]:
    return {
        "email": account.email,
        "name": account.name,
        "minimum": staff_minimum(second_factor=second_factor.is_on(account)),
    }


def _reset(request: Request, secret: str, password_hash: str) -> None:
    with database_of(request).writing() as session:
        changed = passwords.reset(
            session, secret=secret, password_hash=password_hash, place=SERVICE
        )
    if isinstance(changed, Refusal):
        raise changed


def _device(request: Request) -> str:
    return device_name(request.headers.get("user-agent", ""))


def _ticket_cookie(request: Request) -> str:
    return f"{staff_cookie(request)}-step"
