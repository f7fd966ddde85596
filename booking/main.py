"""The application: the one place that knows all."""

import functools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from booking import clock, processes
from booking.accounts.passwords import Hashing
from booking.api import problem
from booking.config import Settings
from booking.database import Database
from booking.errors import Invalid, NotFound, Refusal
from booking.logs import set_up_logging
from booking.rate_limit import Limiter
from booking.wakeup import Waker
from booking.web import page
from booking.web.observation import Observation
from booking.web.protection import Protection, TooLarge
from booking.web.visitor import SentToSignIn

_log = logging.getLogger(__name__)


def from_environment() -> FastAPI:
    """For a web server that starts us by name. Raises ValueError where it must not start."""
    settings = Settings()
    if objections := settings.objections():
        raise ValueError("refuses to start: " + "; ".join(objections))
    set_up_logging(settings)
    return create_app(settings)


def create_app(settings: Settings) -> FastAPI:
    clock.set_offset(settings.clock_offset)
    app = FastAPI(
        title="Booking",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.settings = settings
    waker = Waker(functools.partial(processes.send_task, settings))
    app.state.database = Database(settings, waker)
    app.state.limiter = Limiter(settings)
    app.state.hashing = Hashing(settings)
    app.mount("/static", StaticFiles(directory=page.STATIC), name="static")
    include_api(app)
    include_pages(app)
    if settings.docs_are_open:
        _open_docs(app)
    _answer_refusals(app)
    app.add_middleware(Protection, settings=settings)
    app.add_middleware(Observation)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """As many threads as the database has connections for."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = app.state.settings.web_threads
    yield
    app.state.hashing.close()
    app.state.database.engine.dispose()


def _open_docs(app: FastAPI) -> None:
    @app.get("/api/v1/openapi.json", include_in_schema=False)
    def openapi() -> JSONResponse:
        return JSONResponse(app.openapi())

    @app.get("/api/docs", include_in_schema=False)
    def docs() -> Response:
        return get_swagger_ui_html(openapi_url="/api/v1/openapi.json", title="Booking API")


def _answer_refusals(app: FastAPI) -> None:
    def refused(request: Request, error: Refusal) -> Response:
        if problem.is_api(request):
            return problem.of_refusal(error)
        return page.refuse(request, error)

    def invalid(request: Request, error: RequestValidationError) -> Response:
        if problem.is_api(request):
            return problem.of_validation(error)
        return page.refuse(request, NotFound())

    def http(request: Request, error: HTTPException) -> Response:
        if problem.is_api(request):
            return problem.of_http(error)
        return page.refuse(request, NotFound() if error.status_code in (404, 405) else Invalid())

    def too_large(request: Request, _: TooLarge) -> Response:
        return http(request, HTTPException(413))

    def sign_in(_: Request, error: SentToSignIn) -> Response:
        return page.redirect(error.path)

    def unforeseen(request: Request, error: Exception) -> Response:
        """The last resort: says nothing of what happened, and logs it."""
        _log.error("unforeseen: %s", type(error).__name__, exc_info=error)
        if problem.is_api(request):
            return problem.problem(500, "internal_error", "Something went wrong on our side.")
        return page.refuse(request, Refusal("Something went wrong on our side. Please try again."))

    app.add_exception_handler(Refusal, refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, invalid)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, http)  # type: ignore[arg-type]
    app.add_exception_handler(TooLarge, too_large)  # type: ignore[arg-type]
    app.add_exception_handler(SentToSignIn, sign_in)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, unforeseen)


# TEMPORARY until every module is there
import importlib

API = [
    "staff_sessions",
    "sessions",
    "members",
    "business",
    "preferences",
    "services",
    "staff_members",
    "hours",
    "availability",
    "clients",
    "imports",
    "audit",
    "appointments",
    "my_appointments",
    "calendars",
    "accounts",
    "client_sessions",
    "me",
    "my_pets",
    "invitations",
    "campaigns",
]
WEB = [
    "health",
    "manage_sign_in",
    "manage_security",
    "members",
    "preferences",
    "services",
    "staff_members",
    "hours",
    "setup",
    "business_details",
    "invitations",
    "clients",
    "imports",
    "audit",
    "appointments",
    "today",
    "campaigns",
    "unsubscribe",
    "mailbox",
    "status",
    "accept",
    "calendars",
    "book",
    "account",
    "client_sign_in",
    "guest_booking",
    "site",
]


def _include(app: FastAPI, kind: str, names: list[str], prefix: str) -> None:
    for name in names:
        try:
            module = importlib.import_module(f"booking.{kind}.{name}")
        except ModuleNotFoundError as error:
            _log.warning("not there yet: %s (%s)", name, error)
            continue
        if not hasattr(module, "router"):
            _log.warning("no router yet: %s", name)
            continue
        app.include_router(module.router, prefix=prefix)


def include_api(app: FastAPI) -> None:
    _include(app, "api", API, "/api/v1")


def include_pages(app: FastAPI) -> None:
    _include(app, "web", WEB, "")
