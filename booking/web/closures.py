"""A business's closures and holidays, as its visitors are told of them ahead of time."""

from datetime import timedelta

from booking import clock
from booking.availability import queries as availability
from booking.web.visitor import Visitor

_SHOWN_AHEAD = timedelta(days=60)


def coming_closures(visitor: Visitor) -> list[tuple[str, str]]:
    """When, and why where that was said; the soonest first."""
    today = clock.to_local(clock.now(), visitor.business.timezone).date()
    shown = []
    for closure in availability.closures(visitor.session, since=today):
        if closure.first_day <= today + _SHOWN_AHEAD:
            first, last = (
                f"{day:%a} {day.day} {day:%b}" for day in (closure.first_day, closure.last_day)
            )
            shown.append((first if first == last else f"{first} – {last}", closure.reason))
    return shown
