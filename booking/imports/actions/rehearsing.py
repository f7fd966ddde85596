"""What an import has decided so far that its later rows can't find in the database.

A dry run writes nothing; and keys are written for several thousand rows at once, as a thousand rows
have keys on a third of all pages of a long index, which would be written again for every thousand.
Kept in the worker's memory from chunk to chunk. When another worker goes on, it is made anew of the
rows that have their verdict; only what a dry run was told twice of one client is forgotten then.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.clients.models import Client, Compared
from booking.imports.actions.recognising import Fresh, Newcomer
from booking.imports.actions.staging import person_of
from booking.imports.models import Import, ImportRow, Verdict
from booking.imports.rules.pets import ImportedPet
from booking.matching import candidates, index

KEYED_AT_ONCE = 5_000
"""rows; those of many more no longer lie close together in the index that goes by clients"""
_PART = 1_000


@dataclass(slots=True)
class Told:
    """What earlier rows would change of a client."""

    changes: dict[str, Any] = field(default_factory=dict)
    new_pets: list[tuple[uuid.UUID, ImportedPet]] = field(default_factory=list)
    pet_changes: dict[uuid.UUID, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Rehearsal:
    """Of the rows up to `done`: of a dry run all, else those whose keys are not written yet."""

    import_id: uuid.UUID
    is_dry: bool
    done: int
    fresh: Fresh = field(default_factory=Fresh)
    told: dict[uuid.UUID, Told] = field(default_factory=dict)


_kept: dict[str, Rehearsal] = {}


def rehearsal_of(session: Session, row: Import) -> Rehearsal:
    kept = _kept.pop("last", None)
    if kept is None or (kept.import_id, kept.is_dry) != (row.id, row.dry_run):
        return _made_anew(session, row)
    keyed = row.done - row.done % KEYED_AT_ONCE
    if not (row.dry_run or keyed <= kept.done) or kept.done > row.done:
        return _made_anew(session, row)
    _catch_up(session, row, kept)
    return kept


def keep(rehearsal: Rehearsal, done: int) -> None:
    """For the next chunk. One is kept at a time, as imports are applied one after the other."""
    rehearsal.done = done
    rehearsal.fresh.people.clear()
    _kept["last"] = rehearsal


def begin_again(session: Session, row: Import, rehearsal: Rehearsal) -> None:
    """It knows people of an attempt that failed."""
    anew = _made_anew(session, row)
    rehearsal.fresh, rehearsal.told = anew.fresh, anew.told


def write_keys(session: Session, rehearsal: Rehearsal) -> None:
    """Of those who have none yet, and of whom nothing is to be kept from now on."""
    people, rehearsal.fresh = rehearsal.fresh.keyed, Fresh()
    if people:
        untouched = _untouched(session, [one.client_id for one in people])
        rows = index.rows_of(one for one in people if one.client_id in untouched)
        index.write(session, rows)


def _untouched(session: Session, made: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Who was changed since has new keys by now, or is about to get them."""
    query = select(Client.id).where(
        Client.id.between(min(made), max(made)),
        Client.updated_at == Client.created_at,
        Client.compared != Compared.CHANGED,
    )
    return set(session.scalars(query))


def forget() -> None:
    """As when another worker goes on."""
    _kept.clear()


def _made_anew(session: Session, row: Import) -> Rehearsal:
    keyed = 0 if row.dry_run else row.done - row.done % KEYED_AT_ONCE
    made = Rehearsal(row.id, row.dry_run, keyed)
    _catch_up(session, row, made)
    return made


def _catch_up(session: Session, row: Import, kept: Rehearsal) -> None:
    """With what another worker has applied."""
    if kept.done == row.done:
        return
    country = candidates.country(session)
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
