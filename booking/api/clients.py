"""Clients and their pets, for the people who run a business."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from booking.accounts import queries as accounts
from booking.accounts.rules import email_key
from booking.api.caller import Caller, StaffReads, StaffWrites
from booking.api.idempotent import IdempotentRoute
from booking.api.lists import Cursor, Limit, decode_cursor, encode_cursor
from booking.api.look_alike_shapes import LookAlikes, PossibleMatch, Reasons, look_alike
from booking.api.pet_shapes import MyPetPatch
from booking.api.resource import resource
from booking.clients import actions, queries
from booking.clients.models import Client, ClientStatus, Link, LinkedBy, Pet
from booking.clients.queries import After, ClientFilter
from booking.clients.rules import ClientDetails, Line20, Line35, PastDate, PetDetails
from booking.errors import Invalid
from booking.fields import (
    EmailText,
    GivenNumber,
    Line60,
    Line100,
    Line200,
    Notes,
    OptionalEmail,
    PhoneText,
)
from booking.matching import actions as matching
from booking.matching.models import Match, Origin
from booking.matching.queries import look_alikes as look_for
from booking.matching.rules.people import Person
from booking.matching.rules.people import Pet as KnownPet

router = resource("/businesses/{slug}/clients", tag="clients", route_class=IdempotentRoute)

_ADDRESS = ("address_1", "address_2", "city", "region", "postal_code", "country")


class Address(BaseModel):
    model_config = ConfigDict(extra="forbid")

    address_1: Line200 | None = ""
    address_2: Line200 | None = ""
    city: Line100 | None = ""
    region: Line100 | None = ""
    postal_code: Line20 | None = ""
    country: Line60 | None = ""


class ClientPatch(BaseModel):
    """A merge patch: what is not named stays, null empties."""

    model_config = ConfigDict(extra="forbid")

    external_id: GivenNumber | None = None
    first_name: Line100 | None = None
    last_name: Line100 | None = None
    email: OptionalEmail | None = None
    mobile_phone: PhoneText | None = None
    home_phone: PhoneText | None = None
    address: Address | None = None
    birthday: PastDate | None = None
    language: Line35 | None = None
    marketing_email_ok: bool | None = None
    sms_ok: bool | None = None
    household: Line100 | None = None
    notes: Notes | None = None
    status: Literal["active", "inactive"] | None = None
    blocked: bool | None = None


class NewClient(ClientPatch):
    pets: Annotated[list[PetDetails], Field(max_length=50)] = []


class PetPatch(MyPetPatch):
    """What a pet owner may change, and what staff note besides."""

    external_id: GivenNumber | None = None
    behaviour_notes: Notes | None = None


class LoginIn(BaseModel):
    """The e-mail of a client login that exists at this business."""

    model_config = ConfigDict(extra="forbid")

    email: EmailText


class PetOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    external_id: str | None
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
    behaviour_notes: str
    vaccinations: list[dict[str, Any]]
    created_at: datetime


class AccountOut(BaseModel):
    """Whether a login may act for this client, and which proof or act made it so."""

    linked: bool
    linked_by: LinkedBy | None = None
    linked_at: datetime | None = None


class ClientOut(BaseModel):
    """`email_valid` is null where there is no e-mail, false where it is kept as typed."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    external_id: str | None
    first_name: str
    last_name: str
    email: str
    email_valid: bool | None
    mobile_phone: str
    home_phone: str
    address: Address
    birthday: date | None
    language: str
    marketing_email_ok: bool | None
    sms_ok: bool | None
    household: str
    notes: str
    status: ClientStatus
    blocked: bool
    account: AccountOut
    pets: list[PetOut]
    created_at: datetime
    updated_at: datetime


class AddedClient(ClientOut):
    """Whom the new client looks like; each is an open match now."""

    possible_matches: list[PossibleMatch]


class ClientList(BaseModel):
    items: list[ClientOut]
    next_cursor: str | None


class PetList(BaseModel):
    items: list[PetOut]
    next_cursor: str | None = None


def _wanted(
    q: Annotated[Line200, Query(description="names, e-mail, phone, pets, client number")] = "",
    status: ClientStatus | None = None,
    has_account: bool | None = None,
    email_valid: bool | None = None,
) -> ClientFilter:
    return ClientFilter(q, status, has_account, None if email_valid is None else not email_valid)


