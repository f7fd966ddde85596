"""Client lists that come in: uploaded, mapped, reported, undone."""

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import File, Query, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from booking.api.caller import Caller, StaffReads, StaffWrites
from booking.api.idempotent import IdempotentRoute
from booking.api.resource import resource
from booking.dependencies import settings_of
from booking.exports import MEDIA_TYPE, import_csv
from booking.imports import queries
from booking.imports.actions import staging, undoing
from booking.imports.models import Import, ImportRow, ImportState, Verdict
from booking.imports.rules.formats import FIELDS
from booking.imports.rules.known_formats import label_of

router = resource("/businesses/{slug}/imports", tag="imports", route_class=IdempotentRoute)

_FIRST = 100


class Reason(BaseModel):
    line: int
    field: str
    code: str
    message: str


class RowOut(BaseModel):
    """What became of one person of the file, or of one line that can't be used."""

    lines: list[int]
    verdict: Verdict | None
    client_id: uuid.UUID | None
    reasons: list[Reason]


class ImportAccepted(BaseModel):
    id: uuid.UUID
    state: ImportState


class ImportOut(BaseModel):
    """`rows` counts the file's rows; `people` what they come to, since a person may have several
    rows; the verdicts count people. `fields` are what a column can be mapped to. While a mapping
    is needed, `mapping` is a guess, or (`remembered`) what was said of these headers before, and
    `preview` holds the cells of the first lines. `removed`, `restored` and `spared` count the
    clients of an import that is undone, as it goes on.
    """

    id: uuid.UUID
    state: ImportState
    dry_run: bool
    file_name: str
    format: str | None
    format_label: str
    rows: int
    people: int
    done: int
    new: int
    matched: int
    updated: int
    review: int
    rejected: int
    removed: int
    restored: int
    spared: int
    reason: str
    headers: list[str]
    mapping: dict[str, str | None]
    remembered: bool
    preview: list[list[str]]
    fields: list[str]
    dropped_columns: list[str]
    report: list[RowOut]
    report_url: str
    created_at: datetime
    finished_at: datetime | None


class MappingIn(BaseModel):
    """Header → field, or null to leave the column out."""

    model_config = ConfigDict(extra="forbid")

    mapping: Annotated[
        dict[Annotated[str, Field(max_length=300)], Annotated[str, Field(max_length=60)] | None],
        Field(max_length=500),
    ]


class PreviewRow(BaseModel):
    """How one of the first lines would be read; no `client` where it can't be used."""

    line: int
    cells: list[str]
    client: dict[str, Any] | None
    reasons: list[Reason]


class Preview(BaseModel):
    items: list[PreviewRow]


@router.post("", status_code=202)
def upload(
    caller: StaffWrites,
    file: Annotated[
        UploadFile, File(description="CSV, Excel (.xlsx), vCard, or JSON as we export it")
    ],
    dry_run: Annotated[bool, Query()] = False,
) -> ImportAccepted:
    """The file is read here and now; its rows are applied by the worker."""
    row = staging.stage(
        caller.session,
        file.file,
        file_name=file.filename or "",
        dry_run=dry_run,
        by=caller.actor,
    )
    return ImportAccepted(id=row.id, state=row.state)


@router.get("/{import_id}")
def get_import(caller: StaffReads, request: Request, import_id: uuid.UUID) -> ImportOut:
    return _shown(caller, request, queries.find(caller.session, import_id))


@router.post("/{import_id}/mapping")
def map_columns(
    caller: StaffWrites, request: Request, import_id: uuid.UUID, body: MappingIn
) -> ImportOut:
    row = queries.find(caller.session, import_id)
    staging.map_columns(caller.session, row, body.mapping, by=caller.actor)
    return _shown(caller, request, row)


@router.post("/{import_id}/mapping/preview")
def preview(caller: StaffReads, import_id: uuid.UUID, body: MappingIn) -> Preview:
    """How the first lines would be read with this mapping. Changes nothing."""
    row = queries.find(caller.session, import_id)
    found = queries.preview(caller.session, row, body.mapping)
    return Preview(
        items=[
            PreviewRow(
                line=each.line,
                cells=list(each.cells),
                client=staging.told(each.client) if each.client else None,
                reasons=[Reason(**asdict(problem)) for problem in each.problems],
            )
            for each in found
        ]
    )


@router.post("/{import_id}/apply", status_code=202)
def apply(caller: StaffWrites, import_id: uuid.UUID) -> ImportAccepted:
    """After a dry run: the same rows, and this time for good."""
    row = queries.find(caller.session, import_id)
    staging.begin(caller.session, row, by=caller.actor)
    return ImportAccepted(id=row.id, state=row.state)


@router.post("/{import_id}/undo", status_code=202)
def undo(caller: StaffWrites, import_id: uuid.UUID) -> ImportAccepted:
    """The worker removes the clients this import made, and gives back the values it changed. What
    was changed, booked, invited or linked since is spared; its rows have the reason `spared`."""
    row = queries.find(caller.session, import_id)
    undoing.begin(caller.session, row, by=caller.actor)
    return ImportAccepted(id=row.id, state=row.state)


@router.get("/{import_id}/report.csv", response_class=Response)
def report(caller: StaffReads, import_id: uuid.UUID) -> Response:
    """Every row with what became of it and why."""
    row = queries.find(caller.session, import_id)
    return Response(
        import_csv(queries.whole_report(caller.session, row.id)),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="import-{row.id}.csv"'},
    )


def _shown(caller: Caller, request: Request, row: Import) -> ImportOut:
    values: dict[str, Any] = {name: getattr(row, name, None) for name in ImportOut.model_fields}
    path = f"/api/v1/businesses/{caller.business.slug}/imports/{row.id}/report.csv"
    counts = queries.counts(caller.session, row.id)
    return ImportOut.model_validate(
        values
        | {verdict.value: number for verdict, number in counts.items()}
        | {
            "fields": list(FIELDS),
            "format_label": label_of(row.format),
            **_asked(caller, row),
            "report": [_row(each) for each in queries.report(caller.session, row.id, limit=_FIRST)],
            "report_url": f"{settings_of(request).public_url}{path}",
        }
    )


def _asked(caller: Caller, row: Import) -> dict[str, Any]:
    if row.state is not ImportState.NEEDS_MAPPING:
        return {"remembered": False, "preview": []}
    remembered = queries.remembered(caller.session, row) is not None
    return {"remembered": remembered, "preview": queries.samples(caller.session, row.id, limit=5)}


def _row(row: ImportRow) -> RowOut:
    return RowOut(
        lines=row.lines,
        verdict=row.verdict,
        client_id=row.client_id,
        reasons=[Reason(**problem) for problem in row.problems],
    )
