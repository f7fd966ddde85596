"""The time of the tests: every one of them begins on the same Monday morning."""

import math
from datetime import UTC, datetime, timedelta

from booking import clock

# Monday, 9 am in New York; clocks there go forward on 14 March, within reach of a booking.
START = datetime(2027, 3, 1, 14, tzinfo=UTC)


class Clock:
    """Moves the only clock there is. Time goes on from wherever it was put, and never before it."""

    def __init__(self) -> None:
        self.offset = 0
        self.set(START)

    def now(self) -> datetime:
        return clock.now()

    def set(self, moment: datetime) -> None:
        self.offset = math.ceil((moment - datetime.now(UTC)).total_seconds())
        clock.set_offset(self.offset)

    def move(self, **by: float) -> None:
        """`clock.move(days=3, hours=1)`"""
        self.offset += round(timedelta(**by).total_seconds())
        clock.set_offset(self.offset)

    def set_again(self) -> None:
        """After an application was made, which sets the clock by its settings."""
        clock.set_offset(self.offset)

    def restore(self) -> None:
        clock.set_offset(0)
