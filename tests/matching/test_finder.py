"""The pairs of a whole list that may be one person."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from booking.matching.rules.finder import pairs
from booking.matching.rules.keys import CROWD
from booking.matching.rules.people import Person, Pet, profile

ANN = Person("Ann", "Lee", email="ann@example.com", mobile_phone="617-495-1000")
ANNIE = Person("Annie", "Lee", mobile_phone="617 495 1000", pets=(Pet("Luna"),))
BOB = Person("Bob", "Lee", email="ann@example.com", mobile_phone="857-288-3210")
STRANGER = Person("Carla", "Walsh", email="carla@example.org")


def found(*people: Person) -> dict[tuple[str, str], float]:
    listed = [(f"client {at}", profile(person)) for at, person in enumerate(people)]
    return {(str(one), str(other)): it.score for one, other, it in pairs(listed)}


def test_two_records_of_one_person_score_higher_than_a_household() -> None:
    scores = found(ANN, STRANGER, ANNIE, BOB)

    assert scores["client 0", "client 2"] > 0.9
    assert scores.get(("client 0", "client 3"), 0) < 0.3
    assert not any("client 1" in pair for pair in scores)


def test_an_address_that_a_crowd_uses_brings_nobody_together() -> None:
    heard_apart = "bfklmnprst"
    crowd = [
        Person(f"{one}o{other}i", f"{other}a{one}u", email="no@example.com")
        for one in heard_apart
        for other in heard_apart
        if one < other
    ]
    crowd += [replace(person, first_name=person.last_name) for person in crowd]

    assert len(crowd) > CROWD
    assert not found(*crowd)


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    listed = [(str(at), profile(Person("Ann", f"Lee{at}"))) for at in range(2_500)]

    list(pairs(listed, lambda done, of: told.append((done, of))))

    assert told == [(1_000, 2_500), (2_000, 2_500), (2_500, 2_500)]


@given(people=st.permutations([ANN, ANNIE, BOB, STRANGER, ANN]))
@settings(deadline=None)
def test_the_order_of_the_list_does_not_matter(people: Sequence[Person]) -> None:
    def scores(listed: Sequence[Person]) -> list[float]:
        return sorted(found(*listed).values())

    assert scores(people) == scores([ANN, ANNIE, BOB, STRANGER, ANN])
