"""Booking, the last pages: you and your pets, check your answers, done."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from booking import clock
from booking.accounts.passwords import Hashing, check_new
from booking.accounts.rules import CLIENT_MINIMUM, email_key
from booking.appointments.actions.book import AccountNeeded, Booking, book, book_with_login
from booking.appointments.actions.place import SlotTaken
from booking.appointments.models import Appointment, BookedBy
from booking.appointments.queries import manage_token
from booking.audit.actions import VISITOR
from booking.availability import queries as availability
from booking.clients import queries as clients
from booking.dependencies import Writing, client_ip, database_of
from booking.errors import Conflict, FieldError, Invalid, Refusal
from booking.linking.actions.sign_up import sign_up_token
from booking.rate_limit import Limit, Limiter
from booking.web.book import when_page, who_page
from booking.web.client_session import await_proof
from booking.web.draft import MOST_PETS, SPECIES, Draft, checked_draft
from booking.web.page import Form, SentForm, redirect, status_and_title
from booking.web.visitor import SiteReads, site_visitor
from booking.web.way import (
    Way,
    account_needed,
    closed,
    has_to_choose,
    may_create_login,
    own_clients,
    way_of,
)

router = APIRouter(include_in_schema=False, tags=["appointments"])


class PriceChanged(Conflict):
    code = "price_changed"
    message = "The price or length of this service has just changed. Please check it once more."


@router.api_route("/{slug}/book/details", methods=["GET", "POST"])
def details(visitor: SiteReads, request: Request, form: Form) -> Response:
    """The page where people type. `another_pet` gives room for one more."""
    way = way_of(visitor, request, form)
    early = _not_yet(way, request, form)
    if early is not None:
        return early
    draft = way.draft or Draft()
    if form.flag("another_pet"):
        draft = draft.with_another_pet()
    return _details_page(way, request, draft)


def _not_yet(way: Way, request: Request, form: SentForm) -> Response | None:
    """The earlier question that is still open, as a page."""
    shut = closed(way, request)
    if shut is not None:
        return shut
    if way.service is None or not way.staff_answer:
        return who_page(way, request, form)
    if way.choices.starts_at is None:
        return when_page(way, request, form)
    if has_to_choose(way.visitor):
        return redirect(f"/{way.visitor.business.slug}/choose?next={way.path}")
    mine = own_clients(way.visitor)
    if len(mine) > 1 and all(client.id != way.choices.client_id for client in mine):
        return way.page(request, "book/client.html", clients=mine)
    return None


def _details_page(
    way: Way, request: Request, draft: Draft, *, status: int = 200, **context: Any
) -> Response:
    return way.page(
        request,
        "book/details.html",
        status=status,
        draft=draft,
        species=[("", "Choose"), *((each, each) for each in SPECIES)],
        most_pets=MOST_PETS,
        **_whose(way),
        **context,
    )


def _whose(way: Way) -> dict[str, Any]:
    """The client who books and their pets; neither for a guest."""
    mine = own_clients(way.visitor)
    client = next((each for each in mine if each.id == way.choices.client_id), None)
    client = client or (mine[0] if len(mine) == 1 else None)
    shown = way.visitor.preferences.client_settings.client_may_manage_pets != "none"
    pets = clients.pets_of(way.visitor.session, [client.id])[client.id] if client else []
    return {"client": client, "pets": pets if shown else [], "account": way.visitor.account}


@router.get("/{slug}/book/check")
def check_again(slug: str, request: Request) -> Response:
    """A reload of the page that follows: it has no address of its own."""
    return redirect(f"/{slug}/book/details?{request.url.query}")


@router.post("/{slug}/book/check")
def check(visitor: SiteReads, request: Request, form: Form) -> Response:
    way = way_of(visitor, request, form)
    early = _not_yet(way, request, form)
    if early is not None:
        return early
    draft = way.draft or Draft()
    try:
        draft = _checked(way, draft)
    except Invalid as refusal:
        return _details_page(way, request, draft, status=422, errors=refusal.fields)
    if not _still_free(way):
        return when_page(way, request, form, taken=True)
    return _check_page(way, request, draft)


def _checked(way: Way, draft: Draft) -> Draft:
    """A login's own address counts for somebody who has signed in and has no record yet."""
    account, whose = way.visitor.account, _whose(way)
    is_guest = whose["client"] is None
    if account is not None and is_guest:
        draft = draft.with_email(account.email)
    return checked_draft(draft, asks_who=is_guest, has_pets=bool(whose["pets"]))


def _still_free(way: Way) -> bool:
    assert way.choices.starts_at is not None
    return bool(
        availability.free_staff(
            way.visitor.session,
            service=way.wanted.service,
            staff_id=way.wanted.staff_id,
            starts=way.choices.starts_at,
            now=clock.now(),
        )
    )


