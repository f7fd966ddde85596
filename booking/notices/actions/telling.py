"""Telling subscribers what is due: each of them each thing at most once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts.emails import SERVICE
from booking.database import settings_of
from booking.mail import actions as mail
from booking.notices import queries, rules
from booking.notices.emails import ServiceNotice
from booking.notices.models import (
    Channel,
    NoticeComponent,
    NoticeUpdate,
    Subscription,
    SubscriptionComponent,
    Telling,
    Told,
)
from booking.notices.queries import Posted
from booking.notices.rules import Event, Promise
from booking.notices.words import NoticeText
from booking.texts import actions as texts

BATCH = 200


def tell_next(session: Session) -> bool:
    """Queue the messages of what has been due longest, for some of those who want to know; the
    round is repeated until nothing is due. Returns whether anything was.

    On PostgreSQL two workers never have the same one in hand; the key of `Told` would hold anyway.
    """
    moment = clock.now()
    telling = session.scalar(
        select(Telling)
        .where(Telling.told_at.is_(None), Telling.due_at <= moment)
        .order_by(Telling.due_at, Telling.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if telling is None:
        return False
    posted = queries.find(session, telling.notice_id)
    if rules.is_too_late(telling.event, posted.window, moment):
        telling.told_at = moment
        return True
    listeners = _still_to_tell(session, telling)
    words = _words(session, telling, posted, moment)
    for listener in listeners:
        session.add(Told(telling_id=telling.id, subscription_id=listener.id))
        _queue(session, listener, words)
    if len(listeners) < BATCH:
        telling.told_at = moment
    return True


def oldest_due(session: Session) -> datetime | None:
    """When what has waited longest to be told becomes due, or became; for the readiness check."""
    return session.scalar(select(func.min(Telling.due_at)).where(Telling.told_at.is_(None)))


def _still_to_tell(session: Session, telling: Telling) -> Sequence[Subscription]:
    concerned = (
        select(SubscriptionComponent.subscription_id)
        .join(
            NoticeComponent,
            NoticeComponent.component_key == SubscriptionComponent.component_key,
        )
        .where(NoticeComponent.notice_id == telling.notice_id)
    )
    told = select(Told.subscription_id).where(Told.telling_id == telling.id)
    return session.scalars(
        select(Subscription)
        .where(
            Subscription.confirmed_at.is_not(None),
            Subscription.ended_at.is_(None),
            Subscription.id.in_(concerned),
            Subscription.id.not_in(told),
        )
        .order_by(Subscription.id)
        .limit(BATCH)
    ).all()


def _words(session: Session, telling: Telling, posted: Posted, now: datetime) -> dict[str, Any]:
    """What is told to everybody alike. The end of a notice is told as what became of it."""
    notice = posted.notice
    ending = telling.event is Event.ENDED
    line = session.get(NoticeUpdate, telling.update_id) if telling.update_id else None
    if ending and notice.resolved_at is not None:
        line = next((each for each in reversed(posted.updates) if each.resolves), None)
    return {
        "said": posted.state(now).value if ending else telling.event.value,
        "notice_id": notice.id,
        "title": notice.title,
        "text": line.text if line else notice.text,
        "components": [component.name for component in posted.components],
        "starts_at": notice.starts_at,
        "ends_at": notice.ends_at,
        "timezone": settings_of(session).timezone,
        "writes_again": notice.promise is Promise.UPDATE,
        "read_only": notice.read_only,
    }


def _queue(session: Session, listener: Subscription, words: dict[str, Any]) -> None:
    own = {"subscription_id": listener.id}
    if listener.channel is Channel.TEXT:
        shown = {name: value for name, value in words.items() if name in NoticeText.model_fields}
        texts.queue(session, NoticeText(**own, **shown), to=listener.address)
        return
    letter = ServiceNotice(sender_name=SERVICE.name, **own, **words)
    mail.queue(session, letter, to=listener.address)
