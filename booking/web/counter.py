"""Booking for a client at the counter or on the telephone: who, what, when."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter, ValidationError

from booking import clock
from booking.appointments.actions.book import BookedPet, Booking, book
from booking.appointments.models import BookedBy
from booking.catalogue import queries as catalogue
from booking.catalogue.models import Service
from booking.clients import queries as clients
from booking.clients.models import Client, ClientStatus
from booking.clients.queries import ClientFilter
from booking.errors import Conflict, FieldError, Invalid, Refusal
from booking.fields import Line100, Paragraph
from booking.web.free_times import offer_to_staff
from booking.web.page import Form, SentForm, redirect, render, status_and_title
from booking.web.visitor import MemberReads, MemberWrites, Visitor

router = APIRouter(include_in_schema=False, tags=["appointments"])

_FOUND = 20
_MOST_PETS = 10
_NAME: TypeAdapter[str] = TypeAdapter(Line100)
_NOTE: TypeAdapter[str] = TypeAdapter(Paragraph)


@dataclass(frozen=True, slots=True)
class _Answers:
    """What has been answered so far; it travels in the address, so that Back keeps everything."""

    client: uuid.UUID | None
    service: uuid.UUID | None
    staff: uuid.UUID | None
    day: str
    q: str

    @classmethod
    def of(cls, given: Any) -> "_Answers":
        return cls(
            _id(given.get("client", "")),
            _id(given.get("service", "")),
            _id(given.get("staff", "")),
            str(given.get("date", "")),
            str(given.get("q", ""))[:200],
        )

    def url(self, path: str, **other: Any) -> str:
        kept = {"client": self.client, "service": self.service, "staff": self.staff, **other}
        return f"{path}?{urlencode({name: value for name, value in kept.items() if value})}"


def _id(text: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


@router.get("/manage/{slug}/appointments/new")
def new(request: Request, visitor: MemberReads) -> Response:
    """One question after the other: the client, the service, the time."""
    answers = _Answers.of(request.query_params)
    if answers.client is None:
        return _who(request, visitor, answers)
    client = clients.find(visitor.session, answers.client)
    if answers.service is None:
        return _what(request, visitor, answers, client)
    service = catalogue.service(visitor.session, answers.service)
    return _when(request, visitor, answers, client, service)


def _path(visitor: Visitor) -> str:
    return f"/manage/{visitor.business.slug}/appointments/new"


def _who(request: Request, visitor: Visitor, answers: _Answers) -> Response:
    wanted = ClientFilter(q=answers.q, status=ClientStatus.ACTIVE)
    found = clients.search(visitor.session, wanted, limit=_FOUND + 1) if answers.q else []
    pets = clients.pets_of(visitor.session, [client.id for client in found])
    rows = [
        (
            client,
            ", ".join(pet.name for pet in pets[client.id]),
            answers.url(_path(visitor), client=client.id, date=answers.day),
        )
        for client in found[:_FOUND]
    ]
    return render(
        request,
        "appointments/new_who.html",
        visitor=visitor,
        q=answers.q,
        rows=rows,
        more=len(found) > _FOUND,
        answers=answers,
    )


def _what(request: Request, visitor: Visitor, answers: _Answers, client: Client) -> Response:
    services = catalogue.services(visitor.session)
    staff = catalogue.staff_members(visitor.session)
    return render(
        request,
        "appointments/new_what.html",
        visitor=visitor,
        client=client,
        services=services,
        staff=[("", "Anyone who is free"), *((str(one.id), one.name) for one in staff)],
        answers=answers,
        back_url=_path(visitor),
    )


def _when(
    request: Request,
    visitor: Visitor,
    answers: _Answers,
    client: Client,
    service: Service,
    again: tuple[Refusal, dict[str, Any]] | None = None,
) -> Response:
    """`again`: why it was refused, and what was typed."""
    nothing = {"pets": [], "new_pet": "", "note": "", "time": ""}
    refusal, typed = again or (None, nothing)
    path = _path(visitor)
    wanted = _date(answers.day)
    staff = {one.id: one.name for one in catalogue.who_performs(visitor.session, service.id)}
    staff_id = answers.staff if answers.staff in staff else None
    url = answers.url(path, staff=staff_id) + "&date="
    return render(
        request,
        "appointments/new_when.html",
        visitor=visitor,
        status=status_and_title(refusal)[0] if refusal else 200,
        client=client,
        service=service,
        staff_id=staff_id,
        staff_name=staff[staff_id] if staff_id else "Anyone who is free",
        pets=clients.pets_of(visitor.session, [client.id])[client.id],
        offer=offer_to_staff(visitor, service, staff_id, wanted, url),
        back_url=f"{path}?{urlencode({'client': client.id, 'date': answers.day})}",
        refusal=refusal,
        errors=refusal.fields if refusal else (),
        typed=typed,
    )


def _date(text: str) -> Any:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2200 else None


def moment_of(visitor: Visitor, form: SentForm) -> datetime:
    """The time that was pressed, or the one that was typed in the business's own zone."""
    pressed = "" if form.flag("typed") else form.text("start")
    try:
        if pressed:
            moment = datetime.fromisoformat(pressed)
            if moment.tzinfo is None:
                raise ValueError("no zone")
            return moment
        typed = datetime.fromisoformat(f"{form.text('day')}T{form.text('time')}")
        return clock.to_utc(typed.replace(tzinfo=None), visitor.business.timezone)
    except (ValueError, OverflowError):
        fields = (FieldError("time", "invalid", "Choose a day and a time."),)
        raise Invalid(fields=fields) from None


@router.post("/manage/{slug}/appointments/new")
def book_it(request: Request, visitor: MemberWrites, form: Form) -> Response:
    answers = _Answers.of({**form.texts(), "date": form.text("day")})
    if answers.client is None or answers.service is None:
        return redirect(_path(visitor))
    client = clients.find(visitor.session, answers.client)
    try:
        made = book(visitor.session, _booking(visitor, form, answers), by=visitor.actor)
    except (Conflict, Invalid) as refusal:
        visitor.session.rollback()
        client = clients.find(visitor.session, answers.client)
        service = catalogue.service(visitor.session, answers.service)
        typed = {
            "pets": form.all("pets"),
            "new_pet": form.text("new_pet"),
            "note": form.text("note"),
            "time": form.text("time"),
        }
        return _when(request, visitor, answers, client, service, (refusal, typed))
    told = " The client is told by e-mail." if made.email_key else ""
    home = f"/manage/{visitor.business.slug}/appointments"
    return redirect(f"{home}/{made.id}", flash=f"Booked.{told}")


def _booking(visitor: Visitor, form: SentForm, answers: _Answers) -> Booking:
    assert answers.service is not None
    pets = [BookedPet(id=found) for text in form.all("pets") if (found := _id(text))]
    new_pet = _checked("new_pet", _NAME, form.text("new_pet"))
    if new_pet:
        pets.append(BookedPet(name=new_pet))
    return Booking(
        service_id=answers.service,
        staff_id=answers.staff,
        starts_at=moment_of(visitor, form),
        booked_by=BookedBy.STAFF,
        client_id=answers.client,
        pets=tuple(pets[:_MOST_PETS]),
        note=_checked("note", _NOTE, form.text("note")),
    )


def _checked(field: str, kind: TypeAdapter[str], text: str) -> str:
    try:
        return kind.validate_python(text)
    except ValidationError as error:
        raise Invalid.field(field, str(error.errors()[0]["msg"])) from None
