"""What an owner does for the safety of their login."""

import html
import re

import pyotp
import pytest

from tests.mailbox import Mailbox
from tests.pages import Page, Pages
from tests.times import Clock
from tests.world import PASSWORD, World

OWNER = "olivia.owner@example.com"
NEW_ADDRESS = "olivia@elsewhere.example.com"
NEW_PASSWORD = "four green boats sail"
SECURITY = "/manage/security"


def _app_of(page: Page) -> pyotp.TOTP:
    """What an authenticator app makes of the set-up page."""
    found = re.search(r"<code>(.*?)</code>", page.html)
    assert found
    return pyotp.TOTP(html.unescape(found[1]).replace(" ", ""))


def _switched_on(pages: Pages, clock: Clock) -> tuple[Page, pyotp.TOTP]:
    page = pages.owner.get(SECURITY).submit("second-step")
    app = _app_of(page)
    page = page.submit("confirm", code=app.at(clock.now()), current_password=PASSWORD)
    assert page.path == SECURITY
    return page, app


def _is_signed_in(pages: Pages, world: World) -> bool:
    return pages.signed_in("manage", world.owner).get(SECURITY).title == "Security"


def test_a_changed_password_ends_every_other_session(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    page = pages.owner.get(SECURITY).submit(
        "/password", current_password=PASSWORD, password=NEW_PASSWORD
    )
    assert page.says("Your password is changed")
    assert not _is_signed_in(pages, world)
    assert mailbox.latest(OWNER).subject == "Your password was changed"


@pytest.mark.parametrize(
    ("current", "new", "said"),
    [
        ("wrong", NEW_PASSWORD, "This is not your password."),
        (PASSWORD, "short", "Use at least 15 characters."),
        (PASSWORD, "olivia.owner2027", "mostly a name"),
    ],
)
def test_a_password_is_not_changed_without_the_old_one_or_to_a_weak_one(
    pages: Pages, world: World, current: str, new: str, said: str
) -> None:
    page = pages.owner.get(SECURITY).submit("/password", current_password=current, password=new)
    assert page.status == 422
    assert page.says(said)
    assert _is_signed_in(pages, world)


def test_a_second_step_is_set_up_and_switched_off(
    pages: Pages, clock: Clock, mailbox: Mailbox
) -> None:
    page, app = _switched_on(pages, clock)
    assert page.says("On. Signing in asks for a code")
    assert mailbox.latest(OWNER).subject.endswith("now on")
    clock.move(minutes=1)
    page = page.submit("remove", code=app.at(clock.now()), current_password=PASSWORD)
    assert page.says("no longer asks for a code")
    assert mailbox.latest(OWNER).subject.endswith("now off")


def test_setting_up_needs_the_password_and_a_right_code(pages: Pages, clock: Clock) -> None:
    page = pages.owner.get(SECURITY).submit("second-step")
    code = _app_of(page).at(clock.now())
    assert page.submit("confirm", code=code, current_password="wrong").status == 422
    assert page.submit("confirm", code="000000", current_password=PASSWORD).status == 422
    assert not pages.owner.get(SECURITY).says("Signing in asks for a code")


def test_a_code_that_was_used_switches_nothing_off(pages: Pages, clock: Clock) -> None:
    page = pages.owner.get(SECURITY).submit("second-step")
    used = _app_of(page).at(clock.now())
    page = page.submit("confirm", code=used, current_password=PASSWORD)
    page = page.submit("remove", code=used, current_password=PASSWORD)
    assert page.status == 422
    assert page.says("each counts only once")


def test_a_short_password_needs_its_second_step(pages: Pages, clock: Clock) -> None:
    page, app = _switched_on(pages, clock)
    page = page.submit("/password", current_password=PASSWORD, password="ngqxvbk7")
    assert page.says("Your password is changed")
    clock.move(minutes=1)
    page = page.submit("remove", code=app.at(clock.now()), current_password="ngqxvbk7")
    assert page.status == 422
    assert page.says("Use at least 15 characters")


def test_another_address_counts_when_it_is_proved(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    page = pages.owner.get(SECURITY).submit(
        "security/email", email=NEW_ADDRESS, current_password=PASSWORD
    )
    assert page.says(f"Waiting until you open the link we sent to {NEW_ADDRESS}")
    link = mailbox.latest(NEW_ADDRESS).link("/manage/email/")
    assert pages.visitor().get(link).status == 200
    assert pages.owner.get(SECURITY).says(f"You sign in as {OWNER}")
    page = pages.owner.get(link).submit("Use this address")
    assert page.path == SECURITY
    assert page.says(f"You sign in as {NEW_ADDRESS}")
    assert not _is_signed_in(pages, world)
    told = mailbox.latest(OWNER)
    assert told.subject == "Your e-mail address was changed"
    assert "o••@elsewhere.example.com" in told.text
    assert NEW_ADDRESS not in told.text
    assert pages.owner.get(link).status == 410


def test_another_address_needs_the_password(pages: Pages, mailbox: Mailbox) -> None:
    page = pages.owner.get(SECURITY).submit(
        "security/email", email=NEW_ADDRESS, current_password="wrong"
    )
    assert page.status == 422
    assert not mailbox.to(NEW_ADDRESS)


def test_a_reset_ends_a_change_of_address_that_waits(pages: Pages, mailbox: Mailbox) -> None:
    pages.owner.get(SECURITY).submit("security/email", email=NEW_ADDRESS, current_password=PASSWORD)
    pages.visitor().get("/manage/forgot").submit("forgot", email=OWNER)
    reset = mailbox.latest(OWNER).link("/manage/reset/")
    pages.visitor().get(reset).submit("password", password=NEW_PASSWORD)
    change = mailbox.latest(NEW_ADDRESS).link("/manage/email/")
    assert pages.visitor().get(change).status == 410


def test_an_address_with_a_login_is_told_only_after_the_proof(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    page = pages.owner.get(SECURITY).submit(
        "security/email", email=world.manager.email, current_password=PASSWORD
    )
    assert page.says("Waiting until you open the link")
    link = mailbox.latest(world.manager.email).link("/manage/email/")
    page = pages.owner.get(link).submit("Use this address")
    assert page.status == 409
    assert pages.owner.get(SECURITY).says(f"You sign in as {OWNER}")


def test_sessions_are_seen_and_ended(pages: Pages, world: World) -> None:
    page = pages.owner.get(SECURITY)
    assert page.says("This one")
    assert page.says("A program")
    page = page.submit("/end")
    assert page.says("That session is ended")
    page = pages.owner.get(SECURITY)
    assert not page.says("A program")


def test_signed_out_everywhere_else_and_still_signed_in_here(pages: Pages, world: World) -> None:
    page = pages.owner.get(SECURITY).submit("end-others")
    assert page.says("You are signed out everywhere else")
    assert not _is_signed_in(pages, world)
    assert pages.owner.get(SECURITY).status == 200
