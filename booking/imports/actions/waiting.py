"""The rows of an import that wait for their verdict, as they are read."""

import uuid
from collections.abc import Collection, Sequence

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Table, Text, cast, select
from sqlalchemy.orm import Session

from booking.database import business_of
from booking.imports.actions.asking import Staged
from booking.imports.models import Import, ImportRow
from booking.imports.rules.rows import ImportedClient

_HAS_NUMBER = '"external_id":"'
_PERSON = TypeAdapter(ImportedClient)
_row = ImportRow.__table__
assert isinstance(_row, Table)

Waiting = tuple[uuid.UUID, int, int | None, str, str]
"""Id, number, `said`, and person and problems as JSON, of which one may be unreadable."""


def in_hand(session: Session, row: Import, first: int, last: int) -> list[ColumnElement[bool]]:
    return [
        _row.c.business_id == business_of(session),
        _row.c.import_id == row.id,
        _row.c.number.between(first, last),
        _row.c.verdict.is_(None),
    ]


def waiting(session: Session, row: Import, first: int, last: int) -> list[Waiting]:
    texts = (cast(_row.c.person, Text), cast(_row.c.problems, Text))
    query = select(_row.c.id, _row.c.number, _row.c.said, *texts).where(
        *in_hand(session, row, first, last)
    )
    return [(*each,) for each in session.execute(query.order_by(_row.c.number))]


def are_told_apart(row: Import, rows: Sequence[Waiting]) -> bool:
    return _has_keys(row) or all(_HAS_NUMBER in person for *_, person, _ in rows)


def staged(row: Import, rows: Sequence[Waiting], told: Collection[uuid.UUID]) -> list[Staged]:
    """`told` are the rows that an earlier file had. Raises pydantic.ValidationError."""
    keyed = _has_keys(row)
    return [
        Staged(
            row_id,
            number,
            said if row_id in told else None,
            problems != "[]",
            keyed or bool(them.external_id),
            them,
        )
        for row_id, number, said, person, problems in rows
        for them in (_PERSON.validate_json(person),)
    ]


def _has_keys(row: Import) -> bool:
    """Which only our own exports have."""
    return "client_key" in row.mapping.values()
