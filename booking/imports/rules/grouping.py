"""Which rows are of one person, and what they say of that person together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from booking.imports.rules.formats import FIELDS
from booking.imports.rules.reading import RowProblem
from booking.imports.rules.rows import ImportedClient, ImportedPet

_Said = TypeVar("_Said", ImportedClient, ImportedPet)
_APART = {"line", "notes", "pets", "warnings", "behaviour_notes", "vaccinations"}
_CLIENT_VALUES = [known.name for known in fields(ImportedClient) if known.name not in _APART]
_PET_VALUES = [known.name for known in fields(ImportedPet) if known.name not in _APART]
_PET_FIELDS = {"name": "pet_name", "external_id": "pet_external_id"}
# Where rows disagree on these, the careful word wins; on all else, the first.
_CAREFUL = {
    "status": "inactive",
    "blocked": True,
    "marketing_email_ok": False,
    "sms_ok": False,
    "invite": False,
}


@dataclass(frozen=True, slots=True)
class ImportedPerson:
    """`client` is what all `lines` say together; its status is never "".

    `warnings` are those of all rows, by line; those on `client` are its first row's alone.
    """

    client: ImportedClient
    lines: tuple[int, ...]
    warnings: tuple[RowProblem, ...]


_Members = list[ImportedClient]
_Key = tuple[str, str]


def group(rows: Iterable[ImportedClient]) -> Iterator[ImportedPerson]:
    """Rows of one external id; rows without one go by equal e-mail and name.

    Two different external ids are two clients, whatever else is equal: whether they are the same
    person is for matching and for staff to say. Comes in the order of the first lines.
    """
    by_id: dict[str, _Members] = {}
    by_key: dict[_Key, _Members] = {}
    alone: list[_Members] = []
    for row in rows:
        if row.external_id:
            by_id.setdefault(row.external_id, []).append(row)
        elif key := _key(row):
            by_key.setdefault(key, []).append(row)
        else:
            alone.append([row])
    unsure = _attach(by_key, by_id.values()) if by_key else set()
    groups = [*by_id.values(), *by_key.values(), *alone]
    groups.sort(key=lambda members: members[0].line, reverse=True)
    del by_id, by_key, alone, rows
    while groups:
        yield _person(groups.pop(), unsure)


def _attach(by_key: dict[_Key, _Members], known: Iterable[_Members]) -> set[int]:
    """Rows without an external id go to whoever has one and the same e-mail and name.

    Answers the lines that could as well be another's, for several have that e-mail and name.
    """
    owners: dict[_Key, list[_Members]] = {}
    for members in known:
        for key in {_key(row) for row in members}:
            if key in by_key:
                owners.setdefault(key, []).append(members)
    unsure: set[int] = set()
    for key, places in owners.items():
        found = by_key.pop(key)
        if len(places) > 1:
            unsure.update(map(_line, found))
        places[0].extend(found)
        places[0].sort(key=_line)
    return unsure


def _line(row: ImportedClient) -> int:
    return row.line


def _key(row: ImportedClient) -> tuple[str, str] | None:
    name = _squeezed(row.first_name + row.last_name)
    return (row.email.lower(), name) if row.email and name else None


def _squeezed(text: str) -> str:
    return text.casefold().replace(" ", "")


def _person(members: _Members, unsure: set[int]) -> ImportedPerson:
    first = members[0]
    if len(members) == 1 and first.status and _all_differ(first.pets):
        return ImportedPerson(first, (first.line,), first.warnings)
    lines = tuple(map(_line, members))
    warnings = [warning for row in members for warning in row.warnings]
    for line in unsure.intersection(lines):
        message = "Several clients have this e-mail and name; this row went to the first of them."
        warnings.append(RowProblem(line, "", "several_clients", message))
    client = first
    for row in members[1:]:
        client = _folded(client, row, _CLIENT_VALUES, row.line, warnings)
    changes: dict[str, Any] = {}
    if len(members) > 1:
        changes["notes"] = _joined(row.notes for row in members)
    if len(members) > 1 or not _all_differ(first.pets):
        changes["pets"] = _pets(members, warnings)
    if not client.status:
        changes["status"] = "active"
    warnings.sort(key=lambda warning: warning.line)
    client = replace(client, **changes) if changes else client
    return ImportedPerson(client, lines, tuple(warnings))


def _all_differ(pets: Sequence[ImportedPet]) -> bool:
    return len(pets) < 2 or len({_squeezed(pet.name) for pet in pets}) == len(pets)


def _folded(
    known: _Said, new: _Said, names: Sequence[str], line: int, warnings: list[RowProblem]
) -> _Said:
    """What was empty is filled in; where both speak and differ, a warning says so."""
    changes: dict[str, Any] = {}
    for name in names:
        old, told = getattr(known, name), getattr(new, name)
        if told in ("", None) or old == told:
            continue
        if old in ("", None):
            changes[name] = told
        elif _comparable(name, old) != _comparable(name, told):
            if _CAREFUL.get(name, old) == told:
                changes[name] = told
            warnings.append(_conflict(known, name, line))
    return replace(known, **changes) if changes else known


def _comparable(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    digits = "".join(filter(str.isdigit, value)) if name.endswith("phone") else ""
    return digits or _squeezed(value)


def _conflict(known: ImportedClient | ImportedPet, name: str, line: int) -> RowProblem:
    field = _PET_FIELDS.get(name, name) if isinstance(known, ImportedPet) else name
    code = "different_name" if name in ("name", "first_name", "last_name") else "conflict"
    kept = "the more careful one" if name in _CAREFUL else "the earlier one"
    message = f"{FIELDS[field].label}: another row says something else; {kept} was kept."
    return RowProblem(line, field, code, message)


def _joined(texts: Iterable[str]) -> str:
    """All lines of all texts, each once."""
    return "\n".join(dict.fromkeys(line for text in texts if text for line in text.split("\n")))


@dataclass(slots=True)
class _Pet:
    pet: ImportedPet
    line: int


def _pets(rows: Iterable[ImportedClient], warnings: list[RowProblem]) -> tuple[ImportedPet, ...]:
    """The pets of all rows: one for each external id, or for each name and breed without one."""
    found: list[_Pet] = []
    by_id: dict[str, _Pet] = {}
    by_look: dict[tuple[str, str], _Pet] = {}
    for row in rows:
        for pet in row.pets:
            look = (_squeezed(pet.name), _squeezed(pet.breed))
            same = by_id.get(pet.external_id) or by_look.get(look)
            if same and pet.external_id and same.pet.external_id not in ("", pet.external_id):
                same = None
            if same is None:
                same = _Pet(pet, row.line)
                found.append(same)
            else:
                _fold_pet(same, pet, row.line, warnings)
            by_look.setdefault(look, same)
            if pet.external_id:
                by_id[pet.external_id] = same
    return tuple(place.pet for place in found)


def _fold_pet(place: _Pet, pet: ImportedPet, line: int, warnings: list[RowProblem]) -> None:
    if place.line == line:
        message = "The same pet stands twice in this row; it was taken once."
        warnings.append(RowProblem(line, "pets", "same_pet_twice", message))
    folded = _folded(place.pet, pet, _PET_VALUES, line, warnings)
    place.pet = replace(
        folded,
        behaviour_notes=_joined((folded.behaviour_notes, pet.behaviour_notes)),
        vaccinations=tuple(dict.fromkeys((*folded.vaccinations, *pet.vaccinations))),
    )
    place.line = line
