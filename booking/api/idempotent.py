"""Idempotency-Key for every POST of the API, as a kind of route.

Secrets of an answer are never kept: an endpoint names each with `secret_of`, and a repeat is given
it anew, derived again or, for a sign-in, as a new session.
"""

import json
import uuid
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from booking import idempotency
from booking.accounts import queries as accounts
from booking.accounts.actions.sign_in import open_session
from booking.accounts.models import SessionKind
from booking.database import Database, keyring_of
from booking.dependencies import client_ip, database_of
from booking.errors import SignInNeeded
from booking.idempotency import KeyedRequest
from booking.tokens import Purpose

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotentRoute(APIRoute):
    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            key = request.headers.get("idempotency-key")
            if key is None or request.method != "POST":
                return await answer(request)
            idempotency.check_key(key)
            keyed = KeyedRequest(key, _caller(request), request.url.path, await request.body())
            return await _once(request, keyed, answer)

        return handle


def derived(
    request: Request, field: str, purpose: Purpose, row_id: uuid.UUID, generation: int = 0
) -> None:
    """This field of the answer is a derived secret: derive it again for a repeat."""
    _secrets(request)[field] = ["derived", purpose.value, str(row_id), generation]


def session_token(request: Request, account_id: uuid.UUID, days: int) -> None:
    """The field `token` of the answer is a session: a repeat opens another one."""
    _secrets(request)["token"] = ["session", str(account_id), days]


def _secrets(request: Request) -> dict[str, list[Any]]:
    if not hasattr(request.state, "secrets"):
        request.state.secrets = {}
    kept: dict[str, list[Any]] = request.state.secrets
    return kept


def _caller(request: Request) -> str:
    return request.headers.get("authorization") or f"ip {client_ip(request)}"


async def _once(request: Request, keyed: KeyedRequest, answer: Handler) -> Response:
    database = database_of(request)
    earlier = await run_in_threadpool(_begin, database, keyed)
    if earlier is not None:
        status, body = earlier
        return Response(status_code=204) if status == 204 else JSONResponse(body, status)
    try:
        async with AsyncExitStack() as transaction:
            # Ours, and closed here: the endpoint's transaction is committed before its answer is
            # kept, and on SQLite before we write ourselves.
            request.scope["fastapi_function_astack"] = transaction
            response = await answer(request)
    except BaseException:
        await run_in_threadpool(_give_up, database, keyed)
        raise
    if response.status_code >= 400:
        await run_in_threadpool(_give_up, database, keyed)
        return response
    await run_in_threadpool(_finish, database, keyed, response, _secrets(request))
    return response


def _begin(database: Database, keyed: KeyedRequest) -> tuple[int, dict[str, Any]] | None:
    with database.writing() as session:
        record = idempotency.begin(session, keyed)
        if record is None:
            return None
        body = dict(record.answer["body"])
        for field, secret in record.answer["secrets"].items():
            body[field] = _issue(session, secret)
        return record.status or 200, body


def _issue(session: Any, secret: list[Any]) -> str:
    if secret[0] == "derived":
        _, purpose, row_id, generation = secret
        keyring = keyring_of(session)
        return str(keyring.derive(Purpose(purpose), uuid.UUID(row_id), generation))
    _, account_id, days, epoch = secret
    account = accounts.account(session, uuid.UUID(account_id))
    if account.epoch != epoch or account.disabled_at is not None:
        raise SignInNeeded("What this key signed in with has changed since. Use a new key.")
    token, _ = open_session(
        session, account, kind=SessionKind.API, device="Repeated request", days=days
    )
    return token


def _finish(
    database: Database, keyed: KeyedRequest, response: Response, secrets: dict[str, list[Any]]
) -> None:
    body = json.loads(bytes(response.body) or b"{}")
    kept = {name: value for name, value in body.items() if name not in secrets}
    with database.writing() as session:
        for secret in secrets.values():
            if secret[0] == "session":  # a repeat after a changed password signs nobody in
                secret.append(accounts.account(session, uuid.UUID(secret[1])).epoch)
        idempotency.finish(session, keyed, response.status_code, {"body": kept, "secrets": secrets})


def _give_up(database: Database, keyed: KeyedRequest) -> None:
    with database.writing() as session:
        idempotency.give_up(session, keyed)
