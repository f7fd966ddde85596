"""Signing in to manage a site, as people do it."""

import pyotp
import pytest

from booking.accounts.actions import second_factor
from booking.accounts.models import Account
from tests.mailbox import Mailbox
from tests.pages import Page, Pages
from tests.site import Site
from tests.times import Clock
from tests.world import PASSWORD, World

OWNER = "olivia.owner@example.com"
NEW_PASSWORD = "four green boats sail"


def _signed_in(page: Page, password: str = PASSWORD) -> Page:
    return page.submit("sign-in", email=OWNER, password=password)


def _second_step(site: Site) -> pyotp.TOTP:
    with site.writing() as session:
        account = session.get_one(Account, site.world.owner.account_id)
        second_factor.begin(account)
        account.second_factor_since = account.created_at
        session.flush()
        return pyotp.TOTP(second_factor.secret(session, account))


def test_an_owner_is_led_through_signing_in_to_where_they_wanted(pages: Pages) -> None:
    page = pages.visitor().get("/manage/happy-paws/members?x=1")
    assert page.title.startswith("Sign in")
    page = _signed_in(page)
    assert page.path == "/manage/happy-paws/members?x=1"
    assert page.says("Stella Staff")


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.com", "https://evil.com", "/\\evil.com", "javascript:alert(1)", "/\tevil", "evil"],
)
def test_b11_signing_in_leads_nowhere_else(pages: Pages, elsewhere: str) -> None:
    browser = pages.visitor()
    sent = {"email": OWNER, "password": PASSWORD, "next": elsewhere}
    page = browser.request("POST", "/manage/sign-in", data=sent)
    assert page.response.history[0].headers["location"] == "/manage"


def test_a_wrong_password_says_nothing_about_the_address(pages: Pages) -> None:
    page = pages.visitor().get("/manage/sign-in")
    known = page.submit("sign-in", email=OWNER, password="wrong")
    unknown = page.submit("sign-in", email="nobody@example.com", password="wrong")
    assert known.status == unknown.status == 401
    assert known.html.replace(OWNER, "") == unknown.html.replace("nobody@example.com", "")
    assert PASSWORD not in known.html


def test_signing_in_gives_a_new_cookie_and_ends_the_old(pages: Pages, world: World) -> None:
    browser = pages.owner
    page = browser.get("/manage/sign-in")
    _signed_in(page)
    assert browser.visitor.cookies["manage"] != world.owner.cookie
    thief = pages.visitor()
    thief.visitor.cookies.set("manage", world.owner.cookie, domain="localhost.local", path="/")
    assert thief.get("/manage/security").title.startswith("Sign in")


def test_signing_out_ends_the_session_itself(pages: Pages, world: World) -> None:
    pages.owner.get("/manage/happy-paws/members").submit("/manage/sign-out")
    thief = pages.signed_in("manage", world.owner)
    assert thief.get("/manage/security").title.startswith("Sign in")


def test_a_form_from_another_site_signs_nobody_in(pages: Pages) -> None:
    answer = pages.visitor().request(
        "POST",
        "/manage/sign-in",
        data={"email": OWNER, "password": PASSWORD},
        headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status == 403
    assert "set-cookie" not in answer.response.headers


def test_the_second_step_is_a_page_of_its_own(pages: Pages, site: Site, clock: Clock) -> None:
    totp = _second_step(site)
    page = _signed_in(pages.visitor().get("/manage/sign-in?next=/manage/security"))
    assert page.path.startswith("/manage/sign-in/code")
    wrong = page.submit("code", code="000000")
    assert wrong.status == 422
    assert wrong.says("each counts only once")
    done = wrong.submit("code", code=totp.at(clock.now()))
    assert done.path == "/manage/security"


def test_the_second_step_waits_five_minutes(pages: Pages, site: Site, clock: Clock) -> None:
    totp = _second_step(site)
    page = _signed_in(pages.visitor().get("/manage/sign-in"))
    clock.move(minutes=6)
    assert page.submit("code", code=totp.at(clock.now())).title.startswith("Sign in")


def test_nobody_skips_the_password(pages: Pages, site: Site, clock: Clock) -> None:
    code = _second_step(site).at(clock.now())
    page = pages.visitor().request("POST", "/manage/sign-in/code", data={"code": code})
    assert page.title.startswith("Sign in")


def test_a_forgotten_password_is_replaced(pages: Pages, mailbox: Mailbox) -> None:
    browser = pages.visitor()
    page = browser.get("/manage/sign-in").follow("I forgot my password")
    page = page.submit("forgot", email=OWNER)
    assert page.says("Look into your mailbox")
    link = mailbox.latest(OWNER).link("/manage/reset/")
    for _ in range(3):
        assert pages.visitor().get(link).status == 200
    page = browser.get(link).submit("password", password="short")
    assert page.status == 422
    page = page.submit("password", password=NEW_PASSWORD)
    assert page.path == "/manage/sign-in"
    assert page.says("Your new password counts")
    assert _signed_in(page, NEW_PASSWORD).path.startswith("/manage/happy-paws")
    assert browser.get(link).status == 410


def test_asking_for_a_new_password_looks_the_same_for_any_address(pages: Pages) -> None:
    page = pages.visitor().get("/manage/forgot")
    known = page.submit("forgot", email=OWNER)
    unknown = page.submit("forgot", email="nobody@example.com")
    assert known.html.replace(OWNER, "") == unknown.html.replace("nobody@example.com", "")


def test_a_made_up_link_is_as_an_ended_one(pages: Pages) -> None:
    for path in ("/manage/reset/", "/manage/join/", "/manage/email/"):
        assert pages.visitor().get(path + "x" * 43).status == 410
