"""What a merge would do, what merges there were, and where an old record leads."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts.models import Account
from booking.clients.models import Client, Pet
from booking.clients.queries import find_many, links_of, pets_of
from booking.database import business_of
from booking.errors import Conflict, FieldError, Invalid, NotFound
from booking.merges import rules
from booking.merges.models import Merge, MergedClient, MergeState
from booking.merges.rows import plain, pointing_at_clients
from booking.merges.rules import FIELDS, Kept, KnownPet

UNDO_DAYS = 30
MOST = 10
"""records that go into another at a time"""


class AlreadyMerged(Conflict):
    """`extra` says into which record (`kept_id`) and by which merge (`merge_id`)."""

    code = "already_merged"
    message = "This record has gone into another already."


@dataclass(frozen=True, slots=True)
class Line:
    """One field, side by side. `options` are what each record says, the kept one first; `chosen`
    is whose value stays, None where it is made of several."""

    name: str
    label: str
    options: tuple[tuple[uuid.UUID, Any], ...]
    value: Any
    chosen: uuid.UUID | None

    @property
    def differs(self) -> bool:
        return any(said != self.options[0][1] for _, said in self.options)


@dataclass(frozen=True, slots=True)
class SamePet:
    """A pet of the record `of` that is the pet `into` of another."""

    name: str
    pet_id: uuid.UUID
    of: uuid.UUID
    into: uuid.UUID


@dataclass(frozen=True, slots=True)
class LoginChoice:
    account_id: uuid.UUID
    email: str
    client_id: uuid.UUID
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """`moves` counts what the kept record gains, by kind."""

    keep: Client
    others: list[Client]
    lines: list[Line]
    pets: list[SamePet]
    moves: dict[str, int]
    logins: list[LoginChoice]

    @property
    def must_choose_login(self) -> bool:
        return len({login.account_id for login in self.logins}) > 1


def group(
    session: Session, keep_id: uuid.UUID, other_ids: Sequence[uuid.UUID]
) -> tuple[Client, list[Client]]:
    """The records of a merge. Raises Invalid, NotFound, and AlreadyMerged for one that is gone."""
    wanted = asked_for(keep_id, other_ids)
    found = find_many(session, wanted)
    for client_id in wanted:
        refuse_unknown(session, client_id, found)
    keep, *others = (found[client_id] for client_id in wanted)
    return keep, others


def asked_for(keep_id: uuid.UUID, other_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Each id once, the kept one first. Raises Invalid for none, too many, and one into itself."""
    others = list(dict.fromkeys(other_ids))
    if not others:
        raise Invalid.field("merge", "Choose at least one record to merge.", "required")
    if keep_id in others:
        message = "A record can't be merged into itself."
        raise Invalid(fields=(FieldError("merge", "same_record", message),))
    if len(others) > MOST:
        raise Invalid.field("merge", f"Merge at most {MOST} records at a time.", "too_many")
    return [keep_id, *others]


def refuse_unknown(
    session: Session, client_id: uuid.UUID, found: Mapping[uuid.UUID, Client]
) -> None:
    if client_id in found:
        return
    merge = _merge_that_took(session, client_id)
    if merge is None:
        raise NotFound
    raise AlreadyMerged(merge_id=str(merge.id), kept_id=str(merge.kept_id))


def values_of(client: Client) -> dict[str, Any]:
    return {name: getattr(client, name) for name in FIELDS}


def chosen_values(clients: Sequence[Client], fields: Mapping[str, Any]) -> dict[str, Kept]:
    """What each field of the kept record, the first of them, will hold. Raises Invalid."""
    records = [(client.id, values_of(client)) for client in clients]
    as_json = [{name: plain(value) for name, value in said.items()} for _, said in records]
    return rules.kept_values(records, rules.chosen_fields(fields, records, as_json))


def known_pet(pet: Pet) -> KnownPet:
    is_archived = pet.archived_at is not None
    return KnownPet(pet.id, pet.client_id, pet.name, pet.species, pet.breed, is_archived)


def same_pets(session: Session, clients: Sequence[Client]) -> dict[uuid.UUID, uuid.UUID]:
    """Which pets of the others are pets of the first, or of one another."""
    pets = pets_of(session, [client.id for client in clients], archived=True)
    first, *rest = ([known_pet(pet) for pet in pets[client.id]] for client in clients)
    return rules.same_pets(first, [pet for theirs in rest for pet in theirs])


def preview(
    session: Session,
    keep: Client,
    others: Sequence[Client],
    *,
    fields: Mapping[str, Any] | None = None,
) -> Preview:
    """What `merge` would do, without doing it. Raises Invalid as it would."""
    asked_for(keep.id, [client.id for client in others])
    clients = [keep, *others]
    kept = chosen_values(clients, fields or {})
    same = same_pets(session, clients)
    pets = pets_of(session, [client.id for client in others], archived=True)
    moves = _counts(session, [client.id for client in others])
    moves["pets"] = moves.get("pets", 0) - len(same)
    return Preview(
        keep=keep,
        others=list(others),
        lines=[_line(name, clients, kept[name]) for name in FIELDS],
        pets=[
            SamePet(pet.name, pet.id, pet.client_id, same[pet.id])
            for theirs in pets.values()
            for pet in theirs
            if pet.id in same
        ],
        moves={**moves, "same_pets": len(same)},
        logins=logins_of(session, clients),
    )


