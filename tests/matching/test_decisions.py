"""What staff decide about a pair is remembered, in the audit log, and can be taken back."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from booking.audit.actions import SYSTEM
from booking.clients.actions import change_client
from booking.clients.queries import find as find_client
from booking.database import Database
from booking.matching import actions
from booking.matching.actions import raising
from booking.matching.models import Match, Origin
from booking.matching.queries import household_of
from tests import make
from tests.front_door import Api, problem_of
from tests.matching.people import DANA, OTHER_ADDRESS, compare, dana, items
from tests.racing import locked_late
from tests.site import Site

RACERS = 8
HER = {"first_name": "Dana", "last_name": "Whitfield", "mobile_phone": DANA["mobile_phone"]}


@pytest.fixture
def known(site: Site) -> uuid.UUID:
    return dana(site)


@pytest.fixture
def newcomer(api: Api, site: Site, known: uuid.UUID) -> uuid.UUID:
    added = api.staff.post("/businesses/{b}/clients", json=HER)
    compare(site.database)
    return uuid.UUID(added.json()["id"])


def the_match(api: Api) -> dict[str, Any]:
    (match,) = items(api, "matches")
    return match


def act(api: Api, match: dict[str, Any], what: str) -> dict[str, Any]:
    answer = api.staff.post(f"/businesses/{{b}}/matches/{match['id']}/{what}")
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def test_two_who_are_not_the_same_are_never_asked_about_again(
    api: Api, site: Site, newcomer: uuid.UUID
) -> None:
    decided = act(api, the_match(api), "reject")
    assert (decided["state"], decided["decided_by"]) == ("rejected", "Stella Staff")
    with site.writing() as session:
        changed = find_client(session, newcomer)
        change_client(session, changed, {"home_phone": DANA["home_phone"]}, by=SYSTEM)
    compare(site.database)
    assert items(api, "matches") == items(api, "duplicates") == []
    assert [each["id"] for each in items(api, "matches?state=rejected")] == [decided["id"]]


def test_two_of_one_household_belong_together(
    api: Api, site: Site, known: uuid.UUID, newcomer: uuid.UUID
) -> None:
    act(api, the_match(api), "household")
    with site.reading() as session:
        assert household_of(session, known) == [newcomer]
        assert household_of(session, newcomer) == [known]
    assert len(items(api, "matches?state=household")) == 1


@pytest.mark.parametrize("decision", ["reject", "household"])
def test_a_decision_can_be_taken_back(api: Api, newcomer: uuid.UUID, decision: str) -> None:
    match = the_match(api)
    act(api, match, decision)
    again = act(api, match, "reopen")
    assert (again["state"], again["decided_by"], again["decided_at"]) == ("open", None, None)
    assert the_match(api) == match


def test_every_decision_is_in_the_audit_log(api: Api, newcomer: uuid.UUID) -> None:
    match = the_match(api)
    for what in ("reject", "reopen", "household", "reopen"):
        act(api, match, what)
    entries = api.owner.get("/businesses/{b}/audit", params={"limit": 10}).json()["items"]
    ours = [each["action"] for each in entries if each["action"].startswith("match.")]
    assert ours == ["match.reopened", "match.household", "match.reopened", "match.rejected"]


def test_who_comes_second_is_told_that_it_was_decided(api: Api, newcomer: uuid.UUID) -> None:
    match = the_match(api)
    act(api, match, "reject")
    act(api, match, "reject")
    late = api.owner.post(f"/businesses/{{b}}/matches/{match['id']}/household")
    assert problem_of(late, 409)["code"] == "already_decided"


def test_one_person_becomes_one_record(
    api: Api, site: Site, known: uuid.UUID, newcomer: uuid.UUID
) -> None:
    done = act(api, the_match(api), "link")
    assert (done["client_id"], done["kind"]) == (str(known), "client")
    assert done["merge_id"]
    kept = api.staff.get(f"/businesses/{{b}}/clients/{known}").json()
    assert kept["first_name"] == "Dana"
    assert items(api, "matches") == []


def test_several_pairs_of_one_person_are_one_group(
    api: Api, known: uuid.UUID, newcomer: uuid.UUID
) -> None:
    third = api.staff.post("/businesses/{b}/clients", json={**HER, "email": OTHER_ADDRESS}).json()
    everybody = {str(known), str(newcomer), third["id"]}
    pairs = items(api, "duplicates")
    assert len(pairs) >= 2
    assert all(set(pair["group"]) == everybody for pair in pairs)
    assert [pair["score"] for pair in pairs] == sorted((p["score"] for p in pairs), reverse=True)


def test_a_list_goes_on_where_a_page_ended(api: Api, site: Site) -> None:
    for number in range(5):
        with site.writing() as session:
            for _ in range(2):
                phone = f"617 555 01{number:02}"
                make.client(session, first_name="Ann", last_name=f"Lee{number}", home_phone=phone)
    compare(site.database)
    whole = items(api, "duplicates")
    seen: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = api.staff.get("/businesses/{b}/duplicates", params=params).json()
        seen += page["items"]
        cursor = page["next_cursor"]
    assert [each["id"] for each in seen] == [each["id"] for each in whole]
    assert len(seen) >= 5
    wrong = api.staff.get("/businesses/{b}/duplicates", params={"cursor": "e30"})
    problem_of(wrong, 422)


def test_one_pair_raised_by_many_at_once_is_one_match(
    site: Site, api: Api, known: uuid.UUID
) -> None:
    assert raised_at_once(site, RACERS) == [1] * RACERS
    assert len(items(api, "matches")) == 1


def test_who_looks_first_and_writes_then_raises_it_twice(
    site: Site, known: uuid.UUID, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The positive control: the test above really races. That one of two fails is the database's
    own guard; what is off is the one that spares them the failure."""
    both = threading.Barrier(2)

    def look_then_write(session: Session, rows: list[dict[str, Any]], *, other: str) -> None:
        (row,) = rows
        pair = (Match.client_id == row["client_id"]) & (Match.other_id == row[other])
        assert session.scalar(select(Match.id).where(pair)) is None
        both.wait(timeout=30)
        session.add(Match(**row))
        session.flush()

    monkeypatch.setattr(raising, "_write", look_then_write)
    with locked_late(database):
        raised = raised_at_once(site, 2)
    assert sorted(map(str, raised)) == ["1", "refused"]


def raised_at_once(site: Site, racers: int) -> list[int | str]:
    """How many matches each of them has raised for the same newcomer."""
    with site.writing() as session:
        newcomer = make.client(session, **HER).id
    with site.writing() as session:
        actions.renew_due_keys(session)
    start = threading.Barrier(racers)

    def raise_it(_: int) -> int | str:
        start.wait(timeout=60)
        try:
            with site.writing() as session:
                client = find_client(session, newcomer)
                return len(actions.ask_about(session, client, origin=Origin.IMPORT))
        except DBAPIError:
            return "refused"

    with ThreadPoolExecutor(racers) as pool:
        return list(pool.map(raise_it, range(racers)))
