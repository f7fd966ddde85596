"""A pet owner's pets, as far as the business lets its clients see and change them."""

import uuid
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

from booking.api.caller import Caller, ClientReads, ClientWrites
from booking.api.idempotent import IdempotentRoute
from booking.api.me import Which, theirs
from booking.api.pet_shapes import MyPetPatch
from booking.api.resource import resource
from booking.clients import actions, queries
from booking.clients.models import Client
from booking.clients.rules import PetDetails
from booking.errors import NotAllowed, NotFound
from booking.fields import Line100
from booking.preferences.actions import current

router = resource("/businesses/{slug}/me/pets", tag="me", route_class=IdempotentRoute)

_ENOUGH = {
    "view": ("view", "add", "edit"),
    "add": ("add", "edit"),
    "edit": ("edit",),
}


class MyNewPet(MyPetPatch):
    name: Annotated[Line100, StringConstraints(min_length=1)]
    archived: None = None


class MyPetOut(BaseModel):
    """Without what staff note for themselves."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    client_id: uuid.UUID
    name: str
    species: str
    breed: str
    coat: str
    color: str
    sex: str
    altered: bool | None
    birth_date: date | None
    weight: str
    weight_unit: str
    vet_name: str
    vet_phone: str
    vaccinations: list[dict[str, Any]]


class MyPetList(BaseModel):
    items: list[MyPetOut]
    next_cursor: str | None = None


@router.get("")
def list_pets(caller: ClientReads, client: Which = None) -> MyPetList:
    """Of all records of this login, or of the one named."""
    _check(caller, "view")
    if client is None:
        found = queries.clients_of(caller.session, caller.signed_in.id)
    else:
        found = [_record(caller, client)]
    pets = queries.pets_of(caller.session, [each.id for each in found])
    return MyPetList(
        items=[MyPetOut.model_validate(pet) for each in found for pet in pets[each.id]]
    )


@router.post("", status_code=201)
def add_pet(caller: ClientWrites, body: MyNewPet, client: Which = None) -> MyPetOut:
    _check(caller, "add")
    said = body.model_dump(exclude_unset=True, exclude={"archived"})
    details = PetDetails(**{name: value for name, value in said.items() if value is not None})
    pet = actions.add_pet(caller.session, _record(caller, client), details, by=caller.actor)
    return MyPetOut.model_validate(pet)


@router.get("/{pet_id}")
def get_pet(caller: ClientReads, pet_id: uuid.UUID) -> MyPetOut:
    _check(caller, "view")
    owner = _owner(caller, pet_id)
    return MyPetOut.model_validate(queries.find_pet(caller.session, owner, pet_id))


@router.patch("/{pet_id}")
def change_pet(caller: ClientWrites, pet_id: uuid.UUID, body: MyPetPatch) -> MyPetOut:
    owner = _owner(caller, pet_id)
    _check(caller, "edit")
    pet = queries.find_pet(caller.session, owner, pet_id)
    changes = body.model_dump(exclude_unset=True, exclude={"archived"})
    actions.change_pet(caller.session, owner, pet, changes, by=caller.actor)
    if body.archived:
        actions.archive_pet(caller.session, owner, pet, by=caller.actor)
    return MyPetOut.model_validate(pet)


def _check(caller: Caller, wanted: str) -> None:
    allowed = current(caller.session).client_settings.client_may_manage_pets
    if allowed not in _ENOUGH[wanted]:
        raise NotAllowed("Pets can't be changed here. Please get in touch with us.")


def _record(caller: Caller, client_id: uuid.UUID | None) -> Client:
    client = theirs(caller, client_id)
    if client is None:
        raise NotFound
    return client


def _owner(caller: Caller, pet_id: uuid.UUID) -> Client:
    """Which of the login's records has that pet. Raises NotFound."""
    found = queries.clients_of(caller.session, caller.signed_in.id)
    pets = queries.pets_of(caller.session, [client.id for client in found])
    for client in found:
        if any(pet.id == pet_id for pet in pets[client.id]):
            return client
    raise NotFound
