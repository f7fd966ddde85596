"""The envelope and the invitation as pages, without a script."""

import pytest

from booking.accounts.passwords import hash_now
from booking.web.mailbox import linked
from tests import make
from tests.mailbox import Mailbox
from tests.pages import Pages
from tests.site import Site
from tests.times import Clock
from tests.world import PASSWORD, World

QUESTION = (
    "Send e-mail login information to all active clients that do not already have an account?"
)
INVITE = "/manage/happy-paws/clients/invite"
CHOSEN = "six brown foxes under a bed"


def invited(pages: Pages, world: World, mailbox: Mailbox) -> str:
    """Kim's link, after the owner has invited her from her record."""
    page = pages.owner.get(f"{INVITE}?client={world.kim.id}")
    page.submit(f"{world.kim.id}/invite")
    return mailbox.latest(world.kim.email).link("/i/")


def test_question_count_sending_and_the_end(
    pages: Pages, world: World, mailbox: Mailbox, site: Site
) -> None:
    with site.writing() as session:
        make.client(session, first_name="Gone", email="gone@example.com", status="inactive")
    page = pages.owner.get(INVITE)
    assert page.says(QUESTION)
    page = page.submit("answer", button="yes")
    assert page.says("1 client will receive the e-mail")
    assert page.says("4 will not, and why")
    assert page.says("There is no e-mail address")
    assert page.follow("show: the client is not active").says("Gone")
    page = page.submit("/clients/invite")
    assert page.path.startswith("/manage/happy-paws/campaigns/")
    assert page.says("Waiting to be sent")
    mailbox.send_due()
    page = pages.owner.get(page.path)
    assert page.says("1 of 1")
    assert page.says("Finished")
    part = pages.owner.get(page.path, headers={"X-Partial": "1"})
    assert "<html" not in part.html
    assert "data-running" not in part.html


def test_pressed_twice_it_leads_to_the_one_going_on(pages: Pages) -> None:
    first = pages.owner.get(f"{INVITE}?answer=yes").submit("/clients/invite")
    again = pages.owner.get(f"{INVITE}?answer=yes")
    assert again.path == first.path
    assert pages.owner.get(INVITE).says("Such invitations are being sent at the moment")
    pressed = pages.manager.request("POST", INVITE)
    assert pressed.path == first.path


def test_with_the_switch_at_no_it_says_where_the_switch_is(pages: Pages, site: Site) -> None:
    site.allow_client_access(False)
    page = pages.owner.get(INVITE)
    assert page.status == 409
    assert page.says("Allow Client Online Account Access is switched to NO")
    assert page.follow("Open Booking Preferences").path == "/manage/happy-paws/preferences"
    assert pages.owner.request("POST", INVITE).status == 409


