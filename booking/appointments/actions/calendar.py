"""The calendar of a login: its secret address, renewed when it has got about, and what is there."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts.models import Account
from booking.appointments import ical
from booking.appointments.emails import domain_of, title_of
from booking.appointments.ical import Entry, Status
from booking.appointments.models import AppointmentState, CalendarFeed
from booking.appointments.queries import Mine, mine
from booking.audit.actions import Actor, record
from booking.businesses.models import Business
from booking.businesses.queries import this_business
from booking.database import (
    across_businesses,
    business_of,
    keyring_of,
    lock,
    new_id,
    set_business,
    settings_of,
)
from booking.errors import NotFound
from booking.preferences.actions import current
from booking.tokens import Purpose

_FEED_LOOKS_BACK = timedelta(days=180)
_FEED_HOLDS = 1000


def feed_of(session: Session, account: Account) -> CalendarFeed:
    """The feed of this login at this business; made at the first asking."""
    lock(session, account)
    feed = session.scalar(select(CalendarFeed).where(CalendarFeed.account_id == account.id))
    if feed is not None:
        return feed
    feed_id = new_id()
    feed = CalendarFeed(
        id=feed_id,
        business_id=business_of(session),
        account_id=account.id,
        digest=_digest(session, feed_id, 0),
        generation=0,
        created_at=clock.now(),
    )
    session.add(feed)
    session.flush()
    return feed


def renew_feed(session: Session, account: Account, *, by: Actor) -> CalendarFeed:
    """A new address; the old one is unknown from now on."""
    feed = feed_of(session, account)
    feed.generation += 1
    feed.digest = _digest(session, feed.id, feed.generation)
    record(session, "calendar.renewed", feed, by=by)
    session.flush()
    return feed


def feed_token(session: Session, feed: CalendarFeed) -> str:
    """The path ends in it: `/calendars/{token}.ics`."""
    return keyring_of(session).derive(Purpose.CALENDAR, feed.id, feed.generation)


def _digest(session: Session, feed_id: uuid.UUID, generation: int) -> str:
    keyring = keyring_of(session)
    return keyring.digest(Purpose.CALENDAR, keyring.derive(Purpose.CALENDAR, feed_id, generation))


@dataclass(frozen=True, slots=True)
class Calendar:
    """A file of RFC 5545, and a mark of its content."""

    content: bytes
    etag: str


def feed_behind(session: Session, token: str, *, now: datetime) -> Calendar:
    """The calendar of a login, for whoever holds its secret address. Raises NotFound.

    The session works for no business yet: the address says which. While client access is off, or
    the login is disabled, there is nothing here.
    """
    digest = keyring_of(session).digest(Purpose.CALENDAR, token) if token.isascii() else ""
    with across_businesses(session):
        feed = session.scalar(select(CalendarFeed).where(CalendarFeed.digest == digest))
        if feed is None:
            raise NotFound
    set_business(session, feed.business_id)
    account = session.get(Account, feed.account_id)
    is_open = current(session).client_settings.allow_client_online_account_access
    if account is None or account.disabled_at is not None or not is_open:
        raise NotFound
    content = _feed(session, feed.account_id, now)
    return Calendar(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def _feed(session: Session, account_id: uuid.UUID, now: datetime) -> bytes:
    business = this_business(session)
    visits = [
        *mine(session, account_id, "upcoming", now=now, limit=_FEED_HOLDS),
        *mine(session, account_id, "past", now=now, limit=_FEED_HOLDS),
    ]
    shows_past = current(session).client_settings.show_past_appointments
    since = now - _FEED_LOOKS_BACK if shows_past else now
    domain = domain_of(settings_of(session))
    entries = [entry_of(visit, business) for visit in visits if visit.ends_at > since]
    return ical.feed(entries, name=f"Visits at {business.name}", domain=domain)


_STATUSES = {
    AppointmentState.PENDING: Status.TENTATIVE,
    AppointmentState.DECLINED: Status.CANCELLED,
    AppointmentState.CANCELLED: Status.CANCELLED,
}


def entry_of(visit: Mine, business: Business) -> Entry:
    pets = tuple(pet["name"] for pet in visit.pets)
    return Entry(
        id=visit.id,
        sequence=visit.sequence,
        status=_STATUSES.get(visit.state, Status.CONFIRMED),
        starts_at=visit.starts_at,
        ends_at=visit.ends_at,
        changed_at=visit.updated_at.astimezone(UTC),
        title=title_of(visit.service_name, pets, business.name),
        location=business.address,
        description=f"With {visit.staff_name}",
    )
