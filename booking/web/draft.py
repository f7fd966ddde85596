"""What somebody has typed and chosen on the way to a booking.

Choices (service, person, time) may stand in an address. What was typed about people and pets never
does: it travels in the bodies of forms, as hidden fields, from page to page. A password is not
among it.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel

from booking.accounts.rules import email_key
from booking.appointments.actions.book import BookedPet, Person
from booking.clients.rules import ClientDetails, PetDetails, checked
from booking.errors import FieldError, Invalid
from booking.fields import Paragraph
from booking.web.page import SentForm
from booking.web.times import read_id, read_moment

MOST_PETS = 5
SPECIES = ("Dog", "Cat", "Rabbit", "Guinea pig", "Bird", "Other")
ANYONE = "any"


@dataclass(frozen=True, slots=True)
class Choices:
    """As they stand in the address: nothing has been checked yet. `start` is epoch seconds, `price`
    what the person has been shown, in minor units."""

    service: str = ""
    staff: str = ""
    start: str = ""
    client: str = ""
    price: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Choices":
        return cls(**{each.name: given.get(each.name, "")[:40] for each in fields(cls)})

    @property
    def service_id(self) -> uuid.UUID | None:
        return read_id(self.service)

    @property
    def staff_id(self) -> uuid.UUID | None:
        return read_id(self.staff)

    @property
    def client_id(self) -> uuid.UUID | None:
        return read_id(self.client)

    @property
    def starts_at(self) -> datetime | None:
        return read_moment(self.start)

    def carried(self, *without: str) -> list[tuple[str, str]]:
        """For hidden fields, but for what the page itself asks."""
        everything = [(each.name, str(getattr(self, each.name))) for each in fields(self)]
        return [(name, value) for name, value in everything if value and name not in without]

    def query(self, **changes: str) -> str:
        return urlencode(replace(self, **changes).carried())


@dataclass(frozen=True, slots=True)
class DraftPet:
    name: str = ""
    species: str = ""
    breed: str = ""

    @property
    def is_blank(self) -> bool:
        return not (self.name or self.breed)


@dataclass(frozen=True, slots=True)
class Draft:
    """`pet_ids` are chosen among the pets a signed-in client has; `pets` were typed."""

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    mobile_phone: str = ""
    note: str = ""
    pets: tuple[DraftPet, ...] = field(default=(DraftPet(),))
    pet_ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, form: SentForm) -> "Draft":
        count = form.text("pet_count")
        most = min(int(count), MOST_PETS) if count.isascii() and count.isdigit() else 1
        pets = tuple(
            DraftPet(*(form.text(f"pet_{at}_{part}") for part in ("name", "species", "breed")))
            for at in range(1, max(most, 1) + 1)
        )
        texts = ("first_name", "last_name", "email", "mobile_phone", "note")
        return cls(
            **{name: form.text(name) for name in texts},
            pets=pets,
            pet_ids=tuple(dict.fromkeys(form.all("pet")))[:50],
        )

    def carried(self) -> list[tuple[str, str]]:
        found = [("draft", "yes"), ("pet_count", str(len(self.pets)))]
        found += [
            (name, str(getattr(self, name)))
            for name in ("first_name", "last_name", "email", "mobile_phone", "note")
        ]
        found += [("pet", each) for each in self.pet_ids]
        for at, pet in enumerate(self.pets, 1):
            found += [
                (f"pet_{at}_name", pet.name),
                (f"pet_{at}_species", pet.species),
                (f"pet_{at}_breed", pet.breed),
            ]
        return found

    def with_another_pet(self) -> "Draft":
        return replace(self, pets=(*self.pets, DraftPet())[:MOST_PETS])

    def with_email(self, email: str) -> "Draft":
        return replace(self, email=email)

    @property
    def person(self) -> Person:
        return Person(self.first_name, self.last_name, self.email, self.mobile_phone)

    @property
    def booked_pets(self) -> tuple[BookedPet, ...]:
        typed = (BookedPet(pet.name, pet.species, pet.breed) for pet in self.pets if pet.name)
        known = (BookedPet(id=pet_id) for each in self.pet_ids if (pet_id := read_id(each)))
        return (*known, *typed)


class _Note(BaseModel):
    note: Paragraph = ""


def checked_draft(draft: Draft, *, asks_who: bool, has_pets: bool) -> Draft:
    """The draft, cleaned. Raises Invalid with every field that is wrong.

    `asks_who`: name and address were asked for, too. `has_pets`: there are known pets to tick.
    """
    problems: list[FieldError] = []
    values: dict[str, Any] = _checked_person(draft, problems) if asks_who else {}
    pets = [_checked_pet(pet, at, problems) for at, pet in enumerate(draft.pets, 1)]
    if not draft.pet_ids and all(pet.is_blank for pet in draft.pets):
        asked, text = ("pet", "Tick") if has_pets else ("pet_1_name", "Type the name of")
        problems.append(FieldError(asked, "required", f"{text} your pet"))
    values |= _cleaned(_Note, {"note": draft.note}, problems)
    if problems:
        raise Invalid(fields=_first_of_each(problems))
    kept = tuple(pet for pet in pets if not pet.is_blank) or (DraftPet(),)
    return replace(draft, **values, pets=kept)


def checked_person(draft: Draft) -> Draft:
    """Name and address alone. Raises Invalid."""
    problems: list[FieldError] = []
    values = _checked_person(draft, problems)
    if problems:
        raise Invalid(fields=_first_of_each(problems))
    return replace(draft, **values)


def _checked_person(draft: Draft, problems: list[FieldError]) -> dict[str, Any]:
    names = ("first_name", "last_name", "email", "mobile_phone")
    values = _cleaned(ClientDetails, {name: getattr(draft, name) for name in names}, problems)
    problems += _missing(draft)
    return values


def _first_of_each(problems: list[FieldError]) -> tuple[FieldError, ...]:
    """One problem a field, in the order of the page."""
    first: dict[str, FieldError] = {}
    for each in problems:
        first.setdefault(each.field, each)
    return tuple(first.values())


def _missing(draft: Draft) -> list[FieldError]:
    problems = []
    if not draft.first_name:
        problems.append(FieldError("first_name", "required", "Type your first name"))
    if not draft.last_name:
        problems.append(FieldError("last_name", "required", "Type your last name"))
    if email_key(draft.email) is None:
        text = "Type an address like name@example.com"
        problems.append(FieldError("email", "invalid", text))
    return problems


def _checked_pet(pet: DraftPet, at: int, problems: list[FieldError]) -> DraftPet:
    if pet.is_blank:
        return DraftPet()
    found: list[FieldError] = []
    values = {"name": pet.name, "species": pet.species, "breed": pet.breed}
    cleaned = _cleaned(PetDetails, values, found)
    if not pet.name:
        found = [FieldError("name", "required", "Type the name of this pet")]
    problems += [FieldError(f"pet_{at}_{each.field}", each.code, each.message) for each in found]
    return DraftPet(**cleaned) if not found else pet


def _cleaned(
    kind: type[BaseModel], values: dict[str, Any], problems: list[FieldError]
) -> dict[str, Any]:
    try:
        return checked(kind, values)
    except Invalid as refusal:
        problems.extend(refusal.fields)
        return {}
