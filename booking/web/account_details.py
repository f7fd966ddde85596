"""A pet owner's contact details and pets, as far as the business lets them change these."""

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response

from booking.accounts.actions.address import pending_change
from booking.clients import actions, queries
from booking.clients.models import Client, Pet
from booking.clients.rules import PetDetails, checked
from booking.errors import Invalid, NotFound, Refusal
from booking.web.draft import SPECIES
from booking.web.manage_sign_in import show_again
from booking.web.page import Form, SentForm, redirect, render
from booking.web.times import read_id
from booking.web.visitor import PersonReads, PersonWrites, Visitor

router = APIRouter(include_in_schema=False, tags=["me"])

_DETAILS = "account/details.html"
_PET = "account/pet.html"
_GROUPS = {
    "name": ("first_name", "last_name"),
    "phones": ("mobile_phone", "home_phone"),
    "address": ("address_1", "address_2", "city", "region", "postal_code", "country"),
    "language": ("language",),
}
_PET_FIELDS = (
    "name",
    "species",
    "breed",
    "color",
    "birth_date",
    "weight",
    "weight_unit",
    "vet_name",
    "vet_phone",
)
_MAY_CHANGE = {"edit"}
_MAY_ADD = {"add", "edit"}


def own_record(visitor: Visitor, text: str) -> Client:
    """The record named, or the first of this login. Raises NotFound for anybody else's."""
    found = queries.clients_of(visitor.session, visitor.signed_in.id)
    wanted = read_id(text)
    chosen = next((each for each in found if wanted in (None, each.id)), None)
    if chosen is None:
        raise NotFound
    return chosen


def _all_records(visitor: Visitor) -> list[Client]:
    found = queries.clients_of(visitor.session, visitor.signed_in.id)
    return found if len(found) > 1 else []


@router.get("/{slug}/account/details")
def details_page(visitor: PersonReads, request: Request) -> Response:
    client = own_record(visitor, request.query_params.get("client", ""))
    values = {name: getattr(client, name) for names in _GROUPS.values() for name in names}
    return render(request, _DETAILS, visitor=visitor, **_details(visitor, client, values))


def _details(visitor: Visitor, client: Client, values: dict[str, Any]) -> dict[str, Any]:
    pending = pending_change(visitor.session, visitor.signed_in)
    return {
        "client": client,
        "records": _all_records(visitor),
        "values": values,
        "allowed": visitor.preferences.client_settings.client_may_edit,
        "login_email": visitor.signed_in.email,
        "pending_email": pending.email if pending else "",
    }


@router.post("/{slug}/account/details")
def change_details(visitor: PersonWrites, request: Request, form: Form) -> Response:
    """Only what may be changed is read from the form."""
    client = own_record(visitor, form.text("client"))
    allowed = visitor.preferences.client_settings.client_may_edit
    changes = {name: form.text(name) for group in allowed for name in _GROUPS[group]}
    try:
        if "name" in allowed and not (changes["first_name"] or changes["last_name"]):
            raise Invalid.field("first_name", "Type your name")
        actions.change_client(visitor.session, client, changes, by=visitor.actor)
    except Refusal as refusal:
        visitor.session.rollback()
        values = {
            name: changes.get(name, getattr(client, name))
            for names in _GROUPS.values()
            for name in names
        }
        context = _details(visitor, client, values)
        return show_again(request, _DETAILS, refusal, visitor=visitor, **context)
    query = f"?client={client.id}" if _all_records(visitor) else ""
    return redirect(f"/{visitor.business.slug}/account/details{query}", flash="Saved.")


@router.get("/{slug}/account/pets")
def pets_page(visitor: PersonReads, request: Request) -> Response:
    records = queries.clients_of(visitor.session, visitor.signed_in.id)
    pets = queries.pets_of(visitor.session, [client.id for client in records])
    mode = _mode(visitor)
    return render(
        request,
        "account/pets.html",
        visitor=visitor,
        groups=[(client, pets[client.id]) for client in records],
        may_add=mode in _MAY_ADD,
        may_change=mode in _MAY_CHANGE,
    )


