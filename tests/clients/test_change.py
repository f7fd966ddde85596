"""Adding and changing clients and pets, and what follows from it."""

import json
from typing import Any

import pytest

from booking.audit.actions import SYSTEM
from booking.clients import actions, queries
from booking.clients.models import Client
from booking.clients.rules import ClientDetails, checked
from booking.errors import Invalid
from tests.front_door import Api, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.pages import Pages
from tests.site import Site
from tests.world import KnownClient, World

LIST = "/businesses/{b}/clients"


def of(known: KnownClient) -> str:
    return f"{LIST}/{known.id}"


def kept(site: Site, known: KnownClient) -> Client:
    with site.reading() as session:
        client = queries.find(session, known.id)
        session.expunge(client)
        return client


def test_a_client_is_added_with_address_and_pets(api: Api) -> None:
    answer = api.staff.post(
        LIST,
        json={
            "first_name": " Ann ",
            "email": "Ann@Example.com",
            "address": {"address_1": "1 Way", "city": "Town"},
            "pets": [{"name": "Tim", "weight": "4", "weight_unit": "kg"}],
        },
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["first_name"] == "Ann"
    assert made["email"] == "Ann@Example.com"
    assert made["email_valid"] is True
    assert made["address"]["city"] == "Town"
    assert made["account"] == {"linked": False, "linked_by": None, "linked_at": None}
    assert [pet["name"] for pet in made["pets"]] == ["Tim"]
    assert made.pop("possible_matches") == []
    assert api.staff.get(f"{LIST}/{made['id']}").json() == made


def test_an_email_that_is_no_address_is_kept_as_typed_and_flagged(api: Api) -> None:
    made = api.staff.post(LIST, json={"first_name": "A", "email": "ann(at)example"}).json()
    assert made["email"] == "ann(at)example"
    assert made["email_valid"] is False


def test_a_client_needs_something_to_be_known_by(api: Api, world: World) -> None:
    assert fields_of(api.staff.post(LIST, json={})) == {"first_name": "nobody_named"}
    emptied = {"first_name": None, "last_name": None, "mobile_phone": None}
    assert "first_name" in fields_of(api.staff.patch(of(world.pat), json=emptied))
    assert api.staff.get(of(world.pat)).json()["first_name"] == "Pat"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"first_name": ["a"]}, "first_name"),
        ({"first_name": "a\0b"}, "first_name"),
        ({"first_name": "\ud800"}, "first_name"),
        ({"first_name": "a" * 101}, "first_name"),
        ({"birthday": "31.12.1980"}, "birthday"),
        ({"status": "dead"}, "status"),
        ({"business_id": "x"}, "business_id"),
        ({"email_key": "x@example.com"}, "email_key"),
        ({"account": {"linked": True}}, "account"),
        ({"address": {"planet": "Mars"}}, "address.planet"),
        ({"pets": [{"name": ""}]}, "pets.0.name"),
        ({"pets": {"name": "x"}}, "pets"),
    ],
)
def test_what_cant_be_kept_is_refused_by_field(api: Api, body: dict[str, Any], field: str) -> None:
    sent = json.dumps({"last_name": "B", **body}).encode()
    answer = api.staff.post(LIST, content=sent, headers={"Content-Type": "application/json"})
    assert field in fields_of(answer)


