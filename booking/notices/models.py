"""Components of the service, notices about them, what is due to be told, and to whom."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, new_id, states
from booking.notices.rules import Event, Kind, Promise, Severity

LONGEST_TEXT = 2000


class Component(Base):
    """A part of the service as people know it. Its key is for programs and for the gate; name, link
    and place in the list are the operators'."""

    __tablename__ = "component"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    outside_url: Mapped[str] = mapped_column(String(300), default="")
    """the status page of whoever provides it, where that is somebody else"""
    place: Mapped[int]


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


class Notice(Base):
    """Holds from `starts_at` until `ends_at`, or until it is resolved if that is sooner: never
    longer. `promise` says what `ends_at` is: the end, or the time by which we write again.

    `read_only`: while it holds, nothing is written in its components.
    """

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        Index("ix_notice_ends", "ends_at"),
        Index("ix_notice_read_only", "ends_at", **_where("read_only")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[Kind] = mapped_column(states(Kind))
    severity: Mapped[Severity] = mapped_column(states(Severity))
    title: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    promise: Mapped[Promise] = mapped_column(states(Promise))
    read_only: Mapped[bool]
    resolved_at: Mapped[datetime | None]
    posted_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class NoticeComponent(Base):
    """That a notice is about a component."""

    __tablename__ = "notice_component"

    notice_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("notice.id", ondelete="CASCADE"), primary_key=True
    )
    component_key: Mapped[str] = mapped_column(
        ForeignKey("component.key", ondelete="CASCADE"), primary_key=True, index=True
    )


class NoticeUpdate(Base):
    """A line of a notice's timeline. Lines are added, never changed."""

    __tablename__ = "notice_update"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    notice_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("notice.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    resolves: Mapped[bool]


class Telling(Base):
    """Something to tell all who want to know, due at its time; `told_at` once everybody was, or
    once it was too late to tell. `update_id` belongs to updates alone."""

    __tablename__ = "telling"
    __table_args__ = (
        Index("uq_telling_event", "notice_id", "event", unique=True, **_where("update_id IS NULL")),
        Index("ix_telling_due", "due_at", **_where("told_at IS NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    notice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"))
    event: Mapped[Event] = mapped_column(states(Event))
    update_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("notice_update.id", ondelete="CASCADE"), unique=True
    )
    due_at: Mapped[datetime]
    told_at: Mapped[datetime | None]


class Channel(StrEnum):
    EMAIL = "email"
    TEXT = "text"


class Subscription(Base):
    """Who wants to be told, once `confirmed_at`; `address_key` is the e-mail's key or the telephone
    number in E.164. A wish that is not confirmed counts for nothing and is forgotten after a day.

    Both secrets are derived from the id; their digests find the row.
    """

    __tablename__ = "notice_subscription"
    __table_args__ = (
        Index(
            "uq_notice_subscription_live",
            "channel",
            "address_key",
            unique=True,
            **_where("confirmed_at IS NOT NULL AND ended_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    channel: Mapped[Channel] = mapped_column(states(Channel))
    address: Mapped[str] = mapped_column(String(254))
    address_key: Mapped[str] = mapped_column(String(254))
    confirm_digest: Mapped[str] = mapped_column(String(64), unique=True)
    stop_digest: Mapped[str] = mapped_column(String(64), unique=True)
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class SubscriptionComponent(Base):
    """That somebody wants to be told about a component."""

    __tablename__ = "notice_subscription_component"

    subscription_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("notice_subscription.id", ondelete="CASCADE"), primary_key=True
    )
    component_key: Mapped[str] = mapped_column(
        ForeignKey("component.key", ondelete="CASCADE"), primary_key=True, index=True
    )


class Told(Base):
    """Each subscriber was told each thing, at most once: the key says so."""

    __tablename__ = "told"

    telling_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("telling.id", ondelete="CASCADE"), primary_key=True
    )
    subscription_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("notice_subscription.id", ondelete="CASCADE"), primary_key=True, index=True
    )
