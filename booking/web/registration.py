"""The computers on which the program is registered, for an owner: named, released, revoked."""

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter, ValidationError

from booking.billing import queries as billing
from booking.dependencies import settings_of
from booking.errors import FieldError, Invalid, Refusal
from booking.fields import Required60
from booking.licensing import actions, queries
from booking.licensing.models import RegistrationState
from booking.web.manage_sign_in import show_again
from booking.web.page import Form, redirect, render
from booking.web.visitor import OwnerReads, OwnerWrites, Visitor

router = APIRouter(include_in_schema=False, tags=["registrations"])

_NAME: TypeAdapter[str] = TypeAdapter(Required60)
_TEMPLATE = "registration/show.html"


@router.get("/manage/{slug}/registration")
def registration_page(visitor: OwnerReads, request: Request) -> Response:
    return render(request, _TEMPLATE, visitor=visitor, **_shown(visitor, request))


@router.post("/manage/{slug}/registration/{registration_id}/name")
def name(
    visitor: OwnerWrites, request: Request, form: Form, registration_id: uuid.UUID
) -> Response:
    found = queries.registration(visitor.session, registration_id)
    try:
        wanted = _checked_name(form.text("name"), registration_id)
    except Refusal as refusal:
        shown = _shown(visitor, request) | {"typed": {registration_id: form.text("name")}}
        return show_again(request, _TEMPLATE, refusal, visitor=visitor, **shown)
    actions.rename(visitor.session, found, wanted, by=visitor.actor)
    return redirect(_list(visitor), flash="The name is changed.")


@router.post("/manage/{slug}/registration/{registration_id}/release")
def release(visitor: OwnerWrites, registration_id: uuid.UUID) -> Response:
    _end(visitor, registration_id, RegistrationState.RELEASED)
    return redirect(_list(visitor), flash="The seat is free for another computer.")


@router.post("/manage/{slug}/registration/{registration_id}/revoke")
def revoke(visitor: OwnerWrites, registration_id: uuid.UUID) -> Response:
    _end(visitor, registration_id, RegistrationState.REVOKED)
    return redirect(_list(visitor), flash="That computer gets no further serial number.")


def _end(visitor: Visitor, registration_id: uuid.UUID, state: RegistrationState) -> None:
    found = queries.registration(visitor.session, registration_id)
    actions.end(visitor.session, found, state, by=visitor.actor)


def _shown(visitor: Visitor, request: Request) -> dict[str, Any]:
    session = visitor.session
    present = queries.present_term(session)
    return {
        "installations": queries.active(session),
        "ended": queries.ended(session),
        "seats": billing.standing(session).plan.seats,
        "is_paid": present is not None,
        "temporary": present and queries.number_of(session, None, present),
        "server": settings_of(request).public_url,
        "username": visitor.signed_in.email,
        "typed": {},
    }


def _checked_name(typed: str, registration_id: uuid.UUID) -> str:
    """Its field is named after the registration: there is one for each on the page."""
    try:
        return _NAME.validate_python(typed)
    except ValidationError as error:
        found = error.errors()[0]
        message = "Type a name." if found["type"] == "too_short" else found["msg"]
        raise Invalid(fields=(FieldError(f"name-{registration_id}", "invalid", message),)) from None


def _list(visitor: Visitor) -> str:
    return f"/manage/{visitor.business.slug}/registration"
