"""A new login: asked for, proved by code or link, and brought to the right client record."""

from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from booking.accounts.actions import proofs
from booking.accounts.models import Proof
from booking.accounts.passwords import Hashing, check_new
from booking.accounts.rules import CLIENT_MINIMUM, email_key
from booking.dependencies import Writing, client_ip, database_of
from booking.errors import Expired, Refusal
from booking.linking.actions.entry import ClientAccessOff, check_access
from booking.linking.actions.sign_up import (
    AccountExists,
    PasswordNeeded,
    SignUpForm,
    check_sign_up_is_open,
    sign_up,
    sign_up_token,
    typed_here,
    waiting_behind,
)
from booking.linking.actions.sign_up import confirm as confirm_sign_up
from booking.rate_limit import Limit, Limiter
from booking.tokens import Purpose, make_secret
from booking.web.client_session import (
    adopt_visits,
    await_proof,
    kept_half,
    let_in,
    onwards,
    remember,
    sign_up_cookie,
    site_again,
    site_page,
)
from booking.web.draft import Draft, checked_person
from booking.web.page import Form, redirect, render
from booking.web.visitor import SiteReads, Visitor, drop_cookie, site_visitor
from booking.web.way import may_sign_up

router = APIRouter(include_in_schema=False, tags=["me"])

_SIGN_UP = "client_sign_in/sign_up.html"
_CODE = "client_sign_in/confirm_code.html"
_LINK = "client_sign_in/confirm_link.html"


@router.get("/{slug}/sign-up")
def sign_up_page(visitor: SiteReads, request: Request) -> Response:
    if not may_sign_up(visitor):
        return site_page(
            request,
            visitor,
            "client_sign_in/no_sign_up.html",
            while_booking=visitor.preferences.client_settings.self_registration == "on_booking",
        )
    return site_page(request, visitor, _SIGN_UP, draft=Draft(), minimum=CLIENT_MINIMUM)


@router.post("/{slug}/sign-up")
async def signing_up(request: Request, form: Form, slug: str) -> Response:
    """The same happens, and the same is said, for a known address and an unknown one."""
    hashing: Hashing = request.app.state.hashing
    draft = Draft.of(form)
    try:
        hashing.expect_room()
        draft = await run_in_threadpool(_checked, request, slug, draft, form.raw("password"))
        password_hash = await hashing.hash(form.raw("password"))
        token = await run_in_threadpool(_sign_up, request, slug, draft, password_hash)
    except Refusal as refusal:
        typed: dict[str, Any] = {"draft": draft, "minimum": CLIENT_MINIMUM}
        return await run_in_threadpool(site_again, request, slug, _SIGN_UP, refusal, **typed)
    return await_proof(request, slug, token=token, email=draft.email)


def _checked(request: Request, slug: str, draft: Draft, password: str) -> Draft:
    limiter: Limiter = request.app.state.limiter
    with database_of(request).reading() as session:
        visitor = site_visitor(session, request, slug)
        check_access(session)
        if not may_sign_up(visitor):
            check_sign_up_is_open(session)
        limiter.hit(Limit.SIGN_UP_IP, client_ip(request))
        draft = checked_person(draft)
        context = (draft.first_name, draft.last_name, draft.email, visitor.business.name)
        check_new(password, minimum=CLIENT_MINIMUM, context=context)
    return draft


def _sign_up(request: Request, slug: str, draft: Draft, password_hash: str) -> str:
    """This browser's half. An address that had enough mail for now gets none, and a half that
    opens nothing."""
    limiter: Limiter = request.app.state.limiter
    if not limiter.allows(Limit.MAIL_ADDRESS, email_key(draft.email) or ""):
        return make_secret()
    with database_of(request).writing() as session:
        site_visitor(session, request, slug)
        typed = SignUpForm(
            email=draft.email,
            first_name=draft.first_name,
            last_name=draft.last_name,
            mobile_phone=draft.mobile_phone,
        )
        return sign_up_token(session, sign_up(session, typed, password_hash=password_hash))


@dataclass(frozen=True, slots=True)
class Answer:
    """To the proof that was mailed: its link, or its code with the address it went to."""

    slug: str
    token: str
    email: str = ""
    code: str = ""
    secret: str = ""
    password: str = ""
    password_hash: str | None = None


@router.get("/{slug}/sign-up/confirm")
def code_page(visitor: SiteReads, request: Request) -> Response:
    token, email = kept_half(request, visitor.business.slug)
    return site_page(
        request,
        visitor,
        _CODE,
        kept_email=email if token else "",
        email=email,
        needs_password=not token,
        minimum=CLIENT_MINIMUM,
        booked=request.query_params.get("booked") == "yes",
    )


