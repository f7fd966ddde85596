"""Booking, one question a page: which service, with whom, when."""

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.availability import queries as availability
from booking.catalogue import queries as catalogue
from booking.catalogue.models import StaffMember
from booking.web.closures import coming_closures
from booking.web.draft import ANYONE
from booking.web.page import Form, redirect
from booking.web.times import Groups, grouped, read_day, times
from booking.web.visitor import SiteReads
from booking.web.way import Way, closed, way_of

router = APIRouter(include_in_schema=False, tags=["appointments"])

_NEAREST_SHOWN = 6


@router.api_route("/{slug}/book", methods=["GET", "POST"])
def which_service(visitor: SiteReads, request: Request, form: Form) -> Response:
    way = way_of(visitor, request, form)
    return closed(way, request) or _services_page(way, request)


def _services_page(way: Way, request: Request) -> Response:
    services = catalogue.services(way.visitor.session)
    performed = catalogue.performers(way.visitor.session)
    offered = [service for service in services if performed.get(service.id)]
    return way.page(
        request, "book/service.html", services=offered, closures=coming_closures(way.visitor)
    )


@router.api_route("/{slug}/book/who", methods=["GET", "POST"])
def with_whom(visitor: SiteReads, request: Request, form: Form) -> Response:
    way = way_of(visitor, request, form)
    shut = closed(way, request)
    if shut is not None:
        return shut
    return who_page(way, request, form)


def who_page(way: Way, request: Request, form: Form) -> Response:
    if way.service is None:
        return _services_page(way, request)
    choice = way.visitor.preferences.staff_and_confirmation.staff_choice
    if len(way.able) < 2 or choice == "hidden":
        return _onwards(way, request, form)
    return way.page(
        request,
        "book/who.html",
        staff=_in_order(way),
        chosen=way.staff_answer or ANYONE,
        may_be_anyone=choice == "optional",
    )


def _onwards(way: Way, request: Request, form: Form) -> Response:
    """There is nobody to choose between."""
    if request.method == "GET":
        return redirect(f"{way.path}/when?{way.choices.query(staff=way.staff_answer)}")
    return when_page(way, request, form)


def _in_order(way: Way) -> list[StaffMember]:
    order = way.visitor.preferences.staff_and_confirmation.staff_order
    if order == "alphabetical":
        return sorted(way.able, key=lambda one: one.name.casefold())
    if order == "first_available" and way.service is not None:
        coming = times(way.visitor, way.wanted, None)
        first_seen = [one for slots in coming.week.values() for slot in slots for one in slot.staff]
        places = {staff_id: place for place, staff_id in reversed(list(enumerate(first_seen)))}
        return sorted(way.able, key=lambda one: places.get(one.id, len(first_seen)))
    return list(way.able)


@router.api_route("/{slug}/book/when", methods=["GET", "POST"])
def when(visitor: SiteReads, request: Request, form: Form) -> Response:
    way = way_of(visitor, request, form)
    shut = closed(way, request)
    if shut is not None:
        return shut
    if way.service is None or not way.staff_answer:
        return who_page(way, request, form)
    return when_page(way, request, form)


def when_page(way: Way, request: Request, form: Form, *, taken: bool = False) -> Response:
    """`taken`: the time they had chosen has gone; the nearest free ones are offered first."""
    asked = request.query_params.get("day", "") or form.text("day")
    starts_at = way.choices.starts_at
    day = read_day(asked)
    if day is None and starts_at is not None:
        day = clock.to_local(starts_at, way.visitor.business.timezone).date()
    found = times(way.visitor, way.wanted, day)
    link = f"{way.path}/when?{way.choices.query(staff=way.staff_answer, start='')}&day="
    return way.page(
        request,
        "book/when.html",
        status=409 if taken else 200,
        times=found,
        strip=found.strip(lambda each: each.isoformat() if way.draft else f"{link}{each}"),
        link=link,
        chosen=way.choices.start,
        taken=taken,
        nearest=_nearest(way) if taken else [],
        closures=coming_closures(way.visitor),
    )


def _nearest(way: Way) -> Groups:
    """The free times nearest to the one that has gone, by day."""
    starts_at, zone = way.choices.starts_at, way.visitor.business.timezone
    if starts_at is None:
        return []
    slots = availability.nearest(
        way.visitor.session,
        service=way.wanted.service,
        staff_id=way.wanted.staff_id,
        starts=starts_at,
        now=clock.now(),
        count=_NEAREST_SHOWN,
    )
    return grouped(slots, zone, by_day=True)
