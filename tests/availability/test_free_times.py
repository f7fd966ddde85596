"""Free times as they are kept: what changes them, in which order staff stand, what stays private.

The salon is open Monday to Saturday, nine to five in New York; tests begin on Monday, 1 March 2027.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from booking.audit.actions import SYSTEM
from booking.availability import actions, queries
from booking.availability.actions import Absence, Closing, Hours
from booking.availability.rules import Slot
from booking.catalogue import actions as catalogue
from booking.catalogue import queries as services
from booking.catalogue.actions import StaffDetails
from booking.catalogue.models import Service
from booking.errors import NotFound
from tests import make
from tests.site import Site
from tests.times import START
from tests.world import SALON_ZONE, VISIT_TO_COME

TUESDAY = date(2027, 3, 2)


def _service(session: Session, site: Site) -> Service:
    return services.service(session, site.world.salon.grooming)


def _slots(session: Session, site: Site, day: date = TUESDAY) -> list[Slot]:
    found = queries.free_times(session, service=_service(session, site), days=(day, day), now=START)
    assert found.timezone == SALON_ZONE
    return found.days[day]


def _at(hour: int, minute: int = 0, day: date = TUESDAY) -> datetime:
    """New York time, in winter."""
    return datetime(day.year, day.month, day.day, hour + 5, minute, tzinfo=UTC)


def test_a_day_is_offered_within_the_hours(site: Site) -> None:
    with site.reading() as session:
        slots = _slots(session, site)
    assert slots[0].starts == _at(9).timestamp()
    assert slots[-1].ends == _at(17).timestamp()
    assert all(slot.staff for slot in slots)


def test_what_is_booked_is_not_free_buffers_included(site: Site) -> None:
    """Jo's visit to come is with Ana at ten; grooming keeps a quarter of an hour free."""
    day = VISIT_TO_COME.date()
    with site.reading() as session:
        busy_at = {
            slot.starts
            for slot in _slots(session, site, day)
            if site.world.salon.ana not in slot.staff
        }
    assert _at(10, day=day).timestamp() in busy_at
    assert _at(11, day=day).timestamp() in busy_at
    assert _at(12, day=day).timestamp() not in busy_at


Act = Callable[[Session, Site], None]


def _close(session: Session, _: Site) -> None:
    closing = Closing(first_day=TUESDAY, last_day=TUESDAY)
    actions.add_closure(session, closing, by=SYSTEM)


def _shut(session: Session, _: Site) -> None:
    actions.set_opening_hours(session, [], by=SYSTEM)


def _nobody_in(session: Session, _: Site) -> None:
    for member in services.staff_members(session):
        actions.set_staff_hours(session, member, [], by=SYSTEM)


def _everybody_away(session: Session, _: Site) -> None:
    absence = Absence(starts_at=_at(0), ends_at=_at(18))
    for member in services.staff_members(session):
        actions.set_time_off(session, member, [absence], by=SYSTEM)


def _everybody_leaves(session: Session, _: Site) -> None:
    for member in services.staff_members(session):
        details = StaffDetails(name=member.name, active=False)
        catalogue.change_staff_member(session, member, details, by=SYSTEM)


def _nobody_performs_it(session: Session, site: Site) -> None:
    service = _service(session, site)
    details = catalogue.details_of_service(service)
    catalogue.change_service(session, service, details, staff_ids=[], by=SYSTEM)


def _off_the_site(session: Session, site: Site) -> None:
    service = _service(session, site)
    details = catalogue.details_of_service(service).model_copy(update={"active": False})
    catalogue.change_service(session, service, details, by=SYSTEM)


@pytest.mark.parametrize(
    "act",
    [
        _close,
        _shut,
        _nobody_in,
        _everybody_away,
        _everybody_leaves,
        _nobody_performs_it,
        _off_the_site,
    ],
)
def test_each_change_of_the_week_counts_at_once_and_raises_the_version(
    site: Site, act: Act
) -> None:
    with site.reading() as session:
        before = queries.calendar_version(session)
        assert _slots(session, site)
    with site.writing() as session:
        act(session, site)
        assert not _slots(session, site), "in its own transaction"
    with site.reading() as session:
        assert not _slots(session, site), "and in the next"
        assert queries.calendar_version(session) > before


