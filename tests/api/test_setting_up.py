"""Setting a business up over the API: services, staff, their hours, opening hours, closures."""

import uuid
from typing import Any

import pytest

from tests.front_door import Api, fields_of, problem_of
from tests.site import Site

NINE_TO_FIVE = [{"weekday": day, "start": "09:00", "end": "17:00"} for day in range(5)]


def _new(api: Api, path: str, **body: Any) -> dict[str, Any]:
    answer = api.manager.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_visitor_sees_what_a_booking_page_needs(api: Api, site: Site) -> None:
    found = api.visitor.get("/businesses/{b}").json()
    assert found["timezone"] == "America/New_York"
    assert found["client_accounts_enabled"] is True
    grooming = next(each for each in found["services"] if each["duration_minutes"] == 60)
    assert (grooming["price_minor"], grooming["currency"]) == (6_000, "USD")
    assert set(grooming["staff"]) == {str(site.world.salon.ana), str(site.world.salon.ben)}
    assert found["opening_hours"][0] == {"weekday": 0, "start": "09:00", "end": "17:00"}
    assert "invitations" not in str(found["preferences"])
    site.prefer("client_settings", show_prices=False)
    shown = api.visitor.get("/businesses/{b}").json()["services"]
    assert {each["price_minor"] for each in shown} == {None}


def test_a_service_is_added_changed_and_removed(api: Api, site: Site) -> None:
    made = _new(api, "/businesses/{b}/services", name="Nails", duration_minutes=15)
    path = f"/businesses/{{b}}/services/{made['id']}"
    assert set(made["staff"]) == {str(site.world.salon.ana), str(site.world.salon.ben)}
    patch = {"price_minor": 1500, "buffer_after_minutes": 5, "staff": [], "position": 0}
    changed = api.manager.patch(path, json=patch).json()
    assert changed == made | patch
    assert api.staff.get("/businesses/{b}/services").json()["items"][0] == changed
    assert api.manager.patch(path, json={"price_minor": None}).json()["price_minor"] is None
    assert api.manager.delete(path).status_code == 204
    problem_of(api.manager.get(path), 404)


def test_a_service_that_was_booked_stays_off_the_site(api: Api, site: Site) -> None:
    path = f"/businesses/{{b}}/services/{site.world.salon.grooming}"
    assert api.owner.delete(path).status_code == 204
    assert api.owner.get(path).json()["active"] is False
    offered = api.visitor.get("/businesses/{b}").json()["services"]
    assert str(site.world.salon.grooming) not in {each["id"] for each in offered}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"name": "", "duration_minutes": 4}, {"name", "duration_minutes"}),
        ({"name": "x", "duration_minutes": 30, "business_id": "y"}, {"business_id"}),
        ({"name": ["x"], "duration_minutes": 10**30}, {"name", "duration_minutes"}),
        ({"name": "a\0", "duration_minutes": 30, "price_minor": -1}, {"name", "price_minor"}),
        ({"name": "x", "duration_minutes": 30, "staff": [str(uuid.uuid4())]}, {"staff"}),
    ],
)
def test_a_wrong_service_is_told_field_by_field(
    api: Api, body: dict[str, Any], fields: set[str]
) -> None:
    assert set(fields_of(api.owner.post("/businesses/{b}/services", json=body))) == fields


def test_someone_new_is_in_whenever_the_business_is_open(api: Api, site: Site) -> None:
    made = _new(api, "/businesses/{b}/staff", name="Cleo")
    assert str(site.world.salon.grooming) in made["services"]
    assert len(made["hours"]) == 7
    path = f"/businesses/{{b}}/staff/{made['id']}"
    assert api.manager.put(f"{path}/hours", json={"hours": NINE_TO_FIVE[:1]}).json() == {
        "hours": NINE_TO_FIVE[:1]
    }
    absence = {"starts_at": "2027-04-01T09:00:00-04:00", "ends_at": "2027-04-02T09:00:00-04:00"}
    away = api.manager.put(f"{path}/time-off", json={"time_off": [absence]}).json()["time_off"]
    assert [row["starts_at"] for row in away] == ["2027-04-01T13:00:00Z"]
    assert api.staff.get(f"{path}/time-off").json() == {"time_off": away}
    assert api.manager.patch(path, json={"title": "Groomer"}).json()["title"] == "Groomer"
    assert api.manager.delete(path).status_code == 204
    problem_of(api.manager.get(path), 404)


def test_time_off_needs_its_zone_and_its_order(api: Api, site: Site) -> None:
    path = f"/businesses/{{b}}/staff/{site.world.salon.ana}/time-off"
    naive = {"starts_at": "2027-04-01T09:00:00", "ends_at": "2027-04-02T09:00:00Z"}
    turned = {"starts_at": "2027-04-03T09:00:00Z", "ends_at": "2027-04-02T09:00:00Z"}
    for absence, field in ((naive, "time_off.0.starts_at"), (turned, "time_off.0")):
        answer = api.owner.put(path, json={"time_off": [absence]})
        assert set(fields_of(answer)) == {field}


def test_opening_hours_are_set_as_a_whole_or_one_by_one(api: Api) -> None:
    path = "/businesses/{b}/opening-hours"
    assert len(api.manager.put(path, json={"hours": NINE_TO_FIVE}).json()["items"]) == 5
    made = _new(api, path, weekday=6, start="10:00", end="24:00")
    one = f"{path}/{made['id']}"
    assert api.manager.patch(one, json={"end": "12:00"}).json()["end"] == "12:00"
    assert fields_of(api.manager.patch(one, json={"end": "09:00"}))
    assert fields_of(api.manager.patch(one, json={"end": "noon"})).keys() == {"end"}
    assert api.manager.delete(one).status_code == 204
    assert len(api.staff.get(path).json()["items"]) == 5


def test_a_closure_takes_its_days_out(api: Api, site: Site) -> None:
    made = _new(api, "/businesses/{b}/closures", first_day="2027-03-02", last_day="2027-03-03")
    params = {"service": str(site.world.salon.grooming), "from": "2027-03-02", "to": "2027-03-04"}
    days = api.visitor.get("/businesses/{b}/availability", params=params).json()["days"]
    assert [bool(day["slots"]) for day in days] == [False, False, True]
    path = f"/businesses/{{b}}/closures/{made['id']}"
    changed = api.manager.patch(path, json={"last_day": "2027-03-02", "reason": "Fair"}).json()
    assert changed == made | {"last_day": "2027-03-02", "reason": "Fair"}
    assert fields_of(api.manager.patch(path, json={"last_day": "2027-03-01"}))
    assert api.staff.get("/businesses/{b}/closures").json()["items"] == [changed]
    assert api.manager.delete(path).status_code == 204
    problem_of(api.manager.delete(path), 404)


def test_setting_up_is_for_owners_and_managers(api: Api, site: Site) -> None:
    service = {"name": "x", "duration_minutes": 30}
    problem_of(api.staff.post("/businesses/{b}/services", json=service), 403)
    problem_of(api.client.post("/businesses/{b}/services", json=service), 403)
    problem_of(api.outsider.post("/businesses/{b}/services", json=service), 404)
    theirs = f"/businesses/{{b}}/services/{site.world.kennels.grooming}"
    random = f"/businesses/{{b}}/services/{uuid.uuid4()}"
    answers = [problem_of(api.owner.patch(path, json={}), 404) for path in (theirs, random)]
    assert answers[0] == answers[1]
