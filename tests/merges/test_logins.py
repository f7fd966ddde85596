"""Logins and invitations of records that become one."""

from typing import Any

import httpx
from sqlalchemy import select

from booking.accounts.models import Proof
from booking.clients.models import Link
from booking.invitations.models import Invitation, InvitationState
from booking.mail.models import Suppression
from tests.front_door import Api, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.merges.merging import CLIENTS, add, ask, change, id_of, merged, undone
from tests.pages import Pages
from tests.site import Site
from tests.world import World

ME = "/businesses/{b}/me"


def invited(api: Api, mailbox: Mailbox, record: Any, address: str) -> str:
    """Their invitation, as mailed: the token of its link."""
    answer = api.owner.post("/businesses/{b}/campaigns", json={"client_ids": [id_of(record)]})
    assert answer.status_code == 202, answer.text
    return mailbox.latest(address).link("/i/").removeprefix("/i/")


def opened(api: Api, token: str) -> httpx.Response:
    return api.visitor.get(f"/invitations/{token}")


def test_a_login_moves_along(api: Api, world: World) -> None:
    keep = add(api.staff, first_name="Jo")
    done = merged(api.staff, keep, world.jo)
    assert done["kept"]["account"]["linked"] is True
    assert api.client.get(ME).json()["id"] == keep["id"]
    visits = api.client.get("/businesses/{b}/me/appointments?when=upcoming").json()["items"]
    assert [visit["id"] for visit in visits] == [str(world.jo.visit)]
    undone(api.staff, done)
    assert api.client.get(ME).json()["id"] == str(world.jo.id)


def test_of_two_logins_staff_choose_one(api: Api, mailbox: Mailbox, world: World) -> None:
    problem = problem_of(ask(api.staff, world.jo, world.sam), 409)
    assert problem["code"] == "choose_login"
    assert {login["email"] for login in problem["logins"]} == {world.jo.email, world.sam.email}
    assert api.client.get(ME).status_code == 200
    assert api.other_client.get(ME).status_code == 200
    stranger = str(world.max.person.account_id)
    assert fields_of(ask(api.staff, world.jo, world.sam, login=stranger)) == {"login": "unknown"}

    chosen = str(world.sam.person.account_id)
    done = merged(api.staff, world.jo, world.sam, login=chosen)
    assert problem_of(api.client.get(ME), 401)
    assert api.other_client.get(ME).json()["id"] == str(world.jo.id)
    told = mailbox.latest(world.jo.email)
    assert "ended" in told.subject
    assert "Happy Paws" in told.text
    assert world.sam.email not in told.text
    assert done["kept"]["email"] == world.jo.email


def test_a_login_that_was_ended_comes_back_without_its_sessions(api: Api, world: World) -> None:
    done = merged(api.staff, world.jo, world.sam, login=str(world.jo.person.account_id))
    assert problem_of(api.other_client.get(ME), 401)
    answer = undone(api.staff, done)
    assert answer["restored"][0]["account"]["linked"] is True
    assert problem_of(api.other_client.get(ME), 401)
    body = {"email": world.sam.email, "password": world.sam.person.password}
    again = api.visitor.post("/businesses/{b}/sessions", json=body)
    assert again.status_code == 201, again.text
    me = api.bearing(again.json()["token"]).get(ME)
    assert me.json()["id"] == str(world.sam.id)
    assert api.client.get(ME).json()["id"] == str(world.jo.id)


def test_its_outstanding_codes_and_links_end_too(
    api: Api, mailbox: Mailbox, site: Site, world: World
) -> None:
    api.visitor.post("/businesses/{b}/password-resets", json={"email": world.sam.email})
    assert mailbox.latest(world.sam.email)
    merged(api.staff, world.jo, world.sam, login=str(world.jo.person.account_id))
    with site.reading() as session:
        proofs = session.query(Proof).filter(Proof.subject_id == world.sam.person.account_id)
        assert [proof for proof in proofs if proof.ended_at is None and not proof.used_at] == []


