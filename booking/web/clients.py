"""Clients: found, shown, added, changed; their pets and their login."""

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.accounts import queries as accounts
from booking.accounts.rules import email_key
from booking.appointments import queries as appointments
from booking.audit import queries as audit
from booking.audit.queries import AuditFilter
from booking.clients import actions, queries
from booking.clients.models import Client, ClientStatus, LinkedBy
from booking.clients.queries import After, ClientFilter
from booking.clients.rules import ClientDetails, checked
from booking.errors import Conflict, Invalid, NotFound
from booking.invitations.queries import verdict
from booking.mail.queries import silenced
from booking.matching.rules.verdicts import Verdict
from booking.merges import queries as merges
from booking.web import relations
from booking.web.audit import said
from booking.web.manage_sign_in import show_again
from booking.web.match_notices import what_was_done
from booking.web.page import Form, SentForm, redirect, render
from booking.web.reasons import reason_words
from booking.web.visitor import MemberReads, MemberWrites, Visitor

router = APIRouter(include_in_schema=False, tags=["clients"])

_PAGE = 50
_TEXTS = (
    "first_name",
    "last_name",
    "email",
    "mobile_phone",
    "home_phone",
    "address_1",
    "address_2",
    "city",
    "region",
    "postal_code",
    "country",
    "birthday",
    "language",
    "household",
    "external_id",
    "notes",
)
_CONSENTS = ("marketing_email_ok", "sms_ok")
_YES_NO = {"yes": True, "no": False}
_STATUSES = {status.value: status for status in ClientStatus}
_SAID_BY = {
    LinkedBy.INVITATION: "by an invitation",
    LinkedBy.CONFIRMATION: "by proving the e-mail address",
    LinkedBy.CHOICE: "by choosing this record",
    LinkedBy.STAFF: "by staff",
}


@router.get("/manage/{slug}/clients")
def clients_page(visitor: MemberReads, request: Request) -> Response:
    asked = {name: request.query_params.get(name, "")[:200] for name in _FILTERS}
    asked["q"] = "".join(letter for letter in asked["q"] if letter.isprintable()).strip()
    wanted = ClientFilter(
        q=asked["q"],
        status=_STATUSES.get(asked["status"]),
        has_account=_YES_NO.get(asked["login"]),
        email_problem=True if asked["email"] == "problem" else None,
    )
    after = _after(visitor, request.query_params.get("after", ""))
    found = queries.search(visitor.session, wanted, after=after, limit=_PAGE + 1)
    shown = found[:_PAGE]
    ids = [client.id for client in shown]
    return render(
        request,
        "clients/list.html",
        visitor=visitor,
        clients=shown,
        pets=queries.pets_of(visitor.session, ids),
        links=queries.links_of(visitor.session, ids),
        total=queries.count(visitor.session, wanted),
        everybody=not any(asked.values()),
        asked=asked,
        later=after is not None,
        next_after=shown[-1].id if len(found) > _PAGE else None,
    )


_FILTERS = ("q", "status", "login", "email")


def _after(visitor: Visitor, last_seen: str) -> After | None:
    """The page goes on behind a client; if that one is gone, it begins anew."""
    try:
        client = queries.find(visitor.session, uuid.UUID(last_seen))
    except (ValueError, NotFound):
        return None
    return After(client.sort_name, client.id)


@router.get("/manage/{slug}/clients/new")
def new_page(visitor: MemberReads, request: Request) -> Response:
    return render(
        request, "clients/form.html", visitor=visitor, client=None, typed={"status": "active"}
    )


@router.post("/manage/{slug}/clients/new")
def add(visitor: MemberWrites, request: Request, form: Form) -> Response:
    """Whoever looks like somebody known is shown first; with `anyway` they are somebody new."""
    typed = _typed(form)
    try:
        details = ClientDetails(**checked(ClientDetails, _values(typed)))
        verdict = relations.look_alikes(visitor, details)
        if verdict.ranked and not form.flag("anyway"):
            return _looks_like(visitor, request, typed, verdict)
        client = actions.add_client(visitor.session, details, by=visitor.actor)
    except Invalid as refusal:
        visitor.session.rollback()
        return show_again(
            request, "clients/form.html", refusal, visitor=visitor, client=None, typed=typed
        )
    relations.not_the_same(visitor, client, verdict)
    return redirect(_path(visitor, client.id), flash=f"{client.name} is added.")


def _looks_like(
    visitor: Visitor, request: Request, typed: dict[str, str], verdict: Verdict
) -> Response:
    """The form once more with everything typed, and under it whom this may be."""
    return render(
        request,
        "clients/form.html",
        visitor=visitor,
        status=409,
        client=None,
        typed=typed,
        alike=relations.as_cards(visitor, verdict),
    )


def _others_with(visitor: Visitor, client: Client) -> list[Client]:
    if client.email_key is None:
        return []
    found = queries.clients_with_email(visitor.session, client.email_key)
    return [other for other in found if other.id != client.id]


@router.get("/manage/{slug}/clients/{client_id:uuid}")
def client_page(visitor: MemberReads, request: Request, client_id: uuid.UUID) -> Response:
    """The old address of a record that went into another leads to that one."""
    try:
        client = queries.find(visitor.session, client_id)
    except NotFound:
        kept = merges.where_is(visitor.session, client_id)
        if kept is None:
            raise
        return redirect(_path(visitor, kept), flash="That record is part of this one.", kind="info")
    context = _shown(visitor, client)
    context |= relations.of_client(visitor, client, _others_with(visitor, client))
    context["done"] = what_was_done(visitor, request)
    return render(request, "clients/client.html", visitor=visitor, **context)


