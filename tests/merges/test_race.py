"""Two of the staff merge the same records at the same moment, the same way and crosswise."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from booking.appointments.models import Appointment
from booking.audit.actions import SYSTEM
from booking.clients.models import Client, Pet
from booking.clients.queries import find
from booking.database import Database
from booking.merges.actions import holding, merging
from booking.merges.models import Merge
from tests import make
from tests.front_door import Api
from tests.live import LiveServer
from tests.merges.merging import add
from tests.racing import locked_late
from tests.site import Site
from tests.world import VISIT_TO_COME, World

RACERS = 6

pytestmark = pytest.mark.settings(rate_limits="off")
Pair = tuple[str, str]


def same(one: str, other: str) -> list[Pair]:
    return [(one, other)] * RACERS


def crossed(one: str, other: str) -> list[Pair]:
    return [(one, other), (other, one)] * (RACERS // 2)


@pytest.mark.parametrize("way", [same, crossed])
@pytest.mark.parametrize("go", range(3))
def test_one_merges_and_the_others_are_told(
    live: LiveServer, api: Api, site: Site, world: World, way: Callable[..., list[Pair]], go: int
) -> None:
    before = counted(site)
    one, other = (add(api.staff, first_name="Ann", pets=[{"name": "Rex"}]) for _ in range(2))
    answers = race(live, world, way(one["id"], other["id"]))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: RACERS - 1}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {
        "already_merged"
    }
    assert counted(site) == (before[0] + 1, before[1] + 1)


@pytest.mark.parametrize("way", [same, crossed])
def test_without_holding_the_records_it_goes_wrong(
    live: LiveServer,
    api: Api,
    world: World,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[..., list[Pair]],
) -> None:
    """The positive control: the test above really races."""
    one, other = (add(api.staff, first_name="Ann", pets=[{"name": "Rex"}]) for _ in range(2))
    with guard_off(monkeypatch, database):
        answers = race(live, world, way(one["id"], other["id"])[:2])
    assert not [each for each in answers if each.json().get("code") == "already_merged"]


@contextlib.contextmanager
def guard_off(monkeypatch: pytest.MonkeyPatch, database: Database) -> Iterator[None]:
    """Nobody holds anything, and both have looked before either writes. On SQLite the guard is
    that writers begin by taking the lock."""
    both = threading.Barrier(2)

    def look(session: Any, client_ids: Sequence[Any]) -> dict[Any, Client]:
        found = list(session.scalars(select(Client).where(Client.id.in_(client_ids))))
        both.wait(timeout=30)
        return {client.id: client for client in found}

    monkeypatch.setattr(holding, "hold", look)
    with locked_late(database):
        yield


def race(live: LiveServer, world: World, pairs: Sequence[Pair]) -> list[httpx.Response]:
    start = threading.Barrier(len(pairs))
    callers = (world.staff, world.owner)

    def post(number: int) -> httpx.Response:
        keep, other = pairs[number]
        headers = {"Authorization": f"Bearer {callers[number % 2].token}"}
        with httpx.Client(base_url=live.url, timeout=60, headers=headers, verify=False) as client:
            client.get("/healthz").raise_for_status()
            start.wait(timeout=60)
            path = f"/api/v1/businesses/{world.salon.slug}/merges"
            return client.post(path, json={"keep": keep, "merge": [other]})

    with ThreadPoolExecutor(len(pairs)) as racers:
        return list(racers.map(post, range(len(pairs))))


def counted(site: Site) -> tuple[int, int]:
    """Merges, and clients."""
    with site.reading() as session:
        found = [
            session.scalars(select(func.count()).select_from(kind)).one()
            for kind in (Merge, Client)
        ]
    return found[0], found[1]


def test_a_visit_that_is_just_being_booked_moves_along(site: Site, world: World) -> None:
    """It was not there yet when the merge began; the merge waits for it instead of losing it."""
    booked, visits = threading.Event(), []

    def book() -> None:
        with site.writing() as session:
            kim = find(session, world.kim.id)
            at = VISIT_TO_COME + timedelta(days=1)
            visits.append(make.appointment(session, kim, world.salon.bath, world.salon.ana, at).id)
            visits.append(make.pet(session, kim, name="Last").id)
            booked.set()
            time.sleep(0.5)  # long enough for the merge to come and wait

    with ThreadPoolExecutor(1) as desk:
        booking = desk.submit(book)
        assert booked.wait(timeout=30)
        with site.writing() as session:
            pat, kim = find(session, world.pat.id), find(session, world.kim.id)
            merging.merge(session, pat, [kim], by=SYSTEM)
        booking.result()
    with site.reading() as session:
        assert session.get_one(Appointment, visits[0]).client_id == world.pat.id
        assert session.get_one(Pet, visits[1]).client_id == world.pat.id
