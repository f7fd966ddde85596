"""A pet owner's own record, their new address, and their pets: over the API."""

from typing import Any

import httpx
import pytest

from tests import make
from tests.front_door import Api, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.site import Site
from tests.world import PASSWORD, World

ME = "/businesses/{b}/me"
PETS = "/businesses/{b}/me/pets"
NEW = "jo.new@example.com"


def patch(api: Api, **body: Any) -> httpx.Response:
    return api.client.patch(ME, json=body)


def test_jo_sees_her_own_details(api: Api, world: World) -> None:
    found = api.client.get(ME).json()
    assert (found["id"], found["first_name"]) == (str(world.jo.id), "Jo")
    assert found["account"] == {"id": str(world.jo.person.account_id), "email": world.jo.email}
    assert found["clients"] == [
        {"id": str(world.jo.id), "first_name": "Jo", "pets": ["Rex", "Mia"]}
    ]
    assert found["pending_email"] is None


def test_details_change_by_merge_patch(api: Api, world: World) -> None:
    changed = api.client.patch(
        ME,
        content=b'{"mobile_phone": "555 0123", "address": {"city": "Albany"}, "home_phone": null}',
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert changed.status_code == 200, changed.text
    seen = api.owner.get(f"/businesses/{{b}}/clients/{world.jo.id}").json()
    assert (seen["mobile_phone"], seen["address"]["city"]) == ("555 0123", "Albany")
    assert seen["first_name"] == "Jo"
    emptied = patch(api, address=None).json()
    assert emptied["address"]["city"] == ""


def test_only_what_the_business_lets_change_changes(api: Api, site: Site) -> None:
    site.prefer("client_settings", client_may_edit=["phones"])
    refused = patch(api, first_name="Joanna", mobile_phone="555 0123")
    problem = problem_of(refused, 403)
    assert [error["field"] for error in problem["errors"]] == ["first_name"]
    found = api.client.get(ME).json()
    assert (found["mobile_phone"], found["may_edit"]) == ("", ["phones"])
    assert patch(api, mobile_phone="555 0123").status_code == 200


@pytest.mark.parametrize("extra", ["notes", "status", "blocked", "id", "external_id", "role"])
def test_what_is_not_theirs_to_say_is_refused(api: Api, extra: str) -> None:
    assert fields_of(patch(api, **{extra: "x"})) == {extra: "extra_forbidden"}


def test_a_new_address_needs_the_password_and_waits_for_its_proof(
    api: Api, world: World, mailbox: Mailbox
) -> None:
    assert fields_of(patch(api, email=NEW)) == {"password": "password_needed"}
    assert fields_of(patch(api, email=NEW, password="wrong")) == {"password": "wrong_password"}
    asked = patch(api, email=NEW, password=PASSWORD, first_name="Joanna")
    assert asked.status_code == 200, asked.text
    assert (asked.json()["email"], asked.json()["pending_email"]) == (world.jo.email, NEW)
    assert asked.json()["first_name"] == "Joanna"
    assert [mail.to for mail in mailbox.all] == [NEW]

    token = mailbox.latest(NEW).link("/happy-paws/email/").rpartition("/")[2]
    done = api.client.post(f"{ME}/email-change/confirm", json={"token": token})

    assert done.status_code == 200, done.text
    problem_of(api.client.get(ME), 401)
    found = api.bearing(done.json()["token"]).get(ME).json()
    assert (found["email"], found["account"]["email"]) == (NEW, NEW)
    assert found["pending_email"] is None
    assert mailbox.latest(world.jo.email).subject == "Your e-mail address was changed"
    for email, status in ((world.jo.email, 401), (NEW, 201)):
        body = {"email": email, "password": PASSWORD}
        assert api.visitor.post("/businesses/{b}/sessions", json=body).status_code == status


def test_a_mailed_code_does_instead_of_the_password(
    api: Api, world: World, mailbox: Mailbox
) -> None:
    api.visitor.post("/businesses/{b}/sign-in-codes", json={"email": world.jo.email})
    code = mailbox.latest(world.jo.email).code
    wrong = "000000" if code != "000000" else "111111"
    assert fields_of(patch(api, email=NEW, code=wrong)) == {"code": "wrong_code"}
    assert api.client.get(ME).json()["pending_email"] is None
    assert patch(api, email=NEW, code=code).json()["pending_email"] == NEW
    confirmed = api.client.post(
        f"{ME}/email-change/confirm", json={"code": mailbox.latest(NEW).code}
    )
    assert confirmed.status_code == 200, confirmed.text


def test_a_pending_change_dies_with_a_reset(api: Api, world: World, mailbox: Mailbox) -> None:
    patch(api, email=NEW, password=PASSWORD)
    token = mailbox.latest(NEW).link("/happy-paws/email/").rpartition("/")[2]
    api.visitor.post("/businesses/{b}/password-resets", json={"email": world.jo.email})
    secret = mailbox.latest(world.jo.email).link("/happy-paws/reset/").rpartition("/")[2]
    chosen = "nine dry badgers in a boat"
    body = {"token": secret, "password": chosen}
    api.visitor.post("/businesses/{b}/password-resets/confirm", json=body)
    login = api.visitor.post(
        "/businesses/{b}/sessions", json={"email": world.jo.email, "password": chosen}
    ).json()["token"]
    answer = api.bearing(login).post(f"{ME}/email-change/confirm", json={"token": token})
    problem_of(answer, 410)


def test_somebody_else_s_proof_changes_nothing(api: Api, world: World, mailbox: Mailbox) -> None:
    patch(api, email=NEW, password=PASSWORD)
    token = mailbox.latest(NEW).link("/happy-paws/email/").rpartition("/")[2]
    answer = api.other_client.post(f"{ME}/email-change/confirm", json={"token": token})
    problem_of(answer, 410)
    assert api.other_client.get(ME).json()["email"] == world.sam.email
    mine = api.client.post(f"{ME}/email-change/confirm", json={"token": token})
    assert mine.status_code == 200, "the other's try did not use it up"


def test_an_address_with_another_login_is_told_of_only_after_the_proof(
    api: Api, world: World, mailbox: Mailbox
) -> None:
    asked = patch(api, email=world.sam.email, password=PASSWORD)
    assert asked.status_code == 200
    code = mailbox.latest(world.sam.email).code
    answer = api.client.post(f"{ME}/email-change/confirm", json={"code": code})
    assert problem_of(answer, 409)["code"] == "address_taken"
    assert api.client.get(ME).json()["email"] == world.jo.email


def test_a_pending_change_can_be_called_off(api: Api, mailbox: Mailbox) -> None:
    patch(api, email=NEW, password=PASSWORD)
    assert api.client.delete(f"{ME}/email-change").status_code == 204
    assert api.client.get(ME).json()["pending_email"] is None


def test_staff_who_move_the_contact_address_do_not_move_the_login(
    api: Api, world: World, mailbox: Mailbox
) -> None:
    path = f"/businesses/{{b}}/clients/{world.jo.id}"
    api.owner.patch(path, json={"email": "owners.own@example.com"})
    assert mailbox.latest(world.jo.email).subject == "Your contact e-mail was changed"
    found = api.client.get(ME).json()
    assert (found["email"], found["account"]["email"]) == ("owners.own@example.com", world.jo.email)
    body = {"email": "owners.own@example.com"}
    api.visitor.post("/businesses/{b}/password-resets", json=body)
    assert mailbox.latest("owners.own@example.com").subject == (
        "There is no login with this address"
    )
    back = patch(api, email=world.jo.email)
    assert back.status_code == 200, "the login's own address needs no further proof"
    assert back.json()["email"] == world.jo.email


def test_one_of_several_records_is_named(api: Api, world: World, site: Site) -> None:
    with site.writing() as session:
        second = make.client(session, first_name="Joey", email=world.jo.email)
    chosen = api.client.post(f"{ME}/clients", json={"client_id": str(second.id)})
    assert chosen.status_code == 201
    named = api.client.get(ME, params={"client": str(second.id)}).json()
    assert named["first_name"] == "Joey"
    assert len(named["clients"]) == 2
    problem_of(api.client.get(ME, params={"client": str(world.sam.id)}), 404)
    made = api.client.post(PETS, json={"name": "Tom"}, params={"client": str(second.id)})
    assert made.json()["client_id"] == str(second.id)


def test_nobody_chooses_somebody_else_s_record(api: Api, world: World) -> None:
    for client_id in (world.sam.id, world.kim.id, world.max.id):
        answer = api.client.post(f"{ME}/clients", json={"client_id": str(client_id)})
        assert problem_of(answer, 404)["code"] == "not_found"
    for body in ({}, {"new": False}, {"client_id": str(world.kim.id), "new": True}):
        assert fields_of(api.client.post(f"{ME}/clients", json=body))


@pytest.mark.parametrize("allowed", ["none", "view", "add", "edit"])
def test_pets_are_seen_and_changed_as_the_business_says(
    api: Api, world: World, site: Site, allowed: str
) -> None:
    site.prefer("client_settings", client_may_manage_pets=allowed)
    rex = f"{PETS}/{world.jo.pet_ids[0]}"
    levels = ["none", "view", "add", "edit"].index(allowed)
    assert api.client.get(PETS).status_code == (200 if levels >= 1 else 403)
    assert api.client.post(PETS, json={"name": "Tom"}).status_code == (201 if levels >= 2 else 403)
    answer = api.client.patch(rex, json={"breed": "Beagle"})
    assert answer.status_code == (200 if levels >= 3 else 403)


def test_staff_s_own_notes_on_a_pet_stay_theirs(api: Api, world: World) -> None:
    path = f"/businesses/{{b}}/clients/{world.jo.id}/pets/{world.jo.pet_ids[0]}"
    api.owner.patch(path, json={"behaviour_notes": "bites the dryer"})
    assert "bites" not in api.client.get(PETS).text
    for body in ({"behaviour_notes": "x"}, {"client_id": str(world.sam.id)}):
        assert fields_of(api.client.patch(f"{PETS}/{world.jo.pet_ids[0]}", json=body))


def test_another_s_pet_is_not_found(api: Api, world: World) -> None:
    for pet_id in (world.sam.pet_ids[0], world.max.pet_ids[0]):
        problem_of(api.client.get(f"{PETS}/{pet_id}"), 404)
        problem_of(api.client.patch(f"{PETS}/{pet_id}", json={"name": "Mine"}), 404)


def test_a_pet_is_put_away(api: Api, world: World) -> None:
    api.client.patch(f"{PETS}/{world.jo.pet_ids[0]}", json={"archived": True})
    assert [pet["name"] for pet in api.client.get(PETS).json()["items"]] == ["Mia"]


def test_staff_and_outsiders_are_nobody_s_me(api: Api) -> None:
    for caller, status in ((api.visitor, 401), (api.owner, 403), (api.outsider, 404),
                           (api.outsiders_client, 404)):  # fmt: skip
        problem_of(caller.get(ME), status)
        problem_of(caller.get(PETS), status)
