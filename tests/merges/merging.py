"""What the tests of this room share: adding, merging and undoing through the API, and a dump of
the tables an undo restores."""

from typing import Any

import httpx
from sqlalchemy import select

from booking.database import Base
from tests.front_door import ApiCaller
from tests.site import Site

CLIENTS = "/businesses/{b}/clients"
MERGES = "/businesses/{b}/merges"

# Of clients what jobs note down, and of invitations how they stand, is not compared: see section 6
# of the security reference.
COMPARED: dict[str, tuple[str, ...]] = {
    "client": (),
    "pet": (),
    "appointment": (),
    "link": (),
    "invitation": ("id", "client_id"),
}
_NOTED_BY_JOBS = {"compared"}
Dump = dict[tuple[str, str], dict[str, Any]]


def add(caller: ApiCaller, **said: Any) -> dict[str, Any]:
    answer = caller.post(CLIENTS, json=said)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = caller.get(f"{CLIENTS}/{answer.json()['id']}").json()
    return found


def change(caller: ApiCaller, record: Any, **said: Any) -> None:
    answer = caller.patch(f"{CLIENTS}/{id_of(record)}", json=said)
    assert answer.status_code == 200, answer.text


def ask(caller: ApiCaller, keep: Any, *others: Any, **more: Any) -> httpx.Response:
    body = {"keep": id_of(keep), "merge": [id_of(other) for other in others], **more}
    return caller.post(MERGES, json=body)


def merged(caller: ApiCaller, keep: Any, *others: Any, **more: Any) -> dict[str, Any]:
    answer = ask(caller, keep, *others, **more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ask_undo(caller: ApiCaller, merge: Any, **decisions: str) -> httpx.Response:
    return caller.post(f"{MERGES}/{id_of(merge)}/undo", json={"decisions": decisions})


def undone(caller: ApiCaller, merge: Any, **decisions: str) -> dict[str, Any]:
    answer = ask_undo(caller, merge, **decisions)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def id_of(record: Any) -> str:
    return record["id"] if isinstance(record, dict) else str(getattr(record, "id", record))


def dump(site: Site) -> Dump:
    """Every row of the compared tables."""
    found: Dump = {}
    with site.reading() as session:
        for name, columns in COMPARED.items():
            for row in session.execute(select(Base.metadata.tables[name])).mappings():
                found[name, str(row["id"])] = {
                    column: value
                    for column, value in row.items()
                    if column not in _NOTED_BY_JOBS and (not columns or column in columns)
                }
    return found