def test_a_client_who_can_t_be_invited_is_not_and_the_page_says_why(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    page = pages.owner.get(f"{INVITE}?client={world.pat.id}")
    assert page.says("There is no e-mail address")
    path = f"/manage/happy-paws/clients/{world.pat.id}/invite"
    assert pages.owner.request("POST", path).says("Not invited. There is no e-mail address.")
    assert mailbox.all == []
    for client_id in (world.max.id, "odd"):
        assert pages.owner.get(f"{INVITE}?client={client_id}").status == 404


def test_pause_go_on_cancel_take_back_and_send_again(
    pages: Pages, world: World, mailbox: Mailbox, clock: Clock
) -> None:
    page = pages.owner.get(f"{INVITE}?answer=yes").submit("/clients/invite")
    page = page.submit("/pause")
    assert page.says("Paused by Olivia Owner.")
    assert mailbox.all == []
    page = page.submit("/resume")
    link = mailbox.latest(world.kim.email).link("/i/")
    page = pages.owner.get(page.path)
    assert "/resend" not in page.html, "not within a day"
    clock.move(days=2)
    page = pages.owner.get(page.path).submit("/resend")
    assert page.says("On its way again.")
    assert mailbox.latest(world.kim.email).link("/i/") != link
    assert pages.visitor().get(link).says("A newer invitation was sent to you")
    page = pages.owner.get(page.path).submit("/revoke")
    assert page.says("Taken back.")
    newest = mailbox.latest(world.kim.email).link("/i/")
    dead = pages.visitor().get(newest)
    assert dead.status == 410
    assert dead.says("This invitation no longer works")


def test_the_list_shows_every_press(pages: Pages, world: World, mailbox: Mailbox) -> None:
    assert pages.owner.get("/manage/happy-paws/campaigns").says("Nobody was invited yet")
    invited(pages, world, mailbox)
    page = pages.owner.get("/manage/happy-paws/campaigns")
    assert page.says("Chosen clients")
    campaign = next(href for _, href in page.links if "/campaigns/" in href)
    assert pages.owner.get(f"{campaign}?state=sent").says("Kim Cold")
    assert pages.owner.get(f"{campaign}?state=failed").says("Nobody is in that state now.")
    assert pages.owner.get(f"{campaign}?state=odd&after=odd").says("Kim Cold")
    for browser in (pages.outsider, pages.client):
        seen = browser.get(campaign)
        assert not seen.says("Kim Cold")


def test_opening_twenty_times_changes_nothing_and_accepting_signs_in(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    link = invited(pages, world, mailbox)
    for _ in range(20):
        assert pages.visitor().get(link).status == 200
    browser = pages.visitor()
    page = browser.get(link)
    assert page.says("Hello Kim, Happy Paws invites you")
    assert world.kim.email not in page.html
    assert page.response.headers["referrer-policy"] == "no-referrer"
    assert page.response.headers["cache-control"] == "no-store"
    weak = page.submit("password", password="kim.cold")
    assert weak.status == 422
    page = weak.submit("password", password=CHOSEN)
    assert page.path == "/happy-paws/account"
    used = pages.visitor().get(link)
    assert (used.status, used.says("accepted already")) == (410, True)


def test_a_household_is_asked_about_the_others(
    pages: Pages, world: World, mailbox: Mailbox, site: Site
) -> None:
    link = invited(pages, world, mailbox)
    with site.writing() as session:
        make.client(session, first_name="Ken", email=world.kim.email)
    page = pages.visitor().get(link).submit("password", password=CHOSEN)
    assert page.path == "/happy-paws/choose"
    assert page.says("Ken")


def test_signed_in_as_another_nothing_happens_without_a_press(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    link = invited(pages, world, mailbox)
    page = pages.client.get(link)
    assert page.says("You are signed in here as jo.bright@example.com")
    forced = pages.client.request("POST", link, data={"password": CHOSEN})
    assert forced.status == 409
    page = pages.client.get(link).submit("action", button="sign-out")
    assert page.says("You are signed out.")
    assert page.submit("password", password=CHOSEN).path == "/happy-paws/account"
    again = pages.signed_in("visit-happy-paws", world.jo.person).get("/happy-paws/account")
    assert again.path.startswith("/happy-paws/sign-in"), "the earlier session ended"


def test_who_has_a_login_signs_in_and_comes_back(
    pages: Pages, world: World, mailbox: Mailbox, site: Site
) -> None:
    link = invited(pages, world, mailbox)
    site.prefer("client_settings", link_by_verified_email="ask")
    with site.writing() as session:
        elsewhere = make.client(session, first_name="Kim", email="kim.too@example.com")
        account = make.login(session, elsewhere)
        account.email = account.email_key = world.kim.email
        account.password_hash = hash_now(site.settings, PASSWORD)
    browser = pages.visitor()
    page = browser.get(link)
    assert page.says("There is a login for")
    page = page.submit("action", button="sign-in")
    assert page.path == "/happy-paws/sign-in?next=/i/continue"
    assert link.removeprefix("/i/") not in page.html
    page = page.submit("password", email=world.kim.email, password=PASSWORD)
    assert page.path == link
    page = page.submit("Add this record to my account")
    assert page.path == "/happy-paws/account"


@pytest.mark.parametrize("path", ["/i/odd", "/i/é", "/i/continue", "/u/odd/odd"])
def test_an_unknown_link_says_so(pages: Pages, path: str) -> None:
    assert pages.visitor().get(path).status == 404


def test_the_switch_at_no_keeps_the_invitation(
    pages: Pages, world: World, mailbox: Mailbox, site: Site
) -> None:
    link = invited(pages, world, mailbox)
    site.allow_client_access(False)
    page = pages.visitor().get(link)
    assert page.status == 409
    assert page.says("Online accounts are switched off at the moment")
    assert pages.visitor().request("POST", link, data={"password": CHOSEN}).status == 409
    site.allow_client_access(True)
    page = pages.visitor().get(link).submit("password", password=CHOSEN)
    assert page.path == "/happy-paws/account"


def test_a_form_of_another_site_is_not_carried_out(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    link = invited(pages, world, mailbox)
    stranger = pages.visitor().visitor
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = stranger.request("POST", link, data={"password": CHOSEN}, headers=headers)
        assert answer.status_code == 403
    assert pages.visitor().get(link).status == 200


def test_stopping_the_e_mails_takes_one_press(pages: Pages, world: World, mailbox: Mailbox) -> None:
    invited(pages, world, mailbox)
    link = mailbox.latest(world.kim.email).link("/u/")
    page = pages.visitor().get(link)
    assert page.says("Happy Paws will send you no more invitations")
    assert page.submit("Stop these e-mails").says("Done: no more invitations")
    record = pages.owner.get(f"/manage/happy-paws/clients/{world.kim.id}")
    assert record.says("No invitation can be sent now. No such e-mails are wanted at this address")
    assert not any("/invite?client=" in href for _, href in record.links)


def test_the_local_mailbox_shows_letters_with_their_links(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    assert pages.visitor().get("/mailbox").says("No e-mails yet")
    link = invited(pages, world, mailbox)
    page = pages.visitor().get("/mailbox").follow("Your online account is ready")
    assert page.says("Hello Kim")
    assert any(href.endswith(link) for _, href in page.links)
    raw = pages.visitor().get(f"{page.path}/raw")
    assert raw.response.headers["content-type"].startswith("message/rfc822")
    for odd in ("..%2fbooking.sqlite3", "odd.eml", ".hidden.eml", "a/b.eml"):
        assert pages.visitor().get(f"/mailbox/{odd}").status == 404


@pytest.mark.settings(smtp_url="smtp://localhost:1")
def test_with_a_mail_server_there_is_no_local_mailbox(pages: Pages) -> None:
    assert pages.visitor().get("/mailbox").status == 404


def test_only_addresses_become_links() -> None:
    text = (
        'See http://a.example/x?a=1&b=2.\n<script>javascript:alert(1)</script> "http://b.example"'
    )
    shown = str(linked(text))
    assert '<a href="http://a.example/x?a=1&amp;b=2">' in shown
    assert "<script>" not in shown
    assert shown.count("<a ") == 2
    assert "<br>" in shown
