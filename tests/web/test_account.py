"""A pet owner's account: visits, details, pets, address, calendar, sessions, password."""

import pytest

from booking.clients import queries as clients
from tests.mailbox import Mailbox
from tests.pages import Pages
from tests.site import Site
from tests.times import Clock
from tests.world import PASSWORD, World

HOME = "/happy-paws/account"
NEW_PASSWORD = "four green boats sail"


def test_the_visits_to_come_are_shown_and_the_past_apart(pages: Pages, site: Site) -> None:
    page = pages.client.get(HOME)
    assert page.says("Wed 3 Mar 2027, 10:00 am")
    assert not page.says("25 Feb")
    assert page.follow("Past visits").says("Thu 25 Feb 2027")
    site.prefer("client_settings", show_past_appointments=False)
    assert not pages.client.get(HOME).says("Past visits")
    assert pages.client.get(f"{HOME}/past").status == 404


def test_nobody_sees_anothers_visit(pages: Pages, world: World) -> None:
    path = f"{HOME}/appointments/{world.jo.visit}"
    assert pages.client.get(path).status == 200
    for browser in (pages.other_client, pages.outsiders_client, pages.owner, pages.visitor()):
        answer = browser.get(path)
        assert not answer.says("Wed 3 Mar")
    assert pages.other_client.request("POST", f"{path}/cancel").status == 404
    assert pages.client.get(path).says("Confirmed")


