"""Every operation of the API, read off its OpenAPI document, and a plausible request for each."""

import copy
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from tests.front_door import ApiCaller

PREFIX = "/api/v1"
JSON = "application/json"
FORM = "multipart/form-data"
CSV = b"first_name,last_name,email\nAda,Imported,ada@example.com\n"
Ids = Mapping[str, str]

# People have no token yet when they call these, or a secret of the address stands for one.
PUBLIC = {
    "POST /staff/sessions",
    "POST /staff/password-resets",
    "POST /staff/password-resets/confirm",
    "GET /businesses/{slug}",
    "GET /businesses/{slug}/availability",
    "POST /businesses/{slug}/appointments",
    "GET /businesses/{slug}/bookings/{manage_token}",
    "POST /businesses/{slug}/bookings/{manage_token}/cancel",
    "POST /businesses/{slug}/bookings/{manage_token}/reschedule",
    "POST /businesses/{slug}/accounts",
    "POST /businesses/{slug}/accounts/confirm",
    "POST /businesses/{slug}/sessions",
    "POST /businesses/{slug}/sign-in-codes",
    "POST /businesses/{slug}/password-resets",
    "POST /businesses/{slug}/password-resets/confirm",
    "GET /invitations/{token}",
    "POST /invitations/{token}/accept",
    "GET /calendars/{token}.ics",
    "POST /mail/events",
    "POST /registrations",
    "GET /licences/keys",
    "GET /notices",
    "GET /notices/components",
    "GET /notices.atom",
    "POST /notices/subscriptions",
    "POST /notices/subscriptions/confirm",
    "POST /notices/subscriptions/unsubscribe",
    "POST /billing/events/{gateway}",
}
# An installed program calls these with its registration token: for any other token they are shut.
OF_PROGRAMS = {
    "POST /registrations/{registration_id}/renew",
    "DELETE /registrations/{registration_id}",
}
# Of staff and clients alike.
OF_ANY_ACCOUNT = {"DELETE /sessions/current", "GET /sessions", "DELETE /sessions/{session_id}"}


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    """below /api/v1"""
    schema: dict[str, Any] | None
    """of the body, with every reference resolved"""
    is_form: bool
    query: tuple[str, ...]
    uuids: frozenset[str]
    """of the names in the path, those that take nothing but a UUID"""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names(self) -> list[str]:
        """Of the ids in the path, `slug` left out."""
        return [name for name in re.findall(r"\{(\w+)\}", self.path) if name != "slug"]

    @property
    def is_public(self) -> bool:
        return self.name in PUBLIC

    @property
    def is_of_clients(self) -> bool:
        return "/me/" in self.path or self.path.endswith("/me")

    @property
    def is_of_programs(self) -> bool:
        return self.name in OF_PROGRAMS

    @property
    def is_of_operators(self) -> bool:
        """Of those who run the whole service."""
        return self.path.startswith("/operator/")

    @property
    def is_of_staff(self) -> bool:
        return not (
            self.is_public
            or self.is_of_clients
            or self.is_of_programs
            or self.name in OF_ANY_ACCOUNT
        )

    def key(self, name: str) -> str:
        """What `ids` calls this id: some addresses take another kind of thing by the same name."""
        if self.path == "/calendars/{token}.ics":
            return "calendar_token"
        return "invited_member_id" if self.path.endswith("/members/{member_id}/resend") else name

    def url(self, ids: Ids) -> str:
        path = self.path.replace("{slug}", "{b}")
        for name in self.names:
            path = path.replace(f"{{{name}}}", ids[self.key(name)])
        return path

    def call(
        self, caller: ApiCaller, ids: Ids, *, body: Any = ..., params: Mapping[str, str] = {}
    ) -> httpx.Response:
        """With a plausible body unless one is given."""
        given: dict[str, Any] = {"params": dict(params)}
        if self.is_form:
            given["files"] = {"file": ("clients.csv", CSV, "text/csv")}
        elif self.schema is not None:
            given["json"] = self.body(ids) if body is ... else body
        if self.name == "PATCH /businesses/{slug}/preferences":
            given["headers"] = {"If-Match": '"0"'}
        return caller.request(self.method, self.url(ids), **given)

    def body(self, ids: Ids) -> Any:
        """Every field there is, with a value it takes."""
        return None if self.schema is None else example(self.schema, "", ids)


@functools.cache
def operations(app: FastAPI) -> list[Operation]:
    document = app.openapi()
    return [
        _operation(document, method.upper(), path.removeprefix(PREFIX), spec)
        for path, methods in document["paths"].items()
        if path.startswith(PREFIX)
        for method, spec in methods.items()
    ]


