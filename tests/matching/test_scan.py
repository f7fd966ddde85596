"""The look through a whole list: found pairs, progress, a worker that dies, changes afterwards."""

import uuid
from typing import Any

import pytest

from booking.audit.actions import SYSTEM
from booking.clients.actions import change_client
from booking.clients.queries import find
from booking.matching import actions, scanning
from booking.matching.actions import comparing, scans
from booking.matching.models import ScanState
from booking.matching.queries import last_scan
from tests import make
from tests.front_door import Api, problem_of
from tests.matching.people import DANA, compare, dana, items
from tests.site import Site
from tests.times import Clock
from tests.world import World
from workers import jobs

SCAN = "/businesses/{b}/duplicates/scan"
TWICE = 4


@pytest.fixture
def twins(site: Site) -> list[uuid.UUID]:
    """People who are on the list twice."""
    names = ("Abernathy", "Brandt", "Castellano", "Dvorak")
    with site.writing() as session:
        return [
            make.client(
                session, first_name="Rosa", last_name=name, mobile_phone=f"617 555 01{number:02}"
            ).id
            for number, name in enumerate(names)
            for _ in range(2)
        ]


def keyed(site: Site) -> None:
    """Their keys are written, and nobody was compared."""
    with site.writing() as session:
        actions.renew_due_keys(session)


def pairs(api: Api) -> set[frozenset[str]]:
    return {
        frozenset((each["client"]["id"], each["other"]["client"]["id"]))
        for each in items(api, "duplicates")
    }


def expected(twins: list[uuid.UUID]) -> set[frozenset[str]]:
    return {frozenset(map(str, two)) for two in zip(twins[::2], twins[1::2], strict=True)}


def test_it_finds_whoever_is_there_twice(api: Api, site: Site, twins: list[uuid.UUID]) -> None:
    keyed(site)
    assert api.staff.get(SCAN).json()["state"] == "never"
    started = api.staff.post(SCAN)
    assert (started.status_code, started.json()["state"]) == (202, "queued")
    assert jobs.scan_due_lists(site.database) == 1
    done = api.staff.get(SCAN).json()
    assert (done["state"], done["found"], done["started_by"]) == ("done", TWICE, "Stella Staff")
    assert done["done"] == done["total"] >= len(twins)
    assert pairs(api) == expected(twins)
    assert all(each["reasons"]["agrees"] for each in items(api, "duplicates"))
    assert items(api, "matches") == [], "nobody came"


def test_what_is_compared_one_by_one_is_found_alike(
    api: Api, site: Site, twins: list[uuid.UUID]
) -> None:
    compare(site.database)
    one_by_one = {each["id"]: each["score"] for each in items(api, "duplicates")}
    assert pairs(api) == expected(twins)
    api.staff.post(SCAN)
    jobs.scan_due_lists(site.database)
    assert {each["id"]: each["score"] for each in items(api, "duplicates")} == one_by_one


def test_a_scan_under_way_is_not_begun_twice(api: Api) -> None:
    first = api.staff.post(SCAN).json()
    assert api.owner.post(SCAN).json()["created_at"] == first["created_at"]


def test_many_who_wait_are_looked_through_at_once(
    api: Api, site: Site, twins: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "MANY", 5)
    compare(site.database)
    assert pairs(api) == set()
    assert api.staff.get(SCAN).json()["started_by"] == "the system"
    assert jobs.scan_due_lists(site.database) == 1
    assert pairs(api) == expected(twins)
    assert compare(site.database) == 0, "they are done with"


class _Killed(BaseException):
    pass