def test_a_visit_is_moved_to_another_free_time(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    page = pages.client.get(f"{HOME}/appointments/{world.jo.visit}/move")
    times = [each.value for form in page.forms for each in form.fields if each.name == "start"]
    page = page.submit("/move", button=times[-1])
    assert page.says("Move the visit?")
    assert pages.client.get(HOME).says("Wed 3 Mar 2027, 10:00 am")
    page = page.submit("/move")
    assert page.says("The visit has moved")
    assert not pages.client.get(HOME).says("Wed 3 Mar 2027, 10:00 am")
    assert "has moved" in mailbox.latest(world.jo.email).subject


def test_a_visit_is_cancelled_with_the_reason_the_business_asks_for(
    pages: Pages, site: Site, world: World
) -> None:
    site.prefer("cancel_and_reschedule", cancel_reason="required")
    page = pages.client.get(f"{HOME}/appointments/{world.jo.visit}/cancel")
    assert page.submit("/cancel").status == 422
    assert page.submit("/cancel", reason="Rex is ill").says("The visit is cancelled")
    assert pages.client.get(HOME).says("No visit is coming")


def test_too_late_says_what_is_possible_instead(pages: Pages, world: World, clock: Clock) -> None:
    path = f"{HOME}/appointments/{world.jo.visit}"
    clock.move(days=1, hours=12)
    page = pages.client.get(path)
    assert page.says("It could be cancelled online until")
    assert page.says("It could be moved online until")
    answer = pages.client.request("POST", f"{path}/cancel")
    assert answer.status == 409
    assert answer.says("too late")


def test_contact_details_change_as_far_as_the_business_lets_them(
    pages: Pages, site: Site, world: World
) -> None:
    site.prefer("client_settings", client_may_edit=["phones"])
    page = pages.client.get(f"{HOME}/details")
    page = page.submit("/details", mobile_phone="+1 555 0123")
    assert page.says("Saved.")
    sent = {"mobile_phone": "1", "first_name": "Joanna", "notes": "x", "status": "inactive"}
    pages.client.request("POST", f"{HOME}/details", data=sent)
    with site.reading() as session:
        client = clients.find(session, world.jo.id)
        assert (client.mobile_phone, client.first_name, client.notes) == ("1", "Jo", "")


def test_another_record_is_not_found(pages: Pages, world: World) -> None:
    for stranger in (world.sam.id, world.max.id):
        assert pages.client.get(f"{HOME}/details?client={stranger}").status == 404
        sent = {"client": str(stranger), "first_name": "Hacked"}
        assert pages.client.request("POST", f"{HOME}/details", data=sent).status == 404


def test_pets_are_added_changed_and_put_away(pages: Pages, world: World) -> None:
    page = pages.client.get(f"{HOME}/pets").follow("Add a pet")
    assert page.submit("", name="").says("Type the name of your pet")
    page = page.submit("", name="Momo", species="Cat", birth_date="2024-05-31")
    assert page.says("Momo is added")
    page = page.follow("Change Momo").submit("", name="Momo", breed="Tabby")
    assert page.says("Tabby")
    page = page.follow("Change Momo").submit("/archive")
    assert not pages.client.get(f"{HOME}/pets").says("Momo")
    theirs = f"{HOME}/pets/{world.sam.pet_ids[0]}"
    assert pages.client.get(theirs).status == 404
    assert pages.client.request("POST", f"{theirs}/archive").status == 404


@pytest.mark.parametrize(
    ("mode", "seen", "added", "changed"),
    [("none", 404, 404, 404), ("view", 200, 404, 404), ("add", 200, 200, 404)],
)
def test_pets_are_managed_as_the_business_allows(
    pages: Pages, site: Site, world: World, mode: str, seen: int, added: int, changed: int
) -> None:
    site.prefer("client_settings", client_may_manage_pets=mode)
    pet = world.jo.pet_ids[0]
    assert pages.client.get(f"{HOME}/pets").status == seen
    assert pages.client.get(f"{HOME}/pets/new").status == added
    assert pages.client.get(f"{HOME}/pets/{pet}").status == changed
    assert pages.client.request("POST", f"{HOME}/pets/{pet}/archive").status == changed


def test_a_new_address_counts_once_it_is_proved_and_the_old_one_is_told(
    pages: Pages, world: World, mailbox: Mailbox, site: Site
) -> None:
    old, new = world.jo.email, "jo.new@example.com"
    page = pages.client.get(f"{HOME}/email")
    wrong = page.submit("/account/email", email=new, current_password="not mine at all")
    assert wrong.says("This is not your password")
    page = page.submit("/account/email", email=new, current_password=PASSWORD)
    assert page.says("Prove the new address")
    link = mailbox.latest(new).link("/happy-paws/email/")
    assert pages.client.get(link).says("Use this address?")
    assert pages.client.get(f"{HOME}/details").says(old)
    page = pages.client.get(link).submit("")
    assert page.says(f"Your address is {new}")
    assert "changed" in mailbox.latest(old).subject
    with site.reading() as session:
        assert clients.find(session, world.jo.id).email == new
    assert pages.client.get(link).says("This link no longer works")


def test_a_new_address_can_be_asked_for_with_a_code(
    pages: Pages, world: World, mailbox: Mailbox
) -> None:
    new = "jo.new@example.com"
    sent = {"email": new}
    page = pages.client.request("POST", f"{HOME}/email/code", data=sent)
    page = page.submit("/account/email", code=mailbox.latest(world.jo.email).code)
    assert page.says("Prove the new address")
    assert page.submit("/confirm", code="000000").status == 422
    page = page.submit("/confirm", code=mailbox.latest(new).code)
    assert page.says(f"Your address is {new}")


def test_a_change_of_address_can_be_taken_back(pages: Pages, mailbox: Mailbox) -> None:
    page = pages.client.get(f"{HOME}/email")
    page = page.submit("/account/email", email="x@example.com", current_password=PASSWORD)
    page = page.submit("/email/cancel")
    assert page.says("Your address stays as it is")
    link = mailbox.latest("x@example.com").link("/happy-paws/email/")
    assert pages.client.get(link).says("This link no longer works")


def test_the_calendar_has_a_secret_address_that_can_be_renewed(pages: Pages) -> None:
    def address() -> str:
        page = pages.client.get(f"{HOME}/calendar")
        return next(word for word in page.text.split() if word.endswith(".ics"))

    first = address()
    assert address() == first
    path = "/calendars/" + first.rsplit("/", 1)[1]
    assert pages.visitor().get(path).status == 200
    pages.client.get(f"{HOME}/calendar").submit("/renew")
    assert pages.visitor().get(path).status == 404
    assert address() != first


def test_sessions_are_seen_and_ended(pages: Pages, world: World) -> None:
    other = pages.visitor()
    sent = {"email": world.jo.email, "password": PASSWORD}
    other.request("POST", "/happy-paws/sign-in", data=sent)
    page = other.get(f"{HOME}/sessions")
    assert page.says("This one")
    page.submit("/end-all")
    assert other.get(HOME).title.startswith("Sign in")
    assert pages.client.get(HOME).title.startswith("Sign in")


def test_a_new_password_ends_all_other_sessions(pages: Pages, world: World) -> None:
    browser = pages.visitor()
    browser.request(
        "POST", "/happy-paws/sign-in", data={"email": world.jo.email, "password": PASSWORD}
    )
    page = browser.get(f"{HOME}/password")
    wrong = page.submit("", current_password="not this one", password=NEW_PASSWORD)
    assert wrong.says("This is not your password")
    page = page.submit("", current_password=PASSWORD, password=NEW_PASSWORD)
    assert page.path == HOME
    assert pages.client.get(HOME).title.startswith("Sign in")


def test_switching_accounts_off_ends_the_session_at_the_next_request(
    pages: Pages, site: Site
) -> None:
    assert pages.client.get(HOME).status == 200
    site.allow_client_access(False)
    assert pages.client.get(HOME).says("switched off")
