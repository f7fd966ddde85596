"""Pages for the operators of the whole service: posting notices and writing on."""

import uuid
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.dependencies import settings_of
from booking.errors import FieldError, Invalid
from booking.notices import queries, rules
from booking.notices.actions import posting as verbs
from booking.notices.actions.posting import ComponentIn, Line, Posting
from booking.notices.queries import Posted
from booking.notices.rules import Kind, Promise, Severity, State
from booking.web.banners import Board
from booking.web.page import Form, SentForm, redirect, render
from booking.web.typed import typed
from booking.web.visitor import Operator, OperatorReads, OperatorWrites

router = APIRouter(include_in_schema=False)

KINDS = [
    (Kind.INCIDENT, "Incident", "Something does not work as it should."),
    (Kind.MAINTENANCE, "Maintenance", "Planned work. Subscribers are told 48 hours and one ahead."),
    (Kind.HOLIDAY, "Holiday", "We are away, or slower to answer."),
    (Kind.INFORMATION, "Information", "Anything else people should know for a while."),
]
SEVERITIES = [
    (Severity.INFORMATION, "Everything works"),
    (Severity.DEGRADED, "Works only in part"),
    (Severity.OUTAGE, "Does not work"),
]
PROMISES = [
    (Promise.END, "It ends then"),
    (Promise.UPDATE, "We write again by then"),
]
_BLANK: dict[str, Any] = {
    "kind": None,
    "severity": Severity.INFORMATION.value,
    "title": "",
    "text": "",
    "components": [],
    "starts_at": "",
    "until": "",
    "promise": Promise.END.value,
    "read_only": False,
    "resolved": False,
}
_NAMES = {
    "kind": "Kind",
    "severity": "What works",
    "title": "Title",
    "text": "What people should know",
    "components": "Components",
    "starts_at": "Start",
    "until": "Until",
    "read_only": "Read-only",
}


@router.get("/operator")
def home(operator: OperatorReads, request: Request) -> Response:
    now = clock.now()
    found = queries.notices(operator.session, now)
    over = {State.RESOLVED, State.ENDED, State.LAPSED, State.CANCELLED}
    return _page(
        operator,
        request,
        "operator/home.html",
        now=now,
        holding=[each for each in found if each.state(now) is State.IN_FORCE],
        planned=[each for each in reversed(found) if each.state(now) is State.PLANNED],
        past=[each for each in found if each.state(now) in over],
    )


@router.get("/operator/notices/new")
def new(operator: OperatorReads, request: Request) -> Response:
    return _form_page(operator, request, {})


@router.post("/operator/notices/new")
def post(operator: OperatorWrites, request: Request, form: Form) -> Response:
    try:
        notice = verbs.post(operator.session, _posting(request, form), by=operator.actor)
    except Invalid as refusal:
        operator.session.rollback()
        return _form_page(operator, request, _typed(form), refusal)
    return _done(request, notice.id, "Posted. It leaves by itself when it is over.")


@router.get("/operator/notices/{notice_id:uuid}")
def one(operator: OperatorReads, request: Request, notice_id: uuid.UUID) -> Response:
    return _one_page(operator, request, queries.find(operator.session, notice_id))


@router.post("/operator/notices/{notice_id:uuid}/updates")
def add_update(
    operator: OperatorWrites, request: Request, notice_id: uuid.UUID, form: Form
) -> Response:
    posted = queries.find(operator.session, notice_id)
    try:
        values = {"text": form.text("text"), "resolved": form.flag("resolved")}
        line = typed(Line, values | _until(request, form))
        verbs.add_update(operator.session, posted.notice, line, by=operator.actor)
    except Invalid as refusal:
        operator.session.rollback()
        posted = queries.find(operator.session, notice_id)
        return _one_page(operator, request, posted, _typed(form), refusal)
    return _done(request, notice_id, "Resolved." if line.resolved else "The update stands there.")


@router.get("/operator/notices/{notice_id:uuid}/edit")
def edit(operator: OperatorReads, request: Request, notice_id: uuid.UUID) -> Response:
    posted = queries.find(operator.session, notice_id)
    notice, zone = posted.notice, settings_of(request).timezone
    values = {
        "kind": notice.kind.value,
        "severity": notice.severity.value,
        "title": notice.title,
        "text": notice.text,
        "components": [each.key for each in posted.components],
        "starts_at": _as_typed(notice.starts_at, zone),
        "until": _as_typed(notice.ends_at, zone),
        "promise": notice.promise.value,
        "read_only": notice.read_only,
    }
    return _form_page(operator, request, values, posted=posted)


@router.post("/operator/notices/{notice_id:uuid}/edit")
def change(
    operator: OperatorWrites, request: Request, notice_id: uuid.UUID, form: Form
) -> Response:
    posted = queries.find(operator.session, notice_id)
    try:
        verbs.revise(operator.session, posted.notice, _posting(request, form), by=operator.actor)
    except Invalid as refusal:
        operator.session.rollback()
        posted = queries.find(operator.session, notice_id)
        return _form_page(operator, request, _typed(form), refusal, posted=posted)
    return _done(request, notice_id, "Changed.")


