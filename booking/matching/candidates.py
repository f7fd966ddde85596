"""Who of the list may be somebody: found by shared keys, loaded as profiles.

Nothing here reads the whole list: it costs as many index look-ups as somebody has keys, and at most
MOST records.
"""

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, TextualSelect, Uuid, bindparam, column, literal_column, text
from sqlalchemy.orm import Session

from booking import clock
from booking.businesses.queries import this_business
from booking.clients.models import Compared
from booking.database import business_of
from booking.matching import index
from booking.matching.index import Holder
from booking.matching.rules.keys import CROWD, keys
from booking.matching.rules.people import Person, Pet, Profile, profile

MOST = 8
"""candidates of one newcomer that are loaded and compared"""
MOST_DUE = 200
"""clients whose keys are due that one newcomer waits for"""
_COMPARED_BY = tuple(name for name in Person.__dataclass_fields__ if name != "pets")
_TOLD = {
    "sqlite": ("json_array", "json_group_array(json_array(id, name, breed))"),
    "postgresql": ("json_build_array", "json_agg(json_build_array(id, name, breed))"),
}
# PostgreSQL does not look into an ARRAY(SELECT …) when it plans: it takes the index however many
# there are, and plans once for all of them instead of each time anew.
_AMONG = {
    "sqlite": "id IN (SELECT value FROM json_each(:ids))",
    "postgresql": "id = ANY(ARRAY(SELECT unnest(CAST(:ids AS uuid[]))))",
}
_COUNTRY = "country"
_NOBODY = uuid.UUID(int=0)

# The index of those who are due is taken only where a query says so in its own words.
NOT_DONE: ColumnElement[bool] = literal_column("compared <> 'done'")
# However many were due when SQLite last looked: it takes the index, as PostgreSQL does by itself.
_BY_STATE = {"sqlite": "INDEXED BY ix_client_compared", "postgresql": ""}


def _people(dialect: str, which: str, by: str = "") -> str:
    """Clients with what they are compared by, and their pets, as JSON."""
    array, pets = _TOLD[dialect]
    return f"""
        SELECT id, {array}({", ".join(_COMPARED_BY)}, (
            SELECT {pets} FROM pet
            WHERE business_id = :business_id AND client_id = client.id AND archived_at IS NULL
        )) AS told FROM client {by} WHERE business_id = :business_id AND {which}
    """  # noqa: S608 - names of ours


def _statement(sql: str, **types: Any) -> TextualSelect:
    """Its columns are told in their order, so that SQLAlchemy looks at them only once."""
    given = [bindparam(name, type_=kind) for name, kind in types.items()]
    typed = text(sql).bindparams(bindparam("business_id", type_=Uuid()), *given)
    return typed.columns(column("id", Uuid()), column("told"))


def _due(dialect: str, state: str = ":state", most: str = ":most") -> str:
    due = f"compared = {state} AND compared <> 'done' LIMIT {most}"
    return _people(dialect, due, by=_BY_STATE[dialect])


def _some_and_due(dialect: str) -> TextualSelect:
    due = _due(dialect, f"'{Compared.CHANGED}'", str(MOST_DUE))
    some = _people(dialect, _AMONG[dialect])
    return _statement(f"{some} UNION ALL SELECT * FROM ({due}) AS due")  # noqa: S608 - ours


_SOME = {dialect: _statement(_people(dialect, _AMONG[dialect])) for dialect in _TOLD}
_SOME_AND_DUE = {dialect: _some_and_due(dialect) for dialect in _TOLD}
_HELD_IN_STATE = {
    "sqlite": _statement(_due("sqlite")),  # holds everything since BEGIN IMMEDIATE
    "postgresql": _statement(f"{_due('postgresql')} FOR NO KEY UPDATE SKIP LOCKED"),
}
_AFTER = {
    dialect: _statement(_people(dialect, "id > :after ORDER BY id LIMIT :most"), after=Uuid())
    for dialect in _TOLD
}

_Held = Mapping[int, Sequence[Holder]]
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
    session: Session, them: Profile, *, without: uuid.UUID | None = None, due: bool = False
) -> Candidates:
    """`without` is their own record. With `due`, clients whose keys are not in the database as they
    are now are taken besides, whatever they share."""
    theirs = keys(them)
    held = index.holders(session, theirs)
    best = _best(theirs, held, without)
    loaded = (_load_with_due if due else load)(session, best)
    if without:
        loaded.pop(without, None)
    return _candidates(theirs, held, loaded)


def candidates_of_many(
    session: Session, people: Sequence[tuple[Profile, uuid.UUID | None]]
) -> list[Candidates]:
    """The same for many at once, each with the record it is of: in as many statements as for one,
    however many they are."""
    theirs = [keys(them) for them, _ in people]
    held = index.holders(session, {key for each in theirs for key in each})
    best = [_best(each, held, own) for each, (_, own) in zip(theirs, people, strict=True)]
    loaded = load(session, {one for some in best for one in some})
    return [
        _candidates(each, held, {one: loaded[one] for one in some if one in loaded})
        for each, some in zip(theirs, best, strict=True)
    ]


def _candidates(
    keys: Iterable[int], held: _Held, loaded: Mapping[uuid.UUID, Profile]
) -> Candidates:
    shared = {key: len({one.name for one in held[key]}) for key in keys if key in held}
    return Candidates(list(loaded.items()), shared)


def _best(keys: Iterable[int], held: _Held, without: uuid.UUID | None) -> list[uuid.UUID]:
    """Those who share the most that few share. A key that a crowd of names has brings nobody."""
    weights: dict[str, float] = {}
    for key in keys:
        holders = held.get(key, ())
        names = len({one.name for one in holders})
        if is_crowd(names):
            continue
        for one in holders:
            weights[one.client] = weights.get(one.client, 0) + 1 / len(holders)
    if without:
        weights.pop(without.hex, None)
    ranked = sorted(weights, key=lambda one: (-weights[one], one))
    return [uuid.UUID(one) for one in ranked[:MOST]]


def is_crowd(names: int) -> bool:
    """Do so many names share a key that it says nothing? Of a crowd only LIMIT are seen, and some
    of those are of one name or one sound: more than half of them is enough."""
    return names > CROWD // 2


def load(session: Session, client_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Profile]:
    """The profiles of these clients."""
    if not client_ids:
        return {}
    return _profiles(session, _SOME, ids=_ids(session, client_ids))


def _load_with_due(session: Session, client_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Profile]:
    return _profiles(session, _SOME_AND_DUE, ids=_ids(session, client_ids))


def _ids(session: Session, client_ids: Collection[uuid.UUID]) -> str:
    return index.as_one(_dialect(session), [one.hex for one in client_ids])


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
    return {one: profile(_person(told), country=where) for one, told in rows}


def _person(told: Any) -> Person:
    """PostgreSQL gives JSON as a list, and null for no pets."""
    said = told if isinstance(told, list) else json.loads(told)
    said[-1] = tuple(Pet(name, breed) for _, name, breed in sorted(said[-1] or ()))
    return Person(*said)


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name
