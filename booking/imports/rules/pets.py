"""The pets of one row or record."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from booking.imports.rules import values
from booking.imports.rules.draft import Draft
from booking.imports.rules.formats import FIELDS, PET_FIELDS

MAX_PETS = 50
_OWN_PET = PET_FIELDS - {"pets"}
_MORE_OF_PET = _OWN_PET - {"pet_name", "breed"}
_NAME_LIMIT = FIELDS["pet_name"].limit
_BREED_LIMIT = FIELDS["breed"].limit
_SEX_LIMIT = _WEIGHT_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Vaccination:
    name: str
    given_on: date | None
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class ImportedPet:
    name: str
    external_id: str = ""
    species: str = ""
    breed: str = ""
    coat: str = ""
    color: str = ""
    sex: str = ""
    altered: bool | None = None
    birth_date: date | None = None
    weight: str = ""
    weight_unit: str = ""
    vet_name: str = ""
    vet_phone: str = ""
    behaviour_notes: str = ""
    vaccinations: tuple[Vaccination, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyedPet(ImportedPet):
    """A pet of our own export: another row with the same key is about the same pet."""

    key: str = ""


def pets_of(draft: Draft) -> tuple[ImportedPet, ...]:
    pets: list[ImportedPet] = []
    if packed := draft.text("pets"):
        pets += _packed_pets(draft, packed)
    if draft.pet_notes or not _OWN_PET.isdisjoint(draft.texts):
        pets += _own_pet(draft)
    for texts in draft.pets:
        pets += _pet_of_several(draft, texts)
    if len(pets) > MAX_PETS and not draft.exact:
        message = f"There are more than {MAX_PETS} pets in this row."
        draft.reject("pets", "too_many_pets", message)
    return tuple(pets)


def _packed_pets(draft: Draft, packed: str) -> Iterator[ImportedPet]:
    """`name|breed;name|breed`, the breed may be missing."""
    for part in packed.split(";"):
        name, _, breed = part.partition("|")
        name, breed = name.strip(), breed.strip()
        if len(name) > _NAME_LIMIT:
            draft.too_long("pet_name")
        if len(breed) > _BREED_LIMIT:
            draft.too_long("breed")
        if name:
            yield _plain_pet(name, breed)
        elif breed:
            _nameless(draft, "pets", f"{FIELDS['breed'].label}: {breed}")


@lru_cache(10_000)
def _plain_pet(name: str, breed: str) -> ImportedPet:
    """There are many a Bella|Labrador in a long list: one frozen value serves them all."""
    return ImportedPet(name=name, breed=breed)


def _nameless(draft: Draft, name: str, what: str) -> None:
    draft.notes.append(f"Pet without a name: {what}")
    message = "A pet without a name can't be added. What is said of it is kept in the notes."
    draft.warn(name, "pet_without_name", message)


def _pet_of_several(draft: Draft, texts: dict[str, str]) -> Iterator[ImportedPet]:
    """The texts of one pet stand among those of its owner while it is read."""
    owners = draft.texts
    notes = texts.pop("behaviour_notes", "")
    draft.texts, draft.pet_notes = texts, [notes] if notes else []
    yield from _own_pet(draft)
    draft.texts, draft.pet_notes = owners, []


def _own_pet(draft: Draft) -> Iterator[ImportedPet]:
    """The pet of a file with one row for each pet."""
    notes = "\n".join(draft.pet_notes)
    if len(notes) > FIELDS["behaviour_notes"].limit:
        draft.too_long("behaviour_notes")
    if "pet_name" not in draft.texts:
        given = draft.texts.keys() & _OWN_PET
        told = [f"{FIELDS[name].label}: {draft.text(name)}" for name in sorted(given & set(FIELDS))]
        if told or notes:
            _nameless(draft, "pet_name", "; ".join([*told, *filter(None, [notes])]))
        return
    if not notes and _MORE_OF_PET.isdisjoint(draft.texts):
        yield _plain_pet(draft.text("pet_name"), draft.text("breed"))
        return
    text = draft.text
    sex, altered = _sex(draft)
    weight, unit = _weight(draft)
    said = draft.read("altered", values.read_altered, "This is neither yes nor no.")
    pet = ImportedPet(
        name=text("pet_name"),
        external_id=text("pet_external_id"),
        species=text("species"),
        breed=text("breed"),
        coat=text("coat"),
        color=text("color"),
        sex=sex,
        altered=altered if said is None else said,
        birth_date=draft.date("birth_date"),
        weight=weight,
        weight_unit=unit,
        vet_name=text("vet_name"),
        vet_phone=text("vet_phone"),
        behaviour_notes=notes,
        vaccinations=tuple(_vaccinations(draft)),
    )
    yield keyed(pet, text("pet_key")) if text("pet_key") else pet


def keyed(pet: ImportedPet, key: str) -> KeyedPet:
    return KeyedPet(**{name: getattr(pet, name) for name in ImportedPet.__slots__}, key=key)


def _sex(draft: Draft) -> tuple[str, bool | None]:
    said = draft.text("sex")
    if draft.exact and len(said) <= _SEX_LIMIT:
        return said, None
    sex, altered = values.read_sex(said)
    if said and not sex and altered is None and said.casefold() not in values.UNKNOWN_WORDS:
        draft.keep("sex", "not_understood", "This is neither male nor female.")
    return sex, altered


def _weight(draft: Draft) -> tuple[str, str]:
    stated = draft.read("weight_unit", values.read_unit, "This is neither kg nor lb.")
    said = draft.text("weight")
    if draft.exact and len(said) <= _WEIGHT_LIMIT:
        return said, stated or ""
    weight = draft.read("weight", values.read_weight, "This is not a weight.")
    if weight is None:
        return "", ""
    number, unit = weight
    return number, unit or stated or ""


def _vaccinations(draft: Draft) -> Iterator[Vaccination]:
    told = {int(name.split("_")[1]) for name in draft.texts if name.startswith("vaccine_")}
    for number in sorted(told):
        start = f"vaccine_{number}"
        name = draft.text(f"{start}_name")
        given, expires = (draft.date(f"{start}_{when}_on") for when in ("given", "expires"))
        if name or given or expires:
            unnamed = "" if draft.exact else f"Vaccine {number}"
            yield Vaccination(name or unnamed, given, expires)
