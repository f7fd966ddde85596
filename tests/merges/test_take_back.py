"""A visit or a login that was linked through a match: the answer stays, and can be taken back."""

import uuid
from typing import Any

import httpx
import pytest

from booking.appointments.queries import find as find_visit
from tests import make
from tests.api.client_logins import NEW_PASSWORD, me, sign_in
from tests.front_door import Api, ApiCaller, problem_of
from tests.mailbox import Mailbox
from tests.matching.people import ALL_OF_HER, DANA, NOBODY, VISITS, booking, compare, dana, items
from tests.matching.people import logged_in as signed_up
from tests.merges.merging import merged, undone
from tests.site import Site
from tests.world import World


@pytest.fixture
def her(site: Site) -> uuid.UUID:
    return dana(site)


@pytest.fixture
def lee(site: Site, her: uuid.UUID) -> uuid.UUID:
    """Has the same address."""
    with site.writing() as session:
        made = make.client(session, first_name="Lee", last_name="Whitfield", email=DANA["email"])
    compare(site.database)
    return made.id


@pytest.fixture
def visit(api: Api, site: Site, world: World, lee: uuid.UUID) -> uuid.UUID:
    """Of a guest with that address."""
    body = booking(world, 4, {**NOBODY, "email": DANA["email"]}, pet="Tip")
    booked = api.visitor.post(VISITS, json=body).json()
    compare(site.database)
    return uuid.UUID(booked["id"])


def say(caller: ApiCaller, match: dict[str, Any], verb: str) -> httpx.Response:
    return caller.post(f"/businesses/{{b}}/matches/{match['id']}/{verb}")


def done(api: Api, match: dict[str, Any], verb: str) -> dict[str, Any]:
    answer = say(api.staff, match, verb)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def asked(api: Api, state: str = "open") -> dict[str, dict[str, Any]]:
    """By the client that is asked about; of visits and logins alone."""
    found = items(api, f"matches?state={state}")
    return {one["client"]["id"]: one for one in found if one["other"]["kind"] != "client"}


def client_of(site: Site, visit: uuid.UUID) -> uuid.UUID | None:
    with site.reading() as session:
        return find_visit(session, visit).client_id


def noted(api: Api, of_what: str) -> list[str]:
    """What the audit log has of it, the last thing first."""
    entries = api.owner.get("/businesses/{b}/audit", params={"limit": 50}).json()["items"]
    linked = ("match.", f"{of_what}.linked", f"{of_what}.unlinked")
    return [each["action"] for each in entries if each["action"].startswith(linked)]


def test_a_visit_is_a_guests_again_and_all_is_asked_as_before(
    api: Api, site: Site, her: uuid.UUID, lee: uuid.UUID, visit: uuid.UUID
) -> None:
    before = asked(api)
    hers, lees = before[str(her)], before[str(lee)]
    linked = done(api, hers, "link")
    assert linked == done(api, hers, "link")
    assert (linked["kind"], linked["client_id"]) == ("visit", str(her))
    assert client_of(site, visit) == her
    assert asked(api) == {}
    assert [one["decided_by"] for one in asked(api, "linked").values()] == ["Stella Staff"]
    assert problem_of(say(api.staff, hers, "reject"), 409)["code"] == "already_decided"
    assert problem_of(say(api.staff, lees, "link"), 409)["code"] == "has_client"
    assert say(api.outsider, hers, "reopen").status_code == 404

    assert done(api, hers, "reopen") == hers
    assert client_of(site, visit) is None
    assert asked(api) == before
    done(api, lees, "link")
    assert client_of(site, visit) == lee
    again = ["match.linked", "appointment.linked"]
    assert noted(api, "appointment") == [*again, "match.reopened", "appointment.unlinked", *again]


def test_a_login_is_signed_out_and_asked_about_again(
    api: Api, site: Site, mailbox: Mailbox, her: uuid.UUID
) -> None:
    site.prefer("client_settings", link_by_verified_email="off")
    body, caller = signed_up(api, mailbox, **ALL_OF_HER, email=DANA["email"])
    compare(site.database)
    before = asked(api)
    match = before[str(her)]
    assert done(api, match, "link")["kind"] == "login"
    assert me(api, body["token"])["id"] == str(her)
    assert asked(api) == {}

    assert done(api, match, "reopen") == match
    assert caller.get("/businesses/{b}/me").status_code == 401
    token = sign_in(api, DANA["email"], NEW_PASSWORD).json()["token"]
    assert me(api, token)["id"] is None
    assert asked(api) == before
    done(api, match, "link")
    assert me(api, token)["id"] == str(her)
    again = ["match.linked", "client.linked"]
    assert noted(api, "client")[:6] == [*again, "match.reopened", "client.unlinked", *again]

    login = f"/businesses/{{b}}/clients/{her}/account"
    api.staff.delete(login)
    api.staff.put(login, json={"email": DANA["email"]})
    refused = problem_of(say(api.staff, match, "reopen"), 409)
    assert refused["code"] == "changed_since"
    assert "linked again since" in refused["detail"]
    api.staff.delete(login)
    assert done(api, match, "reopen") == match


def test_a_merge_takes_the_answer_along_and_a_visit_stays_with_whose_it_is_by_now(
    api: Api, site: Site, her: uuid.UUID, lee: uuid.UUID, visit: uuid.UUID
) -> None:
    before = asked(api)
    done(api, before[str(lee)], "reject")
    done(api, before[str(her)], "link")
    merge = merged(api.staff, lee, her)
    assert asked(api, "linked").keys() == {str(lee)}
    assert asked(api, "rejected") == {}
    undone(api.staff, merge)
    assert asked(api, "linked").keys() == {str(her)}
    assert asked(api, "rejected").keys() == {str(lee)}

    merge = merged(api.staff, lee, her)
    match = asked(api, "linked")[str(lee)]
    done(api, match, "reopen")
    assert client_of(site, visit) is None
    done(api, match, "link")
    undone(api.staff, merge)
    assert client_of(site, visit) == her
    refused = problem_of(say(api.staff, asked(api, "linked")[str(lee)], "reopen"), 409)
    assert refused["code"] == "changed_since"
    assert (
        refused["detail"] == "This visit is Dana Whitfield’s by now, not Lee Whitfield’s any more."
    )
