"""A client list comes in: uploaded, tried, looked at, imported, and undone if need be."""

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response

from booking.errors import Conflict, Invalid
from booking.exports import MEDIA_TYPE, as_csv, import_csv
from booking.imports import queries
from booking.imports.actions import staging, undoing
from booking.imports.models import DUE, Import, ImportRow, ImportState, Verdict
from booking.imports.rules.formats import TEMPLATE_HEADER
from booking.imports.rules.known_formats import FORMATS, label_of
from booking.web import import_columns
from booking.web.manage_sign_in import show_again
from booking.web.page import Form, redirect, render
from booking.web.visitor import MemberReads, MemberWrites, Visitor

router = APIRouter(include_in_schema=False, tags=["imports"])

_PAGE = 50
_OUR_OWN = ("booking", "flat_list")
_VERDICTS = {verdict.value: verdict for verdict in Verdict}
_EXAMPLE = {
    "client_external_id": "1001",
    "first_name": "Ana",
    "last_name": "Example",
    "email": "ana@example.com",
    "mobile_phone": "555 010 0100",
    "status": "active",
    "pet_name": "Bruno",
    "species": "dog",
    "breed": "Labrador",
}
# Of several formats of one program, its name is said once; ours and what has no name are not said.
_PROGRAMS = list(
    dict.fromkeys(known.label.partition(" (")[0] for known in FORMATS if known.name not in _OUR_OWN)
)


@router.get("/manage/{slug}/imports")
def imports_page(visitor: MemberReads, request: Request) -> Response:
    return render(request, "imports/list.html", visitor=visitor, **_recent(visitor))


@router.post("/manage/{slug}/imports")
def upload(visitor: MemberWrites, request: Request, form: Form) -> Response:
    """Always tried first: nothing is written before somebody has seen what would be."""
    file = form.file("file")
    try:
        if file is None or not file.filename:
            raise Invalid.field("file", "Choose a file first.")
        row = staging.stage(
            visitor.session, file.file, file_name=file.filename, dry_run=True, by=visitor.actor
        )
    except Invalid as refusal:
        visitor.session.rollback()
        told = refusal if refusal.fields else Invalid.field("file", refusal.message, refusal.code)
        return show_again(request, "imports/list.html", told, visitor=visitor, **_recent(visitor))
    return redirect(_path(visitor, row))


@router.get("/manage/{slug}/imports/template.csv")
def template(visitor: MemberReads) -> Response:
    row = [_EXAMPLE.get(name, "") for name in TEMPLATE_HEADER]
    return Response(
        as_csv(TEMPLATE_HEADER, [row]),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": 'attachment; filename="clients-template.csv"'},
    )


@router.get("/manage/{slug}/imports/{import_id:uuid}")
def import_page(visitor: MemberReads, request: Request, import_id: uuid.UUID) -> Response:
    row = queries.find(visitor.session, import_id)
    if row.state is ImportState.NEEDS_MAPPING:
        context = import_columns.mapping(visitor, row, row.mapping)
        return render(request, "imports/mapping.html", visitor=visitor, **context)
    partial = request.headers.get("x-partial") == "1"
    name = "imports/state.html" if partial else "imports/import.html"
    return render(request, name, visitor=visitor, **_shown(visitor, request, row))


@router.post("/manage/{slug}/imports/{import_id:uuid}/apply")
def apply(visitor: MemberWrites, import_id: uuid.UUID) -> Response:
    row = queries.find(visitor.session, import_id)
    staging.begin(visitor.session, row, by=visitor.actor)
    return redirect(_path(visitor, row))


@router.get("/manage/{slug}/imports/{import_id:uuid}/undo")
def undo_page(visitor: MemberReads, request: Request, import_id: uuid.UUID) -> Response:
    """Says what undoing would do; changes nothing."""
    row = queries.find(visitor.session, import_id)
    if not undoing.can_be_undone(row):
        return redirect(_path(visitor, row))
    outlook = undoing.foresee(visitor.session, row)
    return render(request, "imports/undo.html", visitor=visitor, row=row, outlook=outlook)


@router.post("/manage/{slug}/imports/{import_id:uuid}/undo")
def undo(visitor: MemberWrites, import_id: uuid.UUID) -> Response:
    row = queries.find(visitor.session, import_id)
    try:
        undoing.begin(visitor.session, row, by=visitor.actor)
    except Conflict as refusal:
        visitor.session.rollback()
        return redirect(_path(visitor, row), flash=refusal.message, kind="error")
    return redirect(_path(visitor, row))


@router.get("/manage/{slug}/imports/{import_id:uuid}/report.csv")
def report(visitor: MemberReads, import_id: uuid.UUID) -> Response:
    row = queries.find(visitor.session, import_id)
    return Response(
        import_csv(queries.whole_report(visitor.session, row.id)),
        media_type=MEDIA_TYPE,
        headers={
            "Content-Disposition": f'attachment; filename="import-{row.id}.csv"',
            "Cache-Control": "no-store",
        },
    )


def _recent(visitor: Visitor) -> dict[str, Any]:
    return {"recent": queries.recent(visitor.session), "formats": _PROGRAMS}


def _shown(visitor: Visitor, request: Request, row: Import) -> dict[str, Any]:
    session = visitor.session
    counts = queries.counts(session, row.id)
    asked = request.query_params.get("verdict", "")
    verdict = _VERDICTS.get(asked)
    if not asked and counts[Verdict.REJECTED]:
        verdict = Verdict.REJECTED
    after = request.query_params.get("after", "")
    rows: list[ImportRow] = []
    if row.state not in DUE:
        begin = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0
        rows = queries.report(session, row.id, verdict=verdict, after=begin, limit=_PAGE + 1)
    return {
        "row": row,
        "running": row.state in DUE,
        "counts": _named(counts),
        "verdict": verdict.value if verdict else "",
        "rows": rows[:_PAGE],
        "next_after": rows[_PAGE - 1].number if len(rows) > _PAGE else None,
        "reasons": queries.reasons(session, row.id, Verdict.REJECTED)[:10],
        "format_label": label_of(row.format),
        "may_map": row.format is None and row.dry_run,
    }


def _named(counts: dict[Verdict, int]) -> dict[str, int]:
    return {verdict.value: number for verdict, number in counts.items()}


def _path(visitor: Visitor, row: Import) -> str:
    return f"/manage/{visitor.business.slug}/imports/{row.id}"
