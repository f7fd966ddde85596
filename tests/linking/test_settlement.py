"""Which record belongs to a proved mailbox: decided on counts alone."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.linking.rules import Settlement, settlement

MODES = st.sampled_from(["off", "ask", "auto_if_unique"])
COUNTS = st.integers(min_value=0, max_value=5)
Mode = Literal["off", "ask", "auto_if_unique"]


@pytest.mark.parametrize(
    ("mode", "active", "others", "expected"),
    [
        ("auto_if_unique", 1, 0, Settlement.LINK),
        ("auto_if_unique", 1, 2, Settlement.LINK),
        ("auto_if_unique", 2, 0, Settlement.CHOOSE),
        ("auto_if_unique", 0, 1, Settlement.CHOOSE),
        ("auto_if_unique", 0, 0, Settlement.NEW),
        ("ask", 1, 0, Settlement.CHOOSE),
        ("ask", 0, 0, Settlement.NEW),
        ("off", 1, 0, Settlement.WAIT),
        ("off", 0, 0, Settlement.NEW),
    ],
)
def test_each_case(mode: Mode, active: int, others: int, expected: Settlement) -> None:
    assert settlement(mode, active=active, others=others) is expected


@given(mode=MODES, active=COUNTS, others=COUNTS)
def test_a_new_client_is_made_only_where_nobody_has_the_address(
    mode: Mode, active: int, others: int
) -> None:
    is_new = settlement(mode, active=active, others=others) is Settlement.NEW
    assert is_new == (active + others == 0)


@given(mode=MODES, active=COUNTS, others=COUNTS)
def test_nobody_is_linked_by_itself_unless_there_is_exactly_one(
    mode: Mode, active: int, others: int
) -> None:
    if settlement(mode, active=active, others=others) is Settlement.LINK:
        assert (mode, active) == ("auto_if_unique", 1)
