"""One time of one person, wanted by forty at once, before two web servers."""

from collections import Counter
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from booking.appointments.models import Appointment
from booking.config import Settings
from tests.forked import GROUP
from tests.front_door import problem_of
from tests.live import LiveServer, web_processes
from tests.racing import post_at_once
from tests.site import Site
from tests.world import VISIT_TO_COME, World

RACERS = 40
WANTED = VISIT_TO_COME.replace(day=4)
"""Thursday, ten o'clock in New York: free"""

pytestmark = [pytest.mark.settings(rate_limits="off"), GROUP]


def test_a_time_is_sold_once(settings: Settings, site: Site, world: World) -> None:
    with web_processes(settings, 2) as servers:
        answers = race(servers, world)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: RACERS - 1}
    for answer in answers:
        if answer.status_code == 409:
            problem = problem_of(answer, 409)
            assert problem["code"] == "slot_taken"
            assert problem["nearest"]
    assert sold(site, world) == 1


@pytest.mark.settings(slot_guard="off")
def test_without_the_guard_it_is_sold_many_times(
    settings: Settings, site: Site, world: World
) -> None:
    """The positive control: the test above really races."""
    with web_processes(settings) as servers:
        answers = race(servers, world)
    assert Counter(answer.status_code for answer in answers)[201] > 1
    assert sold(site, world) > 1


def race(servers: list[LiveServer], world: World) -> list[httpx.Response]:
    bodies = [booking(world, number) for number in range(RACERS)]
    return post_at_once(servers, f"/businesses/{world.salon.slug}/appointments", bodies)


def booking(world: World, number: int) -> dict[str, Any]:
    return {
        "service_id": str(world.salon.grooming),
        "staff_id": str(world.salon.ana),
        "starts_at": WANTED.isoformat(),
        "client": {
            "first_name": "Racer",
            "last_name": f"Number {number}",
            "email": f"racer.{number}@example.com",
            "mobile_phone": "",
        },
        "pets": [{"name": "Flash", "species": "dog", "breed": ""}],
    }


def sold(site: Site, world: World) -> int:
    with site.reading() as session:
        wanted = select(func.count()).select_from(Appointment)
        return session.scalars(wanted.where(Appointment.starts_at == WANTED)).one()
