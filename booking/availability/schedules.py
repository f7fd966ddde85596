"""A business's week and what takes time out of it, as the rules want it; and the versions by which
others know that it stands still.

Asked for every visitor, so it goes over Core columns instead of ORM rows, and names its business in
each statement: the tenant guard does not see those.
"""

import secrets
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    String,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    event,
    select,
    text,
    type_coerce,
)
from sqlalchemy.orm import Session

from booking.availability.models import (
    LONGEST_BUSY_SECONDS,
    Busy,
    Calendar,
    Closure,
    OpeningHours,
    StaffHours,
    TimeOff,
)
from booking.businesses.models import Business
from booking.catalogue.models import Performs, Service, StaffMember
from booking.preferences.actions import loaded
from booking.preferences.models import PreferenceSet
from booking.preferences.rules import Preferences

_DAY = 86_400
_EPOCH = date(1970, 1, 1)
_MOST_KEPT = 500
_PARTS_OF_A_WEEK = (Service, StaffMember, Performs, OpeningHours, StaffHours, Closure, TimeOff)

_business, _chosen, _calendar = Business.__table__, PreferenceSet.__table__, Calendar.__table__
_service, _performs, _staff = Service.__table__, Performs.__table__, StaffMember.__table__
_opening, _hours = OpeningHours.__table__, StaffHours.__table__
_closure, _time_off, _busy = Closure.__table__, TimeOff.__table__, Busy.__table__
_b: BindParameter[uuid.UUID] = bindparam("b")

_STANDING = (
    select(
        _business.c.id,
        _business.c.timezone,
        _chosen.c.version,
        cast(_chosen.c.chosen, Text),
        _calendar.c.version,
        _calendar.c.week_mark,
    )
    .select_from(_business)
    .outerjoin(_chosen, _chosen.c.business_id == _business.c.id)
    .outerjoin(_calendar, _calendar.c.business_id == _business.c.id)
)
_BY_ID = _STANDING.where(_business.c.id == _b)
_BY_SLUG = _STANDING.where(_business.c.slug == bindparam("slug"))
# Every service and who performs it; one without anybody gives one row with a null staff id.
_SERVICES = (
    select(
        _service.c.id,
        _service.c.duration_minutes,
        _service.c.buffer_before_minutes,
        _service.c.buffer_after_minutes,
        _staff.c.id,
        _staff.c.name,
    )
    .select_from(_service)
    .outerjoin(_performs, and_(_performs.c.service_id == _service.c.id, _service.c.active))
    .outerjoin(_staff, and_(_staff.c.id == _performs.c.staff_id, _staff.c.active))
    .where(_service.c.business_id == _b)
    .order_by(_staff.c.position, _staff.c.name, _staff.c.id)
)
_OPENING = select(_opening.c.weekday, _opening.c.start_minute, _opening.c.end_minute).where(
    _opening.c.business_id == _b
)
_HOURS = select(
    _hours.c.staff_id, _hours.c.weekday, _hours.c.start_minute, _hours.c.end_minute
).where(_hours.c.business_id == _b)
_CLOSURES = select(_closure.c.first_day, _closure.c.last_day).where(
    _closure.c.business_id == _b, _closure.c.last_day >= bindparam("day")
)
_TIME_OFF = select(
    _time_off.c.staff_id,
    type_coerce(_time_off.c.starts_at, BigInteger),
    type_coerce(_time_off.c.ends_at, BigInteger),
).where(
    _time_off.c.business_id == _b, type_coerce(_time_off.c.ends_at, BigInteger) > bindparam("after")
)
# The bound on ends_at keeps the range narrow at both ends of the covering index. Staff ids stay as
# the driver gives them: making 700 UUIDs costs as much as the query.
_BUSY = select(
    type_coerce(_busy.c.staff_id, String),
    type_coerce(_busy.c.starts_at, BigInteger),
    type_coerce(_busy.c.ends_at, BigInteger),
).where(
    _busy.c.business_id == _b,
    type_coerce(_busy.c.ends_at, BigInteger) > bindparam("after"),
    type_coerce(_busy.c.ends_at, BigInteger) < bindparam("ends_before"),
    type_coerce(_busy.c.starts_at, BigInteger) < bindparam("before"),
)
_RAISE = text(
    "INSERT INTO calendar (business_id, version, week_mark)"
    " VALUES (:b, 1, COALESCE(CAST(:mark AS BIGINT), 0))"
    " ON CONFLICT (business_id) DO UPDATE SET version = calendar.version + 1,"
    " week_mark = COALESCE(CAST(:mark AS BIGINT), calendar.week_mark)"
).bindparams(bindparam("b", type_=Uuid()))


class Standing(NamedTuple):
    """How things stand at a business: its choices, and the versions of what is too much to read."""

    business_id: uuid.UUID
    timezone: str
    preferences: Preferences
    version: int
    week_mark: int


class Offer(NamedTuple):
    """A service as time sees it; nobody performs one that has left the site."""

    duration: int
    before: int | None
    after: int | None
    staff: tuple[tuple[uuid.UUID, str], ...]
    """(id, name), in the order of the Staff page"""


