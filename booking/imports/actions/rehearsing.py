"""What a dry run has decided so far: its later rows must find its earlier ones, as they will when
the same rows are applied for good, and yet nothing is written.

Kept in the worker's memory from chunk to chunk. When another worker goes on, it is made anew of the
rows that have their verdict; only what was said twice of one client is forgotten then.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.imports.actions.recognising import Fresh, newcomer_of
from booking.imports.actions.staging import person_of
from booking.imports.models import Import, ImportRow, Verdict
from booking.imports.rules.pets import ImportedPet
from booking.matching import candidates

_PART = 1_000


@dataclass(slots=True)
class Told:
    """What earlier rows would change of a client."""

    changes: dict[str, Any] = field(default_factory=dict)
    new_pets: list[tuple[uuid.UUID, ImportedPet]] = field(default_factory=list)
    pet_changes: dict[uuid.UUID, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Rehearsal:
    """Of the import's first `done` rows. An import for good begins each chunk with an empty one.
    One that is not whole is not to be kept.
    """

    import_id: uuid.UUID
    done: int = 0
    fresh: Fresh = field(default_factory=Fresh)
    told: dict[uuid.UUID, Told] = field(default_factory=dict)
    is_whole: bool = True


_kept: dict[str, Rehearsal] = {}


def rehearsal_of(session: Session, row: Import) -> Rehearsal:
    if not row.dry_run:
        return Rehearsal(row.id)
    kept = _kept.pop("last", None)
    if kept is not None and (kept.import_id, kept.done) == (row.id, row.done):
        return kept
    return _made_anew(session, row)


def keep(rehearsal: Rehearsal, done: int) -> None:
    """For the next chunk. One is kept at a time, as imports are applied one after the other."""
    if not rehearsal.is_whole:
        return
    rehearsal.done = done
    rehearsal.fresh.people.clear()
    _kept["last"] = rehearsal


def forget() -> None:
    """As when another worker goes on."""
    _kept.clear()


def _made_anew(session: Session, row: Import) -> Rehearsal:
    made = Rehearsal(row.id, row.done, Fresh(is_kept=True))
    country = candidates.country(session)
    query = (
        select(ImportRow.id, ImportRow.person)
        .where(
            ImportRow.import_id == row.id,
            ImportRow.number <= row.done,
            ImportRow.verdict.in_([Verdict.NEW, Verdict.REVIEW]),
        )
        .order_by(ImportRow.number)
        .execution_options(yield_per=_PART)
    )
    for row_id, person in session.execute(query):
        made.fresh.add(row_id, newcomer_of(person_of(person), country))
    return made