def test_a_patch_changes_what_it_names_and_null_empties(api: Api, world: World) -> None:
    api.staff.patch(of(world.kim), json={"notes": "likes tea", "address": {"city": "A"}})
    answer = api.staff.patch(
        of(world.kim),
        json={"notes": None, "address": {"region": "B"}},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    client = answer.json()
    assert (client["notes"], client["first_name"]) == ("", "Kim")
    assert (client["address"]["city"], client["address"]["region"]) == ("A", "B")
    assert api.staff.patch(of(world.kim), json={"address": None}).json()["address"]["city"] == ""


def test_only_a_new_mailbox_raises_the_version_of_the_address(
    api: Api, site: Site, world: World
) -> None:
    before = kept(site, world.kim).email_version
    api.staff.patch(of(world.kim), json={"email": world.kim.email.upper(), "notes": "x"})
    assert kept(site, world.kim).email_version == before
    api.staff.patch(of(world.kim), json={"email": "kim@elsewhere.example"})
    assert kept(site, world.kim).email_version == before + 1


def test_a_changed_contact_address_leaves_the_login_and_tells_the_old_address(
    api: Api, mailbox: Mailbox, world: World
) -> None:
    answer = api.staff.patch(of(world.jo), json={"email": "owner@evil.example"})
    assert answer.status_code == 200
    assert api.client.get("/businesses/{b}/me").status_code == 200
    written = mailbox.collect()
    assert [mail.to for mail in written] == [world.jo.email]
    assert "evil" not in written[0].text
    assert "still sign in with the same address" in " ".join(written[0].text.split())


def test_a_client_without_a_login_is_not_written_to(
    api: Api, mailbox: Mailbox, world: World
) -> None:
    api.staff.patch(of(world.kim), json={"email": "kim@elsewhere.example"})
    assert mailbox.collect() == []


def test_an_inactive_client_is_signed_out_and_earlier_invitations_stay_dead(
    api: Api, site: Site, world: World
) -> None:
    before = kept(site, world.jo).email_version
    api.staff.patch(of(world.jo), json={"status": "inactive"})
    assert problem_of(api.client.get("/businesses/{b}/me"), 401)
    api.staff.patch(of(world.jo), json={"status": "active"})
    assert kept(site, world.jo).email_version == before + 1


def test_an_imported_value_that_is_too_long_by_now_blocks_no_other_edit(site: Site) -> None:
    with pytest.raises(Invalid):
        checked(ClientDetails, {"notes": "x" * 20_001})
    assert checked(ClientDetails, {"first_name": "A"}) == {"first_name": "A"}


def test_a_pet_is_added_changed_put_away_and_brought_back(
    api: Api, site: Site, world: World
) -> None:
    pets = f"{of(world.kim)}/pets"
    vaccines = [{"name": "Rabies", "given_on": "2026-05-01"}]
    made = api.staff.post(pets, json={"name": "Tom", "vaccinations": vaccines}).json()
    assert made["vaccinations"] == [
        {"name": "Rabies", "given_on": "2026-05-01", "expires_on": None}
    ]
    changed = api.staff.patch(f"{pets}/{made['id']}", json={"breed": "Poodle"}).json()
    assert (changed["name"], changed["breed"]) == ("Tom", "Poodle")
    assert "name" in fields_of(api.staff.patch(f"{pets}/{made['id']}", json={"name": None}))
    api.staff.patch(f"{pets}/{made['id']}", json={"archived": True})
    assert [pet["name"] for pet in api.staff.get(pets).json()["items"]] == ["Fluffy"]
    with site.writing() as session:
        client = queries.find(session, world.kim.id)
        pet = queries.pets_of(session, [client.id], archived=True)[client.id][-1]
        actions.restore_pet(session, client, pet, by=SYSTEM)
    assert len(api.staff.get(pets).json()["items"]) == 2


def test_a_pet_is_reached_only_through_its_own_client(api: Api, world: World) -> None:
    rex = world.jo.pet_ids[0]
    wrong = f"{of(world.kim)}/pets/{rex}"
    assert problem_of(api.staff.get(wrong), 404)["code"] == "not_found"
    assert problem_of(api.staff.patch(wrong, json={"name": "Stolen"}), 404)


def test_nobody_else_reaches_a_client(api: Api, world: World) -> None:
    unknown = "/businesses/{b}/clients/01900000-0000-7000-8000-000000000000"
    assert api.staff.get(unknown).status_code == 404
    assert problem_of(api.staff.get(f"{LIST}/{world.max.id}"), 404) == problem_of(
        api.staff.get(unknown), 404
    )
    for stranger in (api.outsider, api.outsiders_client):
        assert problem_of(stranger.get(of(world.jo)), 404)
        assert problem_of(stranger.patch(of(world.jo), json={"notes": "x"}), 404)
    assert problem_of(api.client.get(of(world.jo)), 403)
    assert problem_of(api.visitor.get(of(world.jo)), 401)


def test_staff_add_and_change_a_client_by_the_pages(pages: Pages) -> None:
    page = pages.staff.get("/manage/happy-paws/clients").follow("Add a client")
    refused = page.submit("first_name", notes="who is this")
    assert refused.status == 422
    assert refused.says("Please give a name, an e-mail or a phone number.")
    assert "who is this" in refused.html
    added = refused.submit("first_name", first_name="Ben", email="ben at example", sms_ok="no")
    assert added.status == 200
    assert added.says("Ben is added.")
    assert added.says("is not an e-mail address we can write to")
    form = added.follow("Change details")
    saved = form.submit("first_name", email="kim.cold@example.com", status="inactive")
    assert saved.says("Saved.")
    assert saved.says("The same e-mail address stands on Kim Cold")
    assert saved.says("Client changed by Stella Staff")
    assert saved.follow("Change details").submit("first_name").says("Nothing changed.")


def test_staff_keep_a_clients_pets_by_the_pages(pages: Pages, world: World) -> None:
    here = f"/manage/happy-paws/clients/{world.jo.id}"
    page = pages.staff.get(here).follow("Add a pet")
    assert page.submit("name", breed="Pug").says("Please fill this in.")
    page = page.submit(
        "name", name="Otto", breed="Pug", vaccine_1_name="Rabies", vaccine_1_given_on="2026-01-02"
    )
    assert page.says("Otto is added.")
    assert page.says("Pug")
    form = pages.staff.get(f"{here}/pets/{world.jo.pet_ids[0]}")
    assert form.submit("name", weight="12", weight_unit="kg").says("Saved.")
    away = form.submit("archive")
    assert away.says("Rex is put away")
    assert away.submit("restore").says("Rex is back.")