def test_a_login_with_another_record_stays_signed_in_for_that(
    api: Api, mailbox: Mailbox, world: World
) -> None:
    child = add(api.staff, first_name="Sam", last_name="Junior")
    api.staff.put(f"{CLIENTS}/{child['id']}/account", json={"email": world.sam.email})
    merged(api.staff, world.jo, world.sam, login=str(world.jo.person.account_id))
    assert api.other_client.get(ME).json()["id"] == child["id"]
    assert "signed out" not in mailbox.latest(world.sam.email).text


def test_two_records_of_one_login_need_no_choice(api: Api, site: Site, world: World) -> None:
    other = add(api.staff, first_name="Jo")
    api.staff.put(f"{CLIENTS}/{other['id']}/account", json={"email": world.jo.email})
    done = merged(api.staff, other, world.jo)
    assert api.client.get(ME).json()["id"] == other["id"]
    undone(api.staff, done)
    with site.reading() as session:
        account = world.jo.person.account_id
        linked = {str(link.client_id) for link in session.query(Link).filter_by(account_id=account)}
    assert linked == {other["id"], str(world.jo.id)}


def test_a_client_with_a_login_learns_of_a_new_contact_address(
    api: Api, mailbox: Mailbox, world: World
) -> None:
    other = add(api.staff, first_name="Jo", email="jo.new@example.com")
    merged(api.staff, world.jo, other, fields={"email": other["id"]})
    assert "contact e-mail" in mailbox.latest(world.jo.email).subject


def test_an_invitation_to_an_address_that_stays_lives_on(
    api: Api, mailbox: Mailbox, world: World
) -> None:
    token = invited(api, mailbox, world.kim, world.kim.email)
    keep = add(api.staff, first_name="Kim")
    merged(api.staff, keep, world.kim)
    assert opened(api, token).status_code == 200
    body = {"password": "nine calm otters on a raft"}
    accepted = api.visitor.post(f"/invitations/{token}/accept", json=body)
    assert accepted.status_code == 201, accepted.text
    assert [client["id"] for client in accepted.json()["clients"]] == [keep["id"]]


def test_an_invitation_to_another_address_opens_nothing(
    api: Api, mailbox: Mailbox, world: World
) -> None:
    """Whoever reads that mailbox has not proved the one on the record."""
    token = invited(api, mailbox, world.kim, world.kim.email)
    keep = add(api.staff, first_name="Kim", email="kim.new@example.com")
    done = merged(api.staff, keep, world.kim)
    assert problem_of(opened(api, token), 410)["code"] == "revoked"
    undone(api.staff, done)
    assert opened(api, token).status_code == 200


def test_of_two_live_invitations_the_kept_records_stays(api: Api, mailbox: Mailbox) -> None:
    keep = add(api.staff, first_name="Kim", email="kim1@example.com")
    other = add(api.staff, first_name="Kim", email="kim2@example.com")
    first = invited(api, mailbox, keep, "kim1@example.com")
    second = invited(api, mailbox, other, "kim2@example.com")
    merged(api.staff, keep, other)
    assert opened(api, first).status_code == 200
    assert problem_of(opened(api, second), 410)["code"] == "revoked"


def test_the_chosen_address_decides_which_invitation_lives(api: Api, mailbox: Mailbox) -> None:
    keep = add(api.staff, first_name="Kim", email="kim1@example.com")
    other = add(api.staff, first_name="Kim", email="kim2@example.com")
    first = invited(api, mailbox, keep, "kim1@example.com")
    second = invited(api, mailbox, other, "kim2@example.com")
    done = merged(api.staff, keep, other, fields={"email": other["id"]})
    assert problem_of(opened(api, first), 410)["code"] == "revoked"
    assert opened(api, second).status_code == 200
    undone(api.staff, done)
    assert opened(api, first).status_code == 200
    assert opened(api, second).status_code == 200


