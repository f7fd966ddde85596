"""Which rows are of one person, and what they say of that person together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from booking.imports.rules.formats import FIELDS
from booking.imports.rules.pets import ImportedPet, KeyedPet
from booking.imports.rules.reading import RowProblem
from booking.imports.rules.rows import ImportedClient, KeyedClient

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
    """Rows of one external id; rows without one go by equal e-mail and name. In our own export the
    keys say who is who.

    Two different external ids are two clients, whatever else is equal: whether they are the same
    person is for matching and for staff to say. Comes in the order of the first lines.
    """
    ours: dict[str, _Members] = {}
    by_id: dict[str, _Members] = {}
    by_key: dict[_Key, _Members] = {}
    alone: list[_Members] = []
    for row in rows:
        if isinstance(row, KeyedClient):
            ours.setdefault(row.key, []).append(row)
        elif row.external_id:
            by_id.setdefault(row.external_id, []).append(row)
        elif key := _key(row):
            by_key.setdefault(key, []).append(row)
        else:
            alone.append([row])
    unsure = _attach(by_key, by_id.values()) if by_key else set()
    groups = [*ours.values(), *by_id.values(), *by_key.values(), *alone]
    groups.sort(key=lambda members: members[0].line, reverse=True)
    del ours, by_id, by_key, alone, rows
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
    apart = isinstance(first, KeyedClient) or _all_differ(first.pets)
    if len(members) == 1 and first.status and apart:
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
    if len(members) > 1 or not apart:
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
    place = _PET_FIELDS.get(name, name) if isinstance(known, ImportedPet) else name
    code = "different_name" if name in ("name", "first_name", "last_name") else "conflict"
    kept = "the more careful one" if name in _CAREFUL else "the earlier one"
    message = f"{FIELDS[place].label}: another row says something else; {kept} was kept."
    return RowProblem(line, place, code, message)


def _joined(texts: Iterable[str]) -> str:
    """All lines of all texts, each once; one text stays as it is."""
    different = dict.fromkeys(filter(None, texts))
    if len(different) < 2:
        return next(iter(different), "")
    return "\n".join(dict.fromkeys(line for text in different for line in text.split("\n")))


@dataclass(slots=True)
class _Pet:
    pet: ImportedPet
    line: int


@dataclass(slots=True)
class _Found:
    """The pets of one person so far, by what they are recognised by."""

    pets: list[_Pet] = field(default_factory=list)
    by_key: dict[str, _Pet] = field(default_factory=dict)
    by_id: dict[str, _Pet] = field(default_factory=dict)
    by_look: dict[tuple[str, str], _Pet] = field(default_factory=dict)

    def same(self, pet: ImportedPet) -> _Pet | None:
        if isinstance(pet, KeyedPet):
            return self.by_key.get(pet.key)
        same = self.by_id.get(pet.external_id) or self.by_look.get(_look(pet))
        if same and pet.external_id and same.pet.external_id not in ("", pet.external_id):
            return None
        return same

    def remember(self, pet: ImportedPet, place: _Pet) -> None:
        if isinstance(pet, KeyedPet):
            self.by_key[pet.key] = place
            return
        self.by_look.setdefault(_look(pet), place)
        if pet.external_id:
            self.by_id[pet.external_id] = place


def _look(pet: ImportedPet) -> tuple[str, str]:
    return _squeezed(pet.name), _squeezed(pet.breed)


def _pets(rows: Iterable[ImportedClient], warnings: list[RowProblem]) -> tuple[ImportedPet, ...]:
    """The pets of all rows: one for each external id, or for each name and breed without one."""
    found = _Found()
    for row in rows:
        for pet in row.pets:
            same = found.same(pet)
            if same is None:
                same = _Pet(pet, row.line)
                found.pets.append(same)
            else:
                _fold_pet(same, pet, row.line, warnings)
            found.remember(pet, same)
    return tuple(place.pet for place in found.pets)


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