@router.get("/operator/components")
def components(operator: OperatorReads, request: Request) -> Response:
    return _components_page(operator, request)


@router.post("/operator/components")
def add_component(operator: OperatorWrites, request: Request, form: Form) -> Response:
    values = {"name": form.text("name"), "outside_url": form.text("outside_url")}
    try:
        verbs.add_component(operator.session, typed(ComponentIn, values), by=operator.actor)
    except Invalid as refusal:
        operator.session.rollback()
        return _components_page(operator, request, values, refusal)
    return redirect("/operator/components", flash="Added, as the last of the list.")


@router.post("/operator/components/{key}")
def change_component(operator: OperatorWrites, request: Request, key: str, form: Form) -> Response:
    component = queries.component(operator.session, key)
    values = {"name": form.text("name"), "outside_url": form.text("outside_url")}
    try:
        given = typed(ComponentIn, values)
    except Invalid as refusal:
        return _components_page(operator, request, values, refusal, key=key)
    verbs.change_component(operator.session, component, given, by=operator.actor)
    return redirect("/operator/components", flash=f"{given.name} is saved.")


def _posting(request: Request, form: SentForm) -> Posting:
    """Raises Invalid with each field that can't be used."""
    zone = settings_of(request).timezone
    values = {
        "kind": form.text("kind"),
        "severity": form.text("severity"),
        "title": form.text("title"),
        "text": form.text("text"),
        "components": form.all("components"),
        "starts_at": _moment(form.text("starts_at"), zone, "starts_at"),
        "read_only": form.flag("read_only"),
    }
    return typed(Posting, values | _until(request, form))


def _until(request: Request, form: SentForm) -> dict[str, datetime | None]:
    until = _moment(form.text("until"), settings_of(request).timezone, "until")
    is_end = form.text("promise") != Promise.UPDATE
    return {"ends_at" if is_end else "next_update_at": until}


def _moment(text: str, zone: str, field: str) -> datetime | None:
    """A wall-clock time in the service's zone, as a `datetime-local` field sends it."""
    if not text:
        return None
    try:
        return clock.to_utc(datetime.fromisoformat(text).replace(tzinfo=None), zone)
    except (ValueError, OverflowError):
        raise Invalid.field(field, "Enter a date and time like 2026-12-24 18:00.") from None


def _as_typed(moment: datetime, zone: str) -> str:
    return f"{clock.to_local(moment, zone):%Y-%m-%dT%H:%M}"


def _typed(form: SentForm) -> dict[str, Any]:
    """What was typed, to be shown again."""
    flags = {"read_only": form.flag("read_only"), "resolved": form.flag("resolved")}
    return {**form.texts(), **flags, "components": form.all("components")}


def _done(request: Request, notice_id: uuid.UUID, flash: str) -> Response:
    board: Board = request.app.state.board
    board.look_again()
    return redirect(f"/operator/notices/{notice_id}", flash=flash)


def _one_page(
    operator: Operator,
    request: Request,
    posted: Posted,
    values: dict[str, Any] | None = None,
    refusal: Invalid | None = None,
) -> Response:
    now = clock.now()
    return _page(
        operator,
        request,
        "operator/one.html",
        refusal=refusal,
        posted=posted,
        now=now,
        is_over=posted.window.over_at <= now,
        promises=PROMISES,
        values=_BLANK | (values or {"promise": posted.notice.promise.value}),
    )


def _form_page(
    operator: Operator,
    request: Request,
    values: dict[str, Any],
    refusal: Invalid | None = None,
    posted: Posted | None = None,
) -> Response:
    return _page(
        operator,
        request,
        "operator/form.html",
        refusal=refusal,
        posted=posted,
        values=_BLANK | values,
        kinds=KINDS,
        severities=SEVERITIES,
        promises=PROMISES,
        components=queries.components(operator.session),
    )


def _components_page(
    operator: Operator,
    request: Request,
    values: dict[str, str] | None = None,
    refusal: Invalid | None = None,
    key: str = "",
) -> Response:
    """`key`: of the component whose fields were refused; empty for the new one's."""
    return _page(
        operator,
        request,
        "operator/components.html",
        refusal=refusal,
        values=values or {},
        key=key,
        components=queries.components(operator.session),
    )


def _page(
    operator: Operator,
    request: Request,
    template: str,
    *,
    refusal: Invalid | None = None,
    **context: Any,
) -> Response:
    """A refusal of either kind of end stands at the one field there is for it."""
    zone = settings_of(request).timezone
    ends = {"ends_at", "next_update_at"}
    errors = tuple(
        FieldError("until" if each.field in ends else each.field, each.code, each.message)
        for each in (refusal.fields if refusal else ())
    )
    return render(
        request,
        template,
        status=422 if refusal else 200,
        errors=errors,
        names=_NAMES,
        zone=zone,
        zone_said=rules.say_zone(clock.now(), zone),
        operator_name=operator.account.name or operator.account.email,
        **context,
    )
