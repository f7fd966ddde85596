"""Free times over the API: the form of the answer, its bounds, and its ETag."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests import make
from tests.front_door import Api, ApiCaller, fields_of, problem_of
from tests.site import Site
from tests.times import Clock

PATH = "/businesses/{b}/availability"


def _free(caller: ApiCaller, site: Site, **more: Any) -> dict[str, Any]:
    given = {"service": site.world.salon.grooming, "from": "2027-03-02", "to": "2027-03-02"}
    answer = caller.get(PATH, params=given | more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_anyone_is_told_the_free_times_of_each_day(api: Api, site: Site) -> None:
    found = _free(api.visitor, site, to="2027-03-07")
    assert found["timezone"] == "America/New_York"
    assert [day["date"] for day in found["days"]] == [f"2027-03-0{n}" for n in range(2, 8)]
    slot = found["days"][0]["slots"][0]
    assert slot["starts_at"] == "2027-03-02T09:00:00-05:00"
    assert slot["ends_at"] == "2027-03-02T10:00:00-05:00"
    assert set(slot["staff"]) == {str(site.world.salon.ana), str(site.world.salon.ben)}
    assert found["days"][-1]["slots"] == [], "closed on Sunday"


def test_the_offset_follows_the_clocks_going_forward(api: Api, site: Site) -> None:
    found = _free(api.visitor, site, **{"from": "2027-03-13", "to": "2027-03-15"})
    starts = [day["slots"][0]["starts_at"] for day in found["days"] if day["slots"]]
    assert starts == ["2027-03-13T09:00:00-05:00", "2027-03-15T09:00:00-04:00"]


def test_with_one_member_of_staff_only_their_times(api: Api, site: Site) -> None:
    found = _free(api.visitor, site, staff=site.world.salon.ben)
    assert {one for slot in found["days"][0]["slots"] for one in slot["staff"]} == {
        str(site.world.salon.ben)
    }
    assert not _free(api.visitor, site, staff=site.world.kennels.ana)["days"][0]["slots"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"from": "2027-03-02", "to": "2027-05-03"}, "to"),
        ({"from": "2027-03-02", "to": "2027-03-01"}, "to"),
        ({"from": "yesterday"}, "from"),
        ({"service": "bath"}, "service"),
        ({"staff": "ana"}, "staff"),
    ],
)
def test_what_makes_no_sense_is_refused(
    api: Api, site: Site, given: dict[str, str], field: str
) -> None:
    params = {"service": str(site.world.salon.grooming)} | given
    assert field in fields_of(api.visitor.get(PATH, params=params))


def test_sixty_two_days_and_the_ends_of_time_are_answered(api: Api, site: Site) -> None:
    last = date(2027, 3, 2) + timedelta(days=61)
    assert len(_free(api.visitor, site, to=last.isoformat())["days"]) == 62
    for first in ("0001-01-01", "9999-12-31"):
        found = _free(api.visitor, site, **{"from": first, "to": first})
        assert found["days"] == [{"date": first, "slots": []}]


def test_a_foreign_service_is_as_unknown_as_a_random_one(api: Api, site: Site) -> None:
    bodies = [
        problem_of(api.visitor.get(PATH, params={"service": service}), 404)
        for service in (site.world.kennels.grooming, "01a1ffd0-d1a1-73c6-89ca-d81d3013a284")
    ]
    assert bodies[0] == bodies[1]


def test_an_unchanged_calendar_is_answered_304_until_something_changes(
    api: Api, site: Site
) -> None:
    ask = _asker(api, site, "2027-03-02")
    etag = ask().headers["etag"]
    unchanged = ask(etag)
    assert unchanged.status_code == 304
    assert not unchanged.content
    site.prefer("booking_window", slot_interval_minutes=30)
    changed = ask(etag)
    assert changed.status_code == 200
    with site.writing() as session:
        client = make.client(session)
        starts = datetime.fromisoformat("2027-03-04T09:00:00-05:00")
        make.appointment(session, client, site.world.salon.bath, None, starts)
    assert ask(changed.headers["etag"]).status_code == 200


def test_what_has_become_too_soon_changes_the_answer(api: Api, site: Site, clock: Clock) -> None:
    today, tomorrow = (_asker(api, site, day) for day in ("2027-03-01", "2027-03-02"))
    first, next_day = today(), tomorrow()
    clock.move(minutes=16)
    later = today(first.headers["etag"])
    assert later.status_code == 200
    assert later.json() != first.json()
    assert tomorrow(next_day.headers["etag"]).status_code == 304


def _asker(api: Api, site: Site, day: str) -> Callable[..., httpx.Response]:
    params = {"service": str(site.world.salon.grooming), "from": day, "to": day}

    def ask(etag: str = "") -> httpx.Response:
        headers = {"If-None-Match": etag} if etag else {}
        return api.visitor.get(PATH, params=params, headers=headers)

    return ask


def test_online_booking_switched_off_offers_nothing_to_visitors(api: Api, site: Site) -> None:
    site.prefer("booking_window", online_booking_enabled=False)
    assert not _free(api.visitor, site)["days"][0]["slots"]
    assert _free(api.staff, site, view="staff")["days"][0]["slots"]


def test_hidden_staff_are_not_named(api: Api, site: Site) -> None:
    site.prefer("staff_and_confirmation", staff_choice="hidden")
    slots = _free(api.visitor, site, staff=site.world.salon.ben)["days"][0]["slots"]
    assert slots
    assert not any(slot["staff"] for slot in slots)
    assert api.visitor.get("/businesses/{b}").json()["staff"] == []


def test_the_view_of_staff_is_for_staff(api: Api, site: Site) -> None:
    params = {"service": str(site.world.salon.grooming), "view": "staff"}
    problem_of(api.visitor.get(PATH, params=params), 403)
    problem_of(api.client.get(PATH, params=params), 403)
    problem_of(api.outsider.get(PATH, params=params), 404)
    problem_of(api.bearing("nobody's").get(PATH, params=params), 401)
    site.prefer("booking_window", lead_time_minutes=43_200)
    assert _free(api.staff, site, view="staff")["days"][0]["slots"]
    assert not _free(api.visitor, site)["days"][0]["slots"]
