"""Operators post notices, change them, add updates, and resolve them."""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from booking import clock, wakeup
from booking.audit.actions import Actor, record
from booking.database import lock, new_id, settings_of
from booking.errors import Conflict, FieldError, Invalid
from booking.fields import LongText, Required100
from booking.notices import queries, rules
from booking.notices.models import (
    LONGEST_TEXT,
    Component,
    Notice,
    NoticeComponent,
    NoticeUpdate,
    Telling,
)
from booking.notices.rules import Event, Kind, Promise, Severity

WAKE = "tell_of_notices"
MOST_COMPONENTS = 40


class NoticeOver(Conflict):
    code = "notice_over"
    message = "This notice is over. Post a new one."


def _in_reach(moment: datetime) -> datetime:
    """Aware, and of a year that every database and zone can count with."""
    if moment.tzinfo is None:
        raise ValueError("Say in which zone, like 2026-12-24T18:00:00Z.")
    if not 2000 <= moment.year <= 2200:
        raise ValueError("Choose a date within a year.")
    return moment.astimezone(UTC).replace(microsecond=0)


Moment = Annotated[datetime, AfterValidator(_in_reach)]
Words = Annotated[LongText, StringConstraints(min_length=1, max_length=LONGEST_TEXT)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class Until(BaseModel):
    """Exactly one: when it ends, or by when we write again."""

    model_config = ConfigDict(extra="forbid")

    ends_at: Moment | None = None
    next_update_at: Moment | None = None

    @property
    def end(self) -> tuple[datetime, Promise] | None:
        if self.ends_at is not None:
            return self.ends_at, Promise.END
        return None if self.next_update_at is None else (self.next_update_at, Promise.UPDATE)


class Posting(Until):
    """What an operator says. Without `starts_at` it starts at once."""

    kind: Kind
    severity: Severity = Severity.INFORMATION
    title: Required100
    text: Words
    components: list[Key] = Field(min_length=1, max_length=MOST_COMPONENTS)
    starts_at: Moment | None = None
    read_only: bool = False

    @classmethod
    def of(cls, posted: queries.Posted) -> Self:
        notice = posted.notice
        end = "ends_at" if notice.promise is Promise.END else "next_update_at"
        return cls(
            kind=notice.kind,
            severity=notice.severity,
            title=notice.title,
            text=notice.text,
            components=[component.key for component in posted.components],
            starts_at=notice.starts_at,
            read_only=notice.read_only,
            **{end: notice.ends_at},
        )


class Line(Until):
    """An update: its words, and perhaps a later end or a new time by which we write again."""

    text: Words
    resolved: bool = False


def post(session: Session, posting: Posting, *, by: Actor) -> Notice:
    """Holds from its start, and whoever wants to be told is. Raises Invalid."""
    moment = clock.now().replace(microsecond=0)
    starts_at = posting.starts_at or moment
    ends_at, promise = _end_of(posting)
    _check(session, posting, starts_at)
    notice = Notice(
        id=new_id(),
        kind=posting.kind,
        severity=posting.severity,
        title=posting.title,
        text=posting.text,
        starts_at=starts_at,
        ends_at=ends_at,
        promise=promise,
        read_only=posting.read_only,
        resolved_at=None,
        posted_at=moment,
        changed_at=moment,
    )
    session.add(notice)
    session.flush()
    _set_components(session, notice, posting.components)
    _plan(session, notice, moment)
    record(session, "notice.posted", notice, by=by, title=notice.title)
    return notice


def revise(session: Session, notice: Notice, posting: Posting, *, by: Actor) -> None:
    """Put right what was said. New times are a line of the timeline, and subscribers are told.

    Raises NoticeOver or Invalid.
    """
    moment = _begin_change(session, notice)
    ends_at, promise = _end_of(posting)
    starts_at = posting.starts_at or notice.starts_at
    _check(session, posting, starts_at)
    moved = (starts_at, ends_at) != (notice.starts_at, notice.ends_at)
    notice.kind, notice.severity = posting.kind, posting.severity
    notice.title, notice.text = posting.title, posting.text
    notice.read_only = posting.read_only
    notice.starts_at, notice.ends_at, notice.promise = starts_at, ends_at, promise
    _set_components(session, notice, posting.components)
    if moved:
        zone = settings_of(session).timezone
        _add_line(session, notice, f"New times: {rules.say_window(starts_at, ends_at, zone)}.")
    _plan(session, notice, moment)
    record(session, "notice.changed", notice, by=by)


def add_update(session: Session, notice: Notice, line: Line, *, by: Actor) -> NoticeUpdate:
    """A line of the timeline, told to subscribers; `resolved` ends the notice at once.

    Raises NoticeOver or Invalid.
    """
    moment = _begin_change(session, notice)
    if line.end is not None and not line.resolved:
        ends_at, promise = line.end
        _check_times(notice.starts_at, ends_at, promise, moment)
        notice.ends_at, notice.promise = ends_at, promise
    if line.resolved:
        notice.resolved_at = moment
    update = _add_line(session, notice, line.text)
    _plan(session, notice, moment)
    record(session, "notice.updated", notice, by=by, resolved=line.resolved)
    return update


def _begin_change(session: Session, notice: Notice) -> datetime:
    """Now, once nobody else changes it. Raises NoticeOver."""
    lock(session, notice)
    moment = clock.now().replace(microsecond=0)
    if queries.window_of(notice).over_at <= moment:
        raise NoticeOver
    notice.changed_at = moment
    return moment


def _end_of(posting: Posting) -> tuple[datetime, Promise]:
    """A notice without an end is refused: nothing would ever take it away."""
    if posting.end is None:
        raise Invalid.field("ends_at", "Say when it ends, or by when you write again.", "missing")
    if posting.ends_at is not None and posting.next_update_at is not None:
        raise Invalid.field("next_update_at", "Give one of the two, not both.", "both")
    return posting.end


def _check(session: Session, posting: Posting, starts_at: datetime) -> None:
    _check_times(starts_at, *_end_of(posting), clock.now())
    if posting.read_only and posting.kind is not Kind.MAINTENANCE:
        message = "Only maintenance can put components into read-only."
        raise Invalid.field("read_only", message, "not_maintenance")
    known = {component.key for component in queries.components(session)}
    if not set(posting.components) <= known:
        raise Invalid.field("components", "Choose from the list of components.", "unknown")


def _check_times(starts_at: datetime, ends_at: datetime, promise: Promise, now: datetime) -> None:
    objection: FieldError | None = rules.objection(starts_at, ends_at, promise, now)
    if objection is not None:
        raise Invalid(fields=(objection,))


def _set_components(session: Session, notice: Notice, keys: list[str]) -> None:
    session.execute(delete(NoticeComponent).where(NoticeComponent.notice_id == notice.id))
    session.add_all(
        NoticeComponent(notice_id=notice.id, component_key=key) for key in sorted(set(keys))
    )
    session.flush()


def _add_line(session: Session, notice: Notice, text: str) -> NoticeUpdate:
    """The last line of a resolved notice is told with its end, and not twice."""
    resolves = notice.resolved_at is not None
    update = NoticeUpdate(
        id=new_id(), notice_id=notice.id, at=notice.changed_at, text=text, resolves=resolves
    )
    session.add(update)
    session.flush()
    if not resolves:
        session.add(_telling(notice, Event.UPDATED, notice.changed_at, update))
    return update


def _plan(session: Session, notice: Notice, moment: datetime) -> None:
    """What is still to be told of it, as it stands now; what was told stays told."""
    of_this = (Telling.notice_id == notice.id) & Telling.update_id.is_(None)
    session.flush()
    session.execute(delete(Telling).where(of_this, Telling.told_at.is_(None)))
    told = set(session.scalars(select(Telling.event).where(of_this)))
    agenda = rules.agenda(notice.kind, queries.window_of(notice), moment)
    session.add_all(_telling(notice, due.event, due.at) for due in agenda if due.event not in told)
    session.flush()
    wakeup.after_commit(session, WAKE)


def _telling(
    notice: Notice, event: Event, due_at: datetime, update: NoticeUpdate | None = None
) -> Telling:
    return Telling(
        id=new_id(),
        notice_id=notice.id,
        event=event,
        update_id=update.id if update else None,
        due_at=due_at,
    )


class ComponentIn(BaseModel):
    """As operators name a component; `outside_url` is the status page of whoever provides it."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Required100, StringConstraints(max_length=60)]
    outside_url: Annotated[str, StringConstraints(max_length=300, pattern=r"^(https://\S+)?$")] = ""


def add_component(session: Session, given: ComponentIn, *, by: Actor) -> Component:
    """The last of the list. Raises Invalid where another one would have the same key."""
    key = rules.key_of(given.name)
    known = queries.components(session)
    if not key or key in {component.key for component in known}:
        raise Invalid.field("name", "Choose a name that no other component has.", "taken")
    place = max((component.place for component in known), default=0) + 1
    component = Component(key=key, name=given.name, outside_url=given.outside_url, place=place)
    session.add(component)
    session.flush()
    record(session, "component.added", None, by=by, key=key)
    return component


def change_component(
    session: Session, component: Component, given: ComponentIn, *, by: Actor
) -> None:
    component.name, component.outside_url = given.name, given.outside_url
    record(session, "component.changed", None, by=by, key=component.key)