@pytest.fixture
def killed_at_the_first_pair(
    site: Site, twins: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker took the scan on and vanished."""
    keyed(site)
    with site.writing() as session:
        actions.start_scan(session, by=SYSTEM)

    def die(*_: Any, **__: Any) -> None:
        raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(scanning, "open_pairs", die)
        with pytest.raises(_Killed):
            jobs.scan_due_lists(site.database)


def test_a_scan_whose_worker_was_killed_is_begun_anew(
    api: Api, site: Site, twins: list[uuid.UUID], killed_at_the_first_pair: None, clock: Clock
) -> None:
    assert api.staff.get(SCAN).json()["state"] == "running"
    assert jobs.scan_due_lists(site.database) == 0, "it may be alive"
    clock.move(minutes=6)
    assert jobs.scan_due_lists(site.database) == 1
    assert api.staff.get(SCAN).json()["state"] == "done"
    assert pairs(api) == expected(twins)


def test_two_workers_do_not_take_the_same_scan(site: Site, clock: Clock) -> None:
    with site.writing() as session:
        actions.start_scan(session, by=SYSTEM)
    with site.database.writing() as session:
        mine = scans.take_on(session)
    assert mine is not None
    with site.database.writing() as session:
        assert scans.take_on(session) is None
    clock.move(minutes=6)
    with site.database.writing() as session:
        assert scans.take_on(session) is not None
    with pytest.raises(scans.Overtaken), site.writing() as session:
        scans.note(session, mine, 1, 0)


def test_how_far_it_is_can_be_seen_meanwhile(
    api: Api, site: Site, twins: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    keyed(site)
    api.staff.post(SCAN)
    monkeypatch.setattr(scanning, "_BEAT_SECONDS", 0)
    seen: list[tuple[str, int]] = []

    def look(*given: Any, **named: Any) -> None:
        with site.reading() as session:
            scan = last_scan(session)
            assert scan is not None
            seen.append((scan.state, scan.done))
        note(*given, **named)

    note = scans.note
    monkeypatch.setattr(scans, "note", look)
    jobs.scan_due_lists(site.database)
    assert {state for state, _ in seen} == {ScanState.RUNNING}
    assert [done for _, done in seen] == sorted(done for _, done in seen)
    assert seen[-1][1] > 0


def test_a_worker_that_is_asked_to_end_hands_it_back(
    api: Api, site: Site, twins: list[uuid.UUID]
) -> None:
    keyed(site)
    api.staff.post(SCAN)
    assert not scanning.scan_next(site.database, lambda: True)
    assert api.staff.get(SCAN).json()["state"] == "queued"
    assert scanning.scan_next(site.database, lambda: False)
    assert pairs(api) == expected(twins)


def change(site: Site, client_id: uuid.UUID, **said: str) -> None:
    with site.writing() as session:
        change_client(session, find(session, client_id), said, by=SYSTEM)


@pytest.mark.parametrize("way", ["one by one", "all at once"])
def test_two_who_no_longer_look_alike_are_asked_about_no_more(
    api: Api, site: Site, twins: list[uuid.UUID], way: str
) -> None:
    compare(site.database)
    other = {"first_name": "Ingrid", "last_name": "Olsen", "mobile_phone": "415 555 0134"}
    change(site, twins[0], **other)
    if way == "one by one":
        compare(site.database)
    else:
        keyed(site)
        api.staff.post(SCAN)
        jobs.scan_due_lists(site.database)
    assert pairs(api) == expected(twins[2:])


def test_what_a_newcomer_raised_stays_until_it_is_decided(api: Api, site: Site) -> None:
    dana(site)
    her = {name: DANA[name] for name in ("first_name", "last_name", "mobile_phone")}
    added = api.staff.post("/businesses/{b}/clients", json=her).json()
    change(site, uuid.UUID(added["id"]), first_name="Ingrid", last_name="Olsen", mobile_phone="")
    compare(site.database)
    api.staff.post(SCAN)
    jobs.scan_due_lists(site.database)
    assert len(items(api, "matches")) == 1


def test_a_killed_worker_costs_one_batch(
    api: Api, site: Site, twins: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had not committed is done by the next."""

    def die(*_: Any) -> None:
        raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(comparing, "mark", die)
        with pytest.raises(_Killed):
            compare(site.database)
    assert pairs(api) == set()
    compare(site.database)
    assert pairs(api) == expected(twins)


def test_each_business_looks_through_its_own_list(
    api: Api, site: Site, world: World, twins: list[uuid.UUID]
) -> None:
    with site.writing(world.kennels) as session:
        make.client(session, first_name="Rosa", last_name="Brandt", mobile_phone="617 555 0101")
    compare(site.database)
    theirs = api.outsider.at(world.kennels.slug)
    assert theirs.get("/businesses/{b}/duplicates").json()["items"] == []
    assert pairs(api) == expected(twins)
    theirs.post(SCAN)
    jobs.scan_due_lists(site.database)
    assert theirs.get(SCAN).json()["found"] == 0
    assert api.staff.get(SCAN).json()["state"] == "never"
    problem_of(api.outsider.post(SCAN), 404)
