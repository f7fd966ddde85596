"""Signing in and up as a pet owner, and coming to the right record."""

import pytest

from tests import make
from tests.mailbox import Mailbox
from tests.pages import Page, Pages
from tests.site import Site
from tests.times import Clock
from tests.world import PASSWORD, World

NEW_PASSWORD = "four green boats sail"


def _sign_in(page: Page, email: str, password: str = PASSWORD) -> Page:
    return page.submit("/sign-in", email=email, password=password)


def _sign_up(pages: Pages, email: str) -> Page:
    page = pages.visitor().get("/happy-paws/sign-up")
    return page.submit("", first_name="Nora", last_name="Quist", email=email, password=NEW_PASSWORD)


def test_a_client_signs_in_and_lands_where_they_wanted(pages: Pages, world: World) -> None:
    page = pages.visitor().get("/happy-paws/account/pets")
    page = _sign_in(page, world.jo.email)
    assert page.path == "/happy-paws/account/pets"
    assert page.says("Rex")


@pytest.mark.parametrize(
    "elsewhere", ["//evil.com", "/manage", "/\\evil.com", "javascript:1", "/outsiders-kennels"]
)
def test_b11_signing_in_leads_nowhere_else(pages: Pages, world: World, elsewhere: str) -> None:
    sent = {"email": world.jo.email, "password": PASSWORD, "next": elsewhere}
    page = pages.visitor().request("POST", "/happy-paws/sign-in", data=sent)
    assert page.path == "/happy-paws/account"


