"""Whether something may be written now: not while maintenance holds its component read-only, nor
for a business whose bill stayed unpaid beyond its grace.

One check, asked by `api/caller.py` and `web/visitor.py` wherever a session writes for a business.
A route's tags say to which component it belongs; what must always stay possible (signing in,
unsubscribing, cancelling, ending somebody's access) is marked with `stays_open`, and billing is
never shut.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from fastapi import Request
from sqlalchemy.orm import Session

from booking import clock
from booking.billing import queries as billing
from booking.businesses.queries import this_business
from booking.database import is_writing
from booking.errors import NotAllowed, PaymentNeeded, Unavailable
from booking.notices import queries as notices
from booking.notices.rules import retry_after, say_moment

ONLINE_BOOKING = "online_booking"
MESSAGING = "messaging"
REMOTE_ACCESS = "remote_access"
ACCOUNT_MANAGEMENT = "account_management"

COMPONENTS = {
    "appointments": ONLINE_BOOKING,
    "my appointments": ONLINE_BOOKING,
    "invitations": MESSAGING,
    "client logins": ACCOUNT_MANAGEMENT,
    "me": ACCOUNT_MANAGEMENT,
    "members": ACCOUNT_MANAGEMENT,
    "business": REMOTE_ACCESS,
    "clients": REMOTE_ACCESS,
    "hours": REMOTE_ACCESS,
    "imports": REMOTE_ACCESS,
    "matches": REMOTE_ACCESS,
    "merges": REMOTE_ACCESS,
    "preferences": REMOTE_ACCESS,
    "services": REMOTE_ACCESS,
    "staff": REMOTE_ACCESS,
}
"""Of a tag: what people book, send, and do from where they are."""

ALWAYS_OPEN = {"billing", "registrations"}
"""Tags of what a business that owes something needs to pay, and what asks by itself whether it
did."""

_SAFE = {"GET", "HEAD", "OPTIONS"}
_open: set[Callable[..., Any]] = set()
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class UnderMaintenance(Unavailable):
    code = "maintenance"

    def __init__(self, name: str, until: datetime, zone: str) -> None:
        super().__init__(
            f"Maintenance: {name} can be looked at and not changed until"
            f" {say_moment(until, zone)}. Nothing is lost; please try again then.",
            until=until.isoformat(),
        )
        self.retry_after = retry_after(until, clock.now())


class PastDue(PaymentNeeded):
    """Told to the people who run the business."""

    code = "read_only"
    message = (
        "A payment is overdue, so nothing can be changed for now. Nothing is lost, and all works"
        " again as soon as it is paid."
    )

    def __init__(self, slug: str) -> None:
        account_page = f"/manage/{slug}/billing"
        super().__init__(account_page=account_page)
        self.ways_out = ((account_page, "Open the account page"),)


class ClosedForNow(NotAllowed):
    """Told to pet owners, whom the reason does not concern."""

    code = "online_booking_closed"
    message = "Online booking is closed at the moment. Please get in touch with the business."


def stays_open(endpoint: Endpoint) -> Endpoint:
    """Possible all the same."""
    _open.add(endpoint)
    return endpoint


def expect_open(session: Session, request: Request, *, for_staff: bool = False) -> None:
    """Asks nothing of the database where nothing is written; where something is, one question of
    an index about maintenance, and one about the bill.

    Raises UnderMaintenance, PastDue or ClosedForNow.
    """
    if request.method in _SAFE or not is_writing(session) or request.scope["endpoint"] in _open:
        return
    tags = request.scope["route"].tags
    if ALWAYS_OPEN.intersection(tags):
        return
    _expect_no_maintenance(session, tags)
    if billing.is_read_only(session):
        raise PastDue(this_business(session).slug) if for_staff else ClosedForNow


def _expect_no_maintenance(session: Session, tags: list[str]) -> None:
    component = component_of(tags)
    if component is None:
        return
    until = notices.read_only_until(session, component, clock.now())
    if until is not None:
        name = notices.component(session, component).name
        raise UnderMaintenance(name, until, this_business(session).timezone)


def component_of(tags: list[str]) -> str | None:
    return next((COMPONENTS[tag] for tag in tags if tag in COMPONENTS), None)
