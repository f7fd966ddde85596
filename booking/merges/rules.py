"""What is kept of two records of one person, which of their pets are one, and what changed since.

Pure: records are mappings of column to value, the one to keep always first.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from booking.clients.rules import ClientDetails, folded
from booking.errors import FieldError, Invalid

Record = Mapping[str, Any]
Records = Sequence[tuple[uuid.UUID, Record]]

FIELDS = tuple(ClientDetails.model_fields)
ADDRESS = ("address_1", "address_2", "city", "region", "postal_code", "country")
LABELS = {
    "external_id": "Client number",
    "email": "E-mail",
    "address_1": "Address",
    "address_2": "Address, second line",
    "marketing_email_ok": "May be sent news",
    "sms_ok": "May be sent text messages",
    "client_id": "Owner",
    "archived_at": "Archived",
    "altered": "Neutered",
}
_CONSENTS = {"marketing_email_ok", "sms_ok"}
_PET_TEXTS = ("external_id", "species", "breed", "coat", "color", "sex", "vet_name", "vet_phone")
_EMPTY: tuple[Any, ...] = ("", None)


def label(field: str) -> str:
    return LABELS.get(field) or field.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Kept:
    """What a field will hold, and whose it is; None: made of what several of them say."""

    value: Any
    of: uuid.UUID | None


def chosen_fields(
    fields: Mapping[str, Any], records: Records, plain: Sequence[Record]
) -> dict[str, uuid.UUID]:
    """For each field whose value is to be kept. A choice names a record by its id, or by the value
    itself, as JSON has it (`plain`). `address` stands for all of its parts. Raises Invalid."""
    found: dict[str, uuid.UUID] = {}
    problems: list[FieldError] = []
    for name, wanted in fields.items():
        parts = ADDRESS if name == "address" else (name,)
        if not set(parts) <= set(FIELDS):
            problems.append(
                FieldError(f"fields.{name}", "unknown", "This field is not known here.")
            )
            continue
        holders = [
            client_id
            for (client_id, _), said in zip(records, plain, strict=True)
            if str(client_id) == str(wanted) or (name in said and said[name] == wanted)
        ]
        if holders:
            found |= dict.fromkeys(parts, holders[0])
        else:
            problems.append(
                FieldError(f"fields.{name}", "no_choice", "Choose one of the records to merge.")
            )
    if problems:
        raise Invalid(fields=tuple(problems))
    return found


def kept_values(records: Records, chosen: Mapping[str, uuid.UUID]) -> dict[str, Kept]:
    """What stays where nobody chose: the kept record's value, or the first there is where it has
    none. Both texts of notes stay, and whoever was blocked stays blocked."""
    found = {name: _unchosen(name, records) for name in FIELDS if name not in ADDRESS}
    found |= _address(records)
    by_id = dict(records)
    found |= {name: Kept(by_id[one][name], one) for name, one in chosen.items()}
    return {name: found[name] for name in FIELDS}


def _unchosen(name: str, records: Records) -> Kept:
    keep_id, keep = records[0]
    if name == "blocked":
        return Kept(any(record[name] for _, record in records), None)
    if name == "notes":
        return Kept(joined(record[name] for _, record in records), None)
    if name in _CONSENTS and keep[name] is None:
        no = next((one for one, record in records if record[name] is False), None)
        if no is not None:
            return Kept(False, no)
    full = ((one, record[name]) for one, record in records if record[name] not in _EMPTY)
    one, value = next(full, (keep_id, keep[name]))
    return Kept(value, one)


def _address(records: Records) -> dict[str, Kept]:
    """An address is one thing: its gaps are filled from one that says nothing else."""
    keep_id, keep = records[0]
    found = {name: Kept(keep[name], keep_id) for name in ADDRESS}
    for one, record in records[1:]:
        if all(_fits(found[name].value, record[name]) for name in ADDRESS):
            gaps = [name for name in ADDRESS if not found[name].value and record[name]]
            found |= {name: Kept(record[name], one) for name in gaps}
    return found


def _fits(one: str, other: str) -> bool:
    """They do not contradict each other."""
    return not one or not other or folded(one.strip()) == folded(other.strip())


def joined(texts: Iterable[str]) -> str:
    """Every text once, in order; one that another holds already adds nothing."""
    found = ""
    for text in texts:
        if text in found:
            continue
        found = text if found in text else f"{found}\n\n{text}"
    return found


@dataclass(frozen=True, slots=True)
class KnownPet:
    id: uuid.UUID
    owner: uuid.UUID
    name: str
    species: str
    breed: str
    is_archived: bool


def same_pets(kept: Sequence[KnownPet], others: Sequence[KnownPet]) -> dict[uuid.UUID, uuid.UUID]:
    """For each pet of the others that is a pet of another record already: which one it is.

    The same name, and no other species or breed. Two pets of one record are never one, and an
    archived pet is none that lives.
    """
    here = list(kept)
    found: dict[uuid.UUID, uuid.UUID] = {}
    taken: set[tuple[uuid.UUID, uuid.UUID]] = set()
    for pet in others:
        place = next(
            (
                number
                for number, known in enumerate(here)
                if (pet.owner, known.id) not in taken and _is_same(known, pet)
            ),
            None,
        )
        if place is None:
            here.append(pet)
            taken.add((pet.owner, pet.id))
            continue
        known = here[place]
        here[place] = replace(
            known, species=known.species or pet.species, breed=known.breed or pet.breed
        )
        taken.add((pet.owner, known.id))
        found[pet.id] = known.id
    return found


def _is_same(one: KnownPet, other: KnownPet) -> bool:
    return (
        one.owner != other.owner
        and one.is_archived == other.is_archived
        and folded(one.name.strip()) == folded(other.name.strip())
        and _fits(one.species, other.species)
        and _fits(one.breed, other.breed)
    )


def filled_pet(kept: Record, other: Record) -> dict[str, Any]:
    """What the kept row gains from the other: values for its gaps, notes and vaccinations."""
    found = {
        name: other[name]
        for name in (*_PET_TEXTS, "altered", "birth_date")
        if kept[name] in _EMPTY and other[name] not in _EMPTY
    }
    if not kept["weight"] and other["weight"]:
        found |= {name: other[name] for name in ("weight", "weight_unit")}
    found["behaviour_notes"] = joined((kept["behaviour_notes"], other["behaviour_notes"]))
    more = [each for each in other["vaccinations"] if each not in kept["vaccinations"]]
    found["vaccinations"] = [*kept["vaccinations"], *more]
    return {name: value for name, value in found.items() if value != kept[name]}


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is neither what it was before the merge nor what the merge made of it.

    Values are plain JSON. `record` is a name people know it by; `key` is what a decision names.
    """

    key: str
    record: str
    field: str
    before: Any
    after: Any
    now: Any
    message: str


def differing(entry: Mapping[str, Any], now: Record) -> list[str]:
    """The columns somebody changed since, of one entry of `Merge.changed`."""
    before, after = entry["before"], entry["after"]
    return [name for name in after if now[name] != after[name] and now[name] != before[name]]


def difference(key: str, record: str, column: str, before: Any, after: Any, now: Any) -> Difference:
    message = (
        f"{label(column)} of {record}: {_said(before)} before the merge,"
        f" {_said(after)} after it, {_said(now)} now."
    )
    return Difference(key, record, column, before, after, now, message)


def _said(value: Any) -> str:
    if value in _EMPTY or value == []:
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return f"{len(value)} entries"
    text = " ".join(str(value).split())
    return f"“{text[:80]}…”" if len(text) > 80 else f"“{text}”"
