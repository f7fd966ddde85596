"""Records of one person become one, and everything needed to take them apart again is kept."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from booking import clock
from booking.audit.actions import Actor, record
from booking.clients import actions as clients
from booking.clients.models import Client, Compared
from booking.clients.queries import pets_of
from booking.database import business_of, new_id
from booking.merges import queries, rows
from booking.merges.actions import holding, moving
from booking.merges.models import Merge, MergedClient
from booking.merges.rows import Key, Row

# Of these the merge keeps whole rows, so that any later change is seen when it is undone.
WHOLE = {"client", "pet", "link"}
# Of the record that stays only these may change: its visits and the rest are not looked at.
_OF_THE_KEPT = {"pet", "link", "invitation", "match"}


def merge(
    session: Session,
    keep: Client,
    others: Sequence[Client],
    *,
    fields: Mapping[str, Any] | None = None,
    login: uuid.UUID | None = None,
    by: Actor,
) -> Merge:
    """The others become part of `keep`, and their own rows go.

    `fields` names the record whose value stays, by field; `login` the account that stays where
    there are two. Raises Invalid, NotFound, AlreadyMerged, ChooseLogin.
    """
    keep, *rest = _held(session, [keep.id, *(client.id for client in others)])
    every = [keep, *rest]
    values = queries.chosen_values(every, fields or {})
    stays = moving.check_login(session, every, login)
    gone = {client.id: client.name for client in rest}
    versions = {client.id: client.email_version for client in every}
    before = _watched(session, keep.id, list(gone))

    moving.move_pets(session, every)
    moving.move_login(session, every, stays, by=by)
    changed = {name: kept.value for name, kept in values.items()}
    _write(session, keep, changed, by)
    moving.move_invitations(session, keep, versions, has_login=stays is not None)
    moving.move_matches(session, keep.id, list(gone))
    moving.move_the_rest(session, keep.id, list(gone))
    _remove(session, rest)

    return _written_down(session, keep, gone, before, by)


def _held(session: Session, client_ids: Sequence[uuid.UUID]) -> list[Client]:
    """In the order asked for. Of two who merge the same records the second finds them gone."""
    wanted = queries.asked_for(client_ids[0], client_ids[1:])
    found = holding.hold(session, wanted)
    for client_id in wanted:
        queries.refuse_unknown(session, client_id, found)
    return [found[client_id] for client_id in wanted]


def _write(session: Session, keep: Client, values: dict[str, Any], by: Actor) -> None:
    """With all that follows from a change by staff; what it is found by, in any case."""
    changed = {name: value for name, value in values.items() if getattr(keep, name) != value}
    names = [pet.name for pet in pets_of(session, [keep.id])[keep.id]]
    if changed:
        clients.write_changes(session, keep, changed, by=by, pets=names)
    else:
        clients.refresh_search(session, keep)
    keep.updated_at = clock.now()
    keep.compared = Compared.CHANGED
    session.flush()


def _remove(session: Session, gone: Sequence[Client]) -> None:
    ids = [client.id for client in gone]
    session.execute(
        delete(Client).where(Client.id.in_(ids)).execution_options(synchronize_session=False)
    )
    for client in gone:
        session.expunge(client)


def _watched(
    session: Session, keep_id: uuid.UUID, other_ids: Collection[uuid.UUID]
) -> dict[Key, Row]:
    """Every row this merge may touch, as it is now."""
    session.flush()
    client = rows.table_of("client")
    everybody = [keep_id, *other_ids]
    found = rows.read(session, client.c.id, everybody)
    for column in rows.pointing_at_clients():
        of_kept_too = column.table.name in _OF_THE_KEPT
        found |= rows.read(session, column, everybody if of_kept_too else other_ids)
    return found


def _written_down(
    session: Session, keep: Client, gone: Mapping[uuid.UUID, str], before: dict[Key, Row], by: Actor
) -> Merge:
    session.flush()
    after = rows.read_again(session, before)
    made = Merge(
        id=new_id(),
        business_id=business_of(session),
        kept_id=keep.id,
        kept_name=keep.name[:300],
        changed=[
            _changed(key, row, after[key])
            for key, row in before.items()
            if key in after and (row != after[key] or key[0] == "link")
        ],
        removed=[{"table": key[0], "row": row} for key, row in before.items() if key not in after],
        created_at=clock.now(),
        created_by=by.id,
        created_by_name=by.name[:200],
    )
    session.add(made)
    session.flush()
    for client_id, name in gone.items():
        session.add(
            MergedClient(
                id=new_id(),
                business_id=business_of(session),
                merge_id=made.id,
                client_id=client_id,
                name=name[:300],
            )
        )
    merged = [{"id": str(client_id), "name": name} for client_id, name in gone.items()]
    record(session, "client.merged", keep, by=by, merge_id=str(made.id), merged=merged)
    session.flush()
    return made


def _changed(key: Key, before: Row, after: Row) -> dict[str, Any]:
    columns = [name for name in before if key[0] in WHOLE or before[name] != after[name]]
    return {
        "table": key[0],
        "id": key[1],
        "before": {name: before[name] for name in columns},
        "after": {name: after[name] for name in columns},
    }