@router.get("")
def list_clients(
    caller: StaffReads,
    wanted: Annotated[ClientFilter, Depends(_wanted)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ClientList:
    found = queries.search(caller.session, wanted, after=_after(cursor), limit=limit + 1)
    shown = found[:limit]
    more = encode_cursor(shown[-1].sort_name, shown[-1].id) if len(found) > limit else None
    return ClientList(items=shown_clients(caller, shown), next_cursor=more)


@router.post("", status_code=201)
def add_client(caller: StaffWrites, body: NewClient) -> AddedClient:
    client = actions.add_client(caller.session, _details(body), by=caller.actor)
    for pet in body.pets:
        actions.add_pet(caller.session, client, pet, by=caller.actor)
    raised = matching.ask_about(caller.session, client, origin=Origin.STAFF)
    alike = _possible_matches(caller, client, raised)
    return AddedClient(**dict(_one(caller, client)), possible_matches=alike)


@router.post("/look-alikes")
def look_alikes(caller: StaffReads, body: NewClient) -> LookAlikes:
    """Who of the list a client with these details would look like; changes nothing."""
    details = _details(body)
    said = {name: getattr(details, name) for name in Person.__dataclass_fields__ if name != "pets"}
    pets = tuple(KnownPet(pet.name, pet.breed) for pet in body.pets)
    verdict = look_for(caller.session, Person(**said, pets=pets))
    ranked = {uuid.UUID(str(each.client_id)): each.comparison for each in verdict.ranked}
    known = queries.find_many(caller.session, ranked.keys())
    return LookAlikes(
        decision=verdict.decision,
        candidates=[look_alike(known[client_id], seen) for client_id, seen in ranked.items()],
    )


@router.get("/{client_id}")
def get_client(caller: StaffReads, client_id: uuid.UUID) -> ClientOut:
    return _one(caller, queries.find(caller.session, client_id))


@router.patch("/{client_id}")
def change_client(caller: StaffWrites, client_id: uuid.UUID, body: ClientPatch) -> ClientOut:
    client = queries.find(caller.session, client_id)
    actions.change_client(caller.session, client, _flat(body), by=caller.actor)
    return _one(caller, client)


@router.put("/{client_id}/account")
def link_account(caller: StaffWrites, client_id: uuid.UUID, body: LoginIn) -> ClientOut:
    """A deliberate act of staff: from now on that login sees and books for this client."""
    client = queries.find(caller.session, client_id)
    key = email_key(body.email)
    account = accounts.find_account(caller.session, business_id=caller.business.id, email_key=key)
    if account is None:
        raise Invalid.field("email", "No client login has this e-mail.", "unknown_login")
    actions.link(caller.session, client, account.id, linked_by=LinkedBy.STAFF, by=caller.actor)
    return _one(caller, client)


@router.delete("/{client_id}/account", status_code=204, response_class=Response)
def unlink_account(caller: StaffWrites, client_id: uuid.UUID) -> None:
    client = queries.find(caller.session, client_id)
    actions.unlink(caller.session, client, by=caller.actor)


@router.get("/{client_id}/pets")
def list_pets(caller: StaffReads, client_id: uuid.UUID) -> PetList:
    client = queries.find(caller.session, client_id)
    pets = queries.pets_of(caller.session, [client.id])[client.id]
    return PetList(items=[PetOut.model_validate(pet) for pet in pets])


@router.post("/{client_id}/pets", status_code=201)
def add_pet(caller: StaffWrites, client_id: uuid.UUID, body: PetDetails) -> PetOut:
    client = queries.find(caller.session, client_id)
    return PetOut.model_validate(actions.add_pet(caller.session, client, body, by=caller.actor))


@router.get("/{client_id}/pets/{pet_id}")
def get_pet(caller: StaffReads, client_id: uuid.UUID, pet_id: uuid.UUID) -> PetOut:
    client = queries.find(caller.session, client_id)
    return PetOut.model_validate(queries.find_pet(caller.session, client, pet_id))


@router.patch("/{client_id}/pets/{pet_id}")
def change_pet(
    caller: StaffWrites, client_id: uuid.UUID, pet_id: uuid.UUID, body: PetPatch
) -> PetOut:
    client = queries.find(caller.session, client_id)
    pet = queries.find_pet(caller.session, client, pet_id)
    changes = body.model_dump(exclude_unset=True, exclude={"archived"})
    actions.change_pet(caller.session, client, pet, changes, by=caller.actor)
    if body.archived:
        actions.archive_pet(caller.session, client, pet, by=caller.actor)
    return PetOut.model_validate(pet)


def _after(cursor: str | None) -> After | None:
    parts = decode_cursor(cursor, 2)
    if parts is None:
        return None
    try:
        name, client_id = str(parts[0]), uuid.UUID(str(parts[1]))
        if "\0" in name:
            raise ValueError
        name.encode()
    except ValueError:
        raise Invalid.field("cursor", "Use the next_cursor of an earlier answer.") from None
    return After(name, client_id)


def _flat(body: ClientPatch) -> dict[str, Any]:
    """As the room knows it: the address in one row with the rest; null empties all of it."""
    said = body.model_dump(exclude_unset=True, exclude={"pets", "address"})
    if "address" in body.model_fields_set:
        parts = body.address.model_dump(exclude_unset=True) if body.address else None
        said |= dict.fromkeys(_ADDRESS) if parts is None else parts
    return said


def _details(body: NewClient) -> ClientDetails:
    return ClientDetails(
        **{name: value for name, value in _flat(body).items() if value is not None}
    )


def _possible_matches(
    caller: Caller, client: Client, raised: Sequence[Match]
) -> list[PossibleMatch]:
    others = [one.client_id if one.other_id == client.id else one.other_id for one in raised]
    known = queries.find_many(caller.session, [one for one in others if one is not None])
    return [
        PossibleMatch(
            id=match.id,
            client_id=known[other].id,
            name=known[other].name,
            email=known[other].email,
            score=match.score,
            reasons=Reasons(agrees=match.agrees, differs=match.differs),
        )
        for match, other in zip(raised, others, strict=True)
        if other is not None
    ]


def _one(caller: Caller, client: Client) -> ClientOut:
    return shown_clients(caller, [client])[0]


def shown_clients(caller: Caller, found: list[Client]) -> list[ClientOut]:
    ids = [client.id for client in found]
    pets = queries.pets_of(caller.session, ids)
    links = queries.links_of(caller.session, ids)
    return [_shown(client, pets[client.id], links.get(client.id)) for client in found]


def _shown(client: Client, pets: list[Pet], link: Link | None) -> ClientOut:
    values = {name: getattr(client, name, None) for name in ClientOut.model_fields}
    return ClientOut.model_validate(
        values
        | {
            "email_valid": client.email_key is not None if client.email else None,
            "address": {name: getattr(client, name) for name in _ADDRESS},
            "account": AccountOut(
                linked=link is not None,
                linked_by=link.linked_by if link else None,
                linked_at=link.created_at if link else None,
            ),
            "pets": [PetOut.model_validate(pet) for pet in pets],
        }
    )
