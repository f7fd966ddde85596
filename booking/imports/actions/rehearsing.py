"""What an import has decided so far that its later rows can't find in the database.

A dry run writes nothing; and what a list's people are recognised by is written after the import:
a thousand people have keys on a third of all pages of a long index, which would be written again
for every thousand. Kept in the worker's memory from chunk to chunk. When another worker goes on, it
is made anew of the rows that have their verdict; where they are many, their keys are written first.
What a dry run was told twice of one client is forgotten then.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.imports.actions.recognising import Fresh, Newcomer
from booking.imports.actions.staging import person_of
from booking.imports.models import Import, ImportRow, Verdict
from booking.imports.rules.pets import ImportedPet
from booking.matching import profiles

CAUGHT_UP_AT_ONCE = 5_000
"""rows; of more than that the keys are written, a thousand to a transaction"""
_PART = 1_000


@dataclass(slots=True)
class Told:
    """What earlier rows would change of a client."""

    changes: dict[str, Any] = field(default_factory=dict)
    new_pets: list[tuple[uuid.UUID, ImportedPet]] = field(default_factory=list)
    pet_changes: dict[uuid.UUID, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Rehearsal:
    """Of the rows up to `done`."""

    import_id: uuid.UUID
    is_dry: bool
    done: int = 0
    fresh: Fresh = field(default_factory=Fresh)
    told: dict[uuid.UUID, Told] = field(default_factory=dict)


_kept: dict[str, Rehearsal] = {}


def rehearsal_of(session: Session, row: Import) -> Rehearsal:
    kept = _kept.pop("last", None)
    is_this = kept is not None and (kept.import_id, kept.is_dry) == (row.id, row.dry_run)
    if kept is None or not is_this or kept.done > row.done:
        kept = Rehearsal(row.id, row.dry_run)
    if row.dry_run or row.done - kept.done <= CAUGHT_UP_AT_ONCE:
        _catch_up(session, row, kept)
    else:
        kept.fresh.misses = True
    return kept


def keep(rehearsal: Rehearsal, done: int) -> None:
    """For the next chunk. One is kept at a time, as imports are applied one after the other."""
    rehearsal.done = done
    rehearsal.fresh.people.clear()
    rehearsal.fresh.misses |= not rehearsal.fresh.is_asked
    _kept["last"] = rehearsal


def begin_again(rehearsal: Rehearsal) -> None:
    """It knows people of an attempt that failed."""
    for client_id in list(rehearsal.fresh.people):
        rehearsal.fresh.take_back(client_id)
    rehearsal.fresh.numbers.clear()
    rehearsal.told.clear()


def forget() -> None:
    """As when another worker goes on."""
    _kept.clear()


def _catch_up(session: Session, row: Import, kept: Rehearsal) -> None:
    """With what another worker has applied."""
    if kept.done == row.done:
        return
    country = profiles.country(session)
    query = (
        select(ImportRow.id, ImportRow.person)
        .where(
            ImportRow.import_id == row.id,
            ImportRow.number.between(kept.done + 1, row.done),
            ImportRow.verdict.in_([Verdict.NEW, Verdict.REVIEW]),
        )
        .order_by(ImportRow.number)
        .execution_options(yield_per=_PART)
    )
    for row_id, person in session.execute(query):
        kept.fresh.add(row_id, Newcomer(person_of(person), country))
    kept.done = row.done
