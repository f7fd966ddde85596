"""The application: the one place that knows all."""

import importlib
import logging
from collections.abc import Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from booking import clock
from booking.api import problem
from booking.config import Settings
from booking.database import Database
from booking.errors import NotFound, Refusal
from booking.rate_limit import Limiter
from booking.web import page
from booking.web.protection import Protection
from booking.web.visitor import SentToSignIn

_log = logging.getLogger(__name__)

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
    "me",
    "invitations",
    "campaigns",
    "health",
]
WEB = [
    "manage_sign_in",
    "members",
    "preferences",
    "services",
    "staff_members",
    "hours",
    "setup",
    "business_details",
    "clients",
    "imports",
    "audit",
    "appointments",
    "today",
    "invitations",
    "campaigns",
    "unsubscribe",
    "mailbox",
    "status",
    "accept",
    "book",
    "account",
    "client_sign_in",
    "site",
]


def create_app(settings: Settings, send_task: Callable[[str], object] | None = None) -> FastAPI:
    clock.set_offset(settings.clock_offset)
    app = FastAPI(title="Booking", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.database = Database(settings)
    app.state.limiter = Limiter(settings)
    try:
        from booking.accounts.passwords import Hashing

        app.state.hashing = Hashing(settings)
    except ImportError:
        pass
    app.mount("/static", StaticFiles(directory=page.STATIC), name="static")
    for kind, names, prefix in (("api", API, "/api/v1"), ("web", WEB, "")):
        for name in names:
            try:
                module = importlib.import_module(f"booking.{kind}.{name}")
            except ModuleNotFoundError as error:
                _log.warning("not there yet: %s (%s)", name, error)
                continue
            app.include_router(module.router, prefix=prefix)
    app.add_middleware(Protection, settings=settings)

    @app.exception_handler(Refusal)
    def refused(request: Request, error: Refusal) -> Response:
        return problem.of_refusal(error) if problem.is_api(request) else page.refuse(request, error)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        return (
            problem.of_validation(error)
            if problem.is_api(request)
            else page.refuse(request, NotFound())
        )

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        return (
            problem.of_http(error) if problem.is_api(request) else page.refuse(request, NotFound())
        )

    @app.exception_handler(SentToSignIn)
    def sign_in(request: Request, error: SentToSignIn) -> Response:
        return page.redirect(error.path)

    return app
