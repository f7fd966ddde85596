"""Merging: two records become one, after somebody saw what stays, what comes along and what moves;
and back."""

import uuid
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from booking.clients import queries as clients
from booking.clients.models import Client
from booking.clients.queries import ClientFilter
from booking.errors import Conflict, Invalid, NotFound
from booking.merges import queries
from booking.merges.actions.merging import merge
from booking.merges.actions.undoing import Conflicts, Decision, undo
from booking.merges.models import Merge
from booking.merges.rules import label
from booking.web.manage_sign_in import show_again
from booking.web.match_cards import Known
from booking.web.match_notices import places, what_was_done
from booking.web.merge_form import chosen_fields, say, shown
from booking.web.page import Form, SentForm, redirect, render
from booking.web.typed import ids
from booking.web.visitor import MemberReads, MemberWrites, Visitor

router = APIRouter(include_in_schema=False, tags=["merges"])

_PAGE = 30
_FOUND = 20
_DECIDE = "decide."


@router.get("/manage/{slug}/merges")
def merges_page(visitor: MemberReads, request: Request) -> Response:
    after = _id(request.query_params.get("after", ""))
    found = queries.recent(visitor.session, after=after, limit=_PAGE + 1)
    rows = found[:_PAGE]
    home = _home(visitor)
    return render(
        request,
        "merges/list.html",
        visitor=visitor,
        rows=[_row(row) for row in rows],
        merged=queries.merged_of(visitor.session, [row.id for row in rows]),
        done=what_was_done(visitor, request),
        places=places(visitor, "merges"),
        first_url=home if after else None,
        next_url=f"{home}?after={rows[-1].id}" if len(found) > _PAGE else None,
    )


def _row(row: Merge) -> tuple[Merge, Any]:
    """With the moment until which it may be undone, or None."""
    return row, queries.undo_until(row) if queries.may_undo(row) else None


@router.get("/manage/{slug}/clients/{client_id:uuid}/merge")
def find_page(visitor: MemberReads, request: Request, client_id: uuid.UUID) -> Response:
    """With whom? First whom we think of ourselves."""
    client = clients.find(visitor.session, client_id)
    typed = request.query_params.get("q", "")[:200]
    asked = "".join(letter for letter in typed if letter.isprintable()).strip()
    found = (
        clients.search(visitor.session, ClientFilter(q=asked), limit=_FOUND + 1) if asked else []
    )
    others = [each for each in found[:_FOUND] if each.id != client.id]
    return render(
        request,
        "merges/find.html",
        visitor=visitor,
        client=client,
        q=asked,
        rows=others,
        pets=clients.pets_of(visitor.session, [each.id for each in others]),
        more=len(found) > _FOUND,
    )


@router.get("/manage/{slug}/merges/new")
def new_page(visitor: MemberReads, request: Request) -> Response:
    keep, others = _asked(
        request.query_params.get("keep", ""), request.query_params.getlist("merge")
    )
    if not others:
        return redirect(f"/manage/{visitor.business.slug}/clients/{keep}/merge")
    try:
        records = _records(visitor, keep, others)
    except NotFound:
        return _already(visitor, [keep, *others])
    return render(request, "merges/new.html", visitor=visitor, **_compared(visitor, records, {}))


@router.post("/manage/{slug}/merges")
def make(visitor: MemberWrites, request: Request, form: Form) -> Response:
    keep, others = _asked(form.text("keep"), form.all("merge"))
    fields, login = chosen_fields(form), form.text("login")
    try:
        records = _records(visitor, keep, others)
    except NotFound:
        return _already(visitor, [keep, *others])
    try:
        made = merge(
            visitor.session,
            records[0],
            records[1:],
            fields=fields,
            login=_id(login),
            by=visitor.actor,
        )
    except (Invalid, Conflict) as refusal:
        visitor.session.rollback()
        typed = fields | {"login": login}
        told = refusal if refusal.fields else _beside(refusal)
        context = _compared(visitor, _records(visitor, keep, others), typed)
        return show_again(request, "merges/new.html", told, visitor=visitor, **context)
    return redirect(f"/manage/{visitor.business.slug}/clients/{made.kept_id}?merged={made.id}")


