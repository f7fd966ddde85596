"""Pets' names: their normal form, and how far two people's agree."""

from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache

from rapidfuzz.distance import OSA

from booking.matching.rules.letters import words


class Pets(IntEnum):
    """How two people's pets agree, the best first."""

    SEVERAL = 0
    ONE = 1
    SLIP = 2
    MISSING = 3
    DIFFERENT = 4


@lru_cache(maxsize=32_768)
def pet_name(typed: str) -> str:
    return "".join(words(typed))


def pet_names(typed: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in map(pet_name, typed) if name}))


def pets_agreement(one: tuple[str, ...], other: tuple[str, ...]) -> Pets:
    if not one or not other:
        return Pets.MISSING
    both = len(set(one) & set(other))
    if both:
        return Pets.SEVERAL if both > 1 else Pets.ONE
    return Pets.SLIP if any(_slip(a, b) for a in one[:12] for b in other[:12]) else Pets.DIFFERENT


def _slip(one: str, other: str) -> bool:
    return min(len(one), len(other)) > 3 and OSA.distance(one, other, score_cutoff=1) == 1
