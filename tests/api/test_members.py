"""The people who run a business: invited, joined, given another role, removed."""

import pytest

from tests.front_door import Api, ApiCaller, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.world import World

MEMBERS = "/businesses/{b}/members"
NEW = {"email": "nina.new@example.com", "name": "Nina New", "role": "manager"}
UNKNOWN = "01a1ffcc-26d5-7243-90c6-ef0a1be451e6"


def _invited(caller: ApiCaller, **changed: str) -> str:
    answer = caller.post(MEMBERS, json={**NEW, **changed})
    assert answer.status_code == 201, answer.text
    member_id: str = answer.json()["id"]
    return member_id


def test_a_business_knows_its_members(api: Api) -> None:
    items = api.manager.get(MEMBERS).json()["items"]
    assert [(each["name"], each["role"], each["state"]) for each in items] == [
        ("Olivia Owner", "owner", "active"),
        ("Mark Manager", "manager", "active"),
        ("Stella Staff", "staff", "active"),
    ]


def test_a_member_is_invited_by_e_mail(api: Api, mailbox: Mailbox) -> None:
    _invited(api.owner)
    mail = mailbox.latest(NEW["email"])
    assert mail.subject == "You are invited to help run a booking site"
    assert mail.link("/manage/join/")
    listed = api.owner.get(MEMBERS).json()["items"]
    assert [each["email"] for each in listed if each["state"] == "invited"] == [NEW["email"]]


def test_invited_again_the_older_link_ends(api: Api, mailbox: Mailbox) -> None:
    assert _invited(api.owner) == _invited(api.owner, role="staff")
    older, newer = (mail.link("/manage/join/") for mail in mailbox.to(NEW["email"]))
    assert older != newer
    items = api.owner.get(MEMBERS).json()["items"]
    assert [each["role"] for each in items if each["state"] == "invited"] == ["staff"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"name": "see evil.com"}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"role": "boss"}, "role"),
        ({"business_id": UNKNOWN}, "business_id"),
    ],
)
def test_what_can_not_be_used_names_its_field(
    api: Api, changed: dict[str, str], field: str
) -> None:
    assert list(fields_of(api.owner.post(MEMBERS, json={**NEW, **changed}))) == [field]


def test_a_member_is_not_invited_again(api: Api, world: World) -> None:
    answer = api.owner.post(MEMBERS, json={**NEW, "email": world.staff.email})
    assert problem_of(answer, 409)["code"] == "already_member"


def test_only_an_owner_decides_about_owners(api: Api, world: World) -> None:
    problem_of(api.manager.post(MEMBERS, json={**NEW, "role": "owner"}), 403)
    owner = f"{MEMBERS}/{world.owner.member_id}" if world.owner.member_id else _owner_path(api)
    problem_of(api.manager.patch(owner, json={"role": "staff"}), 403)
    problem_of(api.manager.delete(owner), 403)
    manager = f"{MEMBERS}/{world.manager.member_id}"
    problem_of(api.manager.patch(manager, json={"role": "owner"}), 403)
    assert api.owner.patch(manager, json={"role": "owner"}).json()["role"] == "owner"


def _owner_path(api: Api) -> str:
    return f"{MEMBERS}/{api.owner.get(MEMBERS).json()['items'][0]['id']}"


def test_a_business_keeps_an_owner(api: Api, world: World) -> None:
    owner = _owner_path(api)
    for answer in (api.owner.patch(owner, json={"role": "staff"}), api.owner.delete(owner)):
        assert problem_of(answer, 409)["code"] == "last_owner"
    api.owner.patch(f"{MEMBERS}/{world.manager.member_id}", json={"role": "owner"})
    assert api.owner.delete(owner).status_code == 204


def test_a_removed_member_is_a_stranger_at_the_next_request(api: Api, world: World) -> None:
    assert api.manager.get(MEMBERS).status_code == 200
    assert api.owner.delete(f"{MEMBERS}/{world.manager.member_id}").status_code == 204
    assert problem_of(api.manager.get(MEMBERS), 404)


def test_a_role_counts_at_the_next_request(api: Api, world: World) -> None:
    api.owner.patch(f"{MEMBERS}/{world.manager.member_id}", json={"role": "staff"})
    assert problem_of(api.manager.get(MEMBERS), 403)


def test_staff_do_not_see_the_members(api: Api) -> None:
    assert problem_of(api.staff.get(MEMBERS), 403)


def test_a_withdrawn_invitation_is_gone(api: Api) -> None:
    member_id = _invited(api.owner)
    assert api.owner.delete(f"{MEMBERS}/{member_id}").status_code == 204
    assert problem_of(api.owner.delete(f"{MEMBERS}/{member_id}"), 404)


def test_sending_again_writes_again(api: Api, mailbox: Mailbox) -> None:
    member_id = _invited(api.owner)
    assert api.owner.post(f"{MEMBERS}/{member_id}/resend").status_code == 202
    assert len(mailbox.to(NEW["email"])) == 2


def test_the_outsider_finds_nobody(api: Api, world: World) -> None:
    member_id = world.staff.member_id
    for method, path, body in (
        ("GET", MEMBERS, None),
        ("POST", MEMBERS, NEW),
        ("PATCH", f"{MEMBERS}/{member_id}", {"role": "owner"}),
        ("DELETE", f"{MEMBERS}/{member_id}", None),
    ):
        assert problem_of(api.outsider.request(method, path, json=body), 404)
    mine = api.outsider.at(world.kennels.slug)
    theirs = mine.patch(f"{MEMBERS}/{member_id}", json={"role": "owner"})
    unknown = mine.patch(f"{MEMBERS}/{UNKNOWN}", json={"role": "owner"})
    assert problem_of(theirs, 404) == problem_of(unknown, 404)
