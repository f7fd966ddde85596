"""The front door: what this is, and the booking site of one business."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from booking.availability import queries as availability
from booking.availability.models import OpeningHours
from booking.billing import queries as billing
from booking.businesses import queries as businesses
from booking.catalogue import queries as catalogue
from booking.dependencies import Reading, settings_of
from booking.web.closures import coming_closures
from booking.web.page import render
from booking.web.visitor import SiteReads

router = APIRouter(include_in_schema=False)

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@router.get("/")
def front_door(session: Reading, request: Request) -> Response:
    """Names no business: who uses the service is nobody's concern. A development copy helps you
    find your way."""
    known = [] if settings_of(request).production else businesses.all_businesses(session)
    return render(request, "site/front_door.html", businesses=known)


@router.get("/{slug}")
def home(visitor: SiteReads, request: Request) -> Response:
    """Who we are, when we are open, what we do, and how to book it."""
    window = visitor.preferences.booking_window
    return render(
        request,
        "site/home.html",
        visitor=visitor,
        services=catalogue.services(visitor.session),
        hours=_hours(availability.opening_hours(visitor.session)),
        closures=coming_closures(visitor),
        is_open=window.online_booking_enabled and not billing.is_read_only(visitor.session),
        closed_message=window.disabled_message,
        shows_prices=visitor.preferences.client_settings.show_prices,
    )


def _hours(opening: Sequence[OpeningHours]) -> list[tuple[str, str]]:
    """A week from Monday; a day without hours is closed."""
    days: dict[int, list[str]] = {weekday: [] for weekday in range(7)}
    for row in opening:
        days[row.weekday].append(f"{_clock(row.start_minute)} – {_clock(row.end_minute)}")
    return [(WEEKDAYS[weekday], ", ".join(said) or "Closed") for weekday, said in days.items()]


def _clock(minute: int) -> str:
    if minute in (0, 1440):
        return "midnight"
    hour, rest = divmod(minute, 60)
    return f"{hour % 12 or 12}:{rest:02d} {'am' if hour < 12 else 'pm'}"
