"""Logins and the clients they act for."""

import threading

import pytest

from booking.audit.actions import SYSTEM
from booking.clients import actions, queries
from booking.clients.actions import AlreadyLinked
from booking.clients.models import LinkedBy
from booking.errors import NotFound
from tests.front_door import Api, fields_of, problem_of
from tests.pages import Pages
from tests.site import Site
from tests.world import World

LIST = "/businesses/{b}/clients"


def test_staff_link_a_login_and_take_it_away(api: Api, world: World) -> None:
    account = f"{LIST}/{world.kim.id}/account"
    linked = api.staff.put(account, json={"email": world.jo.email})
    assert linked.json()["account"]["linked"] is True
    assert linked.json()["account"]["linked_by"] == "staff"
    assert api.staff.delete(account).status_code == 204
    assert api.staff.get(f"{LIST}/{world.kim.id}").json()["account"]["linked"] is False
    assert api.client.get("/businesses/{b}/me").status_code == 200


def test_a_login_without_any_client_is_signed_out(api: Api, world: World) -> None:
    assert api.staff.delete(f"{LIST}/{world.jo.id}/account").status_code == 204
    assert problem_of(api.client.get("/businesses/{b}/me"), 401)
    assert api.other_client.get("/businesses/{b}/me").status_code == 200


def test_a_client_has_one_login_at_most(api: Api, site: Site, world: World) -> None:
    answer = api.staff.put(f"{LIST}/{world.jo.id}/account", json={"email": world.sam.email})
    assert problem_of(answer, 409)["code"] == "already_linked"
    with site.writing() as session:
        jo = queries.find(session, world.jo.id)
        again = actions.link(
            session, jo, world.jo.person.account_id, linked_by=LinkedBy.STAFF, by=SYSTEM
        )
        assert again.linked_by is not LinkedBy.STAFF


def test_only_a_login_of_this_business_can_be_linked(api: Api, site: Site, world: World) -> None:
    for stranger in (world.max.email, world.owner.email, "nobody@example.com", "x"):
        answer = api.staff.put(f"{LIST}/{world.kim.id}/account", json={"email": stranger})
        assert fields_of(answer) == {"email": "unknown_login"}
    with site.writing() as session:
        kim = queries.find(session, world.kim.id)
        theirs = world.max.person.account_id
        with pytest.raises(NotFound):
            actions.link(session, kim, theirs, linked_by=LinkedBy.STAFF, by=SYSTEM)


def test_two_logins_at_the_same_moment_make_one_link(site: Site, world: World) -> None:
    accounts = [world.jo.person.account_id, world.sam.person.account_id] * 4
    barrier = threading.Barrier(len(accounts))
    refused: list[type[Exception]] = []

    def try_it(account_id: object) -> None:
        barrier.wait()
        try:
            with site.writing() as session:
                kim = queries.find(session, world.kim.id)
                actions.link(session, kim, account_id, linked_by=LinkedBy.STAFF, by=SYSTEM)  # type: ignore[arg-type]
        except AlreadyLinked as refusal:
            refused.append(type(refusal))

    threads = [threading.Thread(target=try_it, args=(one,)) for one in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == [AlreadyLinked] * 4
    with site.reading() as session:
        assert len(queries.links_of(session, [world.kim.id])) == 1


def test_every_link_leaves_a_trace(api: Api, world: World) -> None:
    api.staff.delete(f"{LIST}/{world.jo.id}/account")
    entries = api.owner.get(
        "/businesses/{b}/audit", params={"record_id": str(world.jo.id), "action": "client."}
    ).json()["items"]
    assert [entry["action"] for entry in entries][:2] == ["client.unlinked", "client.linked"]
    assert entries[0]["actor_name"] == "Stella Staff"


def test_the_pages_ask_before_a_login_is_linked_or_taken_away(pages: Pages, world: World) -> None:
    here = f"/manage/happy-paws/clients/{world.kim.id}"
    page = pages.staff.get(here).follow("Link a login that exists")
    assert page.says("Whoever signs in with it will see")
    refused = page.submit("link", email="nobody@example.com")
    assert refused.status == 422
    assert refused.says("No client login has this e-mail address.")
    linked = refused.submit("link", email=world.jo.email)
    assert linked.says(f"{world.jo.email} now sees and books for Kim Cold.")
    asked = linked.follow("Take the login away")
    assert asked.says("The login keeps Jo Bright")
    assert asked.submit("unlink").says("No login sees Kim Cold any more.")
