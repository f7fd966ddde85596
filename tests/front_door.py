"""The front door, for tests: requests to the application as a program or a person sends them.

Over ASGI, without a socket; every request goes through the middleware, the routes and a transaction
of its own, like those of a real server.
"""

import functools
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from tests.world import Person, World

HOST = "http://localhost:8000"
PROBLEM = "application/problem+json"


class FrontDoor:
    """The application behind its address. Each `Visitor` has a cookie jar of its own."""

    def __init__(self, app: FastAPI, portal: BlockingPortal) -> None:
        self.app = app
        self.portal = portal

    def visitor(
        self, *, headers: dict[str, str] | None = None, raises: bool = True, follow: bool = False
    ) -> "Visitor":
        """`raises`: an exception nobody handled comes through to the test instead of a 500."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=raises)
        client = httpx.AsyncClient(
            transport=transport, base_url=HOST, headers=headers, follow_redirects=follow
        )
        return Visitor(client, self.portal)


class Visitor:
    """`request` as httpx has it, from a test that does not await."""

    def __init__(self, client: httpx.AsyncClient, portal: BlockingPortal) -> None:
        self._client = client
        self._portal = portal

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies

    def request(self, method: str, url: str, **given: Any) -> httpx.Response:
        call = functools.partial(self._client.request, method, url, **given)
        return self._portal.call(call)


class Api:
    """The API as the people of the world call it.

    api.owner.get("/businesses/{b}/clients")        # {b} is happy-paws
    api.visitor.post("/businesses/{b}/appointments", json={…})
    """

    def __init__(self, door: FrontDoor, world: World) -> None:
        self._door = door
        self._world = world

    @property
    def visitor(self) -> "ApiCaller":
        """Anyone: no token."""
        return self.bearing(None)

    @property
    def owner(self) -> "ApiCaller":
        return self.as_(self._world.owner)

    @property
    def manager(self) -> "ApiCaller":
        return self.as_(self._world.manager)

    @property
    def staff(self) -> "ApiCaller":
        """A member with the role `staff`."""
        return self.as_(self._world.staff)

    @property
    def operator(self) -> "ApiCaller":
        """Of the whole service, of no business."""
        return self.as_(self._world.operator)

    @property
    def client(self) -> "ApiCaller":
        """Jo Bright."""
        return self.as_(self._world.jo.person)

    @property
    def other_client(self) -> "ApiCaller":
        """Sam Stone, another client of the same salon."""
        return self.as_(self._world.sam.person)

    @property
    def outsider(self) -> "ApiCaller":
        """The owner of the other business; `{b}` is still happy-paws."""
        return self.as_(self._world.outsider)

    @property
    def outsiders_client(self) -> "ApiCaller":
        return self.as_(self._world.max.person)

    def as_(self, person: Person) -> "ApiCaller":
        return self.bearing(person.token)

    def bearing(self, token: str | None, *, raises: bool = True) -> "ApiCaller":
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        visitor = self._door.visitor(headers=headers, raises=raises)
        return ApiCaller(visitor, self._world.salon.slug)


class ApiCaller:
    """Paths are those of the contract, below `/api/v1`; `{b}` stands for the business's slug."""

    def __init__(self, visitor: Visitor, slug: str) -> None:
        self._visitor = visitor
        self.slug = slug

    def at(self, slug: str) -> "ApiCaller":
        """The same caller at another business."""
        return ApiCaller(self._visitor, slug)

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        """`json=`, `params=`, `headers=`, `files=`, `content=` as httpx has them."""
        filled = path.replace("{b}", self.slug)
        return self._visitor.request(method, f"/api/v1{filled}", **given)

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        return self.request("POST", path, **given)

    def put(self, path: str, **given: Any) -> httpx.Response:
        return self.request("PUT", path, **given)

    def patch(self, path: str, **given: Any) -> httpx.Response:
        return self.request("PATCH", path, **given)

    def delete(self, path: str, **given: Any) -> httpx.Response:
        return self.request("DELETE", path, **given)


def problem_of(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem in a refusal, after a look at its form: `problem_of(answer, 409)["code"]`."""
    assert response.status_code == status, f"{response.status_code}: {response.text[:2000]}"
    assert response.headers["content-type"] == PROBLEM, response.headers["content-type"]
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"].endswith(problem["code"])
    assert problem["title"]
    assert problem["detail"]
    return problem


def fields_of(response: httpx.Response) -> dict[str, str]:
    """Of a 422: field → code."""
    problem = problem_of(response, 422)
    return {error["field"]: error["code"] for error in problem["errors"]}
