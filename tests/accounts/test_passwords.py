"""Which passwords are good enough, and hashing them in few places at once."""

import asyncio
from collections.abc import Iterator

import pytest

from booking.accounts.passwords import Hashing, check_new, hash_now
from booking.accounts.rules import password_objection
from booking.config import Settings
from booking.errors import Invalid, Overloaded

CONTEXT = ("Jo Bright", "jo.bright@example.com", "Happy Paws")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "too_short"),
        ("fourteen chars", "too_short"),
        ("x" * 257, "too_long"),
        ("a password with \0 in it", "not_text"),
        ("aaaaaaaaaaaaaaaaaaa", "too_predictable"),
        ("abcabcabcabcabcabc", "too_predictable"),
        ("qwertyuiopasdfghjkl", "too_predictable"),
        ("123456789012345", "too_predictable"),
        ("passwordpassword", "too_common"),
        ("Sunshine2024!!!!", "too_common"),
        ("p@ssw0rdp@ssw0rd", "too_common"),
        ("jo.bright-2027!!", "too_personal"),
        ("HappyPaws-HappyPaws", "too_personal"),
    ],
)
def test_a_password_that_would_be_guessed_is_refused_with_the_reason(
    password: str, code: str
) -> None:
    objection = password_objection(password, minimum=15, context=CONTEXT)
    assert objection is not None
    assert (objection.field, objection.code) == ("password", code)


@pytest.mark.parametrize(
    "password",
    [
        "three grey ponies dance",
        "tango rivet maple 9",
        "Größe-über-alles-im-März",
        "x7$Kq_2mPz!vR9w",
    ],
)
def test_length_is_enough_without_rules_of_composition(password: str) -> None:
    check_new(password, minimum=15, context=CONTEXT)


def test_eight_code_points_are_enough_for_a_pet_owner() -> None:
    check_new("ngqxvbk7", minimum=8)
    with pytest.raises(Invalid):
        check_new("ngqxvb7", minimum=8)


def _settings(**changed: int) -> Settings:
    return Settings(_env_file=None, hashing_slots=1, **changed)  # type: ignore[arg-type]


@pytest.fixture
def hashing() -> Iterator[Hashing]:
    hashing = Hashing(_settings(hashing_queue=1))
    yield hashing
    hashing.close()


def test_a_hash_is_argon2id_and_fits_its_password(hashing: Hashing) -> None:
    hashed = asyncio.run(hashing.hash("three grey ponies"))
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert asyncio.run(hashing.verify(hashed, "three grey ponies")).ok
    assert not asyncio.run(hashing.verify(hashed, "three grey ponie")).ok


def test_one_password_typed_on_two_keyboards_is_one_password(hashing: Hashing) -> None:
    hashed = asyncio.run(hashing.hash("caf\u00e9 au lait"))
    assert asyncio.run(hashing.verify(hashed, "cafe\u0301 au lait")).ok


@pytest.mark.parametrize("password", ["", "x" * 5000, "\ud800", "a\0b"])
def test_nothing_typed_is_an_error_of_ours(hashing: Hashing, password: str) -> None:
    hashed = hash_now(_settings(), "three grey ponies")
    assert not asyncio.run(hashing.verify(hashed, password)).ok
    assert not asyncio.run(hashing.verify(None, password)).ok


def test_a_hash_of_earlier_parameters_is_renewed(hashing: Hashing) -> None:
    earlier = hash_now(_settings(argon2_time_cost=3), "three grey ponies")
    verified = asyncio.run(hashing.verify(earlier, "three grey ponies"))
    assert verified.ok
    assert verified.new_hash is not None
    assert asyncio.run(hashing.verify(verified.new_hash, "three grey ponies")).new_hash is None


def test_beyond_the_queue_a_flood_is_refused_at_once(hashing: Hashing) -> None:
    async def flood() -> list[object]:
        tries = (hashing.verify(None, "x") for _ in range(10))
        return list(await asyncio.gather(*tries, return_exceptions=True))

    outcomes = asyncio.run(flood())
    assert sum(isinstance(each, Overloaded) for each in outcomes) == 8
    assert asyncio.run(hashing.verify(None, "x")).ok is False  # and then there is room again


def test_a_place_is_taken_before_anything_is_read(hashing: Hashing) -> None:
    with hashing.place(), hashing.place(), pytest.raises(Overloaded), hashing.place():
        pytest.fail("there was a third place")
    hashing.expect_room()
