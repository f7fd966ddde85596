"""A pet owner's forgotten password: a link by e-mail, and the page it opens."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from booking.accounts.actions import password as passwords
from booking.accounts.passwords import Hashing, check_new
from booking.accounts.rules import CLIENT_MINIMUM, email_key
from booking.businesses.queries import place_of
from booking.dependencies import client_ip, database_of
from booking.errors import Expired, Invalid, Refusal
from booking.gate import stays_open
from booking.linking.actions.entry import ClientAccessOff, check_access
from booking.rate_limit import Limit, Limiter
from booking.web.client_session import site_again, site_page
from booking.web.page import Form, redirect, render
from booking.web.visitor import SiteReads, client_cookie, drop_cookie, site_visitor

router = APIRouter(include_in_schema=False)

_FORGOT = "client_sign_in/forgot.html"
_RESET = "client_sign_in/reset.html"


@router.get("/{slug}/forgot")
def forgot_page(visitor: SiteReads, request: Request) -> Response:
    return site_page(request, visitor, _FORGOT, email="")


@router.post("/{slug}/forgot")
@stays_open
def ask_for_reset(request: Request, form: Form, slug: str) -> Response:
    """The same page for any address."""
    limiter: Limiter = request.app.state.limiter
    email = form.text("email")
    key = email_key(email)
    try:
        with database_of(request).writing() as session:
            visitor = site_visitor(session, request, slug)
            check_access(session)
            limiter.hit(Limit.MAIL_IP, client_ip(request))
            if key is None:
                raise Invalid.field("email", "Type an address like name@example.com")
            if limiter.allows(Limit.MAIL_ADDRESS, key):
                passwords.request_reset(session, email=email, place=place_of(visitor.business))
            return site_page(request, visitor, "client_sign_in/forgot_sent.html", email=email)
    except Refusal as refusal:
        return site_again(request, slug, _FORGOT, refusal, email=email)


@router.get("/{slug}/reset/{secret}")
def reset_page(visitor: SiteReads, request: Request, secret: str) -> Response:
    """Shows a form and changes nothing: mail scanners open links."""
    try:
        check_access(visitor.session)
        place = place_of(visitor.business)
        account = passwords.whose_reset(visitor.session, secret, place=place)
    except (Expired, ClientAccessOff) as refusal:
        return _over(request, visitor.business.slug, refusal)
    return render(request, _RESET, visitor=visitor, email=account.email, minimum=CLIENT_MINIMUM)


def _over(request: Request, slug: str, refusal: Refusal) -> Response:
    return site_again(
        request, slug, "client_sign_in/link_over.html", refusal, text=refusal.message, ask="forgot"
    )


@router.post("/{slug}/reset/{secret}")
@stays_open
async def choose_password(request: Request, form: Form, slug: str, secret: str) -> Response:
    hashing: Hashing = request.app.state.hashing
    whose: dict[str, Any] = {"email": "", "minimum": CLIENT_MINIMUM}
    try:
        hashing.expect_room()
        whose["email"], *names = await run_in_threadpool(_whose_reset, request, slug, secret)
        check_new(form.raw("password"), minimum=CLIENT_MINIMUM, context=(whose["email"], *names))
        password_hash = await hashing.hash(form.raw("password"))
        await run_in_threadpool(_reset, request, slug, secret, password_hash)
    except (Expired, ClientAccessOff) as refusal:
        return await run_in_threadpool(_over, request, slug, refusal)
    except Refusal as refusal:
        return await run_in_threadpool(site_again, request, slug, _RESET, refusal, **whose)
    response = redirect(f"/{slug}/sign-in", flash="Your new password counts. Sign in with it.")
    drop_cookie(response, request, client_cookie(request, slug))
    return response


def _whose_reset(request: Request, slug: str, secret: str) -> tuple[str, ...]:
    """Address, name and business: what a new password must not be made of."""
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
    with database_of(request).reading() as session:
        visitor = site_visitor(session, request, slug)
        check_access(session)
        account = passwords.whose_reset(session, secret, place=place_of(visitor.business))
        return account.email, account.name, visitor.business.name


def _reset(request: Request, slug: str, secret: str, password_hash: str) -> None:
    with database_of(request).writing() as session:
        visitor = site_visitor(session, request, slug)
        check_access(session)
        place = place_of(visitor.business)
        changed = passwords.reset(session, secret=secret, password_hash=password_hash, place=place)
    if isinstance(changed, Refusal):
        raise changed
