"""A pet owner moves to another address: asked for with a password or a code, pending until the new
mailbox is proved; the old one is told."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from booking.accounts.actions import address, proofs, sign_in
from booking.accounts.models import Proof
from booking.accounts.passwords import Hashing, Verified
from booking.accounts.queries import KnownPassword
from booking.accounts.queries import account as find_account
from booking.accounts.rules import email_key
from booking.businesses.queries import place_of
from booking.clients.queries import clients_of
from booking.dependencies import client_ip, database_of
from booking.errors import Expired, Refusal
from booking.gate import stays_open
from booking.linking.actions.address import change_address
from booking.linking.actions.entry import ClientAccessOff, check_access
from booking.linking.actions.records import actor_of
from booking.rate_limit import Limit, Limiter
from booking.tokens import Purpose
from booking.web.account_login import known_here
from booking.web.client_session import adopt_visits, let_in, remember, site_again
from booking.web.page import Form, SentForm, redirect, render
from booking.web.visitor import PersonReads, PersonWrites, SiteReads, SiteWrites, Visitor, person

router = APIRouter(include_in_schema=False, tags=["me"])

_EMAIL = "account/email.html"
_LINK = "account/email_link.html"


@router.get("/{slug}/account/email")
def email_page(visitor: PersonReads, request: Request) -> Response:
    return render(request, _EMAIL, visitor=visitor, **_asking(visitor, "", by_code=False))


def _asking(visitor: Visitor, email: str, *, by_code: bool) -> dict[str, Any]:
    """`by_code`: a code went to the old address and takes the place of the password."""
    pending = address.pending_change(visitor.session, visitor.signed_in)
    return {
        "old_email": visitor.signed_in.email,
        "new_email": email,
        "pending_email": pending.email if pending else "",
        "by_code": by_code or visitor.signed_in.password_hash is None,
    }


@router.post("/{slug}/account/email/code")
def send_code(visitor: PersonWrites, request: Request, form: Form) -> Response:
    """A code to the address as it is now, for those who know no password."""
    limiter: Limiter = request.app.state.limiter
    account = visitor.signed_in
    limiter.hit(Limit.MAIL_ADDRESS, account.email_key)
    place = place_of(visitor.business)
    sign_in.request_code(visitor.session, email=account.email, place=place)
    context = _asking(visitor, form.text("email"), by_code=True)
    return render(request, _EMAIL, visitor=visitor, **context)


@router.post("/{slug}/account/email")
async def ask_for_change(request: Request, form: Form, slug: str) -> Response:
    hashing: Hashing = request.app.state.hashing
    typed = None
    try:
        if not form.flag("by_code"):
            hashing.expect_room()
            known, _ = await run_in_threadpool(known_here, request, slug)
            password = form.raw("current_password")
            typed = (known, await hashing.verify(known.password_hash, password))
        await run_in_threadpool(_request_change, request, form, slug, typed)
    except Refusal as refusal:
        return await run_in_threadpool(_ask_again, request, form, slug, refusal)
    return redirect(f"/{slug}/account/email", flash="We have written to the new address.")


def _request_change(
    request: Request, form: SentForm, slug: str, typed: tuple[KnownPassword, Verified] | None
) -> None:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.MAIL_IP, client_ip(request))
    email = form.text("email")
    refused: Refusal | None = None
    with database_of(request).writing() as session:
        visitor = person(session, request, slug)
        if typed is not None:
            sign_in.expect_password(visitor.signed_in, *typed)
        else:
            refused = _code_refused(visitor, form.text("code"))
        if refused is None:
            limiter.hit(Limit.MAIL_ADDRESS, email_key(email) or "")
            place = place_of(visitor.business)
            address.request_change(
                session, visitor.signed_in, email=email, place=place, by=visitor.actor
            )
    if refused is not None:
        raise refused  # a wrong code counts


def _code_refused(visitor: Visitor, code: str) -> Refusal | None:
    found = sign_in.redeem_sign_in_code(
        visitor.session,
        email=visitor.signed_in.email,
        business_id=visitor.business.id,
        code=code,
    )
    return found if isinstance(found, Refusal) else None


def _ask_again(request: Request, form: SentForm, slug: str, refusal: Refusal) -> Response:
    with database_of(request).reading() as session:
        visitor = person(session, request, slug)
        context = _asking(visitor, form.text("email"), by_code=form.flag("by_code"))
    return site_again(request, slug, _EMAIL, refusal, **context)


@router.post("/{slug}/account/email/cancel")
@stays_open
def cancel_change(visitor: PersonWrites) -> Response:
    address.cancel_change(visitor.session, visitor.signed_in)
    text = "Your address stays as it is."
    return redirect(f"/{visitor.business.slug}/account/details", flash=text)


@router.post("/{slug}/account/email/confirm")
def code_typed(request: Request, form: Form, slug: str) -> Response:
    """The code that went to the new address, typed by whoever asked for it."""
    limiter: Limiter = request.app.state.limiter
    try:
        limiter.hit(Limit.CODE_IP, client_ip(request))
        with database_of(request).writing() as session:
            visitor = person(session, request, slug)
            pending = address.pending_change(session, visitor.signed_in)
            proof = proofs.redeem_code(
                session,
                Purpose.EMAIL_CHANGE,
                email_key=pending.email_key if pending else None,
                business_id=visitor.business.id,
                code=form.text("code"),
            )
            if not isinstance(proof, Refusal):
                if proof.subject_id != visitor.signed_in.id:
                    raise proofs.WrongCode
                response = _changed(request, visitor, proof)
        if isinstance(proof, Refusal):
            raise proof
    except Refusal as refusal:
        return _ask_again(request, form, slug, refusal)
    return response


def _changed(request: Request, visitor: Visitor, proof: Proof) -> Response:
    """Login and contact change together. Every session ends; this browser gets a new one, if it was
    signed in as that person."""
    session = visitor.session
    account = find_account(session, proof.subject_id)
    was_here = visitor.account is not None and visitor.account.id == account.id
    changed = change_address(session, proof, by=actor_of(account))
    if isinstance(changed, Refusal):
        raise changed
    adopt_visits(session, account, clients_of(session, account.id))
    home = f"/{visitor.business.slug}"
    text = f"Your address is {account.email} from now on."
    if not was_here:
        return redirect(f"{home}/sign-in", flash=f"{text} Sign in with it.")
    token = let_in(session, request, visitor, account)
    return remember(redirect(f"{home}/account/details", flash=text), request, visitor, token)


@router.get("/{slug}/email/{secret}")
def link_page(visitor: SiteReads, request: Request, secret: str) -> Response:
    """A button, and nothing changes: mail scanners open links."""
    try:
        check_access(visitor.session)
        proof = proofs.peek_link(
            visitor.session, Purpose.EMAIL_CHANGE, secret, business_id=visitor.business.id
        )
    except (Expired, ClientAccessOff) as refusal:
        return _over(request, visitor, refusal)
    return render(request, _LINK, visitor=visitor, new_email=proof.email)


@router.post("/{slug}/email/{secret}")
def link_pressed(visitor: SiteWrites, request: Request, secret: str) -> Response:
    limiter: Limiter = request.app.state.limiter
    session = visitor.session
    try:
        check_access(session)
        limiter.hit(Limit.TOKEN_IP, client_ip(request))
        proof = proofs.redeem_link(
            session, Purpose.EMAIL_CHANGE, secret, business_id=visitor.business.id
        )
        if isinstance(proof, Refusal):
            raise proof
        return _changed(request, visitor, proof)
    except Refusal as refusal:
        session.rollback()
        return _over(request, visitor, refusal)


def _over(request: Request, visitor: Visitor, refusal: Refusal) -> Response:
    return site_again(
        request,
        visitor.business.slug,
        "client_sign_in/link_over.html",
        refusal,
        text=refusal.message,
        ask="account/email",
    )
