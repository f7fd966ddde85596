from datetime import datetime, timedelta

import icalendar
import pytest

from booking.appointments.actions.attach import HasClient, adopt, link_to_client
from booking.appointments.queries import find
from booking.audit.actions import SYSTEM
from booking.clients.queries import find as find_client
from tests import make
from tests.front_door import Api, fields_of, problem_of
from tests.site import Site
from tests.world import VISIT_TO_COME, World

MINE = "/businesses/{b}/me/appointments"


def test_upcoming_visits_are_the_soonest_first(api: Api, world: World, site: Site) -> None:
    with site.writing() as session:
        jo = find_client(session, world.jo.id)
        for days in (2, 1):
            starts_at = VISIT_TO_COME + timedelta(days=days)
            make.appointment(session, jo, world.salon.bath, world.salon.ana, starts_at)
    items = api.client.get(MINE).json()["items"]
    starts = [datetime.fromisoformat(item["starts_at"]) for item in items]
    assert starts == [VISIT_TO_COME + timedelta(days=days) for days in (0, 1, 2)]
    assert items[0]["service"] == {"id": str(world.salon.grooming), "name": "Full grooming"}
    assert items[0]["staff"]["name"] == "Ana"
    assert items[0]["cancel_until"] == "2027-03-02T15:00:00Z"


def test_past_visits_are_the_latest_first_and_hold_what_was_called_off(
    api: Api, world: World
) -> None:
    api.client.post(f"{MINE}/{world.jo.visit}/cancel")
    items = api.client.get(MINE, params={"when": "past"}).json()["items"]
    assert [item["id"] for item in items] == [str(world.jo.visit), str(world.jo.past_visit_id)]
    assert api.client.get(MINE).json() == {"items": [], "next_cursor": None}


def test_pages_of_visits_join_without_gap(api: Api, world: World, site: Site) -> None:
    with site.writing() as session:
        jo = find_client(session, world.jo.id)
        for days in range(1, 6):
            starts_at = VISIT_TO_COME + timedelta(days=days)
            make.appointment(session, jo, world.salon.bath, None, starts_at)
    for when in ("upcoming", "past"):
        whole = api.client.get(MINE, params={"when": when}).json()["items"]
        pages, cursor = [], None
        while True:
            asked = {"when": when, "limit": 2} | ({"cursor": cursor} if cursor else {})
            page = api.client.get(MINE, params=asked).json()
            pages += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert pages == whole


def test_past_visits_and_prices_are_shown_as_the_business_wants(
    api: Api, world: World, site: Site
) -> None:
    site.prefer("client_settings", show_past_appointments=False, show_prices=False)
    assert api.client.get(MINE, params={"when": "past"}).json()["items"] == []
    assert api.client.get(MINE).json()["items"][0]["price_minor"] is None


def test_nobody_sees_another_s_visits(api: Api, world: World) -> None:
    assert api.other_client.get(MINE).json()["items"] == []
    assert problem_of(api.outsiders_client.get(MINE), 404)
    assert problem_of(api.visitor.get(MINE), 401)
    assert problem_of(api.other_client.get(f"{MINE}/{world.jo.visit}"), 404)


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "WyJ4IiwgInkiXQ", "WzEsIDJd"])
def test_a_cursor_of_one_s_own_is_refused(api: Api, cursor: str) -> None:
    assert fields_of(api.client.get(MINE, params={"cursor": cursor})) == {"cursor": "invalid"}


def test_the_calendar_has_a_secret_address_that_can_be_renewed(api: Api, world: World) -> None:
    address = api.client.get("/businesses/{b}/me/calendar").json()["url"]
    assert api.client.get("/businesses/{b}/me/calendar").json()["url"] == address
    path = address.partition("8000")[2]
    answer = api.visitor.get(path)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    events = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert {str(event["UID"]) for event in events} == {
        f"{world.jo.visit}@localhost",
        f"{world.jo.past_visit_id}@localhost",
    }
    assert b"DTSTART:20270303T150000Z" in answer.content
    unchanged = api.visitor.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert unchanged.status_code == 304
    renewed = api.client.post("/businesses/{b}/me/calendar/renew").json()["url"]
    assert renewed != address
    assert problem_of(api.visitor.get(path), 404)["code"] == "not_found"


def test_the_calendar_is_shut_with_the_client_accounts(api: Api, site: Site) -> None:
    path = api.client.get("/businesses/{b}/me/calendar").json()["url"].partition("8000")[2]
    site.allow_client_access(False)
    assert problem_of(api.visitor.get(path), 404)["code"] == "not_found"
    site.allow_client_access(True)
    assert api.visitor.get(path).status_code == 200


def test_a_proved_address_gets_its_guest_visits(api: Api, world: World, site: Site) -> None:
    booked = api.visitor.post(
        "/businesses/{b}/appointments",
        json={
            "service_id": str(world.salon.grooming),
            "starts_at": "2027-03-04T10:00:00-05:00",
            "client": {"first_name": "J", "email": world.jo.email.upper()},
        },
    ).json()
    assert booked["id"] not in {item["id"] for item in api.client.get(MINE).json()["items"]}
    with site.writing() as session:
        jo = find_client(session, world.jo.id)
        assert [row.id.hex for row in adopt(session, jo, world.jo.email, by=SYSTEM)]
    assert booked["id"] in {item["id"] for item in api.client.get(MINE).json()["items"]}


def test_a_visit_that_has_its_client_is_given_to_nobody_else(world: World, site: Site) -> None:
    with site.writing() as session:
        sam, visit = find_client(session, world.sam.id), find(session, world.jo.visit)
        with pytest.raises(HasClient):
            link_to_client(session, visit, sam, by=SYSTEM)
