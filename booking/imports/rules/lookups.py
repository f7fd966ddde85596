"""What somebody in a file is looked up by in the list."""

from operator import attrgetter
from typing import Any

from booking.imports.rules.rows import ImportedClient
from booking.matching.rules.keys import KeyKind, keys, name_number
from booking.matching.rules.people import Person, Pet, Profile

AS_TYPED = [name for name in Person.__dataclass_fields__ if name != "pets"]
_typed = attrgetter(*AS_TYPED)
_KINDS = tuple(KeyKind)
_PLACES = {kind: place for place, kind in enumerate(_KINDS)}

Lookup = tuple[int, tuple[int, ...], bytes]
"""The name's number, the keys, and the place of each one's kind: what is quick to hand over."""


def as_person(said: ImportedClient) -> Person:
    typed: list[Any] = [*_typed(said), tuple([Pet(pet.name, pet.breed) for pet in said.pets])]
    return Person(*typed)


def lookup_of(them: Profile) -> Lookup:
    found = keys(them)
    return name_number(them), tuple(found), bytes([_PLACES[kind] for kind in found.values()])


def kinds(lookup: Lookup) -> dict[int, KeyKind]:
    """Its keys with their kinds."""
    _, numbers, places = lookup
    return {number: _KINDS[place] for number, place in zip(numbers, places, strict=True)}