def _shown(visitor: Visitor, client: Client) -> dict[str, Any]:
    session, moment = visitor.session, clock.now()
    visits = appointments.of_client(session, client.id)
    pets = queries.pets_of(session, [client.id], archived=True)[client.id]
    link = queries.account_of(session, client)
    history = audit.entries(session, AuditFilter(record_id=client.id), 30)
    return {
        "client": client,
        "pets": [pet for pet in pets if pet.archived_at is None],
        "archived": [pet for pet in pets if pet.archived_at is not None],
        "link": link,
        "silenced": silenced(session, client.email_key),
        "objection": reason_words(visitor.preferences).get(verdict(session, client.id), ""),
        "linked_how": _SAID_BY[link.linked_by] if link else "",
        "login": accounts.account(session, link.account_id) if link else None,
        "upcoming": [visit for visit in reversed(visits) if visit.starts_at >= moment],
        "past": [visit for visit in visits if visit.starts_at < moment],
        "history": [(entry, said(entry)) for entry in history],
        "born": any(entry.action == "client.created" for entry in history),
    }


@router.get("/manage/{slug}/clients/{client_id:uuid}/edit")
def edit_page(visitor: MemberReads, request: Request, client_id: uuid.UUID) -> Response:
    client = queries.find(visitor.session, client_id)
    return render(request, "clients/form.html", visitor=visitor, client=client, typed=_kept(client))


@router.post("/manage/{slug}/clients/{client_id:uuid}/edit")
def change(visitor: MemberWrites, request: Request, form: Form, client_id: uuid.UUID) -> Response:
    client = queries.find(visitor.session, client_id)
    typed, kept = _typed(form), _kept(client)
    changed = {name: value for name, value in typed.items() if value != kept[name]}
    try:
        actions.change_client(visitor.session, client, _values(changed), by=visitor.actor)
    except Invalid as refusal:
        visitor.session.rollback()
        return show_again(
            request, "clients/form.html", refusal, visitor=visitor, client=client, typed=typed
        )
    return redirect(_path(visitor, client.id), flash="Saved." if changed else "Nothing changed.")


@router.get("/manage/{slug}/clients/{client_id:uuid}/login")
def login_page(visitor: MemberReads, request: Request, client_id: uuid.UUID) -> Response:
    """Asks before a login is linked or taken away; changes nothing."""
    client = queries.find(visitor.session, client_id)
    return render(
        request, "clients/login.html", visitor=visitor, typed={}, **_login_of(visitor, client)
    )


@router.post("/manage/{slug}/clients/{client_id:uuid}/link")
def link(visitor: MemberWrites, request: Request, form: Form, client_id: uuid.UUID) -> Response:
    client = queries.find(visitor.session, client_id)
    typed = {"email": form.text("email")}
    try:
        account = accounts.find_account(
            visitor.session, business_id=visitor.business.id, email_key=email_key(typed["email"])
        )
        if account is None:
            raise Invalid.field("email", "No client login has this e-mail address.")
        actions.link(
            visitor.session, client, account.id, linked_by=LinkedBy.STAFF, by=visitor.actor
        )
    except (Invalid, Conflict) as refusal:
        visitor.session.rollback()
        context = _login_of(visitor, client) | {"typed": typed}
        return show_again(request, "clients/login.html", refusal, visitor=visitor, **context)
    return redirect(
        _path(visitor, client.id), flash=f"{account.email} now sees and books for {client.name}."
    )


@router.post("/manage/{slug}/clients/{client_id:uuid}/unlink")
def unlink(visitor: MemberWrites, client_id: uuid.UUID) -> Response:
    client = queries.find(visitor.session, client_id)
    actions.unlink(visitor.session, client, by=visitor.actor)
    return redirect(_path(visitor, client.id), flash=f"No login sees {client.name} any more.")


def _login_of(visitor: Visitor, client: Client) -> dict[str, Any]:
    link = queries.account_of(visitor.session, client)
    login = accounts.account(visitor.session, link.account_id) if link else None
    theirs = queries.clients_of(visitor.session, login.id) if login else []
    return {
        "client": client,
        "login": login,
        "others": [other for other in theirs if other.id != client.id],
    }


def _typed(form: SentForm) -> dict[str, str]:
    typed = {name: form.text(name).replace("\r\n", "\n") for name in (*_TEXTS, *_CONSENTS)}
    typed["status"] = form.text("status") or ClientStatus.ACTIVE
    typed["blocked"] = "yes" if form.flag("blocked") else ""
    return typed


def _kept(client: Client) -> dict[str, str]:
    """The client as the form would send it back unchanged."""
    texts = {name: str(getattr(client, name) or "") for name in _TEXTS}
    words = {True: "yes", False: "no", None: ""}
    consents = {name: words[getattr(client, name)] for name in _CONSENTS}
    return {
        **texts,
        **consents,
        "status": client.status.value,
        "blocked": "yes" if client.blocked else "",
    }


def _values(typed: dict[str, str]) -> dict[str, Any]:
    """What the room is told: an empty date, number or choice is none at all."""
    values: dict[str, Any] = dict(typed)
    for name in ("birthday", "external_id"):
        if values.get(name) == "":
            values[name] = None
    for name in _CONSENTS:
        if name in values:
            values[name] = _YES_NO.get(values[name])
    if "blocked" in values:
        values["blocked"] = values["blocked"] == "yes"
    return values


def _path(visitor: Visitor, client_id: uuid.UUID) -> str:
    return f"/manage/{visitor.business.slug}/clients/{client_id}"