def test_known_and_unknown_addresses_get_the_same_answers(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    known, unknown = world.jo.email, "nobody@example.com"
    browser = pages.visitor()
    for path, more in (
        ("/happy-paws/sign-in", {"password": "wrong wrong wrong"}),
        ("/happy-paws/sign-in/send-code", {}),
        ("/happy-paws/sign-in/code", {"code": "000000"}),
        ("/happy-paws/forgot", {}),
    ):
        answers = [
            browser.request("POST", path, data={"email": email, **more})
            for email in (known, unknown)
        ]
        first, second = (
            each.html.replace(email, "")
            for each, email in zip(answers, (known, unknown), strict=True)
        )
        assert answers[0].status == answers[1].status
        assert first == second
    assert len(mailbox.to(known)) == len(mailbox.to(unknown)) == 2


def test_signing_up_says_the_same_for_a_known_address(
    pages: Pages, site: Site, world: World
) -> None:
    site.prefer("client_settings", self_registration="always")
    known, unknown = (_sign_up(pages, email) for email in (world.jo.email, "new@example.com"))
    assert known.html.replace(world.jo.email, "") == unknown.html.replace("new@example.com", "")
    assert known.path == unknown.path


def test_a_code_from_the_mailbox_signs_in(pages: Pages, world: World, mailbox: Mailbox) -> None:
    page = pages.visitor().get("/happy-paws/sign-in/code")
    page = page.submit("/send-code", email=world.jo.email)
    assert page.submit("/sign-in/code", code="000000").status == 422
    page = page.submit("/sign-in/code", code=mailbox.latest(world.jo.email).code)
    assert page.path == "/happy-paws/account"


def test_a_forgotten_password_is_replaced_and_signs_nobody_in(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    pages.visitor().get("/happy-paws/forgot").submit("", email=world.jo.email)
    link = mailbox.latest(world.jo.email).link("/happy-paws/reset/")
    browser = pages.visitor()
    assert browser.get(link).submit("", password="short").status == 422
    page = browser.get(link).submit("", password=NEW_PASSWORD)
    assert page.path == "/happy-paws/sign-in"
    assert pages.client.get("/happy-paws/account").title.startswith("Sign in")
    assert browser.get(link).says("This link no longer works")
    assert _sign_in(page, world.jo.email, NEW_PASSWORD).path == "/happy-paws/account"


def test_signing_out_ends_the_session(pages: Pages) -> None:
    page = pages.client.get("/happy-paws/account").submit("/sign-out")
    assert page.says("You are signed out")
    assert pages.client.get("/happy-paws/account").title.startswith("Sign in")


def test_while_accounts_are_off_everybody_is_told_the_same(
    pages: Pages, site: Site, world: World
) -> None:
    site.allow_client_access(False)
    browser = pages.visitor()
    for path in ("sign-in", "sign-in/code", "forgot", "sign-up", "sign-up/confirm"):
        page = browser.get(f"/happy-paws/{path}")
        assert page.status == 409
        assert page.says("switched off here")
    for email in (world.jo.email, "nobody@example.com"):
        sent = {"email": email, "password": PASSWORD, "code": "123456"}
        for path in ("sign-in", "sign-in/code", "sign-in/send-code", "forgot"):
            answer = browser.request("POST", f"/happy-paws/{path}", data=sent)
            assert answer.status == 409
            assert email not in answer.html
    assert pages.client.get("/happy-paws/account").status == 409


def test_a_login_comes_with_a_booking_unless_it_may_be_made_at_any_time(
    pages: Pages, site: Site
) -> None:
    assert pages.visitor().get("/happy-paws/sign-up").says("A login comes with a booking")
    site.prefer("client_settings", self_registration="off")
    assert pages.visitor().get("/happy-paws/sign-up").says("invites its clients")
    site.prefer("client_settings", self_registration="always")
    assert pages.visitor().get("/happy-paws/sign-up").says("Choose a password")


def test_somebody_known_signs_up_and_comes_to_their_own_record(
    pages: Pages, site: Site, world: World, mailbox: Mailbox
) -> None:
    site.prefer("client_settings", self_registration="always")
    page = _sign_up(pages, world.kim.email)
    page = page.submit("/sign-up/confirm", code=mailbox.latest(world.kim.email).code)
    assert page.path == "/happy-paws/account"
    assert page.browser.get("/happy-paws/account/pets").says("Fluffy")


def test_the_link_alone_changes_nothing_and_asks_another_browser_for_a_password(
    pages: Pages, site: Site, mailbox: Mailbox
) -> None:
    site.prefer("client_settings", self_registration="always")
    _sign_up(pages, "new@example.com")
    link = mailbox.latest("new@example.com").link("/happy-paws/sign-up/confirm/")
    elsewhere = pages.visitor()
    assert elsewhere.get(link).status == elsewhere.get(link).status == 200
    assert elsewhere.get("/happy-paws/account").title.startswith("Sign in")
    assert elsewhere.get(link).submit("").says("Please choose a password")
    page = elsewhere.get(link).submit("", password="seven slow brown hens")
    assert page.path.startswith("/happy-paws/account") or page.path.startswith("/happy-paws/choose")
    stranger = pages.visitor().get("/happy-paws/sign-in")
    assert _sign_in(stranger, "new@example.com", NEW_PASSWORD).status == 401


def test_of_a_household_one_says_who_one_is_and_sees_nothing_before(
    pages: Pages, site: Site, mailbox: Mailbox
) -> None:
    site.prefer("client_settings", self_registration="always")
    with site.writing() as session:
        for first_name, pet in (("Ana", "Tilda"), ("Tom", "Rocky")):
            client = make.client(
                session, first_name=first_name, last_name="Miller", email="family@example.com"
            )
            make.pet(session, client, name=pet)
    page = _sign_up(pages, "family@example.com")
    page = page.submit("/sign-up/confirm", code=mailbox.latest("family@example.com").code)
    assert page.path.startswith("/happy-paws/choose")
    assert page.says("Ana")
    assert page.says("Rocky")
    assert not page.says("Miller")
    assert page.submit("/choose").says("Tick who you are")
    ana = page.form("/choose").fields
    chosen = next(each.value for each in ana if each.kind == "checkbox")
    page = page.submit("/choose", client=[chosen])
    pets = page.browser.get("/happy-paws/account/pets")
    assert pets.says("Tilda")
    assert not pets.says("Rocky")


def test_a_record_that_is_no_candidate_can_not_be_chosen(pages: Pages, world: World) -> None:
    sent = {"client": str(world.sam.id)}
    answer = pages.client.request("POST", "/happy-paws/choose", data=sent)
    assert answer.status == 404
    assert not pages.client.get("/happy-paws/account/pets").says("Bella")


def test_links_of_the_wrong_kind_or_business_open_nothing(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    pages.visitor().get("/happy-paws/forgot").submit("", email=world.jo.email)
    secret = mailbox.latest(world.jo.email).link("/happy-paws/reset/").rsplit("/", 1)[1]
    browser = pages.visitor()
    for path in (
        f"/outsiders-kennels/reset/{secret}",
        f"/happy-paws/sign-up/confirm/{secret}",
        f"/happy-paws/confirm/{secret}",
        f"/happy-paws/email/{secret}",
        "/happy-paws/reset/nonsense",
        "/happy-paws/reset/%F0%9F%90%B6",
    ):
        assert browser.get(path).says("This link no longer works"), path
    assert browser.get(f"/happy-paws/booking/{secret}").status == 404


def test_too_many_tries_have_to_wait(pages: Pages, world: World) -> None:
    browser = pages.visitor()
    sent = {"email": world.jo.email, "password": "wrong wrong wrong"}
    answers = [browser.request("POST", "/happy-paws/sign-in", data=sent) for _ in range(12)]
    assert answers[-1].status == 429
    assert int(answers[-1].response.headers["retry-after"]) > 0


def test_a_link_that_has_grown_old_says_so(
    pages: Pages, world: World, mailbox: Mailbox, clock: Clock
) -> None:
    pages.visitor().get("/happy-paws/forgot").submit("", email=world.jo.email)
    link = mailbox.latest(world.jo.email).link("/happy-paws/reset/")
    clock.move(hours=2)
    assert pages.visitor().get(link).says("This link no longer works")
