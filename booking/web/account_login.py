"""A pet owner's login: its address, password and sessions, and the calendar it feeds."""

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from booking.accounts import queries as accounts
from booking.accounts.actions import password as passwords
from booking.accounts.actions import sign_in
from booking.accounts.passwords import Hashing, Verified, check_new
from booking.accounts.queries import KnownPassword
from booking.accounts.rules import CLIENT_MINIMUM
from booking.appointments.actions.calendar import feed_of, feed_token, renew_feed
from booking.businesses.queries import place_of
from booking.dependencies import database_of, settings_of
from booking.errors import Refusal
from booking.gate import stays_open
from booking.rate_limit import Limit, Limiter
from booking.web.client_session import let_in, remember, site_again
from booking.web.page import Form, redirect, render
from booking.web.visitor import (
    PersonReads,
    PersonWrites,
    Visitor,
    client_cookie,
    drop_cookie,
    person,
)

router = APIRouter(include_in_schema=False, tags=["me"])

_PASSWORD = "account/password.html"


@router.get("/{slug}/account/sessions")
def sessions_page(visitor: PersonReads, request: Request) -> Response:
    return render(
        request,
        "account/sessions.html",
        visitor=visitor,
        live=sign_in.sessions(visitor.session, visitor.signed_in),
        this_one=visitor.sign_in_id,
    )


@router.post("/{slug}/account/sessions/end-all")
@stays_open
def end_all(visitor: PersonWrites, request: Request) -> Response:
    sign_in.end_all_sessions(visitor.session, visitor.signed_in)
    path = f"/{visitor.business.slug}/sign-in"
    response = redirect(path, flash="You are signed out everywhere.")
    drop_cookie(response, request, client_cookie(request, visitor.business.slug))
    return response


@router.post("/{slug}/account/sessions/{session_id}/end")
@stays_open
def end_one(visitor: PersonWrites, request: Request, session_id: uuid.UUID) -> Response:
    sign_in.end_session(visitor.session, visitor.signed_in, session_id)
    if session_id != visitor.sign_in_id:
        path = f"/{visitor.business.slug}/account/sessions"
        return redirect(path, flash="That device is signed out.")
    response = redirect(f"/{visitor.business.slug}", flash="You are signed out.")
    drop_cookie(response, request, client_cookie(request, visitor.business.slug))
    return response


@router.get("/{slug}/account/calendar")
def calendar_page(visitor: PersonWrites, request: Request) -> Response:
    """The address is made at the first look."""
    token = feed_token(visitor.session, feed_of(visitor.session, visitor.signed_in))
    address = f"{settings_of(request).public_url}/calendars/{token}.ics"
    _, _, bare = address.partition("://")
    return render(
        request,
        "account/calendar.html",
        visitor=visitor,
        address=address,
        subscribe=f"webcal://{bare}",
    )


@router.post("/{slug}/account/calendar/renew")
def renew_calendar(visitor: PersonWrites) -> Response:
    renew_feed(visitor.session, visitor.signed_in, by=visitor.actor)
    text = "This is your new address. The old one shows nothing any more."
    return redirect(f"/{visitor.business.slug}/account/calendar", flash=text)


@router.get("/{slug}/account/password")
def password_page(visitor: PersonReads, request: Request) -> Response:
    return render(request, _PASSWORD, visitor=visitor, **_password_context(visitor))


def _password_context(visitor: Visitor) -> dict[str, Any]:
    has_one = visitor.signed_in.password_hash is not None
    return {"minimum": CLIENT_MINIMUM, "has_one": has_one, "email": visitor.signed_in.email}


@router.post("/{slug}/account/password")
@stays_open
async def change_password(request: Request, form: Form, slug: str) -> Response:
    """Everywhere else this login is signed out."""
    hashing: Hashing = request.app.state.hashing
    try:
        hashing.expect_room()
        known, context = await run_in_threadpool(known_here, request, slug)
        verified = await hashing.verify(known.password_hash, form.raw("current_password"))
        check_new(form.raw("password"), minimum=CLIENT_MINIMUM, context=context)
        new_hash = await hashing.hash(form.raw("password"))
        return await run_in_threadpool(_set_password, request, slug, known, verified, new_hash)
    except Refusal as refusal:
        return await run_in_threadpool(_password_again, request, slug, refusal)


def known_here(request: Request, slug: str) -> tuple[KnownPassword, tuple[str, ...]]:
    """What the password of whoever is signed in is verified against; and the words a new one must
    not be made of."""
    limiter: Limiter = request.app.state.limiter
    with database_of(request).reading() as session:
        visitor = person(session, request, slug)
        account = visitor.signed_in
        limiter.hit(Limit.SIGN_IN_ADDRESS, account.email_key)
        known = accounts.known_password(
            session, business_id=visitor.business.id, email_key=account.email_key
        )
        return known, (account.email, account.name, visitor.business.name)


def _set_password(
    request: Request, slug: str, known: KnownPassword, verified: Verified, new_hash: str
) -> Response:
    with database_of(request).writing() as session:
        visitor = person(session, request, slug)
        account, place = visitor.signed_in, place_of(visitor.business)
        sign_in.expect_password(account, known, verified)
        passwords.set_password(session, account, new_hash, place=place, by=visitor.actor)
        token = let_in(session, request, visitor, account)
        text = "Your password is changed. Everywhere else you are signed out."
        response = redirect(f"/{slug}/account", flash=text)
        return remember(response, request, visitor, token)


def _password_again(request: Request, slug: str, refusal: Refusal) -> Response:
    with database_of(request).reading() as session:
        context = _password_context(person(session, request, slug))
    return site_again(request, slug, _PASSWORD, refusal, **context)