@router.post("/{slug}/sign-up/confirm")
async def code_typed(request: Request, form: Form, slug: str) -> Response:
    token, kept = kept_half(request, slug)
    answer = Answer(
        slug=slug,
        token=token,
        email=kept or form.text("email"),
        code=form.text("code"),
        password=form.raw("password"),
    )
    try:
        return await _confirmed(request, answer)
    except Refusal as refusal:
        needs = not token or isinstance(refusal, PasswordNeeded) or bool(answer.password)
        typed: dict[str, Any] = {
            "kept_email": kept,
            "email": answer.email,
            "needs_password": needs,
            "minimum": CLIENT_MINIMUM,
            "booked": False,
        }
        return await run_in_threadpool(site_again, request, slug, _CODE, refusal, **typed)


@router.get("/{slug}/sign-up/confirm/{secret}")
def link_page(visitor: SiteReads, request: Request, secret: str) -> Response:
    """A button, and nothing changes: mail scanners open links."""
    try:
        check_access(visitor.session)
        context = _behind(visitor, request, secret)
    except (Expired, ClientAccessOff) as refusal:
        return _over(request, visitor.business.slug, refusal)
    return render(request, _LINK, visitor=visitor, **context)


def _behind(visitor: Visitor, request: Request, secret: str) -> dict[str, Any]:
    proof = proofs.peek_link(
        visitor.session, Purpose.SIGN_UP, secret, business_id=visitor.business.id
    )
    waiting = waiting_behind(visitor.session, proof)
    token, _ = kept_half(request, visitor.business.slug)
    here = waiting is not None and typed_here(visitor.session, waiting, token)
    return {"email": proof.email, "needs_password": not here, "minimum": CLIENT_MINIMUM}


@router.post("/{slug}/sign-up/confirm/{secret}")
async def link_pressed(request: Request, form: Form, slug: str, secret: str) -> Response:
    token, _ = kept_half(request, slug)
    answer = Answer(slug=slug, token=token, secret=secret, password=form.raw("password"))
    try:
        return await _confirmed(request, answer)
    except (Expired, ClientAccessOff, AccountExists) as refusal:
        return await run_in_threadpool(_over, request, slug, refusal)
    except Refusal as refusal:
        return await run_in_threadpool(_link_again, request, answer, refusal)


def _over(request: Request, slug: str, refusal: Refusal) -> Response:
    ask = "sign-in" if isinstance(refusal, AccountExists) else "sign-up"
    return site_again(
        request, slug, "client_sign_in/link_over.html", refusal, text=refusal.message, ask=ask
    )


def _link_again(request: Request, answer: Answer, refusal: Refusal) -> Response:
    with database_of(request).reading() as session:
        visitor = site_visitor(session, request, answer.slug)
        context = _behind(visitor, request, answer.secret)
    return site_again(request, answer.slug, _LINK, refusal, **context)


async def _confirmed(request: Request, answer: Answer) -> Response:
    """A password that is typed now counts; without one, that of the browser's half."""
    hashing: Hashing = request.app.state.hashing
    if answer.password:
        hashing.expect_room()
        await run_in_threadpool(_check_password, request, answer)
        password_hash = await hashing.hash(answer.password)
        answer = replace(answer, password_hash=password_hash)
    return await run_in_threadpool(_confirm, request, answer)


def _check_password(request: Request, answer: Answer) -> None:
    with database_of(request).reading() as session:
        visitor = site_visitor(session, request, answer.slug)
        context = (answer.email, visitor.business.name)
        check_new(answer.password, minimum=CLIENT_MINIMUM, context=context)


def _confirm(request: Request, answer: Answer) -> Response:
    limiter: Limiter = request.app.state.limiter
    with database_of(request).writing() as session:
        visitor = site_visitor(session, request, answer.slug)
        check_access(session)
        limiter.hit(Limit.CODE_IP, client_ip(request))
        proof = _redeem(session, visitor, answer)
        if not isinstance(proof, Refusal):
            confirmed = confirm_sign_up(
                session, proof, browser_token=answer.token, password_hash=answer.password_hash
            )
            adopt_visits(session, confirmed.account, confirmed.linked)
            token = let_in(session, request, visitor, confirmed.account)
            path = onwards(session, visitor, confirmed.account, "")
            response = redirect(path, flash="Your login is ready, and you are signed in.")
            remember(response, request, visitor, token)
            drop_cookie(response, request, sign_up_cookie(request, answer.slug))
    if isinstance(proof, Refusal):
        raise proof
    return response


def _redeem(session: Writing, visitor: Visitor, answer: Answer) -> Proof | Refusal:
    if answer.secret:
        return proofs.redeem_link(
            session, Purpose.SIGN_UP, answer.secret, business_id=visitor.business.id
        )
    return proofs.redeem_code(
        session,
        Purpose.SIGN_UP,
        email_key=email_key(answer.email),
        business_id=visitor.business.id,
        code=answer.code,
    )
