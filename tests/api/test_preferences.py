"""Booking Preferences over the API: an ETag, If-Match, a merge patch, a history."""

import json

import pytest

from tests.front_door import Api, fields_of, problem_of
from tests.site import Site

PATH = "/businesses/{b}/preferences"
LEAD = {"booking_window": {"lead_time_minutes": 60}}


def _etag(api: Api) -> str:
    return api.owner.get(PATH).headers["etag"]


def test_staff_read_them_with_an_etag(api: Api) -> None:
    answer = api.staff.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    assert answer.json()["client_settings"]["allow_client_online_account_access"] is True
    unchanged = api.staff.get(PATH, headers={"If-None-Match": answer.headers["etag"]})
    assert unchanged.status_code == 304
    assert not unchanged.content


@pytest.mark.parametrize("media_type", ["application/json", "application/merge-patch+json"])
def test_a_manager_changes_one_and_gets_the_whole(api: Api, media_type: str) -> None:
    headers = {"If-Match": _etag(api), "Content-Type": media_type}
    answer = api.manager.patch(PATH, content=json.dumps(LEAD), headers=headers)
    assert answer.status_code == 200
    assert answer.json() == api.owner.get(PATH).json()
    assert answer.json()["booking_window"]["lead_time_minutes"] == 60
    assert answer.headers["etag"] == _etag(api) != headers["If-Match"]


def test_without_if_match_428_and_with_a_stale_one_412(api: Api) -> None:
    stale = _etag(api)
    assert problem_of(api.owner.patch(PATH, json=LEAD), 428)["code"] == "if_match_needed"
    api.owner.patch(PATH, json=LEAD, headers={"If-Match": stale})
    again = api.owner.patch(PATH, json=LEAD, headers={"If-Match": stale})
    assert problem_of(again, 412)["code"] == "stale_preferences"


def test_an_error_names_the_field(api: Api) -> None:
    patch = {"booking_window": {"lead_time_minutes": -5, "colour": 1}}
    answer = api.owner.patch(PATH, json=patch, headers={"If-Match": _etag(api)})
    assert set(fields_of(answer)) == {"booking_window.lead_time_minutes", "booking_window.colour"}


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"[1]", 422),
        (b'"x"', 422),
        (b"{", 400),
        (b'{"booking_window":{"lead_time_minutes":NaN}}', 422),
        (b'{"booking_window":{"\\ud800":1,"disabled_message":"\\u0000"}}', 422),
        (b'{"booking_window":{"lead_time_minutes":1' + b"0" * 300 + b"}}", 422),
        (b'{"client_settings":' + b"[" * 500 + b"]" * 500 + b"}", 422),
    ],
)
def test_hostile_bodies_are_refused(api: Api, content: bytes, status: int) -> None:
    headers = {"If-Match": _etag(api), "Content-Type": "application/json"}
    problem_of(api.owner.patch(PATH, content=content, headers=headers), status)


def test_a_role_of_staff_reads_but_does_not_change(api: Api) -> None:
    headers = {"If-Match": _etag(api)}
    problem_of(api.staff.patch(PATH, json=LEAD, headers=headers), 403)
    problem_of(api.visitor.patch(PATH, json=LEAD, headers=headers), 401)
    problem_of(api.outsider.patch(PATH, json=LEAD, headers=headers), 404)
    problem_of(api.client.get(PATH), 403)


def test_the_history_tells_who_changed_what_page_by_page(api: Api, site: Site) -> None:
    patch = {"booking_window": {"lead_time_minutes": 60, "furthest_days": 30}}
    api.manager.patch(PATH, json=patch, headers={"If-Match": _etag(api)})
    first = api.staff.get(f"{PATH}/history", params={"limit": 1}).json()
    rest = api.staff.get(f"{PATH}/history", params={"cursor": first["next_cursor"]}).json()
    told = [*first["items"], *rest["items"]][:2]
    assert [(row["field"], row["old"], row["new"]) for row in told] == [
        ("booking_window.furthest_days", 90, 30),
        ("booking_window.lead_time_minutes", 120, 60),
    ]
    assert {row["account_name"] for row in told} == {site.world.manager.name}
    problem_of(api.staff.get(f"{PATH}/history", params={"cursor": "mine"}), 422)
