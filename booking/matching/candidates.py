"""Who of the list may be somebody: found by shared keys, loaded as profiles.

Nothing here reads the whole list: it costs as many index look-ups as somebody has keys, and at most
MOST records. One statement finds, ranks and loads them: a way to PostgreSQL and back takes longer
than what is done there.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from booking.bulk import Ready
from booking.clients.models import Compared
from booking.matching import profiles
from booking.matching.rules.keys import CROWD, LIMIT, keys
from booking.matching.rules.people import Profile

MOST = 8
"""candidates of one newcomer that are loaded and compared"""
MOST_DUE = 200
"""clients whose keys are due that one newcomer waits for"""

# The keys of each newcomer, under the id of their own record or one that nobody has.
_WANTED = {
    "sqlite": """
        SELECT each.key AS who, one.value AS key
        FROM json_each(:wanted) AS each, json_each(each.value) AS one
    """,
    "postgresql": """
        SELECT CAST(each.key AS uuid) AS who, CAST(one.value AS bigint) AS key
        FROM json_each(CAST(:wanted AS json)) AS each, json_array_elements_text(each.value) AS one
    """,
}
_HOLDERS = f"""
    SELECT client_id, name FROM client_key
    WHERE business_id = :business_id AND key = each.key LIMIT {LIMIT}
"""  # noqa: S608 - a number of ours
_HELD = {
    "sqlite": f"""
        SELECT each.key, substr(few.value, 1, 32) AS client_id, substr(few.value, 34) AS name
        FROM (SELECT DISTINCT key FROM wanted) AS each, json_each((
            SELECT json_group_array(client_id || ' ' || name) FROM ({_HOLDERS})
        )) AS few
    """,  # noqa: S608
    "postgresql": f"""
        SELECT each.key, few.client_id, few.name
        FROM (SELECT DISTINCT key FROM wanted) AS each CROSS JOIN LATERAL ({_HOLDERS}) AS few
    """,  # noqa: S608
}
_NO_ID = {"sqlite": "NULL", "postgresql": "CAST(NULL AS uuid)"}


def _near(dialect: str, *, due: bool) -> Ready:
    """Who shares the most that few share, and besides, those who are due. The first row has no id
    and tells how many names have each key, and who is near to whom.

    A key that a crowd of names has brings nobody. Of a crowd only LIMIT holders are seen, and some
    of those are of one name or one sound: more than half of them is enough. Weights are whole
    numbers, which add up to the same in any order.
    """
    array, of_rows = profiles.ARRAY[dialect], profiles.ARRAY_OF_ROWS[dialect]
    found = f"""
        WITH wanted AS MATERIALIZED ({_WANTED[dialect]}),
        held AS MATERIALIZED ({_HELD[dialect]}),
        shared AS MATERIALIZED (
            SELECT key, count(DISTINCT name) AS names,
                CAST(1000000 / count(*) AS integer) AS weight
            FROM held GROUP BY key
        ),
        ranked AS (
            SELECT who, client_id, row_number() OVER (
                PARTITION BY who ORDER BY sum(weight) DESC, client_id
            ) AS place
            FROM wanted JOIN shared USING (key) JOIN held USING (key)
            WHERE names <= {CROWD // 2} AND client_id <> who GROUP BY who, client_id
        ),
        near AS MATERIALIZED (SELECT who, client_id FROM ranked WHERE place <= {MOST})
        SELECT {_NO_ID[dialect]} AS id, {array}(
            (SELECT {of_rows}({array}(key, names)) FROM shared),
            (SELECT {of_rows}({array}(who, client_id)) FROM near)
        ) AS told
        UNION ALL {profiles.people_among(dialect, "SELECT client_id FROM near")}
    """  # noqa: S608 - numbers and names of ours
    if due:
        changed = profiles.people_in_state(dialect, f"'{Compared.CHANGED}'", str(MOST_DUE))
        found += f"UNION ALL SELECT * FROM ({changed}) AS due"  # noqa: S608 - the same
    return profiles.statement(found)


_NEAR = {dialect: _near(dialect, due=False) for dialect in _WANTED}
_NEAR_AND_DUE = {dialect: _near(dialect, due=True) for dialect in _WANTED}


@dataclass(frozen=True, slots=True)
class Candidates:
    """Those of the list that share something with somebody. `shared` is how many different names of
    the list carry each of their keys."""

    known: list[tuple[uuid.UUID, Profile]]
    shared: dict[int, int]


def candidates_of(
    session: Session, them: Profile, *, without: uuid.UUID | None = None, due: bool = False
) -> Candidates:
    """`without` is their own record. With `due`, clients whose keys are not in the database as they
    are now are taken besides, whatever they share."""
    theirs = keys(them)
    shared, _, known = _found(session, {without or profiles.NOBODY: theirs}, due=due)
    if without:
        known.pop(without, None)
    return Candidates(list(known.items()), shared)


def candidates_of_many(
    session: Session, people: Sequence[tuple[Profile, uuid.UUID | None]]
) -> list[Candidates]:
    """The same for many at once, each with the record it is of: in one statement however many they
    are."""
    theirs = {own or uuid.UUID(int=place): keys(them) for place, (them, own) in enumerate(people)}
    shared, near, known = _found(session, theirs)
    return [
        Candidates(
            [(one, known[one]) for one in near.get(who, ())],
            {key: shared[key] for key in wanted if key in shared},
        )
        for who, wanted in theirs.items()
    ]


def _found(
    session: Session, wanted: Mapping[uuid.UUID, Iterable[int]], *, due: bool = False
) -> tuple[dict[int, int], dict[uuid.UUID, list[uuid.UUID]], dict[uuid.UUID, Profile]]:
    """How many names have each key, who is near to whom, and the people themselves."""
    statements = _NEAR_AND_DUE if due else _NEAR
    as_json = json.dumps({who.hex: list(theirs) for who, theirs in wanted.items()})
    found = profiles.rows(session, statements[profiles.dialect_of(session)], wanted=as_json)
    told = next(told for one, told in found if one is None)
    shared, pairs = profiles.said(told)
    near: dict[uuid.UUID, list[uuid.UUID]] = {}
    for who, one in pairs or ():
        near.setdefault(uuid.UUID(who), []).append(uuid.UUID(one))
    people = profiles.as_profiles(session, [row for row in found if row[0] is not None])
    return dict(shared or ()), near, people