def test_of_two_invitations_of_one_campaign_both_still_stop_the_mails(
    api: Api, pages: Pages, mailbox: Mailbox, site: Site
) -> None:
    keep = add(api.staff, first_name="Kim", email="kim1@example.com")
    other = add(api.staff, first_name="Kim", email="kim2@example.com")
    body = {"client_ids": [keep["id"], other["id"]]}
    campaign = api.owner.post("/businesses/{b}/campaigns", json=body).json()["id"]
    letters = [mailbox.latest(f"kim{number}@example.com") for number in (1, 2)]
    tokens = [letter.link("/i/").removeprefix("/i/") for letter in letters]

    def shown() -> list[Any]:
        found = api.owner.get(f"/businesses/{{b}}/campaigns/{campaign}").json()
        rows = api.owner.get(f"/businesses/{{b}}/campaigns/{campaign}/invitations").json()["items"]
        return [{state: count for state, count in found["counts"].items() if count}, rows]

    before = shown()
    done = merged(api.staff, keep, other)
    assert opened(api, tokens[0]).status_code == 200
    assert problem_of(opened(api, tokens[1]), 410)["code"] == "revoked"
    assert pages.visitor().get(letters[1].link("/i/")).says("This invitation no longer works")
    counts, rows = shown()
    assert counts == {"sent": 1, "revoked": 1}
    assert {row["client"]["id"] for row in rows} == {keep["id"]}
    assert pages.visitor().request("POST", letters[1].link("/u/")).status == 200
    with site.reading() as session:
        silenced = session.scalars(select(Suppression.email_key)).all()
    assert silenced == ["kim2@example.com"]
    undone(api.staff, done)
    assert shown() == before
    assert [opened(api, token).status_code for token in tokens] == [200, 200]


def test_whoever_has_a_login_needs_no_invitation(api: Api, mailbox: Mailbox, world: World) -> None:
    token = invited(api, mailbox, world.kim, world.kim.email)
    merged(api.staff, world.kim, world.jo)
    assert problem_of(opened(api, token), 410)["code"] == "revoked"


def test_a_link_that_was_dead_is_not_revived_by_a_merge(
    api: Api, mailbox: Mailbox, world: World
) -> None:
    """Sent to an address that the merged record has left since."""
    token = invited(api, mailbox, world.kim, world.kim.email)
    change(api.staff, world.kim, email="kim.moved@example.com")
    assert problem_of(opened(api, token), 410)
    keep = add(api.staff, first_name="Kim")
    merged(api.staff, keep, world.kim)
    assert problem_of(opened(api, token), 410)["code"] == "revoked"


def test_links_mailed_since_open_nothing_once_it_is_undone(api: Api, mailbox: Mailbox) -> None:
    """What went to the address the merge gave a record is no key to it afterwards."""
    keep = add(api.staff, first_name="Ann")
    other = add(api.staff, first_name="Anna", email="anna@example.com")
    done = merged(api.staff, keep, other)
    token = invited(api, mailbox, keep, "anna@example.com")
    assert opened(api, token).status_code == 200
    undone(api.staff, done)
    assert problem_of(opened(api, token), 410)["code"] == "revoked"
    change(api.staff, keep, email="ann@example.com")
    assert problem_of(opened(api, token), 410)["code"] == "revoked"


def test_an_address_proved_since_is_decided_about(
    api: Api, mailbox: Mailbox, site: Site, world: World
) -> None:
    """Kim accepts while her record is part of another: whose is the login, once they are two?"""
    token = invited(api, mailbox, world.kim, world.kim.email)
    keep = add(api.staff, first_name="Ann")
    done = merged(api.staff, keep, world.kim)
    body = {"password": "nine calm otters on a raft"}
    assert api.visitor.post(f"/invitations/{token}/accept", json=body).status_code == 201
    refused = api.staff.post(f"/businesses/{{b}}/merges/{done['id']}/undo")
    (conflict,) = problem_of(refused, 409)["conflicts"]
    assert (conflict["field"], conflict["now"]) == ("login", world.kim.email)
    answer = undone(api.staff, done, **{conflict["key"]: "restore"})
    assert answer["kept"]["account"]["linked"] is False
    with site.reading() as session:
        row = session.query(Invitation).filter(Invitation.accepted_at.is_not(None)).one()
        assert (row.client_id, row.state) == (world.kim.id, InvitationState.ACCEPTED)
