"""Every operation of the API before every stranger: what is not theirs is not there.

Each operation is called with ids of the salon by people who have no business with them, and with
ids that nothing has. Both must give the same answer, word for word.
"""

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.front_door import Api, ApiCaller
from tests.house.known import known_ids, random_ids
from tests.house.operations import Ids, Operation, kind_of_id, leaves, operations, replaced
from tests.mailbox import Mailbox
from tests.world import World

pytestmark = pytest.mark.settings(rate_limits="off")
Answer = tuple[int, Any]


@pytest.fixture
def every(app: FastAPI) -> list[Operation]:
    return operations(app)


@pytest.fixture
def ids(api: Api, world: World, mailbox: Mailbox) -> dict[str, str]:
    """The salon's."""
    return known_ids(api, world.salon, world.jo, mailbox)


@pytest.fixture
def others_ids(api: Api, world: World, mailbox: Mailbox) -> dict[str, str]:
    """The outsider's own."""
    return known_ids(api, world.kennels, world.max, mailbox)


@pytest.fixture
def strangers(api: Api, world: World) -> dict[str, ApiCaller]:
    home = world.kennels.slug
    return {
        "nobody": api.visitor,
        "nobody, at the other business": api.visitor.at(home),
        "the outsider": api.outsider,
        "the outsider, at home": api.outsider.at(home),
        "the outsider's client": api.outsiders_client,
        "the outsider's client, at home": api.outsiders_client.at(home),
        "another client": api.other_client,
        "another client, at the other business": api.other_client.at(home),
    }


def test_the_ids_of_these_tests_are_really_known(
    every: list[Operation], api: Api, ids: Ids
) -> None:
    """Without this the tests below would prove nothing."""
    wrong = []
    for operation in _those_that_name_something(every):
        if operation.is_of_programs:  # tests/licensing knows their token
            continue
        caller = api.client if operation.is_of_clients or "session" in operation.path else api.owner
        if operation.is_public:
            caller = api.visitor
        if operation.is_of_operators:
            caller = api.operator
        nothing = operation.call(caller, random_ids(dict(ids))).status_code
        if nothing != 404 and not (operation.is_public and nothing == 410):
            wrong.append(f"{operation.name} of nothing: {nothing}")
        if operation.method == "GET":
            there = operation.call(caller, ids)
            if there.status_code != 200:
                wrong.append(f"{operation.name}: {there.status_code} {there.text[:200]}")
    assert wrong == []


def test_nobody_learns_what_is_not_theirs(
    every: list[Operation], strangers: dict[str, ApiCaller], ids: dict[str, str]
) -> None:
    nothing = random_ids(ids)
    told = [
        _difference(f"{operation.name} as {who}", there, absent)
        for who, caller in strangers.items()
        for operation in _those_that_name_something(every)
        if not operation.is_public or caller.slug != "happy-paws"
        if "{slug}" in operation.path or not operation.is_public
        for there, absent in [(operation.call(caller, ids), operation.call(caller, nothing))]
        if _answer(there, ids) != _answer(absent, nothing)
    ]
    assert told == []


def test_nothing_of_anothers_is_reached_by_way_of_ones_own(
    every: list[Operation],
    api: Api,
    world: World,
    ids: dict[str, str],
    others_ids: dict[str, str],
) -> None:
    """`/clients/MINE/pets/YOURS` is as empty as `/clients/MINE/pets/NOTHING`."""
    told = []
    for operation in every:
        if len(operation.names) < 2:
            continue
        last = operation.key(operation.names[-1])
        caller = api.outsider.at(world.kennels.slug)
        there = operation.call(caller, {**others_ids, last: ids[last]})
        absent = operation.call(caller, {**others_ids, last: random_ids(ids)[last]})
        if _answer(there, ids) != _answer(absent, ids):
            told.append(_difference(operation.name, there, absent))
    assert told == []


def test_a_pet_is_found_with_its_own_people_only(api: Api, world: World) -> None:
    """Within one business too."""
    pet = world.sam.pet_ids[0]
    assert api.owner.get(f"/businesses/{{b}}/clients/{world.jo.id}/pets/{pet}").status_code == 404
    assert api.client.get(f"/businesses/{{b}}/me/pets/{pet}").status_code == 404


def test_ids_in_a_body_are_as_unknown_as_those_in_an_address(
    every: list[Operation],
    api: Api,
    world: World,
    ids: dict[str, str],
    others_ids: dict[str, str],
) -> None:
    callers = {
        True: api.outsiders_client.at(world.kennels.slug),
        False: api.outsider.at(world.kennels.slug),
    }
    nothing = random_ids(ids)
    told = []
    for operation, at, name in _ids_in_bodies(every):
        caller = callers[operation.is_of_clients]
        body = operation.body(others_ids)
        there = operation.call(caller, others_ids, body=replaced(body, at, ids[name]))
        absent = operation.call(caller, others_ids, body=replaced(body, at, nothing[name]))
        if _answer(there, ids) != _answer(absent, nothing) or there.status_code < 400:
            told.append(_difference(f"{operation.name} {at}", there, absent))
    assert told == []


