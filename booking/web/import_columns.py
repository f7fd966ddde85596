"""What is in which column of a list: guessed or remembered, looked at, and said."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from booking.errors import Invalid
from booking.imports import queries
from booking.imports.actions import staging
from booking.imports.models import Import
from booking.imports.queries import PreviewRow
from booking.imports.rules.formats import FIELDS
from booking.imports.rules.rows import ImportedClient
from booking.web.manage_sign_in import show_again
from booking.web.page import Form, SentForm, redirect, render
from booking.web.visitor import MemberReads, MemberWrites, Visitor

router = APIRouter(include_in_schema=False, tags=["imports"])

_SHOWN = (
    "email", "mobile_phone", "home_phone", "address_1", "address_2", "postal_code", "city",
    "region", "external_id", "birthday", "status", "notes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReadPerson:
    """One of the first rows as it would come in. `told`: (label, text) of what it says."""

    name: str
    told: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ReadRow:
    line: int
    person: ReadPerson | None
    problems: tuple[str, ...]


@router.get("/manage/{slug}/imports/{import_id:uuid}/mapping")
def mapping_page(visitor: MemberReads, request: Request, import_id: uuid.UUID) -> Response:
    """Once more, after a dry run that looked wrong."""
    row = queries.find(visitor.session, import_id)
    return render(
        request, "imports/mapping.html", visitor=visitor, **mapping(visitor, row, row.mapping)
    )


@router.post("/manage/{slug}/imports/{import_id:uuid}/mapping")
def map_columns(
    visitor: MemberWrites, request: Request, form: Form, import_id: uuid.UUID
) -> Response:
    """With `show` only the first rows as these columns would have them; nothing is kept."""
    row = queries.find(visitor.session, import_id)
    chosen = _chosen(form, row)
    only_shown = form.flag("show")
    try:
        if only_shown:
            queries.preview(visitor.session, row, chosen)
        else:
            staging.map_columns(visitor.session, row, chosen, by=visitor.actor)
    except Invalid as refusal:
        visitor.session.rollback()
        context = mapping(visitor, row, chosen)
        told = _by_place(refusal, row)
        return show_again(request, "imports/mapping.html", told, visitor=visitor, **context)
    if only_shown:
        context = mapping(visitor, row, chosen) | {"asked": True}
        return render(request, "imports/mapping.html", visitor=visitor, **context)
    return redirect(f"/manage/{visitor.business.slug}/imports/{row.id}")


def mapping(visitor: Visitor, row: Import, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What the mapping screen shows, with `chosen` in its fields."""
    samples = queries.samples(visitor.session, row.id)
    columns = [
        (place, header, [line[place] for line in samples if line[place]], chosen.get(header) or "")
        for place, header in enumerate(row.headers)
    ]
    choices = [("", "Leave this column out")]
    choices += [(name, known.label) for name, known in FIELDS.items()]
    remembered = queries.remembered(visitor.session, row)
    return {
        "row": row,
        "columns": columns,
        "choices": choices,
        "remembered": remembered.remembered_at if remembered else None,
        "preview": _first_rows(visitor, row, chosen),
        "asked": False,
    }


def _first_rows(visitor: Visitor, row: Import, chosen: Mapping[str, Any]) -> list[ReadRow]:
    """Nothing, where these columns are not enough to know anybody by."""
    try:
        found = queries.preview(visitor.session, row, chosen)
    except Invalid:
        return []
    return [_read(each) for each in found]


def _read(each: PreviewRow) -> ReadRow:
    person = _person(each.client) if each.client else None
    return ReadRow(each.line, person, tuple(problem.message for problem in each.problems))


def _person(client: ImportedClient) -> ReadPerson:
    told = [(FIELDS[name].label, str(value)) for name in _SHOWN if (value := getattr(client, name))]
    pets = ", ".join(f"{pet.name} ({pet.breed})" if pet.breed else pet.name for pet in client.pets)
    if pets:
        told.append(("Pets", pets))
    return ReadPerson(f"{client.first_name} {client.last_name}".strip(), tuple(told))


def _by_place(refusal: Invalid, row: Import) -> Invalid:
    """The same refusal beside the fields of this form, which go by a column's place."""
    places = {header: f"column-{place}" for place, header in enumerate(row.headers)}
    fields = tuple(
        Invalid.field(places.get(each.field, ""), each.message, each.code).fields[0]
        for each in refusal.fields
    )
    return Invalid(refusal.message, fields=fields)


def _chosen(form: SentForm, row: Import) -> dict[str, str | None]:
    """By the place of the column: a header may be any text."""
    return {
        header: form.text(f"column-{place}") or None for place, header in enumerate(row.headers)
    }
