"""Signing in as a pet owner, by password or by a code from the mailbox; and signing out."""

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from booking.accounts import queries as accounts
from booking.accounts.actions import sign_in
from booking.accounts.passwords import Hashing, Verified
from booking.accounts.queries import KnownPassword
from booking.accounts.rules import email_key
from booking.businesses.queries import place_of
from booking.dependencies import client_ip, database_of
from booking.errors import Invalid, Refusal
from booking.gate import stays_open
from booking.linking.actions.entry import check_access, note_sign_in
from booking.rate_limit import Limit, Limiter
from booking.web.client_session import (
    device_of,
    let_in,
    onwards,
    remember,
    site_again,
    site_page,
)
from booking.web.page import Form, SentForm, redirect
from booking.web.visitor import SiteReads, SiteWrites, client_cookie, drop_cookie, site_visitor
from booking.web.way import may_sign_up

router = APIRouter(include_in_schema=False)

_SIGN_IN = "client_sign_in/sign_in.html"
_CODE = "client_sign_in/code.html"


@router.get("/{slug}/sign-in")
def sign_in_page(visitor: SiteReads, request: Request) -> Response:
    onwards_to = request.query_params.get("next", "")
    return site_page(
        request,
        visitor,
        _SIGN_IN,
        next=onwards_to,
        email="",
        may_sign_up=may_sign_up(visitor),
    )


@router.post("/{slug}/sign-in")
@stays_open
async def signing_in(request: Request, form: Form, slug: str) -> Response:
    hashing: Hashing = request.app.state.hashing
    try:
        hashing.expect_room()
        known = await run_in_threadpool(_known, request, form, slug)
        verified = await hashing.verify(known.password_hash, form.raw("password"))
        return await run_in_threadpool(_admit, request, form, slug, known, verified)
    except Refusal as refusal:
        return await run_in_threadpool(_sign_in_again, request, form, slug, refusal)


def _known(request: Request, form: SentForm, slug: str) -> KnownPassword:
    limiter: Limiter = request.app.state.limiter
    key = email_key(form.text("email"))
    with database_of(request).reading() as session:
        visitor = site_visitor(session, request, slug)
        check_access(session)
        limiter.hit(Limit.SIGN_IN_IP, client_ip(request))
        limiter.hit(Limit.SIGN_IN_ADDRESS, key or form.text("email")[:254])
        return accounts.known_password(session, business_id=visitor.business.id, email_key=key)


def _admit(
    request: Request, form: SentForm, slug: str, known: KnownPassword, verified: Verified
) -> Response:
    with database_of(request).writing() as session:
        visitor = site_visitor(session, request, slug)
        check_access(session)
        admitted = sign_in.admit(session, known, verified)
        if isinstance(admitted, Refusal):
            note_sign_in(session, None, device=device_of(request))
        else:
            token = let_in(session, request, visitor, admitted)
            response = redirect(onwards(session, visitor, admitted, form.text("next")))
            remember(response, request, visitor, token)
    if isinstance(admitted, Refusal):
        raise admitted
    return response


def _sign_in_again(request: Request, form: SentForm, slug: str, refusal: Refusal) -> Response:
    typed = {"email": form.text("email"), "next": form.text("next"), "may_sign_up": False}
    return site_again(request, slug, _SIGN_IN, refusal, **typed)


@router.get("/{slug}/sign-in/code")
def code_page(visitor: SiteReads, request: Request) -> Response:
    """Asks for the address; the code is typed on the page that follows."""
    onwards_to = request.query_params.get("next", "")
    return site_page(request, visitor, "client_sign_in/ask_code.html", next=onwards_to, email="")


@router.post("/{slug}/sign-in/send-code")
@stays_open
def send_code(request: Request, form: Form, slug: str) -> Response:
    """The same page for any address."""
    limiter: Limiter = request.app.state.limiter
    typed = {"email": form.text("email"), "next": form.text("next")}
    key = email_key(typed["email"])
    try:
        with database_of(request).writing() as session:
            visitor = site_visitor(session, request, slug)
            check_access(session)
            limiter.hit(Limit.MAIL_IP, client_ip(request))
            if key is None:
                raise Invalid.field("email", "Type an address like name@example.com")
            if limiter.allows(Limit.MAIL_ADDRESS, key):
                place = place_of(visitor.business)
                sign_in.request_code(session, email=typed["email"], place=place)
            return site_page(request, visitor, _CODE, **typed)
    except Refusal as refusal:
        return site_again(request, slug, "client_sign_in/ask_code.html", refusal, **typed)


@router.post("/{slug}/sign-in/code")
@stays_open
def code_typed(request: Request, form: Form, slug: str) -> Response:
    limiter: Limiter = request.app.state.limiter
    typed = {"email": form.text("email"), "next": form.text("next")}
    try:
        with database_of(request).writing() as session:
            visitor = site_visitor(session, request, slug)
            check_access(session)
            limiter.hit(Limit.CODE_IP, client_ip(request))
            redeemed = sign_in.redeem_sign_in_code(
                session,
                email=typed["email"],
                business_id=visitor.business.id,
                code=form.text("code"),
            )
            if isinstance(redeemed, Refusal):
                note_sign_in(session, None, device=device_of(request))
            else:
                token = let_in(session, request, visitor, redeemed)
                response = redirect(onwards(session, visitor, redeemed, typed["next"]))
                remember(response, request, visitor, token)
        if isinstance(redeemed, Refusal):
            raise redeemed
    except Refusal as refusal:
        return site_again(request, slug, _CODE, refusal, **typed)
    return response


@router.post("/{slug}/sign-out")
@stays_open
def sign_out(visitor: SiteWrites, request: Request) -> Response:
    if visitor.account is not None and visitor.sign_in_id is not None:
        sign_in.end_session(visitor.session, visitor.account, visitor.sign_in_id)
    response = redirect(f"/{visitor.business.slug}", flash="You are signed out.")
    drop_cookie(response, request, client_cookie(request, visitor.business.slug))
    return response
