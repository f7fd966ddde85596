"""A payment card's number in any field of any form or body is refused and nowhere kept."""

import logging
import re
import uuid

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from booking import card_numbers
from booking.database import Database
from tests.databases import DatabaseKind
from tests.front_door import Api, fields_of, problem_of
from tests.house.operations import operations
from tests.pages import Browser, Pages, Value
from tests.stored import cells
from tests.world import World

CARD = "4242 4242 4242 4242"
PLAIN = "4242424242424242"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        CARD,
        "4242-4242-4242-4242",
        "Card: 4242.4242.4242.4242, thanks",
        "4242 4242 4242 4242 123",
        "12/29 4242 4242 4242 4242",
        "４２４２４２４２４２４２４２４２",
        "4222222222222",
        "378282246310005",
        "3782 822463 10005",
        "5555555555554444",
        "2223003122003222",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
        "6200000000000005",
    ],
)
def test_a_card_number_is_known_however_it_is_written(text: str) -> None:
    assert card_numbers.holds_one(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4242424242424241",
        "+49 151 1234 5675",
        "+4242424242424242",
        "1234567890123452",
        "x4242424242424242",
        "42424242424242424242424242424242",
        "985112345678903",
        "2026-11-22 10:00-11:30",
        "01a20103-3482-76fb-92ab-6f851bb74712",
        "555 0100, 555 0101, 555 0102",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not card_numbers.holds_one(text)


@given(st.text(st.characters(categories=["Nd", "Zs", "Pd", "Lu"]), max_size=60))
def test_no_text_is_too_odd_to_look_at(text: str) -> None:
    card_numbers.holds_one(text)


def test_every_operation_of_the_api_looks(app: FastAPI, api: Api) -> None:
    """Even for a stranger, at an address that leads nowhere, in a field that nobody knows."""
    writing = [each for each in operations(app) if each.method != "GET" and not each.is_form]
    assert len(writing) > 70
    nowhere = str(uuid.UUID(int=0))
    blind = [
        each.name
        for each in writing
        if "card_number_not_accepted"
        not in api.visitor.request(
            each.method, re.sub(r"\{\w+\}", nowhere, each.path), json={"odd": CARD}
        ).text
    ]
    assert blind == []


def test_i8_a_body_with_one_names_the_field_and_changes_nothing(
    api: Api, world: World, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    before = api.owner.get("/businesses/{b}/clients").json()
    answer = api.owner.post(
        "/businesses/{b}/clients",
        json={"first_name": "Vi", "notes": f"pays by {CARD}", "mobile_phone": PLAIN},
    )
    assert problem_of(answer, 422)["code"] == "card_number_not_accepted"
    assert fields_of(answer) == dict.fromkeys(["mobile_phone", "notes"], "card_number_not_accepted")
    signing_in = {"email": world.owner.email, "password": PLAIN, "odd": [{"deep": int(PLAIN)}]}
    answer = api.visitor.post("/staff/sessions", json=signing_in)
    assert set(fields_of(answer)) == {"password", "odd.0.deep"}
    assert api.owner.get("/businesses/{b}/clients").json() == before
    number = {"first_name": "Vi", "external_id": PLAIN}
    assert api.owner.post("/businesses/{b}/clients", json=number).status_code == 201
    kept = [where for where, value in cells(database) if PLAIN in value or CARD in value]
    assert set(kept) == {"client.external_id", "client.search_text"}
    assert PLAIN not in caplog.text
    assert CARD not in caplog.text


DESK = "/manage/happy-paws"
ABOUT_YOU = "/happy-paws/book/details?service={bath}&staff=any&start=1804096800"
FORMS: dict[str, list[tuple[str, str, set[str]]]] = {
    "owner": [
        (f"{DESK}/clients/new", "/clients/new", {"external_id"}),
        (f"{DESK}/clients/{{jo}}/edit", "/edit", {"external_id"}),
        (f"{DESK}/clients/{{jo}}/pets/new", "/pets/new", {"external_id"}),
        (f"{DESK}/details", "/details", set()),
        (f"{DESK}/services/new", "/services/new", set()),
        (f"{DESK}/staff/new", "/staff/new", set()),
        (f"{DESK}/appointments/{{visit}}", "/cancel", set()),
        (f"{DESK}/members", "/members", set()),
        (f"{DESK}/hours", "/closures", set()),
    ],
    "client": [
        ("/happy-paws/account/details", "/details", set()),
        ("/happy-paws/account/pets/new", "/pets/new", set()),
        ("/happy-paws/account/appointments/{visit}/cancel", "/cancel", set()),
    ],
    "visitor": [(ABOUT_YOU, "/check", set())],
}
"""who → (page, its form, fields that are exempt)"""


@pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], indirect=True)
def test_no_form_takes_one(pages: Pages, world: World, database: Database) -> None:
    names = {"jo": world.jo.id, "visit": world.jo.visit, "bath": world.salon.bath}
    taken = [
        f"{who} {path} {name}"
        for who, forms in FORMS.items()
        for path, form, exempt in forms
        for name in _texts(_browser(pages, who), path.format(**names), form)
        if name not in exempt and _takes(_browser(pages, who), path.format(**names), form, name)
    ]
    assert taken == []
    assert [where for where, value in cells(database) if CARD in value] == []


def _takes(browser: Browser, path: str, form: str, name: str) -> bool:
    typed: dict[str, Value] = {name: f"my card {CARD}"}
    return browser.get(path).submit(form, button=None, files=None, **typed).status != 422


def _browser(pages: Pages, who: str) -> Browser:
    return pages.visitor() if who == "visitor" else getattr(pages, who)


def _texts(browser: Browser, path: str, form: str) -> list[str]:
    fields = browser.get(path).form(form).fields
    found = [each.name for each in fields if each.kind in {"text", "textarea", "tel"}]
    assert found, path
    return found
