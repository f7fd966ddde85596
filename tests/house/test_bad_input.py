"""What no form sends and every scanner does: refused with a 4xx problem, never with a 500, and
never with what was sent in the answer or the log."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.databases import DatabaseKind
from tests.front_door import PROBLEM, Api, ApiCaller, FrontDoor
from tests.house.known import known_ids
from tests.house.operations import Ids, Operation, leaves, may_take, operations, replaced
from tests.mailbox import Mailbox
from tests.world import World

pytestmark = pytest.mark.settings(rate_limits="off")

CANARY = "hunter2-canary"
NUL = f"{CANARY}\0x"
SURROGATE = f"{CANARY}\ud800x"
TOO_BIG = 2**70
BAD_VALUES: dict[str, Any] = {
    "NUL": NUL,
    "a lone surrogate": SURROGATE,
    "a huge number": TOO_BIG,
    "the year 9999": "9999-12-31T23:59:59Z",
    "the year 1": "0001-01-01T00:00:00+14:00",
    "an array": [CANARY],
    "a very long text": CANARY * 2_000,
    "null": None,
    "a fraction": 0.5,
}
BAD_BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{" + CANARY.encode(),
    "bad UTF-8": b'{"a": "\xff\xfe"}',
    "Infinity": b'{"price_minor": Infinity, "name": NaN}',
    "a number": b"1e400",
    "a list": b"[]",
    "a text": f'"{CANARY}"'.encode(),
    "null": b"null",
    "deep": b'{"name":' * 20_000 + b"1" + b"}" * 20_000,
    "deep lists": b"[" * 100_000,
    "a number of many digits": b'{"name": ' + b"9" * 10_000 + b"}",
    "a key twice": b'{"name": "a", "name": ["b"]}',
}
BAD_IDS = [
    "%00",
    "%ED%A0%80",
    str(TOO_BIG),
    "' OR 1=1 --",
    "x" * 3_000,
    "00000000-0000-0000-0000-000000000000",
    "%0d%0aSet-Cookie:%20a=b",
]
BAD_HEADERS = [
    ("Authorization", "Bearer"),
    ("Authorization", "Bearer " + "x" * 5_000),
    ("Authorization", "Bearer \xff\xfe"),
    ("Idempotency-Key", "x" * 300),
    ("Idempotency-Key", "caf\xe9"),
    ("If-Match", "\xff"),
    ("If-Match", f'"{TOO_BIG}"'),
    ("If-None-Match", f'"{TOO_BIG}"'),
    ("User-Agent", "\xff\xfe" * 300),
]
BAD_PARAMS = ["\0", "\ud800", str(TOO_BIG), "-1", "%", "x" * 3_000, "9999-12-31", "' OR 1=1 --"]
PAGES = [
    "/BAD",
    "/BAD/book",
    "/BAD/account",
    "/manage/BAD",
    "/manage/BAD/clients",
    "/happy-paws/BAD",
    "/happy-paws/booking/BAD",
    "/happy-paws/reset/BAD",
    "/i/BAD",
    "/u/BAD",
    "/u/n/BAD",
    "/status/BAD",
    "/status/confirm/BAD",
    "/calendars/BAD.ics",
    "/manage/reset/BAD",
    "/manage/join/BAD",
    "/static/BAD",
]


before_any_database = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)
"""of a test of what is refused before any database is asked"""


@pytest.fixture
def every(app: FastAPI) -> list[Operation]:
    return operations(app)


@pytest.fixture
def takers(every: list[Operation]) -> list[Operation]:
    """Those that take JSON."""
    return [each for each in every if each.schema is not None and not each.is_form]


@pytest.fixture
def ids(api: Api, world: World, mailbox: Mailbox) -> dict[str, str]:
    return known_ids(api, world.salon, world.jo, mailbox)


class Callers:
    """For each operation somebody it is meant for; a 500 is an answer here, not an exception."""

    def __init__(self, api: Api, world: World) -> None:
        self._owner = api.bearing(world.owner.token, raises=False)
        self._client = api.bearing(world.jo.person.token, raises=False)
        self._visitor = api.bearing(None, raises=False)
        self._operator = api.bearing(world.operator.token, raises=False)

    def of(self, operation: Operation) -> ApiCaller:
        if operation.is_public:
            return self._visitor
        if operation.is_of_operators:
            return self._operator
        return self._client if operation.is_of_clients else self._owner


@pytest.fixture
def callers(api: Api, world: World, caplog: pytest.LogCaptureFixture) -> Iterator[Callers]:
    yield Callers(api, world)
    logged = [record.getMessage() for record in caplog.get_records("call")]
    assert not [line for line in logged if CANARY in line]


def test_a_bad_value_in_any_field(
    takers: list[Operation], callers: Callers, ids: Ids, database_kind: DatabaseKind
) -> None:
    """What a field can't take by its kind never comes to a database: that is tried on one."""
    faults = []
    for operation in takers:
        body = operation.body(ids)
        for at, schema in leaves(operation.schema or {}):
            for what, value in BAD_VALUES.items():
                if database_kind is DatabaseKind.POSTGRESQL and not may_take(schema, value):
                    continue
                content = json.dumps(replaced(body, at, value)).encode()
                answer = _send(operation, callers.of(operation), ids, content)
                faults += _faults(f"{what} as {at} of {operation.name}", answer)
    assert faults == []


