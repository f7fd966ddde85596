"""What was measured, round by round, and what it comes to: medians, ratios, CPU, peak memory.

The machine may be busy with others' work, so ways are compared within a round, in which they run
right after each other; the ratio that counts is the median of those.
"""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from booking.bench.loading import Order, Seen, load
from booking.bench.server import Server


@dataclass(frozen=True, slots=True)
class Sample:
    """One way in one round."""

    done: int
    seconds: float
    milliseconds: tuple[float, ...] = ()
    cpu_seconds: float | None = None

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    @property
    def p50(self) -> float:
        return statistics.median(self.milliseconds)


@dataclass(slots=True)
class Series:
    """One way in all rounds."""

    samples: list[Sample] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """How many a second."""
        return statistics.median(sample.rate for sample in self.samples)

    @property
    def p50(self) -> float | None:
        timed = [sample.p50 for sample in self.samples if sample.milliseconds]
        return statistics.median(timed) if timed else None

    @property
    def p99(self) -> float:
        """Of all rounds together: one alone has too few."""
        everything = sorted(took for sample in self.samples for took in sample.milliseconds)
        return everything[math.ceil(len(everything) * 0.99) - 1]

    @property
    def cpu_milliseconds(self) -> float | None:
        """For each request."""
        spent = [s.cpu_seconds * 1000 / s.done for s in self.samples if s.cpu_seconds is not None]
        return statistics.median(spent) if spent else None


def ratio(one: Series, other: Series, figure: Callable[[Sample], float]) -> float:
    """one : other, the median of the rounds."""
    pairs = zip(one.samples, other.samples, strict=True)
    return statistics.median(figure(a) / figure(b) for a, b in pairs)


def times_the_rate(one: Series, other: Series) -> float:
    return ratio(one, other, lambda sample: sample.rate)


def times_as_quick(one: Series, other: Series) -> float:
    """How many times `other`'s median takes as long as `one`'s."""
    return ratio(other, one, lambda sample: sample.p50)


class WrongAnswer(RuntimeError):
    """A server answered otherwise than it should: its figures would mean nothing."""


def measure(server: Server, order: Order, *, expect: int) -> Sample:
    """Raises WrongAnswer where any answer has another status."""
    before = server.cpu_seconds()
    seen = load(order)
    after = server.cpu_seconds()
    check(seen, expect)
    spent = after - before if before is not None and after is not None else None
    times = tuple(took for each in seen.milliseconds for took in each)
    return Sample(len(times), seen.seconds, times, spent)


def check(seen: Seen, expect: int) -> None:
    if set(seen.statuses) != {str(expect)}:
        raise WrongAnswer(f"expected {expect} throughout, got {seen.statuses}")
