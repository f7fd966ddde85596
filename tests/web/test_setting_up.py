"""A new owner sets up a site that can take a booking, page by page."""

from typing import Any

import pytest

from booking.availability import queries as availability
from booking.catalogue import queries as catalogue
from tests.pages import Browser, Pages
from tests.site import Site
from tests.times import START

Typed = dict[str, Any]
HOME = "/manage/happy-paws"


def test_the_steps_lead_to_the_first_invitation(pages: Pages) -> None:
    page = pages.owner.get(f"{HOME}/set-up")
    assert page.says("of 7")
    assert page.says("Invite your clients")


def test_what_is_there_is_done_and_the_rest_has_a_link(site: Site, pages: Pages) -> None:
    with site.writing() as session:
        for service in catalogue.services(session):
            service.active = False
    page = pages.owner.get(f"{HOME}/set-up")
    assert page.says("Next: say who you are")
    assert (f"{HOME}/services/new") in {href for _, href in page.links}


def test_details_are_saved_and_a_pale_colour_is_not(pages: Pages) -> None:
    page = pages.owner.get(f"{HOME}/details")
    refused = page.submit("details", accent="#ffee99", about="Since 1999")
    assert refused.status == 422
    assert refused.says("Choose a darker colour")
    assert refused.form("details").values()["about"] == ["Since 1999"]
    saved = refused.submit("details", accent="#7a1f3d")
    assert saved.says("Your details are saved.")
    theme = pages.visitor().request("GET", "/happy-paws/theme.css")
    assert "--accent:#7a1f3d" in theme.html
    assert theme.response.headers["content-type"].startswith("text/css")


def test_a_service_is_added_changed_and_taken_off(pages: Pages, site: Site) -> None:
    page = pages.owner.get(f"{HOME}/services").follow("Add a service")
    page = page.submit("new", name="Nail trim", duration_minutes="15", price="12,50")
    assert page.says("Nail trim is on your site.")
    assert page.says("$12.50")
    edit = page.follow("Nail trim")
    assert edit.submit("name", duration_minutes="2").says("Enter 5 or more.")
    assert edit.submit("name", price="free").says("Enter an amount like 49.90")
    assert edit.submit("name", price="").says("On request")
    assert edit.submit("remove").says("Nail trim is removed.")
    booked = pages.owner.get(f"{HOME}/services/{site.world.salon.grooming}")
    assert booked.submit("remove").says("it is off your site now")


def test_services_change_places(pages: Pages, site: Site) -> None:
    with site.reading() as session:
        before = [service.name for service in catalogue.services(session)]
    pages.owner.get(f"{HOME}/services").submit("move", to="1")
    with site.reading() as session:
        assert [service.name for service in catalogue.services(session)] == [
            before[1],
            before[0],
            *before[2:],
        ]


def test_someone_new_can_be_booked_whenever_the_business_is_open(pages: Pages, site: Site) -> None:
    page = pages.owner.get(f"{HOME}/staff/new").submit("new", name="Cleo", title="Bather")
    assert page.says("Cleo can be booked whenever you are open")
    with site.reading() as session:
        cleo = next(each for each in catalogue.staff_members(session) if each.name == "Cleo")
        bath = catalogue.service(session, site.world.salon.bath)
        starts = START.replace(day=2)
        assert cleo.id in availability.free_staff(session, service=bath, starts=starts, now=START)


def test_own_hours_are_set_and_wrong_ones_told(pages: Pages, site: Site) -> None:
    page = pages.owner.get(f"{HOME}/staff/{site.world.salon.ana}")
    wrong: Typed = {"day-0-0-start": "17:00", "day-0-0-end": "09:00", "day-1-0-end": ""}
    refused = page.submit("hours", when="own", **wrong)
    assert refused.status == 422
    assert refused.says("Monday, to: The end must be later than the start.")
    assert refused.says("Tuesday, to: Say until when")
    right: Typed = {"day-0-0-start": "10:00", "day-0-0-end": "00:00", "day-1-0-end": "17:00"}
    assert refused.submit("hours", when="own", **right).says("The hours of Ana")
    with site.reading() as session:
        monday = availability.staff_hours(session)[site.world.salon.ana][0]
        assert (monday.weekday, monday.start_minute, monday.end_minute) == (0, 600, 1440)


def test_time_off_is_typed_in_the_time_of_the_business(pages: Pages, site: Site) -> None:
    page = pages.owner.get(f"{HOME}/staff/{site.world.salon.ana}")
    away: Typed = {"starts": "2027-03-10T09:00", "ends": "2027-03-10T08:00", "reason": "Dentist"}
    refused = page.submit("time-off", **away)
    assert refused.says("The end must be later than the start.")
    assert refused.form("starts").values()["reason"] == ["Dentist"]
    saved = refused.submit("time-off", ends="2027-03-10T11:00")
    assert saved.says("Dentist")
    with site.reading() as session:
        absence = availability.time_off(session, since=START)[0]
        assert absence.starts_at.isoformat() == "2027-03-10T14:00:00+00:00"
    gone = saved.submit("/remove")
    assert gone.says("The time off is removed.")


def test_opening_hours_and_a_closure_are_saved(pages: Pages, site: Site) -> None:
    page = pages.owner.get(f"{HOME}/hours")
    saved = page.submit("hours", **Typed({"day-6-0-start": "10:00", "day-6-0-end": "12:00"}))
    assert saved.says("Your opening hours are saved.")
    closed = saved.submit("closures", first_day="2027-03-09", reason="Inventory")
    assert closed.says("Tue 9 Mar 2027")
    assert closed.submit("/remove").says("can be booked again")
    assert page.submit("closures", first_day="soon").status == 422
    with site.reading() as session:
        assert availability.opening_hours(session)[-1].weekday == 6


@pytest.mark.parametrize("path", ["details", "services/new", "staff/new"])
def test_changing_the_business_is_for_owners_and_managers(pages: Pages, path: str) -> None:
    assert pages.manager.get(f"{HOME}/{path}").status == 200
    assert pages.staff.get(f"{HOME}/{path}").status == 403
    assert pages.outsider.get(f"{HOME}/{path}").status == 404


def test_another_businesss_rows_are_not_found(pages: Pages, site: Site) -> None:
    browser: Browser = pages.owner
    assert browser.get(f"{HOME}/services/{site.world.kennels.grooming}").status == 404
    assert browser.get(f"{HOME}/staff/{site.world.kennels.ana}").status == 404
