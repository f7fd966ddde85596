"""The secret address of a login's calendar: made once, and changed when it has got about."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts.models import Account
from booking.appointments.models import CalendarFeed
from booking.audit.actions import Actor, record
from booking.database import business_of, lock, new_id, settings_of
from booking.tokens import Purpose


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
    return settings_of(session).keyring.derive(Purpose.CALENDAR, feed.id, feed.generation)


def _digest(session: Session, feed_id: uuid.UUID, generation: int) -> str:
    keyring = settings_of(session).keyring
    return keyring.digest(Purpose.CALENDAR, keyring.derive(Purpose.CALENDAR, feed_id, generation))