@before_any_database
def test_a_bad_body(takers: list[Operation], callers: Callers, ids: Ids) -> None:
    faults = []
    for operation in takers:
        for what, content in BAD_BODIES.items():
            answer = _send(operation, callers.of(operation), ids, content)
            faults += _faults(f"{what} to {operation.name}", answer)
    assert faults == []


@before_any_database
def test_a_body_of_ten_megabytes(takers: list[Operation], callers: Callers, ids: Ids) -> None:
    content = json.dumps({"name": "x" * 10_000_000}).encode()
    faults = []
    for operation in takers:
        answer = _send(operation, callers.of(operation), ids, content)
        faults += _faults(operation.name, answer)
        if answer.status_code != 413 and not operation.path.endswith("/campaigns"):
            faults.append(f"{operation.name}: {answer.status_code}, not 413")
    assert faults == []


@before_any_database
def test_a_body_of_another_kind(takers: list[Operation], callers: Callers, ids: Ids) -> None:
    faults = []
    for operation in takers:
        for kind in ("text/plain", "application/xml", "application/json; charset=x"):
            headers = {"Content-Type": kind}
            answer = _send(operation, callers.of(operation), ids, b"<a>b</a>", headers)
            faults += _faults(f"{kind} to {operation.name}", answer)
    assert faults == []


def test_a_bad_id_in_an_address(
    every: list[Operation], callers: Callers, ids: Ids, database_kind: DatabaseKind
) -> None:
    faults = []
    for operation in every:
        paths = [operation.url(ids).replace("{b}", bad) for bad in BAD_IDS]
        for name in operation.names:
            if database_kind is DatabaseKind.SQLITE or name not in operation.uuids:
                paths += [operation.url({**ids, operation.key(name): bad}) for bad in BAD_IDS]
        for path in paths:
            answer = callers.of(operation).request(operation.method, path)
            faults += _faults(f"{operation.method} {path}", answer)
            if answer.status_code < 400 and path != operation.url(ids):
                faults.append(f"{operation.method} {path}: {answer.status_code}")
    assert faults == []


def test_a_bad_value_in_a_query(every: list[Operation], callers: Callers, ids: Ids) -> None:
    always = {"from": "2027-03-01", "to": "2027-03-07", "service": ids["service_id"]}
    faults = []
    for operation in every:
        params = {name: value for name, value in always.items() if name in operation.query}
        for field in operation.query:
            for bad in BAD_PARAMS:
                path = f"{operation.url(ids)}?{_query({**params, field: bad})}"
                answer = callers.of(operation).request(operation.method, path)
                faults += _faults(f"{operation.name}?{field}={bad!r}", answer)
    assert faults == []


def test_a_bad_header(every: list[Operation], callers: Callers, ids: Ids) -> None:
    faults = []
    for operation in [each for each in every if not each.names]:
        for header, value in BAD_HEADERS:
            raw = {header: value.encode("latin-1")}
            answer = _send(operation, callers.of(operation), ids, b"{}", raw)
            faults += _faults(f"{header} for {operation.name}", answer)
    assert faults == []


@pytest.mark.parametrize("bad", ["%00", "%ED%A0%80", "x" * 3_000])
def test_a_bad_address_of_a_page(door: FrontDoor, bad: str) -> None:
    visitor = door.visitor(raises=False, follow=True)
    answers = {page: visitor.request("GET", page.replace("BAD", bad)) for page in PAGES}
    assert [page for page, answer in answers.items() if answer.status_code >= 500] == []


def test_an_address_that_is_not_there(door: FrontDoor) -> None:
    visitor = door.visitor(raises=False)
    for path in ("/api/v1/nothing", "/api/v1/businesses", "/api/v1/%00", "/api/v2/businesses/x"):
        answer = visitor.request("GET", path)
        assert answer.status_code in {404, 405}
        assert answer.headers["content-type"] == PROBLEM


def _send(
    operation: Operation,
    caller: ApiCaller,
    ids: Ids,
    content: bytes,
    headers: Mapping[str, str | bytes] | None = None,
) -> httpx.Response:
    given: dict[str, str | bytes] = {"Content-Type": "application/json", **(headers or {})}
    if operation.name == "PATCH /businesses/{slug}/preferences":
        given.setdefault("If-Match", '"0"')
    raw = [(name.encode(), _bytes(value)) for name, value in given.items()]
    return caller.request(operation.method, operation.url(ids), content=content, headers=raw)


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _faults(what: str, answer: httpx.Response) -> list[str]:
    """None for a success, nor for a 4xx that is a problem and repeats nothing of what was sent."""
    said = f"{what}: {answer.status_code} {answer.text[:300]!r}"
    if answer.status_code < 400:
        return []
    if answer.status_code >= 500 or answer.headers.get("content-type") != PROBLEM:
        return [said]
    return [said] if CANARY in answer.text else []


def _query(params: dict[str, str]) -> str:
    """Also of what can't be UTF-8."""
    return "&".join(
        f"{name}=" + "".join(f"%{byte:02X}" for byte in value.encode("utf-8", "surrogatepass"))
        for name, value in params.items()
    )