def test_ids_in_a_query_find_nothing_of_anothers(
    every: list[Operation],
    api: Api,
    world: World,
    ids: dict[str, str],
    others_ids: dict[str, str],
) -> None:
    names = {
        "service": "service_id",
        "staff": "staff_id",
        "client": "client_id",
        "record_id": "client_id",
    }
    always = {"from": "2027-03-01", "to": "2027-03-07", "service": others_ids["service_id"]}
    nothing = random_ids(ids)
    told = []
    for operation in every:
        for field in set(operation.query) & set(names):
            caller = api.outsiders_client if operation.is_of_clients else api.outsider
            there, absent = (
                operation.call(
                    caller.at(world.kennels.slug),
                    others_ids,
                    params={**_fitting(always, operation), field: found[names[field]]},
                )
                for found in (ids, nothing)
            )
            if _answer(there, ids) != _answer(absent, nothing):
                told.append(_difference(f"{operation.name}?{field}", there, absent))
    assert told == []


def test_no_list_shows_anything_of_anothers(
    every: list[Operation],
    api: Api,
    world: World,
    ids: dict[str, str],
    others_ids: dict[str, str],
) -> None:
    """Words and ids of the salon, looked for in all the outsider and their client can read."""
    of_the_service = {ids["notice_id"], ids["key"]}
    canaries = {world.jo.email, world.sam.email, "Bright", "Rex", "Olivia", *ids.values()}
    canaries -= of_the_service
    found = []
    for operation in every:
        if operation.method != "GET":
            continue
        for caller in (api.outsider, api.outsiders_client):
            answer = operation.call(caller.at(world.kennels.slug), others_ids)
            shown = sorted(canary for canary in canaries if canary in answer.text)
            if shown:
                found.append(f"{operation.name}: {shown}")
    assert found == []


def test_one_client_reads_nothing_of_anothers(
    every: list[Operation], api: Api, world: World, ids: dict[str, str]
) -> None:
    canaries = {world.jo.email, "Bright", "Rex", ids["client_id"], ids["appointment_id"]}
    found = [
        operation.name
        for operation in every
        if operation.method == "GET" and not operation.is_public
        if any(canary in operation.call(api.other_client, ids).text for canary in canaries)
    ]
    assert found == []


def test_whoever_sends_no_token_is_asked_to_sign_in(
    every: list[Operation], api: Api, ids: dict[str, str]
) -> None:
    """Open to all is what is listed as open to all, and nothing else."""
    tokens = {"nothing": api.visitor, "an unknown token": api.bearing("x" * 43)}
    open_doors = [
        f"{operation.name} with {what}: {status}"
        for what, caller in tokens.items()
        for operation in every
        if not operation.is_public
        if (status := operation.call(caller, ids).status_code) != 401
    ]
    assert open_doors == []


def test_clients_are_not_staff_and_staff_are_not_clients(
    every: list[Operation], api: Api, ids: dict[str, str]
) -> None:
    wrong = [
        f"{operation.name}: {status}"
        for operation in every
        if operation.is_of_staff or operation.is_of_clients
        for caller in [api.owner if operation.is_of_clients else api.client]
        if (status := operation.call(caller, ids).status_code) != 403
    ]
    assert wrong == []


SETTING_UP = re.compile(
    r"(POST|PUT|PATCH|DELETE) /businesses/\{slug\}/"
    r"(preferences|services|staff|opening-hours|closures|members|registrations)\b.*"
)
OF_MANAGERS = re.compile(r"GET /businesses/\{slug\}/audit.*")


def test_the_role_staff_changes_nothing_about_the_business(
    every: list[Operation], api: Api, ids: dict[str, str]
) -> None:
    concerned = [
        operation
        for operation in every
        if SETTING_UP.fullmatch(operation.name) or OF_MANAGERS.fullmatch(operation.name)
    ]
    assert len(concerned) > 20
    wrong = [
        f"{operation.name}: {answers}"
        for operation in concerned
        for answers in [
            [operation.call(api.staff, which).status_code for which in (ids, random_ids(ids))]
        ]
        if answers != [403, 403]
    ]
    assert wrong == []


def _those_that_name_something(every: list[Operation]) -> list[Operation]:
    """Reading first, removing last."""
    order = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    named = [operation for operation in every if operation.names]
    return sorted(named, key=lambda operation: order.index(operation.method))


def _ids_in_bodies(every: list[Operation]) -> list[tuple[Operation, tuple[str | int, ...], str]]:
    found = []
    for operation in every:
        for at, schema in leaves(operation.schema or {}):
            if schema.get("format") == "uuid":
                name = str(at[-1] if isinstance(at[-1], str) else at[-2])
                found.append((operation, at, kind_of_id(name)))
    assert len(found) >= 4
    return found


def _fitting(params: Mapping[str, str], operation: Operation) -> dict[str, str]:
    return {name: value for name, value in params.items() if name in operation.query}


def _answer(response: httpx.Response, ids: Ids) -> Answer:
    """What was said, with the ids that were asked for blotted out."""
    text = response.text
    for value in ids.values():
        text = text.replace(value, "ID")
    return response.status_code, text


def _difference(what: str, there: httpx.Response, absent: httpx.Response) -> str:
    return (
        f"{what}: {there.status_code} {there.text[:200]!r}"
        f" but of nothing {absent.status_code} {absent.text[:200]!r}"
    )
