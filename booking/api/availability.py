"""Free times: the question every visitor asks, so its answer is written by hand."""

import functools
import hashlib
import json
import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import Header, Query, Request, Response

from booking import clock
from booking.api.caller import CallerKind, bearer, visitor_caller
from booking.api.resource import resource
from booking.availability import queries
from booking.availability.queries import FreeTimes, Question
from booking.availability.schedules import standing
from booking.database import set_business
from booking.dependencies import Reading, database_of
from booking.errors import Invalid, NotAllowed, NotFound

router = resource(tag="availability")

MOST_DAYS = 62
DEFAULT_DAYS = 14


class View(StrEnum):
    """For whom: lead time, furthest day and the choice of staff bind visitors, not staff."""

    VISITOR = "visitor"
    STAFF = "staff"


@router.get(
    "/businesses/{slug}/availability",
    responses={304: {"description": "Nothing has changed since the ETag in If-None-Match"}},
)
def availability(
    request: Request,
    slug: str,
    service: uuid.UUID,
    staff: uuid.UUID | None = None,
    first: Annotated[date | None, Query(alias="from")] = None,
    last: Annotated[date | None, Query(alias="to")] = None,
    view: View = View.VISITOR,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """`{timezone, days: [{date, slots: [{starts_at, ends_at, staff: [id…]}]}]}`: every local date
    from `from` to `to`, at most 62, with the times at which a visit could start."""
    # Its own transaction: a dependency's would go to another thread and back two times more.
    with database_of(request).reading() as session:
        by_staff = _is_staff(session, request, slug, view)
        stands = standing(session, slug=slug)
        if stands is None:
            raise NotFound
        set_business(session, stands.business_id)
        now = clock.now()
        first, last = _range(first, last, clock.to_local(now, stands.timezone).date())
        hidden = stands.preferences.staff_and_confirmation.staff_choice == "hidden" and not by_staff
        question = Question(stands, service, None if hidden else staff, first, last, now, by_staff)
        headers = {"ETag": _etag(question), "Cache-Control": "no-cache"}
        if if_none_match is not None and headers["ETag"] in if_none_match:
            return Response(status_code=304, headers=headers)
        found = queries.answer(session, question)
        if not (by_staff or stands.preferences.booking_window.online_booking_enabled):
            found = FreeTimes(found.timezone, {day: [] for day in found.days})
        return Response(_written(found, hidden), media_type="application/json", headers=headers)


def _is_staff(session: Reading, request: Request, slug: str, view: View) -> bool:
    """A token is checked where there is one; without it nobody has to be asked for."""
    if bearer(request) is None and view is View.VISITOR:
        return False
    caller = visitor_caller(session, request, slug)
    if view is View.STAFF and caller.kind is not CallerKind.STAFF:
        raise NotAllowed("This view is for the people who run the business.")
    return view is View.STAFF


def _range(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    first = first or today
    if last is None:
        last = date.fromordinal(min(first.toordinal() + DEFAULT_DAYS - 1, date.max.toordinal()))
    if last < first:
        raise Invalid.field("to", "This must not be before `from`.")
    if (last - first).days >= MOST_DAYS:
        raise Invalid.field("to", f"Ask for at most {MOST_DAYS} days at once.", "too_many_days")
    return first, last


def _etag(question: Question) -> str:
    mark = hashlib.blake2b(repr(question.fingerprint()).encode(), digest_size=16)
    return f'"{mark.hexdigest()}"'


def _written(found: FreeTimes, hidden: bool) -> str:
    """The answer as JSON. Hundreds of slots name the same few sets of staff and the same times.

    Sets of staff are told apart by which object they are: hashing UUIDs costs as much as the query.
    """
    zone = found.timezone
    names = {id(slot.staff): slot.staff for slots in found.days.values() for slot in slots}
    staff = {which: "[]}" if hidden else _staff(each) for which, each in names.items()}
    days = ",".join(
        f'{{"date":"{day}","slots":['
        + ",".join([_times(start, end, zone) + staff[id(who)] for start, end, who in slots])
        + "]}"
        for day, slots in found.days.items()
    )
    return f'{{"timezone":{json.dumps(zone)},"days":[{days}]}}'


@functools.lru_cache(maxsize=4_096)
def _staff(names: tuple[uuid.UUID, ...]) -> str:
    return json.dumps([str(one) for one in names], separators=(",", ":")) + "}"


@functools.lru_cache(maxsize=65_536)
def _times(starts: int, ends: int, zone_name: str) -> str:
    zone = clock.zone(zone_name)
    start, end = (datetime.fromtimestamp(each, zone).isoformat() for each in (starts, ends))
    return f'{{"starts_at":"{start}","ends_at":"{end}","staff":'
