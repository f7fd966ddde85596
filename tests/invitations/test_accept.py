"""The link in an invitation: looked at, accepted once, dead as soon as what it proves changes."""

import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from booking.accounts.models import Account
from booking.clients.models import Link, LinkedBy
from booking.clients.queries import clients_with_email
from booking.invitations.models import Invitation
from tests import make
from tests.front_door import Api, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.site import Site
from tests.world import PASSWORD, World

CHOSEN = "six brown foxes under a bed"


@pytest.fixture
def token(api: Api, world: World, mailbox: Mailbox) -> str:
    """Kim Cold is invited, and has the mail."""
    return invite(api, world, mailbox)


def invite(api: Api, world: World, mailbox: Mailbox) -> str:
    answer = api.owner.post("/businesses/{b}/campaigns", json={"client_ids": [str(world.kim.id)]})
    assert answer.status_code == 202, answer.text
    return link_of(mailbox, world.kim.email)


def link_of(mailbox: Mailbox, address: str) -> str:
    return mailbox.latest(address).link("/i/").removeprefix("/i/")


def accept(api: Api, token: str, bearer: str | None = None, **body: Any) -> httpx.Response:
    caller = api.bearing(bearer) if bearer else api.visitor
    return caller.post(f"/invitations/{token}/accept", json=body)


def row_id(site: Site) -> uuid.UUID:
    """The only invitation there is."""
    with site.reading() as session:
        return session.scalars(select(Invitation.id)).one()


def accounts_at(site: Site, address: str) -> int:
    with site.reading() as session:
        count = select(func.count()).select_from(Account).where(Account.email_key == address)
        return session.scalars(count).one()


