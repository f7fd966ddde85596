"""An invitation as the invited person meets it: opened, and accepted by a deliberate press."""

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.background import BackgroundTask

from booking.accounts.actions import sign_in
from booking.accounts.passwords import Hashing, check_new
from booking.accounts.queries import find_account
from booking.accounts.rules import CLIENT_MINIMUM, masked
from booking.dependencies import Reading, client_ip, database_of
from booking.errors import Conflict, Expired, Invalid, NotFound, Refusal
from booking.invitations.actions import links
from booking.linking.actions.entry import ClientAccessOff
from booking.rate_limit import Limit, Limiter
from booking.web.client_session import adopt_visits, let_in, remember, site_again
from booking.web.page import Form, redirect, render, status_and_title
from booking.web.visitor import (
    client_account,
    client_cookie,
    drop_cookie,
    set_cookie,
    site_visitor,
)

router = APIRouter(include_in_schema=False, tags=["me"])

_OPEN = "accept/open.html"
_WAITING = "invitation"
_WAITING_DAYS = 30 / 1440
_LONGEST_TOKEN = 200


class SignedInAsAnother(Conflict):
    code = "signed_in_as_another"
    message = "You are signed in with another address. Sign out to accept this invitation."


@router.get("/i/continue")
def go_on(request: Request) -> Response:
    """Back from signing in. The link waited in a cookie: a secret has no place in a query."""
    token = request.cookies.get(_WAITING, "")
    if not token.replace("-", "").replace("_", "").isalnum():
        raise NotFound
    response = redirect(f"/i/{token}")
    drop_cookie(response, request, _WAITING)
    return response


@router.get("/i/{token}")
def invitation_page(session: Reading, request: Request, token: str) -> Response:
    """Shows what it is and changes nothing: mail scanners open links. That it was opened is noted
    once, in a transaction of its own when the page has left."""
    _limit(request)
    try:
        shown = _look(session, request, token)
    except (Expired, ClientAccessOff, NotFound) as refusal:
        return _dead(session, request, refusal)
    visitor = site_visitor(session, request, shown["business_slug"])
    response = render(request, _OPEN, visitor=visitor, **shown)
    if shown["is_first_look"]:
        response.background = BackgroundTask(_note_opened, request, shown["invitation_id"])
    return response


def _note_opened(request: Request, invitation_id: uuid.UUID) -> None:
    with database_of(request).writing() as session:
        links.note_opened(session, invitation_id)


@router.post("/i/{token}")
async def answer(request: Request, form: Form, token: str) -> Response:
    if form.text("action") == "renew":
        return await run_in_threadpool(_renew, request, token)
    if form.text("action") in ("sign-in", "sign-out"):
        return await run_in_threadpool(_step_aside, request, token, form.text("action"))
    hashing: Hashing = request.app.state.hashing
    hashing.expect_room()
    password = form.raw("password")
    shown: dict[str, Any] = {}
    try:
        shown = await run_in_threadpool(_check, request, token)
        password_hash = None
        if not shown["is_me"]:
            check_new(password, minimum=CLIENT_MINIMUM, context=shown["context"])
            password_hash = await hashing.hash(password)
        return await run_in_threadpool(_accept, request, token, password_hash)
    except (Expired, ClientAccessOff, NotFound) as refusal:
        return await run_in_threadpool(_dead_now, request, refusal)
    except (Invalid, Conflict) as refusal:
        return await run_in_threadpool(_again, request, token, refusal)


