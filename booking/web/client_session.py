"""A pet owner's browser: let in, remembered, and the half of a sign-up it keeps."""

from typing import Any
from urllib.parse import quote, unquote

from fastapi import Request, Response

from booking.accounts.actions import sign_in
from booking.accounts.models import Account, SessionKind
from booking.accounts.rules import device_name
from booking.appointments.actions.attach import adopt
from booking.clients import queries as clients
from booking.clients.models import Client
from booking.dependencies import Reading, Writing, database_of
from booking.errors import Refusal
from booking.linking.actions import records
from booking.linking.actions.entry import (
    ClientAccessOff,
    check_access,
    check_still_client,
    note_sign_in,
)
from booking.linking.actions.sign_up import SIGN_UP_HOURS
from booking.web.manage_sign_in import show_again
from booking.web.page import local_path, redirect, render
from booking.web.visitor import Visitor, client_cookie, set_cookie, site_visitor


def site_page(request: Request, visitor: Visitor, template: str, **context: Any) -> Response:
    """A page about logins; while they are switched off, the one that says so."""
    try:
        check_access(visitor.session)
    except ClientAccessOff:
        return render(request, "client_sign_in/off.html", visitor=visitor, status=409)
    return render(request, template, visitor=visitor, **context)


def site_again(
    request: Request, slug: str, template: str, refusal: Refusal, **context: Any
) -> Response:
    """The form once more, in a look of its own at the database: what failed is rolled back."""
    with database_of(request).reading() as session:
        visitor = site_visitor(session, request, slug)
        if isinstance(refusal, ClientAccessOff):
            return render(request, "client_sign_in/off.html", visitor=visitor, status=409)
        return show_again(request, template, refusal, visitor=visitor, **context)


def let_in(session: Writing, request: Request, visitor: Visitor, account: Account) -> str:
    """A new session for this browser; the one it had before ends. Returns the token.

    Raises NoLongerClient for a login all of whose clients have left.
    """
    check_still_client(session, account)
    name = client_cookie(request, visitor.business.slug)
    before = sign_in.session_of(session, request.cookies.get(name, ""))
    if before is not None:
        session.delete(before.sign_in)
    device = device_of(request)
    token, _ = sign_in.open_session(
        session,
        account,
        kind=SessionKind.BROWSER,
        device=device,
        days=visitor.preferences.client_settings.session_days,
    )
    note_sign_in(session, account, device=device)
    return token


def remember(response: Response, request: Request, visitor: Visitor, token: str) -> Response:
    days = visitor.preferences.client_settings.session_days
    set_cookie(response, request, client_cookie(request, visitor.business.slug), token, days)
    return response


def device_of(request: Request) -> str:
    return device_name(request.headers.get("user-agent", ""))


def onwards(session: Reading, visitor: Visitor, account: Account, wanted: str) -> str:
    """Where somebody goes who has just signed in: to choose their record, if they have none."""
    home = f"/{visitor.business.slug}"
    path = local_path(wanted, f"{home}/account")
    if not path.startswith((f"{home}/", f"{home}?")) and path != home and not _is_invitation(path):
        path = f"{home}/account"
    if clients.clients_of(session, account.id):
        return path
    return f"{home}/choose?next={quote(path, safe='/')}"


def _is_invitation(path: str) -> bool:
    """An invitation that was opened by somebody who had to sign in first."""
    return path.startswith("/i/")


def adopt_visits(session: Writing, account: Account, linked: list[Client]) -> None:
    """What this mailbox booked as a guest belongs to its owner's record from now on."""
    if linked:
        adopt(session, linked[0], account.email_key, by=records.actor_of(account))


# The half of a sign-up that only the typing browser has.


def await_proof(
    request: Request, slug: str, *, token: str, email: str, booked: bool = False
) -> Response:
    """On to the page that takes the six digits; this browser keeps its half until then."""
    response = redirect(f"/{slug}/sign-up/confirm{'?booked=yes' if booked else ''}")
    value = f"{token}|{quote(email)}"
    set_cookie(response, request, sign_up_cookie(request, slug), value, SIGN_UP_HOURS / 24)
    return response


def sign_up_cookie(request: Request, slug: str) -> str:
    return f"{client_cookie(request, slug)}-sign-up"


def kept_half(request: Request, slug: str) -> tuple[str, str]:
    """The token this browser got when it typed a sign-up, and the address; empty elsewhere."""
    token, _, email = request.cookies.get(sign_up_cookie(request, slug), "").partition("|")
    return token, unquote(email)
