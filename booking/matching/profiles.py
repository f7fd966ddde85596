"""Clients of the list as the profiles they are compared by: some of them, those in a state, page by
page."""

import json
import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Uuid, bindparam, column, literal_column, text
from sqlalchemy.orm import Session

from booking import clock
from booking.bulk import Ready
from booking.businesses.queries import this_business
from booking.clients.models import Compared
from booking.database import business_of
from booking.matching import index
from booking.matching.rules.people import Person, Pet, Profile, profile

ARRAY = {"sqlite": "json_array", "postgresql": "json_build_array"}
ARRAY_OF_ROWS = {"sqlite": "json_group_array", "postgresql": "json_agg"}
_COMPARED_BY = tuple(name for name in Person.__dataclass_fields__ if name != "pets")
_IDS = {
    "sqlite": "SELECT value FROM json_each(:ids)",
    "postgresql": "SELECT unnest(CAST(:ids AS uuid[]))",
}
_COUNTRY = "country"
NOBODY = uuid.UUID(int=0)

# The index of those who are due is taken only where a query says so in its own words.
NOT_DONE: ColumnElement[bool] = literal_column("compared <> 'done'")
# However many were due when SQLite last looked: it takes the index, as PostgreSQL does by itself.
_BY_STATE = {"sqlite": "INDEXED BY ix_client_compared", "postgresql": ""}


def people(dialect: str, which: str, by: str = "") -> str:
    """SQL: ids of clients, and what they are compared by, as JSON."""
    array, of_rows = ARRAY[dialect], ARRAY_OF_ROWS[dialect]
    return f"""
        SELECT id, {array}({", ".join(_COMPARED_BY)}, (
            SELECT {of_rows}({array}(id, name, breed)) FROM pet
            WHERE business_id = :business_id AND client_id = client.id AND archived_at IS NULL
        )) AS told FROM client {by} WHERE business_id = :business_id AND {which}
    """  # noqa: S608 - names of ours


def people_among(dialect: str, ids: str) -> str:
    """SQL: those whose ids are selected so. PostgreSQL does not look into an ARRAY(SELECT …) when
    it plans: it takes the index however many there are, and plans once for all of them."""
    which = f"id = ANY(ARRAY({ids}))" if dialect == "postgresql" else f"id IN ({ids})"
    return people(dialect, which)


def people_in_state(dialect: str, state: str = ":state", most: str = ":most") -> str:
    """SQL: those whose keys are due, or who wait to be compared."""
    which = f"compared = {state} AND compared <> 'done' LIMIT {most}"
    return people(dialect, which, by=_BY_STATE[dialect])


def statement(sql: str, **types: Any) -> Ready:
    """What gives ids and JSON; `types` are those of its parameters that are no text or number."""
    given = [bindparam(name, type_=kind) for name, kind in types.items()]
    typed = text(sql).bindparams(bindparam("business_id", type_=Uuid()), *given)
    return Ready(typed.columns(column("id", Uuid()), column("told")))


_AMONG = {dialect: statement(people_among(dialect, ids)) for dialect, ids in _IDS.items()}
_HELD_IN_STATE = {
    "sqlite": statement(people_in_state("sqlite")),  # holds everything since BEGIN IMMEDIATE
    "postgresql": statement(f"{people_in_state('postgresql')} FOR NO KEY UPDATE SKIP LOCKED"),
}
_AFTER = {
    dialect: statement(people(dialect, "id > :after ORDER BY id LIMIT :most"), after=Uuid())
    for dialect in _IDS
}


def country(session: Session) -> str:
    """Where this business's numbers are dialled that say no country."""
    known: str | None = session.info.get(_COUNTRY)
    if known is None:
        known = clock.country_of(this_business(session).timezone) or "US"
        session.info[_COUNTRY] = known
    return known


def load(session: Session, client_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Profile]:
    """The profiles of these clients."""
    if not client_ids:
        return {}
    dialect = dialect_of(session)
    ids = index.as_one(dialect, [one.hex for one in client_ids])
    return as_profiles(session, rows(session, _AMONG[dialect], ids=ids))


def held_in_state(session: Session, state: Compared, most: int) -> dict[uuid.UUID, Profile]:
    """Those in that state, held until this transaction ends; who is held by another is passed
    over."""
    found = _HELD_IN_STATE[dialect_of(session)]
    return as_profiles(session, rows(session, found, state=state.value, most=most))


def page(session: Session, after: uuid.UUID | None, size: int) -> dict[uuid.UUID, Profile]:
    """The next clients of the whole list in the order of their ids; none at the end."""
    found = _AFTER[dialect_of(session)]
    return as_profiles(session, rows(session, found, after=after or NOBODY, most=size))


def rows(session: Session, found_by: Ready, **given: Any) -> list[tuple[Any, ...]]:
    """Ids of this business's clients, each with its JSON."""
    return found_by.execute(session, {"business_id": business_of(session), **given})


def as_profiles(session: Session, people: Sequence[tuple[Any, ...]]) -> dict[uuid.UUID, Profile]:
    if not people:
        return {}
    where = country(session)
    return {one: profile(_person(told), country=where) for one, told in people}


def said(told: Any) -> Any:
    """JSON that a statement gives: PostgreSQL's driver has read it already."""
    return json.loads(told) if isinstance(told, str) else told


def _person(told: Any) -> Person:
    told = said(told)
    told[-1] = tuple(Pet(name, breed) for _, name, breed in sorted(told[-1] or ()))
    return Person(*told)


def dialect_of(session: Session) -> str:
    return session.get_bind().dialect.name