def _mode(visitor: Visitor, allowed: set[str] | None = None) -> str:
    """Raises NotFound for a page that this business does not have."""
    mode = visitor.preferences.client_settings.client_may_manage_pets
    if mode == "none" or (allowed is not None and mode not in allowed):
        raise NotFound
    return mode


@router.get("/{slug}/account/pets/new")
def new_pet_page(visitor: PersonReads, request: Request) -> Response:
    _mode(visitor, _MAY_ADD)
    client = own_record(visitor, request.query_params.get("client", ""))
    values = dict.fromkeys(_PET_FIELDS, "")
    return render(request, _PET, visitor=visitor, **_pet(client, None, values))


def _pet(client: Client, pet: Pet | None, values: dict[str, Any]) -> dict[str, Any]:
    kinds = list(SPECIES)
    if values["species"] and values["species"] not in kinds:
        kinds.insert(0, values["species"])
    return {
        "client": client,
        "pet": pet,
        "values": values,
        "species": [("", "Choose"), *((each, each) for each in kinds)],
    }


@router.post("/{slug}/account/pets/new")
def add_pet(visitor: PersonWrites, request: Request, form: Form) -> Response:
    _mode(visitor, _MAY_ADD)
    client = own_record(visitor, form.text("client"))
    try:
        details = PetDetails(**checked(PetDetails, _typed(form)))
        actions.add_pet(visitor.session, client, details, by=visitor.actor)
    except Refusal as refusal:
        return _pet_again(request, visitor, form, refusal, client, None)
    return redirect(f"/{visitor.business.slug}/account/pets", flash=f"{details.name} is added.")


def _typed(form: SentForm) -> dict[str, Any]:
    """An empty field empties what was there; a pet needs its name."""
    values: dict[str, Any] = {name: form.text(name) or None for name in _PET_FIELDS}
    if not values["name"]:
        raise Invalid.field("name", "Type the name of your pet", "required")
    return values


def _pet_again(
    request: Request,
    visitor: Visitor,
    form: SentForm,
    refusal: Refusal,
    client: Client,
    pet: Pet | None,
) -> Response:
    visitor.session.rollback()
    values = {name: form.text(name) for name in _PET_FIELDS}
    return show_again(request, _PET, refusal, visitor=visitor, **_pet(client, pet, values))


def _own_pet(visitor: Visitor, pet_id: uuid.UUID) -> tuple[Client, Pet]:
    for client in queries.clients_of(visitor.session, visitor.signed_in.id):
        for pet in queries.pets_of(visitor.session, [client.id])[client.id]:
            if pet.id == pet_id:
                return client, pet
    raise NotFound


@router.get("/{slug}/account/pets/{pet_id}")
def pet_page(visitor: PersonReads, request: Request, pet_id: uuid.UUID) -> Response:
    _mode(visitor, _MAY_CHANGE)
    client, pet = _own_pet(visitor, pet_id)
    values = {name: getattr(pet, name) or "" for name in _PET_FIELDS}
    return render(request, _PET, visitor=visitor, **_pet(client, pet, values))


@router.post("/{slug}/account/pets/{pet_id}")
def change_pet(visitor: PersonWrites, request: Request, form: Form, pet_id: uuid.UUID) -> Response:
    _mode(visitor, _MAY_CHANGE)
    client, pet = _own_pet(visitor, pet_id)
    try:
        actions.change_pet(visitor.session, client, pet, _typed(form), by=visitor.actor)
    except Refusal as refusal:
        return _pet_again(request, visitor, form, refusal, client, pet)
    return redirect(f"/{visitor.business.slug}/account/pets", flash="Saved.")


@router.post("/{slug}/account/pets/{pet_id}/archive")
def archive_pet(visitor: PersonWrites, pet_id: uuid.UUID) -> Response:
    _mode(visitor, _MAY_CHANGE)
    client, pet = _own_pet(visitor, pet_id)
    actions.archive_pet(visitor.session, client, pet, by=visitor.actor)
    text = f"{pet.name} is no longer on your list. Past visits stay as they are."
    return redirect(f"/{visitor.business.slug}/account/pets", flash=text)