def _look(session: Reading, request: Request, token: str) -> dict[str, Any]:
    """What the page shows. Raises what opening an invitation raises."""
    opened = links.open_invitation(session, token[:_LONGEST_TOKEN])
    row, business = opened.invitation, opened.business
    here = client_account(session, request, business)
    known = find_account(session, business_id=business.id, email_key=row.email_key)
    is_me = here is not None and here[0].email_key == row.email_key
    email = row.email or opened.client.email
    return {
        "business_slug": business.slug,
        "invitation_id": row.id,
        "is_first_look": row.opened_at is None,
        "first_name": opened.client.first_name,
        "email": masked(email),
        "expires_at": row.expires_at,
        "has_login": known is not None,
        "is_me": is_me,
        "signed_in_as": here[0].email if here and not is_me else "",
        "minimum": CLIENT_MINIMUM,
        "context": (email, opened.client.name, business.name),
    }


def _check(request: Request, token: str) -> dict[str, Any]:
    _limit(request)
    with database_of(request).reading() as session:
        shown = _look(session, request, token)
    if shown["signed_in_as"]:
        raise SignedInAsAnother
    if shown["has_login"] and not shown["is_me"]:
        raise Conflict("There is a login for this address already. Please sign in.")
    return shown


def _accept(request: Request, token: str, password_hash: str | None) -> Response:
    with database_of(request).writing() as session:
        opened = links.open_invitation(session, token[:_LONGEST_TOKEN])
        here = client_account(session, request, opened.business)
        accepted = links.accept(
            session, token, password_hash=password_hash, account=here[0] if here else None
        )
        adopt_visits(session, accepted.account, accepted.linked)
        visitor = site_visitor(session, request, opened.business.slug)
        opened_token = let_in(session, request, visitor, accepted.account)
        page = "choose" if accepted.candidates else "account"
        response = redirect(
            f"/{opened.business.slug}/{page}", flash=f"Welcome to {opened.business.name}."
        )
        return remember(response, request, visitor, opened_token)


def _step_aside(request: Request, token: str, action: str) -> Response:
    """By their own press: sign out here and look again, or sign in first and come back."""
    with database_of(request).writing() as session:
        try:
            opened = links.open_invitation(session, token[:_LONGEST_TOKEN])
        except (Expired, ClientAccessOff, NotFound) as refusal:
            return _dead(session, request, refusal)
        slug = opened.business.slug
        here = client_account(session, request, opened.business)
        if action == "sign-out" and here is not None:
            sign_in.end_session(session, here[0], here[1])
    if action == "sign-out":
        response = redirect(f"/i/{token}", flash="You are signed out.")
        drop_cookie(response, request, client_cookie(request, slug))
        return response
    response = redirect(f"/{slug}/sign-in?next=/i/continue")
    set_cookie(response, request, _WAITING, token, _WAITING_DAYS)
    return response


def _renew(request: Request, token: str) -> Response:
    """Always the same answer: whether a mail left, its reader alone learns."""
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.MAIL_IP, client_ip(request))
    with database_of(request).writing() as session:
        try:
            business = links.renew(session, token[:_LONGEST_TOKEN])
        except NotFound as refusal:
            return _dead(session, request, refusal)
        visitor = site_visitor(session, request, business.slug)
        return render(request, "accept/asked.html", visitor=visitor)


def _again(request: Request, token: str, refusal: Refusal) -> Response:
    with database_of(request).reading() as session:
        try:
            shown = _look(session, request, token)
        except (Expired, ClientAccessOff, NotFound) as dead:
            return _dead(session, request, dead)
    return site_again(request, shown["business_slug"], _OPEN, refusal, **shown)


def _dead_now(request: Request, refusal: Refusal) -> Response:
    with database_of(request).reading() as session:
        return _dead(session, request, refusal)


def _dead(session: Reading, request: Request, refusal: Refusal) -> Response:
    """Why the link leads nowhere, in plain words; as little as possible where it is not known."""
    slug = refusal.extra.get("business", {}).get("slug")
    if slug is None:
        raise NotFound(
            "We do not know this link. Open it from the e-mail itself, or copy all of it."
        )
    status, _ = status_and_title(refusal)
    visitor = site_visitor(session, request, slug)
    return render(request, "accept/dead.html", status=status, visitor=visitor, code=refusal.code)


def _limit(request: Request) -> None:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
