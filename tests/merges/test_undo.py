"""A merge taken back: exactly, and without overwriting what people did since."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from booking.audit.actions import SYSTEM
from booking.clients.models import Link, Pet
from booking.clients.queries import find
from booking.invitations.actions import campaigns
from booking.matching.models import Match, MatchState, Origin
from tests import make
from tests.front_door import Api, problem_of
from tests.merges.merging import (
    CLIENTS,
    MERGES,
    add,
    ask_undo,
    change,
    dump,
    merged,
    undone,
)
from tests.site import Site
from tests.times import START, Clock
from tests.world import World


def full(site: Site, world: World) -> tuple[Any, Any]:
    """Two records with something of every kind."""
    with site.writing() as session:
        keep = make.client(
            session, first_name="Ann", last_name="Lee", email="ann@example.com", notes="One."
        )
        make.pet(session, keep, name="Rex", species="dog")
        make.login(session, keep)
        other = make.client(session, first_name="Anna", mobile_phone="555 0404", notes="Two.")
        make.pet(session, other, name="Rex", breed="Lab", species="")
        make.pet(session, other, name="Tom", species="cat")
        third = make.client(session, first_name="A.", email="a.lee@example.com")
        make.login(session, third)
        at = START + timedelta(days=10)
        make.appointment(session, other, world.salon.bath, world.salon.ana, at)
        make.appointment(session, keep, world.salon.bath, world.salon.ana, at + timedelta(hours=2))
        made = campaigns.invite(session, [other.id, world.kim.id], by=SYSTEM)
        assert made
        return keep.id, [other.id, third.id]


def test_everything_is_as_it_was(api: Api, site: Site, world: World) -> None:
    keep, others = full(site, world)
    before = dump(site)
    with site.reading() as session:
        login = session.query(Link).filter(Link.client_id == others[1]).one().account_id
    done = merged(api.staff, keep, *others, fields={"email": str(others[1])}, login=str(login))
    between = dump(site)
    assert len(between) < len(before)
    answer = undone(api.staff, done)
    assert answer["state"] == "undone"
    assert {one["id"] for one in answer["restored"]} == {str(one) for one in others}
    assert answer["gone"] == []
    assert dump(site) == before


def test_an_old_record_is_found_again(api: Api) -> None:
    keep, other = add(api.staff, first_name="Ann"), add(api.staff, first_name="Anna")
    done = merged(api.staff, keep, other)
    undone(api.staff, done)
    assert api.staff.get(f"{CLIENTS}/{other['id']}").json() == other
    assert api.staff.get(f"{CLIENTS}/{keep['id']}").json() == keep
    assert merged(api.staff, other, keep)["kept"]["id"] == other["id"]


def test_it_is_undone_once(api: Api) -> None:
    keep, other = add(api.staff, first_name="Ann"), add(api.staff, first_name="Anna")
    done = merged(api.staff, keep, other)
    undone(api.staff, done)
    assert problem_of(ask_undo(api.staff, done), 409)["code"] == "already_undone"
    assert api.staff.get(f"{MERGES}/{done['id']}").json()["undone_by_name"] == "Stella Staff"


def test_thirty_days_long(api: Api, clock: Clock) -> None:
    merges = []
    for name in ("Ann", "Ben"):
        keep, other = add(api.staff, first_name=name), add(api.staff, first_name=name)
        merges.append(merged(api.staff, keep, other))
    clock.move(days=29, hours=23)
    undone(api.staff, merges[0])
    clock.move(hours=2)
    assert problem_of(ask_undo(api.staff, merges[1]), 409)["code"] == "undo_expired"
    assert api.staff.get(f"{MERGES}/{merges[1]['id']}").json()["may_undo"] is False


def test_a_changed_value_is_a_conflict_until_it_is_decided(api: Api, site: Site) -> None:
    keep = add(api.staff, first_name="Ann")
    other = add(api.staff, first_name="Anna", email="anna@example.com")
    done = merged(api.staff, keep, other)
    change(api.staff, keep, email="third@example.com")
    between = dump(site)
    problem = problem_of(ask_undo(api.staff, done), 409)
    assert problem["code"] == "undo_conflicts"
    (conflict,) = problem["conflicts"]
    assert conflict["key"] == f"client:{keep['id']}:email"
    assert (conflict["before"], conflict["after"], conflict["now"]) == (
        "",
        "anna@example.com",
        "third@example.com",
    )
    assert "E-mail of Ann" in conflict["message"]
    assert dump(site) == between, "nothing is half undone"


def test_what_stays_stays_and_what_goes_back_goes_back(api: Api) -> None:
    for decision, email in (("keep", "third@example.com"), ("restore", "")):
        keep = add(api.staff, first_name="Ann")
        other = add(api.staff, first_name="Anna", email="anna@example.com", mobile_phone="1234")
        done = merged(api.staff, keep, other)
        change(api.staff, keep, email="third@example.com")
        answer = undone(api.staff, done, **{f"client:{keep['id']}:email": decision})
        assert answer["kept"]["email"] == email
        assert answer["kept"]["mobile_phone"] == ""
        back = api.staff.get(f"{CLIENTS}/{other['id']}").json()
        assert back == other


def test_a_value_the_merge_had_left_alone_is_a_conflict_too(api: Api) -> None:
    keep, other = add(api.staff, first_name="Ann"), add(api.staff, first_name="Anna")
    done = merged(api.staff, keep, other)
    change(api.staff, keep, last_name="Smith")
    problem = problem_of(ask_undo(api.staff, done), 409)
    assert [one["field"] for one in problem["conflicts"]] == ["last_name"]
    kept = undone(api.staff, done, **{problem["conflicts"][0]["key"]: "keep"})["kept"]
    assert kept["last_name"] == "Smith"


def test_a_value_changed_back_by_hand_is_none(api: Api) -> None:
    keep = add(api.staff, first_name="Ann")
    other = add(api.staff, first_name="Anna", mobile_phone="555 0505")
    done = merged(api.staff, keep, other)
    change(api.staff, keep, mobile_phone="")
    assert undone(api.staff, done)["kept"]["mobile_phone"] == ""


def test_a_pet_changed_since_is_decided(api: Api) -> None:
    keep = add(api.staff, first_name="Ann", pets=[{"name": "Rex"}])
    other = add(api.staff, first_name="Anna", pets=[{"name": "Rex", "breed": "Lab"}])
    done = merged(api.staff, keep, other)
    path = f"{CLIENTS}/{keep['id']}/pets/{keep['pets'][0]['id']}"
    assert api.staff.patch(path, json={"breed": "Labrador"}).status_code == 200
    problem = problem_of(ask_undo(api.staff, done), 409)
    (conflict,) = problem["conflicts"]
    assert (conflict["record"], conflict["field"], conflict["now"]) == ("Rex", "breed", "Labrador")
    answer = undone(api.staff, done, **{conflict["key"]: "keep"})
    assert [pet["breed"] for pet in answer["kept"]["pets"]] == ["Labrador"]
    assert [pet["breed"] for pet in answer["restored"][0]["pets"]] == ["Lab"]


def test_a_pet_that_moved_goes_home_as_it_is_now(api: Api) -> None:
    keep = add(api.staff, first_name="Ann")
    other = add(api.staff, first_name="Anna", pets=[{"name": "Tom"}])
    done = merged(api.staff, keep, other)
    path = f"{CLIENTS}/{keep['id']}/pets/{other['pets'][0]['id']}"
    assert api.staff.patch(path, json={"color": "red"}).status_code == 200
    (conflict,) = problem_of(ask_undo(api.staff, done), 409)["conflicts"]
    answer = undone(api.staff, done, **{conflict["key"]: "keep"})
    assert answer["kept"]["pets"] == []
    assert [pet["color"] for pet in answer["restored"][0]["pets"]] == ["red"]


def test_a_pet_removed_since_is_said(api: Api, site: Site) -> None:
    keep = add(api.staff, first_name="Ann")
    other = add(api.staff, first_name="Anna", pets=[{"name": "Tom"}])
    done = merged(api.staff, keep, other)
    with site.writing() as session:
        session.delete(session.query(Pet).filter(Pet.name == "Tom").one())
    assert undone(api.staff, done)["gone"] == ["Tom was removed since the merge."]


def test_a_visit_given_to_somebody_else_since_is_decided_by_names(
    api: Api, site: Site, world: World
) -> None:
    keep, other = add(api.staff, first_name="Ann"), add(api.staff, first_name="Ann")
    with site.writing() as session:
        owner = find(session, uuid.UUID(other["id"]))
        visit = make.appointment(session, owner, world.salon.bath, world.salon.ana, START)
    done = merged(api.staff, keep, other)
    with site.writing() as session:
        session.get_one(type(visit), visit.id).client_id = world.kim.id
    (conflict,) = problem_of(ask_undo(api.staff, done), 409)["conflicts"]
    assert [conflict[when] for when in ("before", "after", "now")] == [
        "Ann, a record that was merged",
        "Ann, the record that was kept",
        "Kim Cold",
    ]
    undone(api.staff, done, **{conflict["key"]: "restore"})
    with site.reading() as session:
        assert str(session.get_one(type(visit), visit.id).client_id) == other["id"]


def test_what_came_since_stays_with_the_kept_record(api: Api, site: Site, world: World) -> None:
    keep, other = add(api.staff, first_name="Ann"), add(api.staff, first_name="Anna")
    done = merged(api.staff, keep, other)
    new = api.staff.post(f"{CLIENTS}/{keep['id']}/pets", json={"name": "Puck"})
    assert new.status_code == 201
    with site.writing() as session:
        kept = find(session, uuid.UUID(keep["id"]))
        visit = make.appointment(
            session, kept, world.salon.bath, world.salon.ana, START + timedelta(days=10)
        )
    answer = undone(api.staff, done)
    assert [pet["name"] for pet in answer["kept"]["pets"]] == ["Puck"]
    found = api.staff.get(CLIENTS, params={"q": "puck"}).json()["items"]
    assert [client["id"] for client in found] == [keep["id"]]
    with site.reading() as session:
        assert str(session.get_one(type(visit), visit.id).client_id) == keep["id"]


def test_a_login_linked_since_is_decided(api: Api, site: Site, world: World) -> None:
    for decision, linked in (("keep", True), ("restore", False)):
        keep, other = add(api.staff, first_name="Ann"), add(api.staff, first_name="Anna")
        done = merged(api.staff, keep, other)
        path = f"{CLIENTS}/{keep['id']}/account"
        assert api.staff.put(path, json={"email": world.sam.email}).status_code == 200
        (conflict,) = problem_of(ask_undo(api.staff, done), 409)["conflicts"]
        assert conflict["field"] == "login"
        assert (conflict["before"], conflict["now"]) == (None, world.sam.email)
        answer = undone(api.staff, done, **{conflict["key"]: decision})
        assert answer["kept"]["account"]["linked"] is linked
    assert api.other_client.get("/businesses/{b}/me").status_code == 200


@pytest.mark.parametrize("decision", ["keep", "restore"])
def test_a_login_taken_away_since_is_decided(api: Api, world: World, decision: str) -> None:
    keep = add(api.staff, first_name="Jo")
    done = merged(api.staff, keep, world.jo)
    taken = api.staff.delete(f"{CLIENTS}/{keep['id']}/account")
    assert taken.status_code == 204
    (conflict,) = problem_of(ask_undo(api.staff, done), 409)["conflicts"]
    assert (conflict["after"], conflict["now"]) == (world.jo.email, None)
    answer = undone(api.staff, done, **{conflict["key"]: decision})
    (jo,) = answer["restored"]
    assert jo["account"]["linked"] is (decision == "restore")
    assert bool(answer["gone"]) is (decision == "keep")


def test_a_later_merge_is_undone_first(api: Api, site: Site) -> None:
    ann, ben, cleo, dora = (
        add(api.staff, first_name=name, email=f"{name.lower()}@example.com")
        for name in ("Ann", "Ben", "Cleo", "Dora")
    )
    before = dump(site)
    first = merged(api.staff, ann, ben, fields={"email": ben["id"]})
    second = merged(api.staff, ann, cleo, fields={"email": cleo["id"]})
    third = merged(api.staff, dora, ann)
    for blocked, later, name in ((first, third, "Ann into Dora"), (second, third, "Ann")):
        problem = problem_of(ask_undo(api.staff, blocked), 409)
        assert problem["code"] == "undo_later_first"
        assert problem["merge_id"] == later["id"]
        assert name in problem["detail"]
    for each in (third, second, first):
        undone(api.staff, each)
    assert dump(site) == before


def test_merges_of_other_records_do_not_wait_for_each_other(api: Api, site: Site) -> None:
    one = [add(api.staff, first_name="Ann", email=f"ann{n}@example.com") for n in range(2)]
    two = [add(api.staff, first_name="Ben", email=f"ben{n}@example.com") for n in range(2)]
    before = dump(site)
    first, second = merged(api.staff, *one), merged(api.staff, *two)
    undone(api.staff, first)
    undone(api.staff, second)
    assert dump(site) == before


def test_matches_come_back(api: Api, site: Site) -> None:
    with site.writing() as session:
        ann, ben, cleo = sorted(
            (make.client(session, first_name=name) for name in ("Ann", "Ben", "Cleo")),
            key=lambda client: client.id,
        )
        ids = [ann.id, ben.id, cleo.id]
        for one, other, state in (
            (ann, ben, MatchState.OPEN),
            (ann, cleo, MatchState.OPEN),
            (ben, cleo, MatchState.REJECTED),
        ):
            session.add(
                Match(
                    business_id=one.business_id,
                    client_id=one.id,
                    other_id=other.id,
                    newcomer_id=other.id,
                    origin=Origin.LIST,
                    score=0.5,
                    agrees=[],
                    differs=[],
                    state=state,
                    created_at=START,
                )
            )
    before = pairs(site)
    done = merged(api.staff, ids[0], ids[1])
    assert pairs(site) == {(ids[0], ids[2], "rejected")}, "a decision is not asked for again"
    undone(api.staff, done)
    assert pairs(site) == before


def pairs(site: Site) -> set[Any]:
    with site.reading() as session:
        return {
            (match.client_id, match.other_id, match.state.value) for match in session.query(Match)
        }
