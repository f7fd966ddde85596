"""Wanting to be told, and no longer: asked for, proved, stopped by one press."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, CursorResult, and_, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts.emails import SERVICE
from booking.accounts.rules import email_key
from booking.config import Settings
from booking.database import ChangedMeanwhile, keyring_of, new_id, settings_of
from booking.errors import Expired, Invalid, NotFound
from booking.mail import actions as mail
from booking.notices import queries
from booking.notices.emails import ConfirmNotices
from booking.notices.models import Channel, Component, Subscription, SubscriptionComponent
from booking.notices.words import ConfirmText
from booking.rate_limit import Limit, Limiter
from booking.texts import actions as texts
from booking.texts.rules import phone_key
from booking.tokens import Purpose

CONFIRM_HOURS = 24


class LinkOver(Expired):
    code = "expired"
    message = "This link is no longer valid. Subscribe once more, and we send a new one."
    ways_out = (("/status/subscribe", "Subscribe once more"),)


def can_text(settings: Settings) -> bool:
    """Texts that are only kept here are for trying the product out."""
    return bool(settings.texts_url) or not settings.production


def address_key(channel: Channel, address: str) -> str:
    """The form in which addresses are compared. Raises Invalid on `email` or `phone`."""
    key = email_key(address) if channel is Channel.EMAIL else phone_key(address)
    if key is None and channel is Channel.EMAIL:
        raise Invalid.field("email", "Type an address like name@example.com")
    if key is None:
        raise Invalid.field("phone", "Type the number with its country, like +1 617 555 0123")
    return key


def limit_asking(limiter: Limiter, channel: Channel, address: str, ip: str) -> None:
    """Raises TooOften: strangers fill nobody's mailbox or telephone, nor our bill."""
    key = address_key(channel, address)
    if channel is Channel.EMAIL:
        limiter.hit(Limit.MAIL_IP, ip)
        limiter.hit(Limit.MAIL_ADDRESS, key)
        return
    limiter.hit(Limit.TEXT_IP, ip)
    limiter.hit(Limit.TEXT_NUMBER, key)
    limiter.hit(Limit.TEXT_ALL, "everybody")


def ask(
    session: Session, channel: Channel, address: str, component_keys: Collection[str]
) -> Subscription:
    """A wish, and a message to that address with the link that makes it count. The same for every
    address: whether it is known here is not told. Raises Invalid."""
    key = address_key(channel, address)
    if channel is Channel.TEXT and not can_text(settings_of(session)):
        raise Invalid.field("phone", "We can't send texts. Use an e-mail address.", "not_offered")
    wanted = [each for each in queries.components(session) if each.key in component_keys]
    if not wanted or len(wanted) != len(set(component_keys)):
        raise Invalid.field("components", "Choose at least one from the list.", "unknown")
    moment, row_id = clock.now(), new_id()
    keyring = keyring_of(session)
    row = Subscription(
        id=row_id,
        channel=channel,
        address=address.strip() if channel is Channel.EMAIL else key,
        address_key=key,
        confirm_digest=keyring.digest(
            Purpose.NOTICES_CONFIRM, keyring.derive(Purpose.NOTICES_CONFIRM, row_id)
        ),
        stop_digest=keyring.digest(
            Purpose.NOTICES_STOP, keyring.derive(Purpose.NOTICES_STOP, row_id)
        ),
        asked_at=moment,
        expires_at=moment + timedelta(hours=CONFIRM_HOURS),
    )
    session.add(row)
    session.flush()
    session.add_all(
        SubscriptionComponent(subscription_id=row_id, component_key=each.key) for each in wanted
    )
    _send_link(session, row, wanted)
    return row


def _send_link(session: Session, row: Subscription, wanted: Sequence[Component]) -> None:
    if row.channel is Channel.TEXT:
        text = ConfirmText(subscription_id=row.id, hours=CONFIRM_HOURS)
        texts.queue(session, text, to=row.address)
        return
    letter = ConfirmNotices(
        sender_name=SERVICE.name,
        subscription_id=row.id,
        components=[each.name for each in wanted],
        hours=CONFIRM_HOURS,
    )
    mail.queue(session, letter, to=row.address)


def behind_link(session: Session, secret: str) -> Subscription:
    """The wish behind the link that was sent. Changes nothing. Raises LinkOver."""
    row = _by_digest(session, Purpose.NOTICES_CONFIRM, secret)
    if row is None or row.ended_at is not None:
        raise LinkOver
    if row.confirmed_at is None and row.expires_at <= clock.now():
        raise LinkOver
    return row


def confirm(session: Session, secret: str) -> Subscription:
    """From now on the address is told of these components, and of no others. Pressing twice changes
    nothing. Raises LinkOver."""
    row = behind_link(session, secret)
    if row.confirmed_at is None:
        _make_live(session, row)
    return row


def stoppable(session: Session, secret: str) -> Subscription:
    """The subscription that this link stops, live or not. Changes nothing. Raises NotFound."""
    row = _by_digest(session, Purpose.NOTICES_STOP, secret)
    if row is None or row.confirmed_at is None:
        raise NotFound
    return row


def stop(session: Session, secret: str) -> Subscription:
    """At once: whatever is still to be told is not told. The link never expires."""
    row = stoppable(session, secret)
    row.ended_at = row.ended_at or clock.now()
    return row


def take_back_stop(session: Session, secret: str) -> Subscription:
    """It was pressed by mistake. The address has been proved already."""
    row = stoppable(session, secret)
    if row.ended_at is not None:
        _make_live(session, row)
    return row


def stop_number(session: Session, phone: str) -> None:
    """Its owner told the provider to stop."""
    session.execute(
        update(Subscription).where(_is_live(Channel.TEXT, phone)).values(ended_at=clock.now())
    )


def forget_unconfirmed(session: Session) -> int:
    """Wishes nobody confirmed in time. Returns how many."""
    result = session.execute(
        delete(Subscription).where(
            Subscription.confirmed_at.is_(None), Subscription.expires_at < clock.now()
        )
    )
    assert isinstance(result, CursorResult)
    return result.rowcount


def _make_live(session: Session, row: Subscription) -> None:
    """In the place of an earlier one of that address."""
    moment = clock.now()
    earlier = _is_live(row.channel, row.address_key)
    session.execute(update(Subscription).where(earlier).values(ended_at=moment))
    row.confirmed_at, row.ended_at = row.confirmed_at or moment, None
    try:
        session.flush()
    except IntegrityError as error:  # two of one address at the same moment
        raise ChangedMeanwhile from error


def _is_live(channel: Channel, key: str) -> ColumnElement[bool]:
    return and_(
        Subscription.channel == channel,
        Subscription.address_key == key,
        Subscription.confirmed_at.is_not(None),
        Subscription.ended_at.is_(None),
    )


def _by_digest(session: Session, purpose: Purpose, secret: str) -> Subscription | None:
    is_confirm = purpose is Purpose.NOTICES_CONFIRM
    column = Subscription.confirm_digest if is_confirm else Subscription.stop_digest
    digest = keyring_of(session).digest(purpose, secret) if secret.isascii() else ""
    return session.scalar(select(Subscription).where(column == digest))