class Week(NamedTuple):
    """What a business offers and when, as of one version of its week."""

    offers: dict[uuid.UUID, Offer]

    opening: tuple[tuple[int, int, int], ...]
    weekly: dict[uuid.UUID, tuple[tuple[int, int, int], ...]]
    closures: tuple[tuple[date, date], ...]
    time_off: dict[uuid.UUID, tuple[tuple[int, int], ...]]


_kept: dict[tuple[uuid.UUID, int, date], Week] = {}


def standing(
    session: Session, business_id: uuid.UUID | None = None, *, slug: str = ""
) -> Standing | None:
    """Read before what it stands for, so that version and mark are never newer than that."""
    if not slug.isprintable():
        return None
    found = (
        session.execute(_BY_SLUG, {"slug": slug})
        if business_id is None
        else session.execute(_BY_ID, {"b": business_id})
    )
    row = found.one_or_none()
    if row is None:
        return None
    return Standing(row[0], row[1], loaded(row[2], row[3]), row[4] or 0, row[5] or 0)


def raise_version(session: Session, business_id: uuid.UUID, *, week: bool) -> None:
    """Free times have changed; `week`: not by a booking alone."""
    mark = secrets.randbits(62) + 1 if week else None
    session.execute(_RAISE, {"b": business_id, "mark": mark})


@event.listens_for(Session, "after_flush")
def _week_changed(session: Session, _context: Any) -> None:
    """Whoever changes a part of a week, the version rises: it can't be forgotten.

    Deletes without an ORM row are not seen here; the actions that do so call `raise_version`.
    """
    rows = chain(session.new, session.dirty, session.deleted)
    changed = {row.business_id for row in rows if isinstance(row, _PARTS_OF_A_WEEK)}
    for business_id in changed:
        raise_version(session, business_id, week=True)


def week_of(session: Session, now: Standing, today: date) -> Week:
    """The week as it stands. Absences and closures over before today are left out."""
    key = (now.business_id, now.week_mark, today)
    week = _kept.get(key)
    if week is None:
        week = _load(session, now.business_id, today - timedelta(days=2))
        if now.week_mark:
            if len(_kept) >= _MOST_KEPT:
                _kept.clear()
            _kept[key] = week
    return week


def _load(session: Session, business_id: uuid.UUID, since: date) -> Week:
    b = {"b": business_id}
    weekly: dict[uuid.UUID, list[tuple[int, int, int]]] = {}
    for staff_id, weekday, start, end in session.execute(_HOURS, b):
        weekly.setdefault(staff_id, []).append((weekday, start, end))
    absent: dict[uuid.UUID, list[tuple[int, int]]] = {}
    for staff_id, starts, ends in session.execute(_TIME_OFF, b | {"after": _seconds(since)}):
        absent.setdefault(staff_id, []).append((starts, ends))
    return Week(
        offers=_offers(session, business_id),
        opening=tuple((row[0], row[1], row[2]) for row in session.execute(_OPENING, b)),
        weekly={staff_id: tuple(hours) for staff_id, hours in weekly.items()},
        closures=tuple((row[0], row[1]) for row in session.execute(_CLOSURES, b | {"day": since})),
        time_off={staff_id: tuple(times) for staff_id, times in absent.items()},
    )


def _offers(session: Session, business_id: uuid.UUID) -> dict[uuid.UUID, Offer]:
    offers: dict[uuid.UUID, Offer] = {}
    for service_id, duration, before, after, staff_id, name in session.execute(
        _SERVICES, {"b": business_id}
    ):
        offer = offers.get(service_id) or Offer(duration, before, after, ())
        who = ((staff_id, name),) if staff_id else ()
        offers[service_id] = offer._replace(staff=offer.staff + who)
    return offers


def busy_of(
    session: Session,
    business_id: uuid.UUID,
    staff: Sequence[uuid.UUID],
    *,
    first: date,
    last: date,
    now: datetime,
) -> dict[uuid.UUID, list[tuple[int, int]]]:
    """What these people have given away on these days, as [start, end) in epoch seconds.

    A day more at both ends, for zones and buffers; nothing that is long past.
    """
    by_key: dict[object, list[tuple[int, int]]] = {}
    found: dict[uuid.UUID, list[tuple[int, int]]] = {}
    for one in staff:
        # as SQLite's driver gives an id, and as PostgreSQL's does
        found[one] = by_key[one.hex] = by_key[one] = []
    after = max(_seconds(first), int(now.timestamp())) - _DAY
    before = _seconds(last) + 2 * _DAY
    if not found or after >= before:
        return found
    bounds = {
        "b": business_id,
        "after": after,
        "before": before,
        "ends_before": before + LONGEST_BUSY_SECONDS,
    }
    others: list[tuple[int, int]] = []
    for staff_id, starts, ends in session.execute(_BUSY, bounds).all():
        by_key.get(staff_id, others).append((starts, ends))
    return found


def _seconds(day: date) -> int:
    return (day - _EPOCH).days * _DAY