def leaves(schema: dict[str, Any], at: tuple[str | int, ...] = ()) -> Iterator[Any]:
    """(path, schema) of every value a body may hold; of a list, its first element."""
    schema = _chosen(schema)
    if "properties" in schema:
        for name, inner in schema["properties"].items():
            yield from leaves(inner, (*at, name))
    elif schema.get("type") == "array" and "items" in schema:
        yield at, schema
        yield from leaves(schema["items"], (*at, 0))
    else:
        yield at, schema


def may_take(schema: dict[str, Any], value: Any) -> bool:
    """Whether a field of that schema takes values of such a kind, well-formed or not."""
    schema = _chosen(schema)
    kinds = {str: {"string"}, int: {"integer", "number"}, float: {"number"}, list: {"array"}}
    if schema.get("type") not in {None, *kinds.get(type(value), ())} or "enum" in schema:
        return False
    if not isinstance(value, str):
        return True
    is_moment = value[:1].isdigit()
    fits = len(value) <= schema.get("maxLength", len(value))
    return fits and is_moment == (schema.get("format") in {"date", "date-time"})


def replaced(body: Any, at: tuple[str | int, ...], value: Any) -> Any:
    """The body with another value at that path."""
    whole = {"body": copy.deepcopy(body)}
    place: Any = whole
    for step, following in zip(("body", *at), (*at, None), strict=True):
        if following is None:
            place[step] = value
        elif isinstance(following, int) and not place[step]:
            place[step] = [{}]
        place = place[step]
    return whole["body"]


def example(schema: dict[str, Any], name: str, ids: Ids) -> Any:
    schema = _chosen(schema)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {field: example(inner, field, ids) for field, inner in fields.items()}
        case "array":
            return [example(schema["items"], name, ids)] if "items" in schema else []
        case "integer" | "number":
            return max(schema.get("minimum", 0), min(schema.get("maximum", 30), 30))
        case "boolean":
            return False
        case "string":
            return _text(schema, name, ids)
    return None


def _text(schema: dict[str, Any], name: str, ids: Ids) -> str:
    if schema.get("format") == "uuid":
        return ids[kind_of_id(name)]
    by_format = {"date": "2027-03-10", "date-time": "2027-03-10T15:00:00Z", "time": "09:00"}
    by_name = {
        "email": "somebody.new@example.com",
        "password": "eleven dry otters in a boat",
        "birth_date": "2020-01-01",
        "birthday": "1980-01-01",
        "last_day": "2027-03-11",
        "ends_at": "2027-03-10T16:00:00Z",
        "from": "09:00",
        "to": "17:00",
        "start": "09:00",
        "end": "17:00",
        "name": "Some Name",
        "outside_url": "https://status.example.com",
    }
    found = by_name.get(name) or by_format.get(schema.get("format", ""))
    return (found or "text")[: schema.get("maxLength", 100)]


def _operation(document: dict[str, Any], method: str, path: str, spec: dict[str, Any]) -> Operation:
    content = spec.get("requestBody", {}).get("content", {})
    kind = next(iter(content), None)
    schema = _resolved(document, content[kind].get("schema", {})) if kind else None
    parameters = spec.get("parameters", [])
    query = tuple(each["name"] for each in parameters if each["in"] == "query")
    uuids = frozenset(
        each["name"]
        for each in parameters
        if each["in"] == "path" and each["schema"].get("format") == "uuid"
    )
    return Operation(method, path, schema, kind == FORM, query, uuids)


def _resolved(document: dict[str, Any], schema: Any) -> Any:
    if isinstance(schema, list):
        return [_resolved(document, each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _resolved(document, document["components"]["schemas"][name])
    return {name: _resolved(document, value) for name, value in schema.items()}


def _chosen(schema: dict[str, Any]) -> dict[str, Any]:
    """Of several forms the first that is not null."""
    for way in ("anyOf", "oneOf", "allOf"):
        if way in schema:
            forms: list[dict[str, Any]] = schema[way]
            return _chosen(next((each for each in forms if each.get("type") != "null"), {}))
    return schema


def kind_of_id(field: str) -> str:
    """What `known_ids` calls the ids that a field of that name holds."""
    named = {
        "id": "pet_id",
        "client_ids": "client_id",
        "keep": "client_id",
        "merge": "client_id",
        "login": "client_id",
        "staff": "staff_id",
        "staff_ids": "staff_id",
        "services": "service_id",
        "service_ids": "service_id",
    }
    return named.get(field, field)