@pytest.mark.parametrize("act", [_close, _nobody_performs_it])
def test_what_is_rolled_back_leaves_no_trace(site: Site, act: Act) -> None:
    with site.reading() as session:
        before = _slots(session, site)
    with site.writing() as session:
        act(session, site)
        assert not _slots(session, site)
        session.rollback()
    with site.reading() as session:
        assert _slots(session, site) == before
    site.prefer("booking_window", lead_time_minutes=0)
    with site.writing() as session:
        actions.touch(session)
    with site.reading() as session:
        assert _slots(session, site) == before


def test_a_change_of_the_duration_is_seen(site: Site) -> None:
    with site.writing() as session:
        service = _service(session, site)
        details = catalogue.details_of_service(service).model_copy(update={"duration_minutes": 120})
        catalogue.change_service(session, service, details, by=SYSTEM)
    with site.reading() as session:
        slot = _slots(session, site)[0]
    assert slot.ends - slot.starts == 2 * 3600


def test_lead_time_and_furthest_day_bind_clients_but_not_staff(site: Site) -> None:
    site.prefer("booking_window", lead_time_minutes=1441, furthest_days=2)
    with site.reading() as session:
        service = _service(session, site)
        for starts in (_at(9), _at(9, day=date(2027, 3, 5))):
            given = {"service": service, "starts": starts, "now": START}
            assert not queries.free_staff(session, **given)  # type: ignore[arg-type]
            assert queries.free_staff(session, **given, by_staff=True)  # type: ignore[arg-type]


def test_the_business_buffers_count_where_a_service_has_none(site: Site) -> None:
    with site.writing() as session:
        plain = make.service(session)
    site.prefer("booking_window", buffer_before=10, buffer_after=20)
    with site.reading() as session:
        found = queries.extent(session, plain, _at(10))
    assert (found.starts, found.ends) == (_at(10), _at(10, 30))
    assert (found.busy_from, found.busy_until) == (_at(9, 50), _at(10, 50))


@pytest.mark.parametrize(
    ("order", "first"), [("manual", "Zoe"), ("alphabetical", "Ana"), ("first_available", "Ben")]
)
def test_staff_stand_in_the_order_the_business_prefers(site: Site, order: str, first: str) -> None:
    """Zoe stands first on the Staff page; Ben alone is in before ten."""
    site.prefer("staff_and_confirmation", staff_order=order)
    with site.writing() as session:
        zoe = make.staff_member(session, name="Zoe")
        catalogue.place_staff_member(session, zoe, 0)
        for member in services.staff_members(session):
            if member.name != "Ben":
                late = [Hours(weekday=1, start_minute=600, end_minute=1020)]
                actions.set_staff_hours(session, member, late, by=SYSTEM)
    with site.reading() as session:
        names = {member.id: member.name for member in services.staff_members(session)}
        noon = queries.free_staff(
            session, service=_service(session, site), starts=_at(12), now=START
        )
    assert names[noon[0]] == first
    assert len(noon) == 3


def test_a_time_off_the_grid_is_no_slot(site: Site) -> None:
    with site.reading() as session:
        service = _service(session, site)
        for starts in (_at(9, 7), _at(9) + timedelta(microseconds=1), _at(3)):
            assert not queries.free_staff(session, service=service, starts=starts, now=START)


def test_the_nearest_free_times_are_offered_in_order(site: Site) -> None:
    with site.reading() as session:
        found = queries.nearest(
            session, service=_service(session, site), staff_id=None, starts=_at(3), now=START
        )
    assert [slot.starts for slot in found] == sorted(slot.starts for slot in found)
    assert found[-1].starts == _at(9, 30).timestamp()


def test_another_business_s_service_is_not_found(site: Site) -> None:
    with site.reading(site.world.kennels) as theirs, site.reading() as session:
        service = services.service(theirs, site.world.kennels.grooming)
        with pytest.raises(NotFound):
            queries.free_times(session, service=service, days=(TUESDAY, TUESDAY), now=START)


def test_another_business_s_staff_are_not_free_here(site: Site) -> None:
    with site.reading() as session:
        assert not queries.is_free(
            session,
            service=_service(session, site),
            staff_id=site.world.kennels.ana,
            starts=_at(9),
            now=START,
        )
