"""Booking on the site of a business, one question a page."""

from datetime import datetime

import pytest
from sqlalchemy import select

from booking.appointments.models import Appointment, AppointmentState
from booking.audit.actions import SYSTEM
from booking.catalogue import actions as catalogue
from booking.catalogue import queries
from booking.catalogue.actions import ServiceDetails
from booking.clients.models import Client
from tests import make
from tests.mailbox import Mailbox
from tests.pages import Pages
from tests.site import Site
from tests.web.booking_steps import MARCH_2_AT_ONE, at_check, at_details, times_on
from tests.world import World

ONE_PM = datetime.fromisoformat("2027-03-02T13:00:00-05:00")
PASSWORD = "three unrelated words here"


def _visit(site: Site) -> Appointment:
    with site.reading() as session:
        found = session.scalars(select(Appointment).where(Appointment.starts_at == ONE_PM)).one()
        session.expunge(found)
        return found


def test_the_site_says_who_we_are_and_what_can_be_booked(pages: Pages) -> None:
    page = pages.visitor().get("/happy-paws")
    assert page.says("Happy Paws")
    assert page.says("9:00 am – 5:00 pm")
    assert page.says("$60.00")
    assert page.says("Manage Site")


def test_in_development_the_front_door_leads_to_the_businesses(pages: Pages) -> None:
    assert "/happy-paws" in [href for _, href in pages.visitor().get("/").links]


def test_an_unknown_business_is_not_found(pages: Pages) -> None:
    for path in ("/nobody", "/nobody/book", "/nobody/sign-in", "/nobody/account"):
        assert pages.visitor().get(path).status == 404


def test_prices_are_hidden_where_the_business_hides_them(pages: Pages, site: Site) -> None:
    site.prefer("client_settings", show_prices=False)
    assert not pages.visitor().get("/happy-paws").says("$60.00")
    assert not pages.visitor().get("/happy-paws/book").says("$60.00")


def test_a_guest_books_and_can_see_and_cancel_it(
    pages: Pages, site: Site, world: World, mailbox: Mailbox
) -> None:
    browser = pages.visitor()
    page = at_check(at_details(browser, world))
    assert page.says("Tue 2 Mar 2027, 1:00 pm")
    page = page.submit("/book/confirm")
    assert page.says("Your visit is booked")
    assert page.path.startswith("/happy-paws/booking/")
    assert _visit(site).first_name == "Nora"
    mail = mailbox.latest("new@example.com")
    assert mail.attachments[0].name.endswith(".ics")
    page = pages.visitor().get(mail.link("/happy-paws/booking/")).follow("Cancel the visit")
    page = page.submit("/cancel", reason="Ill")
    assert page.says("The visit is cancelled")


def test_what_was_typed_never_stands_in_an_address(pages: Pages, world: World) -> None:
    browser = pages.visitor()
    page = at_check(at_details(browser, world))
    assert page.path == "/happy-paws/book/check"
    assert at_check(at_details(browser, world), email="no address").path == "/happy-paws/book/check"
    for each in page.forms:
        assert each.method == "post"


def test_each_fault_is_named_and_nothing_typed_is_lost(pages: Pages, world: World) -> None:
    page = at_details(pages.visitor(), world)
    page = page.submit("/book/check", first_name="Nora", email="nobody@", note="Shy of men")
    assert page.status == 422
    assert page.title.startswith("Error:")
    for words in ("Type your last name", "Type an address like", "Type the name of your pet"):
        assert page.says(words)
    assert page.form("/book/check").values()["first_name"] == ["Nora"]
    assert page.form("/book/check").values()["note"] == ["Shy of men"]


def test_another_pet_gets_room_and_keeps_the_rest(pages: Pages, site: Site, world: World) -> None:
    page = at_details(pages.visitor(), world)
    form = page.form("/book/check").filled({"first_name": "Nora", "pet_1_name": "Pip"})
    sent = {**form, "another_pet": ["yes"]}
    page = page.browser.request("POST", "/happy-paws/book/details", data=sent)
    page = at_check(page, pet_2_name="Zed")
    page.submit("/book/confirm")
    assert [pet["name"] for pet in _visit(site).pets] == ["Pip", "Zed"]


