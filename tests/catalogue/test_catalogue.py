"""Services, staff members, and who performs what."""

import uuid

import pytest

from booking.audit.actions import SYSTEM
from booking.catalogue import actions, queries
from booking.catalogue.actions import StaffDetails
from booking.errors import Invalid, NotFound
from tests import make
from tests.site import Site


def test_a_new_service_is_last_and_performed_by_all_active_staff(site: Site) -> None:
    with site.writing() as session:
        cleo = make.staff_member(session)
        cleo.active = False
        session.flush()
        service = make.service(session)
        active = {member.id for member in queries.staff_members(session)}
        assert queries.services(session)[-1].id == service.id
        assert queries.performers(session)[service.id] == active
        assert cleo.id not in active


def test_only_active_staff_perform_a_service(site: Site) -> None:
    with site.writing() as session:
        ana = queries.staff_member(session, site.world.salon.ana)
        actions.change_staff_member(
            session, ana, StaffDetails(name=ana.name, active=False), by=SYSTEM
        )
        able = [member.id for member in queries.who_performs(session, site.world.salon.grooming)]
    assert able == [site.world.salon.ben]


def test_an_unknown_or_foreign_member_of_staff_is_refused_alike(site: Site) -> None:
    for staff_id in (uuid.uuid4(), site.world.kennels.ana):
        with site.writing() as session, pytest.raises(Invalid):
            make.service(session, staff_ids=[staff_id])


def test_the_other_businesss_rows_are_not_found(site: Site) -> None:
    with site.reading() as session:
        with pytest.raises(NotFound):
            queries.service(session, site.world.kennels.grooming)
        with pytest.raises(NotFound):
            queries.staff_member(session, site.world.kennels.ana)


def test_a_service_nobody_booked_is_deleted(site: Site) -> None:
    with site.writing() as session:
        service = make.service(session)
        assert actions.remove_service(session, service, by=SYSTEM)
        with pytest.raises(NotFound):
            queries.service(session, service.id)


def test_a_service_that_was_booked_only_leaves_the_site(site: Site) -> None:
    with site.writing() as session:
        service = queries.service(session, site.world.salon.grooming)
        assert not actions.remove_service(session, service, by=SYSTEM)
    with site.reading() as session:
        assert not queries.service(session, site.world.salon.grooming).active


def test_staff_with_appointments_only_leave_the_site(site: Site) -> None:
    with site.writing() as session:
        ana = queries.staff_member(session, site.world.salon.ana)
        gone = actions.remove_staff_member(session, ana, by=SYSTEM)
        cleo = make.staff_member(session)
        assert actions.remove_staff_member(session, cleo, by=SYSTEM)
    assert not gone
    with site.reading() as session:
        assert not queries.staff_member(session, site.world.salon.ana).active


def test_a_service_moves_to_a_place_of_the_list(site: Site) -> None:
    with site.writing() as session:
        service = make.service(session)
        actions.place_service(session, service, 0)
        assert queries.services(session)[0].id == service.id
        actions.place_service(session, service, 99)
        assert queries.services(session)[-1].id == service.id
        positions = [each.position for each in queries.services(session)]
    assert positions == list(range(len(positions)))
