"""Who are you? Among the records with a proved address, and for a visit booked as a guest."""

from typing import Any

from fastapi import APIRouter, Request, Response

from booking.appointments.actions.attach import claimed
from booking.audit.actions import VISITOR
from booking.clients import queries as clients
from booking.clients.models import Client
from booking.dependencies import client_ip
from booking.errors import Expired, Invalid, Refusal
from booking.linking.actions import records
from booking.linking.actions.claim import claim, claimable
from booking.rate_limit import Limit, Limiter
from booking.web.client_session import adopt_visits, onwards, site_again
from booking.web.manage_sign_in import show_again
from booking.web.page import Form, redirect, render
from booking.web.times import read_id
from booking.web.visitor import PersonReads, PersonWrites, SiteReads, SiteWrites, Visitor
from booking.web.way import may_sign_up

router = APIRouter(include_in_schema=False, tags=["me"])

_CHOOSE = "client_sign_in/choose.html"
_CLAIM = "client_sign_in/claim.html"


def described(visitor: Visitor, found: list[Client]) -> list[tuple[str, str, str]]:
    """First names and pets, and nothing else of a record that is not theirs yet."""
    pets = clients.pets_of(visitor.session, [client.id for client in found])
    return [
        (
            str(client.id),
            client.first_name or "No first name",
            ", ".join(pet.name for pet in pets[client.id]) or "No pets noted",
        )
        for client in found
    ]


@router.get("/{slug}/choose")
def choose_page(visitor: PersonReads, request: Request) -> Response:
    account = visitor.signed_in
    found = records.candidates(visitor.session, account)
    mine = clients.clients_of(visitor.session, account.id)
    if mine and not found:
        return redirect(f"/{visitor.business.slug}/account")
    return render(request, _CHOOSE, visitor=visitor, **_choice(visitor, request))


def _choice(visitor: Visitor, request: Request) -> dict[str, Any]:
    account = visitor.signed_in
    found = records.candidates(visitor.session, account)
    return {
        "candidates": described(visitor, found),
        "has_one": bool(clients.clients_of(visitor.session, account.id)),
        "waits": not found and bool(records.unlinked(visitor.session, account.email_key)),
        "next": request.query_params.get("next", ""),
        "email": account.email,
    }


@router.post("/{slug}/choose")
def choose(visitor: PersonWrites, request: Request, form: Form) -> Response:
    account, session = visitor.signed_in, visitor.session
    chosen = [client_id for each in form.all("client") if (client_id := read_id(each))]
    try:
        if not chosen and not form.flag("new"):
            text = "Tick who you are, or say that you are new here"
            raise Invalid.field("client", text, "required")
        asked = [None] if form.flag("new") else chosen
        linked = [records.choose(session, account, each, by=visitor.actor) for each in asked]
        adopt_visits(session, account, linked)
    except Refusal as refusal:
        session.rollback()
        context = {**_choice(visitor, request), "next": form.text("next")}
        return show_again(request, _CHOOSE, refusal, visitor=visitor, **context)
    path = onwards(session, visitor, account, form.text("next"))
    return redirect(path, flash="Thank you. Your visits and pets are here now.")


@router.get("/{slug}/confirm/{secret}")
def claim_page(visitor: SiteReads, request: Request, secret: str) -> Response:
    """Whose visit was it? A look at the link uses nothing."""
    try:
        found = claimable(visitor.session, secret)
    except Expired as refusal:
        return _over(request, visitor, refusal)
    context: dict[str, Any] = {
        "email": found.email,
        "candidates": described(visitor, found.candidates),
    }
    return render(request, _CLAIM, visitor=visitor, **context)


@router.post("/{slug}/confirm/{secret}")
def claim_visit(visitor: SiteWrites, request: Request, form: Form, secret: str) -> Response:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
    session = visitor.session
    try:
        used = claim(
            session, secret, client_id=read_id(form.text("client")), is_new=form.flag("new")
        )
        if isinstance(used, Refusal):
            return _over(request, visitor, used)
        claimed(session, used[0].appointment_id, used[1], by=VISITOR)
    except Expired as refusal:
        return _over(request, visitor, refusal)
    except Refusal as refusal:
        session.rollback()
        found = claimable(session, secret)
        context = {"email": found.email, "candidates": described(visitor, found.candidates)}
        return show_again(request, _CLAIM, refusal, visitor=visitor, **context)
    return redirect(_after(visitor), flash="Thank you. The visit stands with your others now.")


def _after(visitor: Visitor) -> str:
    home = f"/{visitor.business.slug}"
    if visitor.account is not None:
        return f"{home}/account"
    return f"{home}/sign-up" if may_sign_up(visitor) else home


def _over(request: Request, visitor: Visitor, refusal: Refusal) -> Response:
    return site_again(
        request,
        visitor.business.slug,
        "client_sign_in/link_over.html",
        refusal,
        text=refusal.message,
        ask="",
    )