def test_a_time_can_be_changed_at_the_end_without_typing_again(pages: Pages, world: World) -> None:
    page = at_check(at_details(pages.visitor(), world))
    sent = page.form("details").values()
    page = page.browser.request("POST", "/happy-paws/book/when", data=sent)
    assert "new@example.com" not in page.path
    other = next(start for start in times_on(page) if start != MARCH_2_AT_ONE)
    page = page.submit("/book/check", button=other)
    assert page.says("new@example.com")
    assert page.says("Check your answers")


def test_a_time_that_has_gone_offers_the_nearest_and_keeps_what_was_typed(
    pages: Pages, site: Site, world: World
) -> None:
    page = at_check(at_details(pages.visitor(), world, staff=str(world.salon.ana)))
    with site.writing() as session:
        client = session.get_one(Client, world.kim.id)
        make.appointment(session, client, world.salon.grooming, world.salon.ana, ONE_PM)
    page = page.submit("/book/confirm")
    assert page.status == 409
    assert page.says("That time has just gone")
    assert page.says("The nearest free times")
    assert MARCH_2_AT_ONE not in times_on(page)
    page = page.submit("/book/check", button=times_on(page)[0])
    assert page.says("new@example.com")
    assert page.submit("/book/confirm").says("Your visit is booked")


def test_a_changed_price_is_shown_again_before_it_counts(
    pages: Pages, site: Site, world: World
) -> None:
    page = at_check(at_details(pages.visitor(), world))
    with site.writing() as session:
        service = queries.service(session, world.salon.grooming)
        dearer = ServiceDetails(
            name=service.name,
            duration_minutes=service.duration_minutes,
            buffer_after_minutes=service.buffer_after_minutes,
            price_minor=9_900,
        )
        catalogue.change_service(session, service, dearer, by=SYSTEM)
    page = page.submit("/book/confirm")
    assert page.status == 409
    assert page.says("has just changed")
    assert page.says("$99.00")
    assert page.submit("/book/confirm").says("Your visit is booked")
    assert _visit(site).price_minor == 9_900


def test_a_switched_off_booking_says_so_and_how_to_reach_us(pages: Pages, site: Site) -> None:
    site.prefer("booking_window", online_booking_enabled=False, disabled_message="Call Olivia.")
    for path in ("/happy-paws", "/happy-paws/book", "/happy-paws/book/when"):
        assert pages.visitor().get(path).says("Call Olivia.")


def test_where_a_login_is_needed_a_guest_is_asked_to_sign_in_first(
    pages: Pages, site: Site, world: World
) -> None:
    site.prefer("client_settings", require_login_to_book=True)
    page = pages.visitor().get("/happy-paws/book")
    assert page.status == 403
    assert page.says("Please sign in to book")
    assert pages.client.get("/happy-paws/book").says("Which service?")


@pytest.mark.parametrize("choice", ["hidden", "required"])
def test_staff_is_asked_for_as_the_business_wants(
    pages: Pages, site: Site, world: World, choice: str
) -> None:
    site.prefer("staff_and_confirmation", staff_choice=choice)
    page = pages.visitor().get("/happy-paws/book")
    page = page.submit("/who", service=str(world.salon.grooming))
    if choice == "hidden":
        assert page.says("When would suit you?")
        assert not page.says("Ana")
    else:
        assert not page.says("Anyone who is free")
        assert page.submit("/when", staff=str(world.salon.ben)).says("with Ben")


def test_a_client_books_for_their_own_pets_without_typing(
    pages: Pages, site: Site, world: World
) -> None:
    page = at_details(pages.client, world)
    page = page.submit("/book/check", pet=[str(world.jo.pet_ids[0])])
    assert page.says("Jo Bright")
    page = page.submit("/book/confirm")
    assert page.path.startswith("/happy-paws/account/appointments/")
    assert _visit(site).client_id == world.jo.id
    assert [pet["name"] for pet in _visit(site).pets] == ["Rex"]


