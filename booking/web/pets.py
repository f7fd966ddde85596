"""A client's pets, as staff write them down."""

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.appointments import queries as appointments
from booking.appointments.models import Appointment, AppointmentState
from booking.clients import actions, queries
from booking.clients.models import Client, Pet
from booking.clients.rules import PetDetails, checked
from booking.errors import Invalid
from booking.web.manage_sign_in import show_again
from booking.web.page import Form, SentForm, redirect, render
from booking.web.visitor import MemberReads, MemberWrites, Visitor

router = APIRouter(include_in_schema=False, tags=["clients"])

_TEXTS = (
    "name",
    "species",
    "breed",
    "coat",
    "color",
    "sex",
    "birth_date",
    "weight",
    "weight_unit",
    "vet_name",
    "vet_phone",
    "behaviour_notes",
    "external_id",
)
_YES_NO = {"yes": True, "no": False}
_VACCINES = 6
_OPEN = (AppointmentState.PENDING, AppointmentState.CONFIRMED)
_PETS = "/manage/{slug}/clients/{client_id:uuid}/pets"


@router.get(_PETS + "/new")
def new_page(visitor: MemberReads, request: Request, client_id: uuid.UUID) -> Response:
    client = queries.find(visitor.session, client_id)
    return render(request, "clients/pet.html", visitor=visitor, **_context(client, None, {}))


@router.post(_PETS + "/new")
def add(visitor: MemberWrites, request: Request, form: Form, client_id: uuid.UUID) -> Response:
    client = queries.find(visitor.session, client_id)
    typed = _typed(form)
    try:
        kept = checked(PetDetails, _values(typed))
        pet = actions.add_pet(visitor.session, client, PetDetails(**kept), by=visitor.actor)
    except Invalid as refusal:
        visitor.session.rollback()
        context = _context(client, None, typed)
        return show_again(request, "clients/pet.html", refusal, visitor=visitor, **context)
    return redirect(_client_path(visitor, client), flash=f"{pet.name} is added.")


@router.get(_PETS + "/{pet_id:uuid}")
def pet_page(
    visitor: MemberReads, request: Request, client_id: uuid.UUID, pet_id: uuid.UUID
) -> Response:
    client = queries.find(visitor.session, client_id)
    pet = queries.find_pet(visitor.session, client, pet_id)
    context = _context(client, pet, _kept(pet)) | {"visits": _visits(visitor, client, pet)}
    return render(request, "clients/pet.html", visitor=visitor, **context)


@router.post(_PETS + "/{pet_id:uuid}")
def change(
    visitor: MemberWrites, request: Request, form: Form, client_id: uuid.UUID, pet_id: uuid.UUID
) -> Response:
    client = queries.find(visitor.session, client_id)
    pet = queries.find_pet(visitor.session, client, pet_id)
    typed, kept = _typed(form), _kept(pet)
    changed = {name: value for name, value in typed.items() if value != kept.get(name, "")}
    values = {name: value for name, value in _values(typed).items() if name in changed}
    if any(name.startswith("vaccine_") for name in changed):
        values["vaccinations"] = _vaccinations(typed, pet)
    try:
        actions.change_pet(visitor.session, client, pet, values, by=visitor.actor)
    except Invalid as refusal:
        visitor.session.rollback()
        context = _context(client, pet, typed) | {"visits": _visits(visitor, client, pet)}
        return show_again(request, "clients/pet.html", refusal, visitor=visitor, **context)
    return redirect(
        _client_path(visitor, client), flash="Saved." if changed else "Nothing changed."
    )


@router.post(_PETS + "/{pet_id:uuid}/archive")
def archive(visitor: MemberWrites, client_id: uuid.UUID, pet_id: uuid.UUID) -> Response:
    client = queries.find(visitor.session, client_id)
    pet = queries.find_pet(visitor.session, client, pet_id)
    actions.archive_pet(visitor.session, client, pet, by=visitor.actor)
    visits = len(_visits(visitor, client, pet))
    if visits:
        booked = "1 appointment" if visits == 1 else f"{visits} appointments"
        flash = f"{pet.name} is put away, and is still booked in for {booked}."
        return redirect(_client_path(visitor, client), flash=flash, kind="warning")
    flash = f"{pet.name} is put away. You can bring {pet.name} back below."
    return redirect(_client_path(visitor, client), flash=flash)


@router.post(_PETS + "/{pet_id:uuid}/restore")
def restore(visitor: MemberWrites, client_id: uuid.UUID, pet_id: uuid.UUID) -> Response:
    client = queries.find(visitor.session, client_id)
    pet = queries.find_pet(visitor.session, client, pet_id)
    actions.restore_pet(visitor.session, client, pet, by=visitor.actor)
    return redirect(_client_path(visitor, client), flash=f"{pet.name} is back.")


def _context(client: Client, pet: Pet | None, typed: dict[str, str]) -> dict[str, Any]:
    shown = 1 + max(
        (n for n in range(1, _VACCINES + 1) if typed.get(f"vaccine_{n}_name")), default=0
    )
    return {
        "client": client,
        "pet": pet,
        "typed": typed,
        "visits": [],
        "vaccines": range(1, min(shown, _VACCINES) + 1),
    }


def _visits(visitor: Visitor, client: Client, pet: Pet) -> list[Appointment]:
    """What is still to come and was booked for this pet, by its id or else its name."""
    moment = clock.now()
    return [
        visit
        for visit in appointments.of_client(visitor.session, client.id)
        if visit.starts_at >= moment
        and visit.state in _OPEN
        and any(
            booked.get("id") == str(pet.id) or (not booked.get("id") and booked["name"] == pet.name)
            for booked in visit.pets
        )
    ]


def _typed(form: SentForm) -> dict[str, str]:
    typed = {name: form.text(name).replace("\r\n", "\n") for name in (*_TEXTS, "altered")}
    for number in range(1, _VACCINES + 1):
        for part in ("name", "given_on", "expires_on"):
            name = f"vaccine_{number}_{part}"
            typed[name] = form.text(name)
    return typed


def _kept(pet: Pet) -> dict[str, str]:
    """The pet as the form would send it back unchanged."""
    kept = {name: str(getattr(pet, name) or "") for name in _TEXTS}
    kept["altered"] = {True: "yes", False: "no", None: ""}[pet.altered]
    for number, told in enumerate(pet.vaccinations[:_VACCINES], 1):
        for part in ("name", "given_on", "expires_on"):
            kept[f"vaccine_{number}_{part}"] = told.get(part) or ""
    return kept


def _values(typed: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {name: typed[name] for name in _TEXTS}
    values |= {name: values[name] or None for name in ("birth_date", "external_id")}
    values["altered"] = _YES_NO.get(typed["altered"])
    values["vaccinations"] = _vaccinations(typed, None)
    return values


def _vaccinations(typed: dict[str, str], pet: Pet | None) -> list[dict[str, Any]]:
    """Those of the form, and behind them the pet's others, for which the form has no room."""
    found = []
    for number in range(1, _VACCINES + 1):
        parts = {
            part: typed[f"vaccine_{number}_{part}"] or None
            for part in ("name", "given_on", "expires_on")
        }
        if any(parts.values()):
            found.append(parts | {"name": parts["name"] or f"Vaccine {number}"})
    return found + (pet.vaccinations[_VACCINES:] if pet else [])


def _client_path(visitor: Visitor, client: Client) -> str:
    return f"/manage/{visitor.business.slug}/clients/{client.id}"