def _check_page(
    way: Way, request: Request, draft: Draft, *, status: int = 200, **context: Any
) -> Response:
    whose = _whose(way)
    names = {str(pet.id): pet.name for pet in whose["pets"]}
    return way.page(
        request,
        "book/check.html",
        status=status,
        draft=draft,
        starts_at=way.choices.starts_at,
        pet_names=[
            *(names[each] for each in draft.pet_ids if each in names),
            *(pet.name for pet in draft.pets if pet.name),
        ],
        policy=way.visitor.preferences.cancel_and_reschedule.policy_text,
        may_create_login=may_create_login(way.visitor),
        needs_approval=way.visitor.preferences.staff_and_confirmation.confirmation_mode
        == "approve",
        minimum=CLIENT_MINIMUM,
        carried=[*draft.carried(), ("complete", "yes")],
        **{"wants_login": False, **context},
        **whose,
    )


@router.post("/{slug}/book/confirm")
async def confirm(request: Request, form: Form, slug: str) -> Response:
    """Books. With a password, a login waits for its mailbox to be proved."""
    limiter: Limiter = request.app.state.limiter
    hashing: Hashing = request.app.state.hashing
    password_hash = None
    try:
        limiter.hit(Limit.BOOKING_IP, client_ip(request))
        if form.flag("create_login"):
            hashing.expect_room()
            await run_in_threadpool(_check_password, request, form, slug)
            password_hash = await hashing.hash(form.raw("password"))
        return await run_in_threadpool(_book, request, form, slug, password_hash)
    except Refusal as refusal:
        return await run_in_threadpool(_refused, request, form, slug, refusal)


def _check_password(request: Request, form: SentForm, slug: str) -> None:
    draft = Draft.of(form)
    with database_of(request).reading() as session:
        visitor = site_visitor(session, request, slug)
        context = (draft.first_name, draft.last_name, draft.email, visitor.business.name)
    if not form.raw("password"):
        raise Invalid.field("password", "Choose a password, or take away the tick above it")
    check_new(form.raw("password"), minimum=CLIENT_MINIMUM, context=context)


def _book(request: Request, form: SentForm, slug: str, password_hash: str | None) -> Response:
    with database_of(request).writing() as session:
        visitor = site_visitor(session, request, slug)
        way = way_of(visitor, request, form)
        booking = _booking(way)
        _limit_mail(request, booking)
        if password_hash is None:
            appointment, waiting = book(session, booking, by=visitor.actor), None
        else:
            appointment, waiting = book_with_login(
                session, booking, password_hash=password_hash, by=VISITOR
            )
        done = _done_path(session, way, appointment)
        token = sign_up_token(session, waiting) if waiting else ""
    if waiting is None:
        return redirect(done)
    return await_proof(request, slug, token=token, email=waiting.email, booked=True)


def _done_path(session: Writing, way: Way, appointment: Appointment) -> str:
    home = f"/{way.visitor.business.slug}"
    if way.visitor.account is not None and appointment.client_id is not None:
        return f"{home}/account/appointments/{appointment.id}?new=yes"
    return f"{home}/booking/{manage_token(session, appointment)}?new=yes"


def _booking(way: Way) -> Booking:
    """Raises Invalid for what is missing, PriceChanged where it is no longer what was shown."""
    starts_at, service = way.choices.starts_at, way.service
    if service is None or starts_at is None or way.draft is None:
        raise Invalid.field("start", "Please choose a service and a time.")
    draft, client = _checked(way, way.draft), _whose(way)["client"]
    if way.choices.price != way.price:
        raise PriceChanged
    account = way.visitor.account
    return Booking(
        service_id=service.id,
        staff_id=way.wanted.staff_id,
        starts_at=starts_at,
        booked_by=BookedBy.GUEST if account is None else BookedBy.CLIENT,
        person=draft.person if client is None else None,
        client_id=client.id if client else None,
        pets=draft.booked_pets,
        note=draft.note,
    )


def _limit_mail(request: Request, booking: Booking) -> None:
    """A stranger can't fill somebody's mailbox with bookings."""
    if booking.booked_by is BookedBy.GUEST and booking.person is not None:
        limiter: Limiter = request.app.state.limiter
        limiter.hit(Limit.MAIL_ADDRESS, email_key(booking.person.email) or "")


def _refused(request: Request, form: SentForm, slug: str, refusal: Refusal) -> Response:
    """The page that can mend it, with all that was typed."""
    with database_of(request).reading() as session:
        visitor = site_visitor(session, request, slug)
        way = way_of(visitor, request, form)
        if isinstance(refusal, AccountNeeded):
            return account_needed(way, request)
        early = _not_yet(way, request, form)
        if early is not None:
            return early
        if isinstance(refusal, SlotTaken):
            return when_page(way, request, form, taken=True)
        status, _ = status_and_title(refusal)
        errors = refusal.fields or (FieldError("", refusal.code, refusal.message),)
        draft = way.draft or Draft()
        on_check_page = all(each.field in ("", "password") for each in errors)
        if not on_check_page:
            return _details_page(way, request, draft, status=status, errors=errors)
        wants_login = form.flag("create_login")
        response = _check_page(
            way, request, draft, status=status, errors=errors, wants_login=wants_login
        )
    retry_after = getattr(refusal, "retry_after", None)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