def test_somebody_elses_pet_or_record_can_not_be_booked_for(
    pages: Pages, site: Site, world: World
) -> None:
    page = at_details(pages.client, world)
    page = page.submit("/book/check", pet=[str(world.sam.pet_ids[0])])
    page = page.submit("/book/confirm")
    assert page.status in (409, 422)
    page = at_details(pages.client, world)
    sent = {**page.form("/book/check").values(), "client": [str(world.sam.id)]}
    sent["pet"] = [str(world.jo.pet_ids[0])]
    page = page.browser.request("POST", "/happy-paws/book/check", data=sent)
    page.submit("/book/confirm")
    assert _visit(site).client_id == world.jo.id


def test_where_bookings_are_approved_it_is_a_request(
    pages: Pages, site: Site, world: World
) -> None:
    site.prefer("staff_and_confirmation", confirmation_mode="approve")
    page = at_check(at_details(pages.visitor(), world)).submit("/book/confirm")
    assert page.says("We have your request")
    assert _visit(site).state is AppointmentState.PENDING


def test_a_login_made_while_booking_waits_for_its_mailbox(
    pages: Pages, site: Site, world: World, mailbox: Mailbox
) -> None:
    page = at_check(at_details(pages.visitor(), world))
    page = page.submit("/book/confirm", create_login=True, password=PASSWORD)
    assert page.path.startswith("/happy-paws/sign-up/confirm")
    assert page.browser.get("/happy-paws/account").title.startswith("Sign in")
    code = next(mail.code for mail in mailbox.to("new@example.com") if "Confirm" in mail.subject)
    page = page.submit("/sign-up/confirm", code=code)
    assert page.path == "/happy-paws/account"
    assert page.says("Tue 2 Mar 2027, 1:00 pm")


def test_a_weak_password_keeps_the_booking_on_the_page(pages: Pages, world: World) -> None:
    page = at_check(at_details(pages.visitor(), world))
    again = page.submit("/book/confirm", create_login=True, password="short")
    assert again.status == 422
    assert again.says("Use at least 8 characters")
    assert "short" not in again.html.replace("shorter", "")
    assert again.submit("/book/confirm", create_login=False).says("Your visit is booked")


def test_a_known_address_is_told_apart_by_nothing_on_the_page(
    pages: Pages, site: Site, world: World
) -> None:
    known = at_check(at_details(pages.visitor(), world), email=world.kim.email)
    known = known.submit("/book/confirm")
    site.prefer("staff_and_confirmation", staff_choice="optional")
    assert known.says("Your visit is booked")
    assert not known.says("Fluffy")
    assert not known.says("Kim")
    assert _visit(site).client_id is None


def test_the_proof_in_the_mail_puts_a_guests_visit_with_their_others(
    pages: Pages, site: Site, world: World, mailbox: Mailbox
) -> None:
    at_check(at_details(pages.visitor(), world), email=world.kim.email).submit("/book/confirm")
    link = mailbox.latest(world.kim.email).link("/happy-paws/confirm/")
    browser = pages.visitor()
    page = browser.get(link)
    assert browser.get(link).says("Kim (Fluffy)")
    assert _visit(site).client_id is None
    page.submit("/confirm/", button=None)
    assert _visit(site).client_id == world.kim.id
    assert browser.get(link).says("This link no longer works")


def test_nonsense_in_the_address_asks_again(pages: Pages) -> None:
    browser = pages.visitor()
    nonsense = "service=x&staff=%00&start=99999999999999999999&day=2027-99-99&client=%F0"
    for step in ("", "/who", "/when", "/details"):
        assert browser.get(f"/happy-paws/book{step}?{nonsense}").status == 200
    assert browser.request("POST", "/happy-paws/book/confirm", data={"draft": "yes"}).status == 200