def test_looking_at_the_link_tells_little_and_changes_nothing(
    api: Api, world: World, token: str, site: Site
) -> None:
    answers = [api.visitor.get(f"/invitations/{token}") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    body = answers[-1].json()
    assert body.pop("expires_at")
    assert body == {
        "business": {"slug": "happy-paws", "name": "Happy Paws"},
        "first_name": "Kim",
        "email_hint": "k••@example.com",
    }
    assert answers[-1].headers["cache-control"] == "no-store"
    assert accounts_at(site, world.kim.email) == 0
    assert accept(api, token, password=CHOSEN).status_code == 201


def test_accepting_links_that_record_and_makes_no_other(
    api: Api, world: World, token: str, site: Site, mailbox: Mailbox
) -> None:
    answer = accept(api, token, password=CHOSEN)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["account"]["email"] == world.kim.email
    assert [each["id"] for each in body["clients"]] == [str(world.kim.id)]
    assert body["candidates"] == []
    mine = api.bearing(body["token"]).get("/businesses/{b}/me").json()
    assert (mine["id"], mine["first_name"]) == (str(world.kim.id), "Kim")
    with site.reading() as session:
        assert len(clients_with_email(session, world.kim.email)) == 1
        link = session.scalars(select(Link).where(Link.client_id == world.kim.id)).one()
        assert link.linked_by is LinkedBy.INVITATION
    signed_in = api.visitor.post(
        "/businesses/{b}/sessions", json={"email": world.kim.email, "password": CHOSEN}
    )
    assert signed_in.status_code == 201
    assert mailbox.latest(world.owner.email).subject == "A client has a new login"


def test_the_guest_visits_of_that_address_come_along(
    api: Api, world: World, token: str, site: Site
) -> None:
    booked = api.visitor.post(
        "/businesses/{b}/appointments",
        json={
            "service_id": str(world.salon.bath),
            "starts_at": "2027-03-04T11:00:00-05:00",
            "client": {
                "first_name": "Kim",
                "last_name": "Cold",
                "email": world.kim.email,
                "mobile_phone": "",
            },
            "pets": [{"name": "Fluffy", "species": "cat", "breed": ""}],
        },
    )
    assert booked.status_code == 201, booked.text
    body = accept(api, token, password=CHOSEN).json()
    mine = api.bearing(body["token"]).get("/businesses/{b}/me/appointments").json()
    assert [each["id"] for each in mine["items"]] == [booked.json()["id"]]


def test_the_others_with_that_address_are_offered_and_not_taken(
    api: Api, world: World, mailbox: Mailbox, site: Site
) -> None:
    with site.writing() as session:
        other = make.client(session, first_name="Ken", last_name="Cold", email=world.kim.email)
    api.owner.post("/businesses/{b}/campaigns", json={"audience": "active_without_account"})
    assert len(mailbox.to(world.kim.email)) == 1, "one invitation an address"
    body = accept(api, link_of(mailbox, world.kim.email), password=CHOSEN).json()
    assert [each["id"] for each in body["clients"]] == [str(world.kim.id)]
    assert [each["id"] for each in body["candidates"]] == [str(other.id)]


def test_a_changed_address_ends_the_link(api: Api, world: World, token: str) -> None:
    path = f"/businesses/{{b}}/clients/{world.kim.id}"
    api.owner.patch(path, json={"email": "thief@example.com"})
    assert problem_of(accept(api, token, password=CHOSEN), 410)["code"] == "revoked"
    api.owner.patch(path, json={"email": world.kim.email})
    assert problem_of(accept(api, token, password=CHOSEN), 410)["code"] == "revoked"


def test_a_client_who_left_and_came_back_needs_a_new_invitation(
    api: Api, world: World, token: str
) -> None:
    path = f"/businesses/{{b}}/clients/{world.kim.id}"
    for status in ("inactive", "active"):
        api.owner.patch(path, json={"status": status})
        assert problem_of(accept(api, token, password=CHOSEN), 410)["code"] == "revoked"


def test_the_address_is_that_of_the_invitation_alone(
    api: Api, world: World, token: str, site: Site
) -> None:
    answer = accept(api, token, password=CHOSEN, email="thief@example.com")
    assert fields_of(answer) == {"email": "extra_forbidden"}
    assert accounts_at(site, "thief@example.com") == 0


def test_a_password_is_needed_and_a_weak_one_refused(api: Api, token: str) -> None:
    assert problem_of(accept(api, token), 422)["code"] == "password_needed"
    assert fields_of(accept(api, token, password="kim.cold")) == {"password": "too_personal"}
    assert fields_of(accept(api, token, password="short")) == {"password": "too_short"}
    assert fields_of(accept(api, token, password=[CHOSEN])) == {"password": "string_type"}


def test_an_address_with_a_login_signs_in_and_accepts_without_a_password(
    api: Api, world: World, token: str, site: Site, mailbox: Mailbox
) -> None:
    waiting = api.visitor.post(
        "/businesses/{b}/accounts",
        json={
            "email": world.kim.email,
            "password": "typed at the sign-up",
            "first_name": "Kim",
            "last_name": "Cold",
        },
    ).json()["sign_up_token"]
    site.prefer("client_settings", link_by_verified_email="ask")
    proof = mailbox.latest(world.kim.email).link("/happy-paws/sign-up/").rpartition("/")[2]
    login = api.visitor.post(
        "/businesses/{b}/accounts/confirm", json={"token": proof, "sign_up_token": waiting}
    ).json()["token"]

    assert problem_of(accept(api, token, password=CHOSEN), 409)["code"] == "account_exists"
    assert problem_of(accept(api, token, world.jo.person.token), 409)["code"] == "account_exists"
    accepted = accept(api, token, login)
    assert accepted.status_code == 201, accepted.text
    assert accepted.json()["clients"][0]["id"] == str(world.kim.id)
    kept = api.visitor.post(
        "/businesses/{b}/sessions",
        json={"email": world.kim.email, "password": "typed at the sign-up"},
    )
    assert kept.status_code == 201, "an invitation overwrites no proved password"


def test_looking_while_signed_in_as_somebody_else_links_nothing(
    api: Api, world: World, token: str, site: Site
) -> None:
    assert api.client.get(f"/invitations/{token}").status_code == 200
    with site.reading() as session:
        assert session.scalar(select(Link.id).where(Link.client_id == world.kim.id)) is None


def test_an_ended_token_is_not_overlooked(api: Api, token: str) -> None:
    problem_of(accept(api, token, "gone", password=CHOSEN), 401)


def test_taken_back_it_leads_nowhere(api: Api, token: str, site: Site) -> None:
    answer = api.owner.post(f"/businesses/{{b}}/invitations/{row_id(site)}/revoke")
    assert answer.json()["state"] == "revoked"
    assert problem_of(accept(api, token, password=CHOSEN), 410)["code"] == "revoked"
    problem_of(api.outsider.post(f"/businesses/{{b}}/invitations/{row_id(site)}/revoke"), 404)


def test_the_switch_at_no_pauses_the_link_and_yes_brings_it_back(
    api: Api, token: str, site: Site
) -> None:
    site.allow_client_access(False)
    for answer in (api.visitor.get(f"/invitations/{token}"), accept(api, token, password=CHOSEN)):
        problem = problem_of(answer, 409)
        assert problem["code"] == "client_access_off"
        assert "Preferences" not in problem["detail"], "those are words for staff"
    site.allow_client_access(True)
    assert accept(api, token, password=CHOSEN).status_code == 201


@pytest.mark.parametrize("unknown", ["x" * 43, "é", "-", "%00", "a" * 200])
def test_an_unknown_link_is_not_found(api: Api, unknown: str) -> None:
    problem_of(api.visitor.get(f"/invitations/{unknown}"), 404)
    problem_of(accept(api, unknown, password=CHOSEN), 404)


def test_nothing_shows_the_link_but_the_mail(
    api: Api, token: str, site: Site, world: World
) -> None:
    campaign = api.owner.get("/businesses/{b}/campaigns").json()["items"][0]["id"]
    seen = [
        api.owner.get(path).text
        for path in (
            "/businesses/{b}/campaigns",
            f"/businesses/{{b}}/campaigns/{campaign}",
            f"/businesses/{{b}}/campaigns/{campaign}/invitations",
            "/businesses/{b}/audit",
            f"/businesses/{{b}}/clients/{world.kim.id}",
        )
    ]
    assert not any(token in text for text in seen)
    with site.reading() as session:
        row = session.scalars(select(Invitation)).one()
        assert token not in str(vars(row))


def test_a_repeat_under_the_same_key_signs_in_again_and_makes_nothing(
    api: Api, world: World, token: str, site: Site
) -> None:
    headers = {"Idempotency-Key": "accept-1"}
    path = f"/invitations/{token}/accept"
    first, again = (
        api.visitor.post(path, json={"password": CHOSEN}, headers=headers) for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["token"] != again.json()["token"]
    assert api.bearing(again.json()["token"]).get("/businesses/{b}/me").status_code == 200
    assert accounts_at(site, world.kim.email) == 1


def test_who_books_with_a_known_address_sees_nothing_of_that_client(api: Api, world: World) -> None:
    """And the login of the other business opens nothing here."""
    problem_of(api.outsiders_client.get("/businesses/{b}/me"), 404)
    signed_in = api.visitor.post(
        "/businesses/{b}/sessions", json={"email": world.max.email, "password": PASSWORD}
    )
    problem_of(signed_in, 401)
