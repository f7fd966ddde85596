"""What the database knows of the people of a chunk: a few statements for all of them together."""

import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from booking.clients.models import Client, ClientStatus, Compared
from booking.clients.models import Pet as KeptPet
from booking.database import business_of
from booking.imports.actions.staging import person_of
from booking.imports.models import Import, ImportRow, Verdict
from booking.imports.rules.lookups import AS_TYPED, as_person
from booking.imports.rules.rows import ImportedClient
from booking.matching.profiles import NOT_DONE
from booking.matching.rules.people import Person, Pet, Profile, profile

_PART = 500
ACCEPTED = (Verdict.NEW, Verdict.MATCHED, Verdict.UPDATED, Verdict.REVIEW)
_client, _pet, _row = (model.__table__ for model in (Client, KeptPet, ImportRow))
assert isinstance(_client, Table)
assert isinstance(_pet, Table)
assert isinstance(_row, Table)
_TOLD = ("id", "external_id", "first_name", "last_name", "mobile_phone", "home_phone", "email_key")

_BETWEEN, _AFTER = "\x1f", "\x1e"  # which no name has: control characters are dropped from all
_PETS = (
    select(func.aggregate_strings(_pet.c.name + _BETWEEN + _pet.c.breed, _AFTER))
    .where(
        _pet.c.business_id == _client.c.business_id,
        _pet.c.client_id == _client.c.id,
        _pet.c.archived_at.is_(None),
    )
    .scalar_subquery()
)
_KNOWN = select(
    *(_client.c[name] for name in ("id", "external_id", "status")),
    *(_client.c[name] for name in AS_TYPED),
    _PETS,
)

Made = tuple[str, str]


class Staged(NamedTuple):
    """A row that is to be applied. Its id will be the client's, if it makes one. `said` is None
    where no earlier file said the same. `is_told_apart` where the file itself says that nobody else
    in it is the same person.
    """

    id: uuid.UUID
    number: int
    said: int | None
    has_problems: bool
    is_told_apart: bool
    person: ImportedClient


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who may be meant; `number` is the external id."""

    client_id: uuid.UUID
    name: str
    number: str
    is_active: bool
    profile: Profile


def made_by(session: Session, row: Import) -> Made:
    """Between which ids the clients lie that this import makes: their rows' ids, which were given
    in one go. As 32 hexadecimal digits."""
    ids = select(_row.c.id).where(
        _row.c.business_id == business_of(session), _row.c.import_id == row.id
    )
    first = session.scalars(ids.order_by(_row.c.number).limit(1)).one()
    last = session.scalars(ids.order_by(_row.c.number.desc()).limit(1)).one()
    return first.hex[:12] + "0" * 20, last.hex[:12] + "f" * 20  # the first 12 tell the millisecond


def is_anybody_besides(session: Session, made: Made) -> bool:
    """Looks at the two ends of the list: whether there is anybody beyond an id, PostgreSQL may look
    for through the whole of it."""
    first, last = map(uuid.UUID, made)
    one = select(_client.c.id).where(_client.c.business_id == business_of(session)).limit(1)
    oldest = session.scalar(one.order_by(_client.c.id))
    newest = session.scalar(one.order_by(_client.c.id.desc()))
    return oldest is not None and newest is not None and (oldest < first or newest > last)


def is_anybody_due(session: Session) -> bool:
    """Does anybody wait for their keys?"""
    due = select(_client.c.id).where(
        _client.c.business_id == business_of(session),
        _client.c.compared == Compared.CHANGED,
        NOT_DONE,
    )
    return bool(session.scalar(select(due.exists())))


def by_number(session: Session, staged: Iterable[Staged]) -> dict[str, list[uuid.UUID]]:
    """The clients with the numbers of the file: active ones first, then by age."""
    numbers = {one.person.external_id for one in staged} - {""}
    query = select(_client.c.external_id, _client.c.id).where(
        _client.c.business_id == business_of(session)
    )
    order = (_client.c.status != ClientStatus.ACTIVE, _client.c.id)
    found: dict[str, list[uuid.UUID]] = {}
    for part in _parts(numbers):
        for number, client_id in session.execute(
            query.where(_client.c.external_id.in_(part)).order_by(*order)
        ):
            found.setdefault(number, []).append(client_id)
    return found


def by_said(
    session: Session, row: Import, staged: Iterable[Staged]
) -> dict[int | None, dict[str, Any]]:
    """The client that a row of an earlier file became, or went to, that said the same. Where a
    client was merged since, that row follows to the one that was kept."""
    query = (
        select(_row.c.said, *(_client.c[name] for name in _TOLD))
        .join(
            _client,
            (_client.c.business_id == _row.c.business_id) & (_client.c.id == _row.c.client_id),
        )
        .where(
            _row.c.business_id == business_of(session),
            _row.c.import_id != row.id,
            _row.c.verdict.in_(ACCEPTED),
        )
        .order_by(_client.c.status == ClientStatus.ACTIVE, _client.c.id.desc())
    )
    found: dict[int | None, dict[str, Any]] = {}
    for part in _parts({one.said for one in staged} - {None}):
        for said, *told in session.execute(query.where(_row.c.said.in_(part))).all():
            found[said] = dict(zip(_TOLD, told, strict=True))
    return found


def known(
    session: Session, ids: Collection[uuid.UUID], row: Import, country: str
) -> dict[uuid.UUID, Known]:
    """These clients; in a dry run also those whom earlier rows would have made."""
    query = _KNOWN.where(_client.c.business_id == business_of(session))
    found: dict[uuid.UUID, Known] = {}
    for part in _parts(sorted(ids)):
        for each in session.execute(query.where(_client.c.id.in_(part))).all():
            client_id, number, status, *typed = each
            typed[-1] = _pets(typed[-1])
            person = Person(*typed)
            active = status is ClientStatus.ACTIVE
            them = profile(person, country=country)
            found[client_id] = Known(client_id, _name(person), number or "", active, them)
    if row.dry_run and (missing := ids - found.keys()):
        for client_id, said in people(session, missing).items():
            them = profile(as_person(said), country=country)
            found[client_id] = as_known(client_id, said, them)
    return found


def _pets(listed: str | None) -> tuple[Pet, ...]:
    if not listed:
        return ()
    told = [each.partition(_BETWEEN) for each in listed.split(_AFTER)]
    return tuple([Pet(name, breed) for name, _, breed in told])


def people(session: Session, row_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, ImportedClient]:
    """What these rows say."""
    query = select(_row.c.id, _row.c.person).where(_row.c.business_id == business_of(session))
    return {
        row_id: person_of(person)
        for part in _parts(row_ids)
        for row_id, person in session.execute(query.where(_row.c.id.in_(part)))
    }


def as_known(client_id: uuid.UUID, said: ImportedClient, them: Profile) -> Known:
    """A row as the client it would be."""
    active = said.status != "inactive"
    return Known(client_id, _name(said), said.external_id, active, them)


def _name(person: Person | ImportedClient) -> str:
    return f"{person.first_name} {person.last_name}".strip() or person.email or "a client"


def _parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    """A database takes only so many parameters in one statement."""
    every = list(values)
    return (every[start : start + _PART] for start in range(0, len(every), _PART))
