"""Booking Preferences: one page, its sections, and the history of who changed what."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic.fields import FieldInfo

from booking.errors import FieldError, Invalid
from booking.preferences import actions
from booking.preferences.actions import StalePreferences
from booking.preferences.models import PreferenceChange
from booking.preferences.rules import SECTIONS, Preferences, fields, value_of
from booking.web.page import Form, SentForm, redirect, render
from booking.web.typed import number
from booking.web.visitor import ManagerWrites, MemberReads, Visitor

router = APIRouter(include_in_schema=False, tags=["preferences"])

_LONG = 300
_HISTORY_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One preference as the page shows it."""

    name: str
    title: str
    text: str
    kind: str
    """switch, number, choice, choices, line or paragraph"""
    value: Any
    options: tuple[tuple[str, str], ...] = ()
    low: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """One section of the page."""

    name: str
    title: str
    rows: list[Row]


@router.get("/manage/{slug}/preferences")
def show(visitor: MemberReads, request: Request) -> Response:
    return _page(visitor, request, actions.current(visitor.session), {})


@router.post("/manage/{slug}/preferences")
def save(visitor: ManagerWrites, request: Request, form: Form) -> Response:
    """Only what was changed on this page is saved: what others saved meanwhile stays."""
    session = visitor.session
    now = actions.current(session)
    version = int(number(form.text("version")) or 0) if form.text("version").isdigit() else 0
    meanwhile = actions.changed_since(session, version)
    patch = _changed(form, _as_of(now, meanwhile))
    try:
        if version != now.version:
            raise StalePreferences
        actions.change(session, _nested(patch), expected_version=version, by=visitor.actor)
    except Invalid as refusal:
        session.rollback()
        return _page(visitor, request, now, patch, status=422, errors=refusal.fields)
    except StalePreferences:
        session.rollback()
        return _page(visitor, request, now, patch, status=409, meanwhile=meanwhile)
    return redirect(f"/manage/{visitor.business.slug}/preferences", flash="Your changes are saved.")


@router.get("/manage/{slug}/preferences/history")
def history(visitor: MemberReads, request: Request) -> Response:
    changes = actions.history(visitor.session, _HISTORY_SHOWN)
    return render(request, "preferences/history.html", visitor=visitor, changes=_told(changes))


def _page(
    visitor: Visitor,
    request: Request,
    now: Preferences,
    typed: dict[str, Any],
    *,
    status: int = 200,
    **more: Any,
) -> Response:
    errors: Sequence[FieldError] = more.pop("errors", ())
    return render(
        request,
        "preferences/show.html",
        visitor=visitor,
        status=status,
        blocks=_blocks(now, typed),
        names={path: info.title for path, info in fields()},
        version=now.version,
        meanwhile=_told(more.pop("meanwhile", ())),
        errors=errors,
    )


def _blocks(now: Preferences, typed: dict[str, Any]) -> list[Block]:
    rows: dict[str, list[Row]] = {section: [] for section in SECTIONS}
    for path, info in fields():
        value = typed.get(path, value_of(now, path))
        rows[path.partition(".")[0]].append(_row(path, info, value))
    return [
        Block(section, Preferences.model_fields[section].title or section, rows[section])
        for section in SECTIONS
    ]


def _row(path: str, info: FieldInfo, value: Any) -> Row:
    title, text = info.title or path, info.description or ""
    extra = info.json_schema_extra
    if isinstance(extra, dict) and isinstance(labels := extra.get("labels"), dict):
        options = tuple((key, str(label)) for key, label in labels.items())
        kind = "choices" if isinstance(info.default, tuple) else "choice"
        return Row(path, title, text, kind, value, options)
    if isinstance(info.default, bool):
        return Row(path, title, text, "switch", value)
    if isinstance(info.default, int):
        low = next(each.ge for each in info.metadata if hasattr(each, "ge"))
        high = next(each.le for each in info.metadata if hasattr(each, "le"))
        return Row(path, title, text, "number", value, low=low, high=high)
    return Row(path, title, text, "paragraph" if _longest(info) > _LONG else "line", value)


def _longest(info: FieldInfo) -> int:
    bounds = (getattr(each, "max_length", None) for each in info.metadata)
    return min(int(most) for most in bounds if most)


def _as_of(now: Preferences, meanwhile: Sequence[PreferenceChange]) -> dict[str, Any]:
    """The values this page was filled with: those of now, less what others saved since."""
    values = {path: _plain(value_of(now, path)) for path, _ in fields()}
    for change in reversed(meanwhile):
        if change.field in values:
            values[change.field] = change.old
    return values


def _changed(form: SentForm, shown: dict[str, Any]) -> dict[str, Any]:
    sent = {path: _read(form, path, info) for path, info in fields()}
    return {path: value for path, value in sent.items() if value != shown[path]}


def _read(form: SentForm, path: str, info: FieldInfo) -> Any:
    """As a JSON value of the preference's kind; what is no number stays a text, to be refused."""
    if isinstance(info.default, tuple):
        return form.all(path)
    if isinstance(info.default, bool):
        return form.flag(path)
    text = form.text(path).replace("\r\n", "\n")
    if isinstance(info.default, int):
        value = number(text)
        return "" if value is None else value
    return text


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _nested(patch: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path, value in patch.items():
        section, _, name = path.partition(".")
        found.setdefault(section, {})[name] = value
    return found


def _told(changes: Sequence[PreferenceChange]) -> list[dict[str, Any]]:
    known = dict(fields())
    return [
        {
            "at": change.at,
            "who": change.account_name,
            "title": info.title if (info := known.get(change.field)) else change.field,
            "old": _said(info, change.old),
            "new": _said(info, change.new),
        }
        for change in changes
    ]


def _said(info: FieldInfo | None, value: Any) -> str:
    """A value in the page's own words."""
    if isinstance(value, bool):
        return "YES" if value else "NO"
    extra = info.json_schema_extra if info else None
    labels = extra.get("labels") if isinstance(extra, dict) else None
    if isinstance(labels, dict):
        each = value if isinstance(value, list) else [value]
        return ", ".join(str(labels.get(str(one), one)) for one in each) or "None"
    if isinstance(value, str):
        return value if len(value) < 80 else f"{value[:77]}…"
    return json.dumps(value)
