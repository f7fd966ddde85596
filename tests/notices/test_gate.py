"""Maintenance that holds components read-only: what waits, what goes on, and what it costs."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import event
from starlette.routing import Mount

from booking import gate
from booking.audit.actions import SYSTEM
from booking.billing.actions.plans import choose_plan
from booking.database import Database
from tests.databases import DatabaseKind
from tests.front_door import Api, problem_of
from tests.house.known import guest_booking
from tests.notices.test_notices import MAINTENANCE, posted
from tests.pages import Pages
from tests.site import Site
from tests.times import Clock
from tests.web.booking_steps import at_check, at_details
from tests.world import World
from workers import jobs

MARCH_16_AT_ONE = "1805216400"
WINDOW = {"starts_at": None, "ends_at": "2027-03-01T16:00:00Z", "read_only": True}


@pytest.fixture
def queries(database: Database) -> Iterator[list[str]]:
    """Statements that ask about notices."""
    found: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "notice" in statement:
            found.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield found
    event.remove(database.engine, "before_cursor_execute", note)


def test_writes_wait_and_what_must_stay_possible_does(api: Api, world: World, clock: Clock) -> None:
    posted(api, MAINTENANCE, **WINDOW)
    body = {
        "service_id": str(world.salon.grooming),
        "starts_at": "2027-03-09T15:00:00Z",
        "client": {"first_name": "G", "last_name": "", "email": "g@x.org", "mobile_phone": ""},
        "pets": [{"name": "Tip", "species": "dog", "breed": ""}],
    }
    answer = api.visitor.post("/businesses/{b}/appointments", json=body)
    problem = problem_of(answer, 503)
    assert problem["code"] == "maintenance"
    assert problem["until"] == "2027-03-01T16:00:00+00:00"
    assert "until Mon 1 Mar 2027, 11:00 am EST (New York)" in problem["detail"]
    assert 7100 < int(answer.headers["retry-after"]) <= 7201
    visit = f"/businesses/{{b}}/me/appointments/{world.jo.visit}"
    move = {"starts_at": "2027-03-10T15:00:00Z"}
    assert api.client.post(f"{visit}/reschedule", json=move).status_code == 503
    assert api.client.get(visit).status_code == 200
    assert api.client.post(f"{visit}/cancel").status_code == 200
    assert api.owner.post("/businesses/{b}/clients", json={"first_name": "A"}).status_code == 201
    campaign = {"audience": "active_without_account"}
    assert api.owner.post("/businesses/{b}/campaigns", json=campaign).status_code == 503
    signing_in = {"email": world.jo.email, "password": world.jo.person.password}
    assert api.visitor.post("/businesses/{b}/sessions", json=signing_in).status_code == 201
    clock.move(hours=2, minutes=1)
    assert guest_booking(api.visitor, world.salon)["state"]


def test_a_booking_begun_is_not_lost(api: Api, pages: Pages, world: World, clock: Clock) -> None:
    page = at_check(at_details(pages.visitor(), world), "nora@example.com", first_name="Nora")
    posted(api, MAINTENANCE, **WINDOW)
    held = page.submit("/book/confirm")
    assert held.status == 503
    assert int(held.response.headers["retry-after"]) > 0
    assert held.says("Online booking can be looked at and not changed until Mon 1 Mar 2027")
    assert "nora@example.com" in held.html
    clock.move(hours=2, minutes=1)
    booked = held.submit("/book/confirm")
    assert "/booking/" in booked.path


def test_a_page_says_until_when(api: Api, pages: Pages, world: World) -> None:
    posted(api, MAINTENANCE, **WINDOW, components=["remote_access"])
    held = pages.owner.request("POST", "/manage/happy-paws/clients/new", data={"first_name": "A"})
    assert held.status == 503
    assert held.says(
        "Remote access can be looked at and not changed until Mon 1 Mar 2027, 11:00 am"
    )
    client = f"/manage/happy-paws/clients/{world.jo.id}"
    pet = {"name": "Tip", "species": "dog"}
    assert pages.owner.request("POST", f"{client}/pets/new", data=pet).status == 503
    assert pages.owner.get("/manage/happy-paws/clients").status == 200


def test_it_costs_a_read_nothing_and_a_write_one_question(
    api: Api, world: World, queries: list[str]
) -> None:
    api.client.get("/businesses/{b}/me/appointments?when=upcoming")
    times = {"service": str(world.salon.bath), "from": "2027-03-02", "to": "2027-03-03"}
    assert api.visitor.get("/businesses/{b}/availability", params=times).status_code == 200
    assert queries == []
    api.client.patch("/businesses/{b}/me", json={"first_name": "Joanna"})
    assert len(queries) == 1


@pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)
def test_every_write_for_a_business_has_a_component_or_stays_open(app: FastAPI) -> None:
    """Of programs and of people alike: none slips past maintenance by having no name."""
    nameless = []
    for route in app.routes:
        if isinstance(route, Mount):
            continue
        assert isinstance(route, APIRoute)  # the gate sees no more of a tag than is on the route
        methods = set(route.methods or ()) - {"GET", "HEAD"}
        path = route.path
        if not methods or "{slug}" not in path:
            continue
        tags = [str(tag) for tag in route.tags]
        if gate.ALWAYS_OPEN.intersection(tags):
            continue
        if gate.component_of(tags) is None and route.endpoint not in gate._open:
            nameless.append(f"{sorted(methods)} {path}")
    assert nameless == []


def test_past_due_beyond_grace_a_business_is_read_only_and_within_it_all_goes_on(
    api: Api, pages: Pages, world: World, site: Site, clock: Clock
) -> None:
    with site.writing() as session:
        choose_plan(session, "standard", by=SYSTEM)
    jobs.tend_billing(site.database)
    clock.move(days=10)
    desk = "/manage/happy-paws"
    assert pages.owner.get(desk).says("A payment is overdue. Everything goes on until")
    assert api.owner.post("/businesses/{b}/clients", json={"first_name": "A"}).status_code == 201
    begun = at_check(at_details(pages.visitor(), world, start=MARCH_16_AT_ONE), "nora@example.com")
    clock.move(days=6)
    problem = problem_of(api.owner.post("/businesses/{b}/clients", json={"first_name": "B"}), 402)
    assert (problem["code"], problem["account_page"]) == ("read_only", f"{desk}/billing")
    held = pages.owner.request("POST", f"{desk}/clients/new", data={"first_name": "B"})
    assert (held.status, dict(held.links)["Open the account page"]) == (402, f"{desk}/billing")
    assert pages.owner.get(f"{desk}/clients").says("Nothing can be changed until")
    body = {"first_name": "Joanna"}
    problem = problem_of(api.client.patch("/businesses/{b}/me", json=body), 403)
    assert problem["code"] == "online_booking_closed"
    assert "pay" not in problem["detail"]
    refused = begun.submit("/book/confirm")
    assert refused.says("Online booking is closed at the moment")
    assert not refused.says("payment")
    assert pages.visitor().get("/happy-paws").says("Online booking is switched off at the moment")
    signing_in = {"email": world.owner.email, "password": world.owner.password}
    assert api.visitor.post("/staff/sessions", json=signing_in).status_code == 201
    assert (
        api.outsider.at(world.kennels.slug)
        .post("/businesses/{b}/clients", json={"first_name": "A"})
        .status_code
        == 201
    )
