"""The application: the one place that knows all."""

import functools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from booking import clock, processes
from booking.accounts.passwords import Hashing
from booking.api import accounts as api_accounts
from booking.api import appointments as api_appointments
from booking.api import audit as api_audit
from booking.api import availability as api_availability
from booking.api import billing as api_billing
from booking.api import business as api_business
from booking.api import calendars as api_calendars
from booking.api import campaigns as api_campaigns
from booking.api import client_exports as api_client_exports
from booking.api import client_sessions as api_client_sessions
from booking.api import clients as api_clients
from booking.api import hours as api_hours
from booking.api import imports as api_imports
from booking.api import installations as api_installations
from booking.api import invitations as api_invitations
from booking.api import mail_events as api_mail_events
from booking.api import matches as api_matches
from booking.api import me as api_me
from booking.api import members as api_members
from booking.api import my_appointments as api_my_appointments
from booking.api import my_pets as api_my_pets
from booking.api import notices as api_notices
from booking.api import operator as api_operator
from booking.api import preferences as api_preferences
from booking.api import problem
from booking.api import record_merges as api_record_merges
from booking.api import registrations as api_registrations
from booking.api import services as api_services
from booking.api import sessions as api_sessions
from booking.api import staff_members as api_staff_members
from booking.api import staff_sessions as api_staff_sessions
from booking.config import Settings
from booking.database import Database
from booking.errors import Refusal
from booking.licensing import licences
from booking.logs import set_up_logging
from booking.protection import Protection
from booking.rate_limit import Limiter
from booking.wakeup import Waker
from booking.web import (
    accept,
    account,
    account_details,
    account_email,
    account_login,
    api_docs,
    appointments,
    audit,
    billing,
    book,
    book_details,
    business_details,
    calendars,
    campaigns,
    choosing,
    client_password,
    client_sign_in,
    clients,
    counter,
    duplicates,
    exporting,
    guest_booking,
    health,
    hours,
    import_columns,
    imports,
    invitations,
    mailbox,
    manage_security,
    manage_sign_in,
    matches,
    members,
    merges,
    notice_subscriptions,
    notices,
    operator,
    page,
    pets,
    preferences,
    registration,
    services,
    setup,
    sign_up,
    site,
    staff_members,
    text_log,
    today,
    unsubscribe,
)
from booking.web import help as help_pages
from booking.web.banners import Board
from booking.web.observation import Observation
from booking.web.visitor import SentToSignIn

_log = logging.getLogger(__name__)

# Paths are tried one by one: what is asked most often stands first.
API = (
    api_availability,
    api_my_appointments,
    api_accounts,
    api_appointments,
    api_audit,
    api_billing,
    api_business,
    api_calendars,
    api_campaigns,
    api_client_exports,
    api_client_sessions,
    api_clients,
    api_hours,
    api_imports,
    api_installations,
    api_invitations,
    api_matches,
    api_mail_events,
    api_me,
    api_members,
    api_my_pets,
    api_notices,
    api_operator,
    api_preferences,
    api_record_merges,
    api_registrations,
    api_services,
    api_sessions,
    api_staff_members,
    api_staff_sessions,
)
# In the order in which paths are tried: those with a name of their own, then booking sites.
PAGES = (
    api_docs,
    text_log,
    mailbox,
    help_pages,
    notices,
    notice_subscriptions,
    operator,
    accept,
    unsubscribe,
    calendars,
    manage_sign_in,
    manage_security,
    members,
    preferences,
    services,
    staff_members,
    hours,
    setup,
    business_details,
    billing,
    registration,
    invitations,
    campaigns,
    clients,
    pets,
    exporting,
    matches,
    duplicates,
    merges,
    imports,
    import_columns,
    audit,
    counter,
    appointments,
    today,
    book,
    book_details,
    sign_up,
    client_sign_in,
    client_password,
    choosing,
    account,
    account_details,
    account_email,
    account_login,
    guest_booking,
    site,
)


def from_environment() -> FastAPI:
    """For a web server that starts us by name. Raises ValueError where it must not start."""
    settings = Settings()
    if objections := settings.objections():
        raise ValueError("refuses to start: " + "; ".join(objections))
    licences.signing_key(settings)
    set_up_logging(settings)
    return create_app(settings)


class Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """With what a problem looks like, to which operations refer by its name."""
        document = super().openapi()
        document["components"]["schemas"]["Problem"] = problem.Problem.model_json_schema()
        return document


def create_app(settings: Settings) -> FastAPI:
    clock.set_offset(settings.clock_offset)
    app = Application(
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
    app.state.board = Board()
    # Pages carry secrets and are not compressed (CVE-2013-3587); what is the same for everybody is.
    static = GZipMiddleware(StaticFiles(directory=page.STATIC), minimum_size=1000)
    app.mount("/static", static, name="static")
    for part in (health, *API, *PAGES):
        # As they are: including a router builds each of its routes anew, at the first request.
        app.router.routes.extend(part.router.routes)
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


def _answer_refusals(app: FastAPI) -> None:
    app.add_exception_handler(Refusal, _refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.add_exception_handler(SentToSignIn, _sign_in)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _unforeseen)


def _refused(request: Request, error: Refusal) -> Response:
    if problem.is_api(request):
        return problem.of_refusal(error)
    return page.refuse(request, error)


def _invalid(request: Request, error: RequestValidationError) -> Response:
    """A page's address that can't be read, an id that is none, leads nowhere."""
    return problem.of_validation(error) if problem.is_api(request) else page.lost(request)


def _http(request: Request, error: HTTPException) -> Response:
    return problem.of_http(error) if problem.is_api(request) else page.lost(request, error)


def _sign_in(_: Request, error: SentToSignIn) -> Response:
    return page.redirect(error.path)


def _unforeseen(request: Request, error: Exception) -> Response:
    """The last resort: says nothing of what happened, and logs it."""
    _log.error("unforeseen: %s", type(error).__name__, exc_info=error)
    if problem.is_api(request):
        return problem.problem(500, "internal_error", "Something went wrong on our side.")
    return page.lost(request, HTTPException(500))
