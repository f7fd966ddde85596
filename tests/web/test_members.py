"""Members on their page, and joining by the link of an invitation."""

from tests.mailbox import Mailbox
from tests.pages import Page, Pages
from tests.world import PASSWORD, World

MEMBERS = "/manage/happy-paws/members"
NINA = "nina.new@example.com"
JOIN = "/manage/join/"
NEW_PASSWORD = "four green boats sail"


def _invited(pages: Pages, email: str = NINA, role: str = "staff") -> Page:
    return pages.owner.get(MEMBERS).submit("members", email=email, name="Nina New", role=role)


def test_an_owner_invites_and_a_new_member_joins(pages: Pages, mailbox: Mailbox) -> None:
    page = _invited(pages)
    assert page.says("The invitation is on its way")
    assert page.says("Invited")
    link = mailbox.latest(NINA).link(JOIN)
    nina = pages.visitor()
    for _ in range(3):
        assert nina.get(link).says(f"You will sign in with {NINA}")
    page = nina.get(link).submit("password", password="short")
    assert page.status == 422
    page = page.submit("password", password=NEW_PASSWORD)
    assert page.path == "/manage/happy-paws"
    assert nina.get(link).status == 410
    assert not pages.owner.get(MEMBERS).says("Invited")


def test_what_was_typed_stays_when_it_can_not_be_used(pages: Pages) -> None:
    page = pages.owner.get(MEMBERS).submit("members", email="nobody", name="Nina New")
    assert page.status == 422
    assert page.title.startswith("Error:")
    assert page.says("Type an address like name@example.com")
    assert page.form("Send the invitation").values()["name"] == ["Nina New"]


def test_somebody_with_a_login_joins_by_signing_in(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    _invited(pages, world.outsider.email)
    link = mailbox.latest(world.outsider.email).link(JOIN)
    page = pages.visitor().get(link).follow("Sign in to join")
    page = page.submit("sign-in", email=world.outsider.email, password=PASSWORD)
    assert page.path == link
    page = page.submit("Join Happy Paws")
    assert page.path == "/manage/happy-paws"
    chooser = page.browser.get("/manage")
    assert chooser.says("Happy Paws")
    assert chooser.says("Outsider's Kennels")


def test_an_invitation_is_for_its_address_alone(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    _invited(pages, world.outsider.email)
    link = mailbox.latest(world.outsider.email).link(JOIN)
    assert pages.staff.get(link).says("sign out, sign in with that address")
    page = pages.staff.request("POST", link)
    assert page.status == 409
    password = {"password": NEW_PASSWORD}
    assert pages.visitor().request("POST", link, data=password).status == 409
    assert pages.outsider.get(link).status == 200


def test_a_withdrawn_invitation_opens_nothing(pages: Pages, mailbox: Mailbox) -> None:
    page = _invited(pages)
    link = mailbox.latest(NINA).link(JOIN)
    assert page.submit("withdraw").says("The invitation is withdrawn")
    assert pages.visitor().get(link).status == 410


def test_the_last_owner_stays(pages: Pages) -> None:
    page = pages.owner.get(MEMBERS).submit("/remove")
    assert page.status == 409
    assert page.says("A business needs an owner")


def test_a_manager_is_offered_nothing_about_owners(pages: Pages) -> None:
    page = pages.manager.get(MEMBERS)
    assert "owner" not in page.form("Send the invitation").fields[2].options


def test_staff_and_outsiders_see_no_members(pages: Pages) -> None:
    assert pages.staff.get(MEMBERS).status == 403
    assert pages.outsider.get(MEMBERS).status == 404