@router.get("/manage/{slug}/merges/{merge_id:uuid}/undo")
def undo_page(visitor: MemberReads, request: Request, merge_id: uuid.UUID) -> Response:
    """Says what undoing does; changes nothing."""
    row = queries.find(visitor.session, merge_id)
    return render(request, "merges/undo.html", visitor=visitor, **_undoing(visitor, row))


@router.post("/manage/{slug}/merges/{merge_id:uuid}/undo")
def take_back(visitor: MemberWrites, request: Request, form: Form, merge_id: uuid.UUID) -> Response:
    row = queries.find(visitor.session, merge_id)
    try:
        done = undo(visitor.session, row, decisions=_decisions(form), by=visitor.actor)
    except Conflict as refusal:
        visitor.session.rollback()
        return redirect(_home(visitor), flash=refusal.message, kind="error")
    if isinstance(done, Conflicts):
        visitor.session.rollback()
        context = _undoing(visitor, row) | {"conflicts": done.conflicts}
        return show_again(request, "merges/undo.html", done, visitor=visitor, **context)
    names = " and ".join(client.name for client in done.restored)
    several = len(done.restored) > 1
    flash = f"Undone. {names} {'are records' if several else 'is a record'} of their own again."
    page = done.restored[0].id if done.restored else done.kept.id
    flash = " ".join((flash, *done.gone))
    return redirect(f"/manage/{visitor.business.slug}/clients/{page}", flash=flash)


def _asked(keep: str, others: Sequence[str]) -> tuple[uuid.UUID, list[uuid.UUID]]:
    """The record that stays and the others, in their order; the one that stays may be among them,
    so that a form need only say which it is. Raises NotFound."""
    try:
        ids([keep, *others], "keep")
    except Invalid:
        raise NotFound from None
    kept = uuid.UUID(keep)
    return kept, [uuid.UUID(one) for one in dict.fromkeys(others) if uuid.UUID(one) != kept]


def _records(visitor: Visitor, keep: uuid.UUID, others: Sequence[uuid.UUID]) -> list[Client]:
    return [clients.find(visitor.session, one) for one in (keep, *others)]


def _compared(visitor: Visitor, records: list[Client], typed: dict[str, str]) -> dict[str, Any]:
    preview = queries.preview(visitor.session, records[0], records[1:])
    known = Known.of(visitor, {record.id for record in records})
    return {
        "records": records,
        "keep": records[0],
        "sides": [known.record(visitor, record.id) for record in sorted(records, key=_by_age)],
        "by_age": sorted(records, key=_by_age),
        "preview": preview,
        "shown": shown(preview, records, typed),
        "login": typed.get("login", ""),
    }


def _by_age(client: Client) -> tuple[Any, uuid.UUID]:
    """An order that choosing another to keep does not change."""
    return client.created_at, client.id


def _undoing(visitor: Visitor, row: Merge) -> dict[str, Any]:
    merged = queries.merged_of(visitor.session, [row.id])[row.id]
    until = queries.undo_until(row) if queries.may_undo(row) else None
    return {
        "row": row,
        "merged": merged,
        "until": until,
        "conflicts": (),
        "decide": _DECIDE,
        "say": say,
        "label": label,
    }


def _already(visitor: Visitor, records: Sequence[uuid.UUID]) -> Response:
    """One of them went into another already: there it leads. Raises NotFound where it never was."""
    for record in records:
        if kept := queries.where_is(visitor.session, record):
            page = f"/manage/{visitor.business.slug}/clients/{kept}"
            return redirect(page, flash="These records are one already.", kind="info")
    raise NotFound


def _beside(refusal: Invalid | Conflict) -> Invalid | Conflict:
    """The choice of a login has its field on the page."""
    if refusal.code == "choose_login":
        return Invalid.field("login", "Choose which login stays.", refusal.code)
    return refusal


def _decisions(form: SentForm) -> dict[str, Decision]:
    said = {
        name.removeprefix(_DECIDE): value
        for name, value in form.texts().items()
        if name.startswith(_DECIDE)
    }
    return {key: "restore" if value == "restore" else "keep" for key, value in said.items()}


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _home(visitor: Visitor) -> str:
    return f"/manage/{visitor.business.slug}/merges"
