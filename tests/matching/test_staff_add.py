"""Staff add somebody who may be on the list: they are told, before saving and after."""

from typing import Any

from sqlalchemy import func, select

from booking.clients.models import Client
from booking.matching.models import Match
from tests.front_door import Api, problem_of
from tests.matching.people import DANA, OTHER_ADDRESS, asked_about, compare, dana, items
from tests.site import Site
from tests.world import World

CLIENTS = "/businesses/{b}/clients"
LOOK = f"{CLIENTS}/look-alikes"


def typed(**different: Any) -> dict[str, Any]:
    flat = {name: DANA[name] for name in ("first_name", "last_name", "mobile_phone")}
    return {**flat, "email": OTHER_ADDRESS, **different}


def test_before_saving_they_are_told_and_nothing_changes(api: Api, site: Site) -> None:
    known = dana(site)
    answer = api.staff.post(LOOK, json=typed())
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["decision"] in ("link", "review")
    (candidate,) = found["candidates"]
    assert candidate["client_id"] == str(known)
    assert candidate["name"] == "Dana Whitfield"
    assert 0.5 < candidate["score"] <= 1
    assert any("mobile" in reason for reason in candidate["reasons"]["agrees"])
    with site.reading() as session:
        assert session.scalar(select(func.count()).select_from(Match)) == 0
        wanted = select(Client).where(Client.email == OTHER_ADDRESS)
        assert session.scalar(wanted) is None


def test_somebody_who_came_a_moment_ago_counts_already(api: Api) -> None:
    """No worker has been by."""
    assert api.staff.post(CLIENTS, json=typed()).status_code == 201
    assert len(api.staff.post(LOOK, json=typed()).json()["candidates"]) == 1
    again = api.staff.post(CLIENTS, json=typed(email="dana.w@example.net"))
    assert len(again.json()["possible_matches"]) == 1


def test_somebody_new_looks_like_nobody(api: Api, site: Site) -> None:
    dana(site)
    stranger = {"first_name": "Quentin", "last_name": "Abernathy", "mobile_phone": "212 555 0173"}
    assert api.staff.post(LOOK, json=stranger).json() == {"decision": "new", "candidates": []}
    added = api.staff.post(CLIENTS, json=stranger)
    assert added.status_code == 201
    assert added.json()["possible_matches"] == []


def test_whoever_is_added_all_the_same_waits_for_a_decision(api: Api, site: Site) -> None:
    known = dana(site)
    added = api.staff.post(CLIENTS, json=typed(pets=[{"name": "Biscuit"}]))
    assert added.status_code == 201, added.text
    (possible,) = added.json()["possible_matches"]
    assert possible["client_id"] == str(known)
    (match,) = items(api, "matches")
    assert match["id"] == possible["id"]
    assert match["origin"] == "staff"
    assert match["newcomer"] == added.json()["id"]
    sides = match["client"], match["other"]["client"]
    assert {side["id"] for side in sides} == {str(known), added.json()["id"]}
    assert all(side["pets"][0]["name"] == "Biscuit" for side in sides)


def test_what_the_worker_finds_later_is_the_same_question(api: Api, site: Site) -> None:
    dana(site)
    api.staff.post(CLIENTS, json=typed())
    before = asked_about(site)
    compare(site.database)
    assert asked_about(site) == before
    assert len(before) == 1


def test_nobody_else_may_ask(api: Api, world: World) -> None:
    body = {"first_name": "Jo", "last_name": "Bright", "email": world.jo.email}
    assert api.visitor.post(LOOK, json=body).status_code == 401
    problem_of(api.client.post(LOOK, json=body), 403)
    problem_of(api.outsider.post(LOOK, json=body), 404)
    theirs = api.outsider.at(world.kennels.slug).post(LOOK, json=body)
    assert theirs.json() == {"decision": "new", "candidates": []}
