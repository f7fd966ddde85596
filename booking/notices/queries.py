"""The questions about notices: what holds, what is planned, what was."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from booking.database import UtcDateTime
from booking.errors import NotFound
from booking.notices import rules
from booking.notices.models import (
    Component,
    Notice,
    NoticeComponent,
    NoticeUpdate,
    Subscription,
    SubscriptionComponent,
)
from booking.notices.rules import Condition, State, Trouble, Window

_READ_ONLY_UNTIL = (  # built once: it is asked before every write
    select(func.max(Notice.ends_at))
    .join(NoticeComponent, NoticeComponent.notice_id == Notice.id)
    .where(
        NoticeComponent.component_key == bindparam("key"),
        Notice.read_only,
        Notice.starts_at <= bindparam("now", type_=UtcDateTime),
        Notice.ends_at > bindparam("now", type_=UtcDateTime),
        Notice.resolved_at.is_(None),
    )
)


def window_of(notice: Notice) -> Window:
    return Window(notice.starts_at, notice.ends_at, notice.promise, notice.resolved_at)


@dataclass(frozen=True, slots=True)
class Posted:
    """A notice with its components, in their order, and its timeline, oldest first."""

    notice: Notice
    components: tuple[Component, ...]
    updates: tuple[NoticeUpdate, ...]

    @property
    def window(self) -> Window:
        return window_of(self.notice)

    def state(self, now: datetime) -> State:
        return rules.state(self.window, now)

    @property
    def condition(self) -> Condition:
        """What it makes of its components while it holds."""
        return rules.condition(self.notice.kind, self.notice.severity)

    def updates_until(self, now: datetime) -> list[NoticeUpdate]:
        return [update for update in self.updates if update.at <= now]


class After(NamedTuple):
    """The last notice of the page before."""

    starts_at: datetime
    id: uuid.UUID


def components(session: Session) -> Sequence[Component]:
    """In the operators' order."""
    return session.scalars(select(Component).order_by(Component.place, Component.key)).all()


def components_of(session: Session, subscription: Subscription) -> Sequence[Component]:
    """Those somebody wants to be told about."""
    return session.scalars(
        select(Component)
        .join(SubscriptionComponent, SubscriptionComponent.component_key == Component.key)
        .where(SubscriptionComponent.subscription_id == subscription.id)
        .order_by(Component.place, Component.key)
    ).all()


def component(session: Session, key: str) -> Component:
    """Raises NotFound."""
    found = session.get(Component, key) if key.isascii() and key.isprintable() else None
    if found is None:
        raise NotFound
    return found


def find(session: Session, notice_id: uuid.UUID) -> Posted:
    """Raises NotFound."""
    found = session.get(Notice, notice_id)
    if found is None:
        raise NotFound
    return _posted(session, [found])[0]


def notices(
    session: Session, at: datetime, *, limit: int = 1000, after: After | None = None
) -> list[Posted]:
    """Planned, in force, and of the ninety days before that moment; the latest start first."""
    since = at - timedelta(days=rules.HISTORY_DAYS)
    query = (
        select(Notice)
        .where(func.coalesce(Notice.resolved_at, Notice.ends_at) > since)
        .order_by(Notice.starts_at.desc(), Notice.id.desc())
        .limit(limit)
    )
    if after is not None:
        before = Notice.starts_at < after.starts_at
        beside = (Notice.starts_at == after.starts_at) & (Notice.id < after.id)
        query = query.where(or_(before, beside))
    return _posted(session, session.scalars(query).all())


def not_over(session: Session, now: datetime) -> list[Posted]:
    """In force or planned, the earliest start first."""
    query = select(Notice).where(Notice.ends_at > now, Notice.resolved_at.is_(None))
    return _posted(session, session.scalars(query.order_by(Notice.starts_at, Notice.id)).all())


def read_only_until(session: Session, component_key: str, now: datetime) -> datetime | None:
    """When maintenance lets that component be written to again; None while it may be.

    Asked before every write: one query over the few notices of an index of its own.
    """
    return session.scalar(_READ_ONLY_UNTIL, {"key": component_key, "now": now})


def troubles(posted: Sequence[Posted], key: str) -> list[Trouble]:
    """What those notices made of one component."""
    return [
        Trouble(each.condition, each.window)
        for each in posted
        if any(component.key == key for component in each.components)
    ]


def _posted(session: Session, found: Sequence[Notice]) -> list[Posted]:
    """Three queries, however many there are."""
    ids = [notice.id for notice in found]
    named: dict[uuid.UUID, list[Component]] = {each: [] for each in ids}
    lines: dict[uuid.UUID, list[NoticeUpdate]] = {each: [] for each in ids}
    if not ids:
        return []
    rows = session.execute(
        select(NoticeComponent.notice_id, Component)
        .join(Component, Component.key == NoticeComponent.component_key)
        .where(NoticeComponent.notice_id.in_(ids))
        .order_by(Component.place, Component.key)
    )
    for notice_id, component in rows:
        named[notice_id].append(component)
    updates = select(NoticeUpdate).where(NoticeUpdate.notice_id.in_(ids))
    for update in session.scalars(updates.order_by(NoticeUpdate.id)):
        lines[update.notice_id].append(update)
    return [Posted(notice, tuple(named[notice.id]), tuple(lines[notice.id])) for notice in found]