def _line(name: str, clients: Sequence[Client], kept: Kept) -> Line:
    options = tuple((client.id, getattr(client, name)) for client in clients)
    return Line(name, rules.label(name), options, kept.value, kept.of)


_COUNTED = {
    "appointment": "appointments",
    "pet": "pets",
    "invitation": "invitations",
    "import_row": "imports",
    "match": "matches",
}


def _counts(session: Session, client_ids: Collection[uuid.UUID]) -> dict[str, int]:
    found = dict.fromkeys(_COUNTED.values(), 0)
    for column in pointing_at_clients():
        kind = _COUNTED.get(column.table.name)
        if kind is None or column.name == "newcomer_id":
            continue
        rows = (
            select(func.count())
            .select_from(column.table)
            .where(column.table.c.business_id == business_of(session), column.in_(client_ids))
        )
        found[kind] += session.execute(rows).scalar_one()
    return found


def logins_of(session: Session, clients: Sequence[Client]) -> list[LoginChoice]:
    """Whoever signs in for one of these, in their order."""
    links = links_of(session, [client.id for client in clients])
    found = []
    for client in clients:
        link = links.get(client.id)
        account = session.get(Account, link.account_id) if link else None
        if link is not None and account is not None:
            found.append(LoginChoice(account.id, account.email, client.id, link.created_at))
    return found


def find(session: Session, merge_id: uuid.UUID) -> Merge:
    """Raises NotFound."""
    found = session.scalar(select(Merge).where(Merge.id == merge_id))
    if found is None:
        raise NotFound
    return found


def recent(session: Session, *, after: uuid.UUID | None = None, limit: int = 50) -> list[Merge]:
    """Latest first; after the one named."""
    query = select(Merge).order_by(Merge.id.desc()).limit(limit)
    if after is not None:
        query = query.where(Merge.id < after)
    return list(session.scalars(query))


def of_client(session: Session, client_id: uuid.UUID) -> list[Merge]:
    """What went into this record, latest first."""
    query = select(Merge).where(Merge.kept_id == client_id).order_by(Merge.id.desc())
    return list(session.scalars(query))


def merged_of(
    session: Session, merge_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[MergedClient]]:
    """The records that went into another by each of these merges."""
    found: dict[uuid.UUID, list[MergedClient]] = {merge_id: [] for merge_id in merge_ids}
    query = select(MergedClient).where(MergedClient.merge_id.in_(merge_ids))
    for row in session.scalars(query.order_by(MergedClient.id)):
        found[row.merge_id].append(row)
    return found


def owner(session: Session, merge: Merge, client_id: str | None) -> str | None:
    """Whose a visit or a pet is. Records that were merged are mostly of one name."""
    if client_id is None:
        return None
    if client_id == str(merge.kept_id):
        return f"{merge.kept_name}, the record that was kept"
    for merged in merged_of(session, [merge.id])[merge.id]:
        if client_id == str(merged.client_id):
            return f"{merged.name}, a record that was merged"
    other = session.get(Client, uuid.UUID(client_id))
    return other.name if other else "a client who is gone"


def where_is(session: Session, client_id: uuid.UUID) -> uuid.UUID | None:
    """The record this one has become part of; None where it never went into another."""
    place = None
    seen = {client_id}
    while (merge := _merge_that_took(session, place or client_id)) is not None:
        place = merge.kept_id
        if place in seen:
            break
        seen.add(place)
    return place


def _merge_that_took(session: Session, client_id: uuid.UUID) -> Merge | None:
    return session.scalar(
        select(Merge)
        .join(
            MergedClient,
            (MergedClient.merge_id == Merge.id) & (MergedClient.business_id == Merge.business_id),
        )
        .where(MergedClient.client_id == client_id, Merge.state == MergeState.DONE)
        .order_by(Merge.id.desc())
        .limit(1)
    )


def later_merge(session: Session, merge: Merge) -> Merge | None:
    """The latest one that built on this: into the same record, or of that record into another."""
    took_it = select(MergedClient.merge_id).where(MergedClient.client_id == merge.kept_id)
    return session.scalar(
        select(Merge)
        .where(
            Merge.id > merge.id,
            Merge.state == MergeState.DONE,
            (Merge.kept_id == merge.kept_id) | Merge.id.in_(took_it),
        )
        .order_by(Merge.id.desc())
        .limit(1)
    )


def undo_until(merge: Merge) -> datetime:
    return merge.created_at + timedelta(days=UNDO_DAYS)


def may_undo(merge: Merge) -> bool:
    return merge.state is MergeState.DONE and clock.now() <= undo_until(merge)
