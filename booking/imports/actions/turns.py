"""Whose turn it is: the imports of a business are applied, and undone, one after another."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking import clock
from booking.database import across_businesses, business_of
from booking.imports.models import DUE, Import, ImportState


def claim(
    session: Session, states: Collection[ImportState], *, of_this_business: bool
) -> Import | None:
    """The import whose turn it is, if it is in one of these states. Held until the transaction
    ends, so a crash gives it back at once.

    A session without a business looks everywhere, the oldest list first, and passes over businesses
    where another worker is at it. One with a business waits until that one has done its chunk.
    """
    if of_this_business:
        return _first_of(session, business_of(session), states, waits=True)
    with across_businesses(session):
        waiting = (
            select(Import.business_id)
            .where(Import.state.in_(states))
            .group_by(Import.business_id)
            .order_by(func.min(Import.created_at))
        )
        for business_id in session.scalars(waiting).all():
            if row := _first_of(session, business_id, states, waits=False):
                return row
    return None


def _first_of(
    session: Session, business_id: uuid.UUID, states: Collection[ImportState], *, waits: bool
) -> Import | None:
    """Whoever works at one import holds all that wait beside it: so another, of which this one
    knew nothing yet when it began, is not begun by anybody else."""
    due = (Import.business_id == business_id, Import.state.in_(DUE))
    query = select(Import).where(*due).order_by(Import.id)
    if not _is_turn_of(session.scalars(query).all(), states):
        return None
    held = session.scalars(
        query.with_for_update(skip_locked=not waits).execution_options(populate_existing=True)
    ).all()
    there = session.scalar(select(func.count()).select_from(Import).where(*due)) or 0
    if len(held) < there or not _is_turn_of(held, states):
        return None
    first = min(held, key=_turn)
    first.due_since = clock.now()
    return first


def _is_turn_of(due: Sequence[Import], states: Collection[ImportState]) -> bool:
    return bool(due) and min(due, key=_turn).state in states


def _turn(row: Import) -> tuple[int, int]:
    """Of several that are to be undone the last one is first: it may have built on the others."""
    if row.state is ImportState.UNDOING:
        return DUE.index(row.state), -row.id.int
    return DUE.index(row.state), row.id.int
