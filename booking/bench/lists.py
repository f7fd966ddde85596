"""Client lists for benchmarks: people made of syllables, as messy as a counter makes them.

The same seed makes the same list. Nobody in it exists; the mail domains can't.
"""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

HEADER = (
    "client_external_id", "first_name", "last_name", "email", "mobile_phone", "address_1", "city",
    "region", "postal_code", "status", "pet_name", "breed",
)  # fmt: skip
_STARTS = (
    "Ba", "Be", "Bro", "Ca", "Cla", "Da", "De", "Fa", "Fre", "Ga", "Gri", "Ha", "He", "Ja", "Jo",
    "Ka", "Kel", "La", "Lo", "Ma", "Mo", "Na", "No", "Pa", "Ro",
)  # fmt: skip
_MIDDLES = ("la", "li", "lo", "ma", "mi", "na", "ne", "ra", "ri", "ro", "sa", "si", "ta", "ti")
_ENDS = ("n", "ne", "r", "rd", "s", "son", "t", "th", "x", "y", "ck", "ld", "m", "nd")
_BREEDS = ("Labrador", "Poodle", "Beagle", "Mixed", "Siamese", "")
_AREAS = (212, 312, 404, 503, 617, 702, 805, 916)


@dataclass(frozen=True, slots=True)
class _Listed:
    number: str
    first_name: str
    last_name: str
    email: str
    mobile_phone: str
    address: str
    postal_code: str
    pet: str
    breed: str

    @property
    def cells(self) -> tuple[str, ...]:
        return (
            self.number, self.first_name, self.last_name, self.email, self.mobile_phone,
            self.address, "Springfield", "IL", self.postal_code, "active", self.pet, self.breed,
        )  # fmt: skip


def write_first(file: Path, size: int) -> None:
    """A list in which everybody has a number."""
    _write(file, _people(size))


def write_other(file: Path, size: int) -> None:
    """A list without numbers: of ten people four are in the first one, half of these as they stand
    there, the others with another number, address or spelling."""
    dice = random.Random(2)  # noqa: S311 - a list that can be made again
    known = iter(_people(size))
    others = iter(_people(size, seed=3))
    picked = (next(known) if dice.random() < 0.4 else next(others) for _ in range(size))
    _write(file, (replace(_changed(dice, one), number="") for one in picked))


def _write(file: Path, people: Iterator[_Listed]) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        lines = csv.writer(opened)
        lines.writerow(HEADER)
        lines.writerows(one.cells for one in people)


def _people(size: int, seed: int = 1) -> Iterator[_Listed]:
    dice = random.Random(seed)  # noqa: S311 - a list that can be made again
    for number in range(size):
        first, last = _word(dice), _word(dice) + dice.choice(_ENDS)
        tag = dice.randrange(10_000)
        yield _Listed(
            number=f"C{number:06}",
            first_name=first,
            last_name=last,
            email=f"{first}.{last}{tag}@mail{tag % 50}.example".lower(),
            mobile_phone=_phone(dice),
            address=f"{dice.randrange(1, 2_000)} {_word(dice)} St",
            postal_code=f"{dice.randrange(60_000, 63_000)}",
            pet=_word(dice),
            breed=dice.choice(_BREEDS),
        )


def _word(dice: random.Random) -> str:
    return dice.choice(_STARTS) + dice.choice(_MIDDLES) + dice.choice(_ENDS)


def _phone(dice: random.Random) -> str:
    area, middle, end = dice.choice(_AREAS), dice.randrange(220, 999), dice.randrange(10_000)
    return dice.choice(("({}) {}-{:04}", "{}-{}-{:04}", "+1{}{}{:04}")).format(area, middle, end)


def _changed(dice: random.Random, one: _Listed) -> _Listed:
    match dice.randrange(6):
        case 0:
            return replace(one, mobile_phone=_phone(dice))
        case 1:
            return replace(one, email="")
        case 2:
            return replace(one, first_name=one.first_name.upper(), last_name=one.last_name.upper())
        case _:
            return one
