"""Free times: the question every visitor asks, so its answer is written by hand."""

import functools
import hashlib
import json
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from booking import clock
from booking.api.caller import CallerKind, bearer, visitor_caller
from booking.availability import queries
from booking.availability.queries import FreeTimes, Question
from booking.availability.schedules import Standing, standing
from booking.database import set_business
from booking.dependencies import Reading
from booking.errors import Invalid, NotFound

router = APIRouter(tags=["availability"])

MOST_DAYS = 62
DEFAULT_DAYS = 14


@router.get(
    "/businesses/{slug}/availability",
    responses={304: {"description": "Nothing has changed since the ETag in If-None-Match"}},
)
def availability(
    session: Reading,
    request: Request,
    slug: str,
    service: uuid.UUID,
    staff: uuid.UUID | None = None,
    first: Annotated[date | None, Query(alias="from")] = None,
    last: Annotated[date | None, Query(alias="to")] = None,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """`{timezone, days: [{date, slots: [{starts_at, ends_at, staff: [id…]}]}]}`: every local date
    from `from` to `to`, at most 62, with the times at which a visit could start."""
    by_staff = _is_staff(session, request, slug)
    stands = standing(session, slug=slug)
    if stands is None:
        raise NotFound
    set_business(session, stands.business_id)
    now = clock.now()
    first, last = _range(first, last, clock.to_local(now, stands.timezone).date())
    hidden = stands.preferences.staff_and_confirmation.staff_choice == "hidden" and not by_staff
    question = Question(stands, service, None if hidden else staff, first, last, now, by_staff)
    etag = _etag(question)
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if if_none_match is not None and etag in if_none_match:
        return Response(status_code=304, headers=headers)
    found = queries.answer(session, question)
    if not (by_staff or stands.preferences.booking_window.online_booking_enabled):
        found = FreeTimes(found.timezone, {day: [] for day in found.days})
    return Response(_written(found, hidden), media_type="application/json", headers=headers)
