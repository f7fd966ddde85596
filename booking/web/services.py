"""Services: listed, added, changed, put in order, taken off the site."""

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response

from booking.catalogue import actions, queries
from booking.catalogue.actions import ServiceDetails
from booking.catalogue.models import Service
from booking.errors import Invalid
from booking.web.page import Form, SentForm, redirect, render
from booking.web.typed import amount_text, ids, minor_units, number, typed
from booking.web.visitor import ManagerReads, ManagerWrites, MemberReads, Visitor

router = APIRouter(include_in_schema=False, tags=["services"])

_TEXTS = (
    "name",
    "description",
    "duration_minutes",
    "buffer_before_minutes",
    "buffer_after_minutes",
    "price",
)


@router.get("/manage/{slug}/services")
def show_all(visitor: MemberReads, request: Request) -> Response:
    names = {member.id: member.name for member in queries.staff_members(visitor.session)}
    performers = queries.performers(visitor.session)
    return render(
        request,
        "services/list.html",
        visitor=visitor,
        services=queries.services(visitor.session, only_active=False),
        performed_by={
            service_id: ", ".join(name for staff_id, name in names.items() if staff_id in staff)
            for service_id, staff in performers.items()
        },
    )


@router.get("/manage/{slug}/services/new")
def new(visitor: ManagerReads, request: Request) -> Response:
    everyone = [str(member.id) for member in queries.staff_members(visitor.session)]
    values: dict[str, Any] = dict.fromkeys(_TEXTS, "")
    return _page(visitor, request, values | {"staff": everyone, "active": True}, None)


@router.post("/manage/{slug}/services/new")
def add(visitor: ManagerWrites, request: Request, form: Form) -> Response:
    try:
        details = _details(visitor, form, active=True)
        staff = ids(form.all("staff"), "staff")
        service = actions.add_service(visitor.session, details, staff_ids=staff, by=visitor.actor)
    except Invalid as refusal:
        return _again(visitor, request, form, None, refusal)
    return redirect(_home(visitor), flash=f"{service.name} is on your site.")


@router.get("/manage/{slug}/services/{service_id}")
def show(visitor: ManagerReads, request: Request, service_id: uuid.UUID) -> Response:
    service = queries.service(visitor.session, service_id)
    return _page(visitor, request, _values(visitor, service), service)


@router.post("/manage/{slug}/services/{service_id}")
def change(visitor: ManagerWrites, request: Request, form: Form, service_id: uuid.UUID) -> Response:
    service = queries.service(visitor.session, service_id)
    try:
        details = _details(visitor, form, active=form.flag("active"))
        staff = ids(form.all("staff"), "staff")
        actions.change_service(visitor.session, service, details, staff_ids=staff, by=visitor.actor)
    except Invalid as refusal:
        return _again(visitor, request, form, service_id, refusal)
    return redirect(_home(visitor), flash=f"{service.name} is saved.")


@router.post("/manage/{slug}/services/{service_id}/remove")
def remove(visitor: ManagerWrites, service_id: uuid.UUID) -> Response:
    service = queries.service(visitor.session, service_id)
    name = service.name
    gone = actions.remove_service(visitor.session, service, by=visitor.actor)
    said = f"{name} is removed."
    if not gone:
        said = f"{name} was booked before, so it is kept, but it is off your site now."
    return redirect(_home(visitor), flash=said)


@router.post("/manage/{slug}/services/{service_id}/move")
def move(visitor: ManagerWrites, form: Form, service_id: uuid.UUID) -> Response:
    service = queries.service(visitor.session, service_id)
    at = number(form.text("to"))
    if isinstance(at, int):
        actions.place_service(visitor.session, service, at)
    return redirect(_home(visitor))


def _home(visitor: Visitor) -> str:
    return f"/manage/{visitor.business.slug}/services"


def _details(visitor: Visitor, form: SentForm, *, active: bool) -> ServiceDetails:
    return typed(
        ServiceDetails,
        {
            "name": form.text("name"),
            "description": form.text("description"),
            "duration_minutes": number(form.text("duration_minutes")),
            "buffer_before_minutes": number(form.text("buffer_before_minutes")),
            "buffer_after_minutes": number(form.text("buffer_after_minutes")),
            "price_minor": minor_units(form.text("price"), visitor.business.currency, "price"),
            "active": active,
        },
    )


def _values(visitor: Visitor, service: Service) -> dict[str, Any]:
    performers = queries.performers(visitor.session).get(service.id, set())
    details = actions.details_of_service(service).model_dump()
    return details | {
        "price": amount_text(service.price_minor, visitor.business.currency),
        "staff": [str(staff_id) for staff_id in performers],
    }


def _again(
    visitor: Visitor,
    request: Request,
    form: SentForm,
    service_id: uuid.UUID | None,
    refusal: Invalid,
) -> Response:
    visitor.session.rollback()
    service = queries.service(visitor.session, service_id) if service_id else None
    values: dict[str, Any] = {name: form.text(name) for name in _TEXTS}
    values |= {"staff": form.all("staff"), "active": form.flag("active")}
    return _page(visitor, request, values, service, status=422, errors=refusal.fields)


def _page(
    visitor: Visitor,
    request: Request,
    values: dict[str, Any],
    service: Service | None,
    *,
    status: int = 200,
    **more: Any,
) -> Response:
    staff = queries.staff_members(visitor.session, only_active=False)
    return render(
        request,
        "services/edit.html",
        visitor=visitor,
        status=status,
        service=service,
        values=values,
        staff=[
            (str(each.id), each.name, each.title if each.active else "Off the site")
            for each in staff
        ],
        window=visitor.preferences.booking_window,
        **more,
    )
