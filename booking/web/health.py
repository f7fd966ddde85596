"""For machines that watch over us: alive, ready, and figures."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from booking import clock, processes
from booking.billing.actions import steps as billing
from booking.config import Settings
from booking.database import Database, across_businesses
from booking.dependencies import database_of, settings_of
from booking.errors import NotFound
from booking.imports import queries as imports
from booking.invitations.actions import pacing as invitations
from booking.mail import actions as mail
from booking.notices.actions import telling
from booking.texts import actions as texts

router = APIRouter(include_in_schema=False)
LATE_AFTER_SECONDS = 60
OLDEST_DUE = Gauge("booking_oldest_due_seconds", "Waiting time of the oldest due work", ["kind"])


@router.get("/healthz")
def alive() -> PlainTextResponse:
    return PlainTextResponse("alive\n")


@router.get("/readyz")
def ready(request: Request) -> JSONResponse:
    """Looks at the oldest due work, not at processes: one that consumes nothing looks alive.

    `?for=web` asks the database alone, so that a mail fault takes no web server out of rotation.
    """
    database, settings = database_of(request), settings_of(request)
    parts: dict[str, Callable[[Database, Settings], str]] = {"database": _database}
    if request.query_params.get("for") != "web":
        parts |= {"broker": _broker, "work": _work}
    wrong = {name: problem for name, look in parts.items() if (problem := look(database, settings))}
    answer = {name: wrong.get(name, "ok") for name in parts}
    return JSONResponse(answer, status_code=503 if wrong else 200)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """For a collector beside us, not for the public: a proxied request finds nothing here."""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        raise NotFound
    for kind, seconds in oldest_due_seconds(database_of(request)).items():
        OLDEST_DUE.labels(kind).set(seconds)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _database(database: Database, _: Settings) -> str:
    try:
        database.is_alive()
    except Exception as error:  # noqa: BLE001 - whatever a driver raises, it is not ready
        return f"does not answer: {type(error).__name__}"
    return ""


def _broker(_: Database, settings: Settings) -> str:
    try:
        processes.check_broker(settings)
    except Exception as error:  # noqa: BLE001 - whatever a broker raises, it is not ready
        return f"does not answer: {type(error).__name__}"
    return ""


def _work(database: Database, _: Settings) -> str:
    try:
        late = oldest_due_seconds(database)
    except Exception as error:  # noqa: BLE001 - whatever a driver raises, it is not known
        return f"not known: {type(error).__name__}"
    worst = max(late, key=lambda name: late[name])
    if late[worst] <= LATE_AFTER_SECONDS:
        return ""
    return f"{worst} waiting for {int(late[worst])} s; look at the workers"


def oldest_due_seconds(database: Database) -> dict[str, float]:
    """For each kind of work how long the oldest due row has waited; 0 where nothing waits."""
    with database.reading() as session, across_businesses(session):
        moments = {
            "billing": billing.oldest_due(session),
            "emails": mail.oldest_due(session),
            "invitations": invitations.oldest_due(session),
            "notices": telling.oldest_due(session),
            "texts": texts.oldest_due(session),
        }
        waiting = imports.oldest_due_seconds(session) or 0.0
    now = clock.now()
    seconds = {
        name: max(0.0, (now - moment).total_seconds()) if moment else 0.0
        for name, moment in moments.items()
    }
    return {**seconds, "imports": waiting}
