"""Keys follow what a client is recognised by."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import update
from sqlalchemy.orm import Session

from booking.clients.models import Client, Compared
from booking.matching import index, profiles
from booking.matching.index import Keyed
from booking.matching.rules.keys import keys, name_number
from booking.matching.rules.people import Profile


def write_keys(session: Session, rows: Sequence[tuple[uuid.UUID, Profile]]) -> None:
    """Of clients that have no keys yet. The caller marks them KEYED."""
    people = (Keyed(one, name_number(them), keys(them)) for one, them in rows)
    index.write(session, index.rows_of(people))


def renew_due_keys(session: Session, *, most: int = 200) -> int:
    """Of the clients that changed. How many they were: fewer than `most` when no more are left, or
    others are at it."""
    session.flush()
    due = profiles.held_in_state(session, Compared.CHANGED, most)
    if due:
        index.forget(session, list(due))
        write_keys(session, list(due.items()))
        mark(session, due, Compared.KEYED)
    return len(due)


def mark(session: Session, client_ids: Collection[uuid.UUID], state: Compared) -> None:
    """The caller holds these clients."""
    session.execute(
        update(Client)
        .where(Client.id.in_(client_ids))
        .values(compared=state)
        .execution_options(synchronize_session="fetch")
    )
