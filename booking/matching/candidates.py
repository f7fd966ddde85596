"""Who of the list may be somebody: found by shared keys, loaded as profiles.

Nothing here reads the whole list: it costs as many index look-ups as somebody has keys, and at most
MOST records.
"""

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, TextualSelect, Uuid, bindparam, literal_column, text
from sqlalchemy.dialects.postgresql import ARRAY, UUID
from sqlalchemy.orm import Session

from booking import clock
from booking.businesses.queries import this_business
from booking.clients.models import Compared
from booking.database import business_of
from booking.matching import index
from booking.matching.index import Holder
from booking.matching.rules.keys import CROWD, keys
from booking.matching.rules.people import Person, Pet, Profile, profile

MOST = 16
"""candidates of one newcomer that are loaded and compared"""
_COMPARED_BY = tuple(name for name in Person.__dataclass_fields__ if name != "pets")
_PETS = {
    "sqlite": "json_group_array(json_array(id, name, breed))",
    "postgresql": "json_agg(json_build_array(id, name, breed))",
}
_AMONG = {
    "sqlite": "id IN (SELECT value FROM json_each(:ids))",
    "postgresql": "id = ANY(:ids)",
}
_COUNTRY = "country"
_NOBODY = uuid.UUID(int=0)

# The index of those who are due is taken only where a query says so in its own words.
NOT_DONE: ColumnElement[bool] = literal_column("compared <> 'done'")
_DUE = "compared = :state AND compared <> 'done' LIMIT :most"


def _people(dialect: str, which: str, by: str = "", **types: Any) -> TextualSelect:
    """Clients with what they are compared by, and their pets as JSON."""
    sql = f"""
        SELECT id, {", ".join(_COMPARED_BY)}, (
            SELECT {_PETS[dialect]} FROM pet
            WHERE business_id = :business_id AND client_id = client.id AND archived_at IS NULL
        ) FROM client {by} WHERE business_id = :business_id AND {which}
    """  # noqa: S608 - names of ours
    given = [bindparam(name, type_=kind) for name, kind in types.items()]
    typed = text(sql).bindparams(bindparam("business_id", type_=Uuid()), *given)
    return typed.columns(id=Uuid())


_SOME = {
    "sqlite": _people("sqlite", _AMONG["sqlite"]),
    "postgresql": _people("postgresql", _AMONG["postgresql"], ids=ARRAY(UUID())),
}
# However many were due when SQLite last looked: it takes the index, as PostgreSQL does by itself.
_IN_STATE = {
    "sqlite": _people("sqlite", _DUE, by="INDEXED BY ix_client_compared"),
    "postgresql": _people("postgresql", _DUE),
}
_HELD_IN_STATE = {
    "sqlite": _IN_STATE["sqlite"],  # holds everything since BEGIN IMMEDIATE
    "postgresql": _people("postgresql", f"{_DUE} FOR NO KEY UPDATE SKIP LOCKED"),
}
_AFTER = {
    dialect: _people(dialect, "id > :after ORDER BY id LIMIT :most", after=Uuid())
    for dialect in _PETS
}

Known = list[tuple[uuid.UUID, Profile]]
Shared = dict[int, int]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Those of the list that share something with somebody. `shared` is how many different names of
    the list carry each of their keys."""

    known: Known
    shared: Shared


def country(session: Session) -> str:
    """Where this business's numbers are dialled that say no country."""
    known: str | None = session.info.get(_COUNTRY)
    if known is None:
        known = clock.country_of(this_business(session).timezone) or "US"
        session.info[_COUNTRY] = known
    return known


def candidates_of(
    session: Session,
    them: Profile,
    *,
    without: uuid.UUID | None = None,
    besides: Mapping[uuid.UUID, Profile] | None = None,
) -> Candidates:
    """`besides` are records whose keys are not in the database as they are now."""
    return _found(session, [(them, without)], besides or {})[0]


def candidates_of_many(
    session: Session, people: Sequence[tuple[Profile, uuid.UUID | None]]
) -> list[Candidates]:
    """The same for many at once, each with the record it is of: in as many statements as for one,
    however many they are."""
    return _found(session, people, {})


def _found(
    session: Session,
    people: Sequence[tuple[Profile, uuid.UUID | None]],
    besides: Mapping[uuid.UUID, Profile],
) -> list[Candidates]:
    theirs = [keys(them) for them, _ in people]
    held = index.holders(session, {key for each in theirs for key in each})
    hidden = {one.hex for one in besides}
    best = [
        _best(each, held, hidden | {without.hex} if without else hidden)
        for each, (_, without) in zip(theirs, people, strict=True)
    ]
    loaded = load(session, {one for some in best for one in some})
    return [
        Candidates(
            [(one, loaded[one]) for one in some if one in loaded]
            + [(one, them) for one, them in besides.items() if one != without],
            {key: len({one.name for one in held[key]}) for key in each if key in held},
        )
        for each, some, (_, without) in zip(theirs, best, people, strict=True)
    ]


def _best(
    keys: Iterable[int], held: Mapping[int, Sequence[Holder]], hidden: Collection[str]
) -> list[uuid.UUID]:
    """Those who share the most that few share. A key that a crowd of names has brings nobody."""
    weights: dict[str, float] = {}
    for key in keys:
        holders = held.get(key, ())
        names = len({one.name for one in holders})
        if is_crowd(names):
            continue
        for one in holders:
            weights[one.client] = weights.get(one.client, 0) + 1 / len(holders)
    ranked = sorted(weights.keys() - hidden, key=lambda one: (-weights[one], one))
    return [uuid.UUID(one) for one in ranked[:MOST]]


def is_crowd(names: int) -> bool:
    """Do so many names share a key that it says nothing? Of a crowd only LIMIT are seen, and some
    of those are of one name or one sound: more than half of them is enough."""
    return names > CROWD // 2


def load(session: Session, client_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Profile]:
    """The profiles of these clients."""
    if not client_ids:
        return {}
    if _dialect(session) == "postgresql":
        return _profiles(session, _SOME, ids=list(client_ids))
    return _profiles(session, _SOME, ids=json.dumps([one.hex for one in client_ids]))


def in_state(session: Session, state: Compared, most: int) -> dict[uuid.UUID, Profile]:
    """Clients that have come so far and no further."""
    return _profiles(session, _IN_STATE, state=state.value, most=most)


def held_in_state(session: Session, state: Compared, most: int) -> dict[uuid.UUID, Profile]:
    """As `in_state`, held until this transaction ends; who is held by another is passed over."""
    return _profiles(session, _HELD_IN_STATE, state=state.value, most=most)


def page(session: Session, after: uuid.UUID | None, size: int) -> dict[uuid.UUID, Profile]:
    """The next clients of the whole list in the order of their ids; none at the end."""
    return _profiles(session, _AFTER, after=after or _NOBODY, most=size)


def _profiles(
    session: Session, statements: Mapping[str, TextualSelect], **given: Any
) -> dict[uuid.UUID, Profile]:
    given["business_id"] = business_of(session)
    rows = session.execute(statements[_dialect(session)], given).all()
    if not rows:
        return {}
    where = country(session)
    return {row[0]: profile(_person(row), country=where) for row in rows}


def _person(row: Row[Any]) -> Person:
    """PostgreSQL gives JSON as a list, and null for none."""
    told = row[-1]
    pets = told if told is None or isinstance(told, list) else json.loads(told)
    kept = tuple(Pet(name, breed) for _, name, breed in sorted(pets or ()))
    said: dict[str, Any] = dict(zip(_COMPARED_BY, row[1:-1], strict=True))
    return Person(**said, pets=kept)


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name
