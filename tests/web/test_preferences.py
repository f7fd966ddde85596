"""The page Booking Preferences: one form, its errors, and two people saving at once."""

from typing import Any

from booking.preferences import actions as preferences
from booking.preferences.rules import Preferences, fields
from tests.pages import Pages
from tests.site import Site

Typed = dict[str, Any]
PATH = "/manage/happy-paws/preferences"
SWITCH = "client_settings.allow_client_online_account_access"
LEAD = "booking_window.lead_time_minutes"
DAYS = "client_settings.session_days"


def _kept(site: Site) -> Preferences:
    with site.reading() as session:
        return preferences.current(session)


def test_every_preference_is_on_the_page_client_settings_first(pages: Pages) -> None:
    page = pages.owner.get(PATH)
    form = page.form("version")
    assert form.names == {"version", *(path for path, _ in fields())}
    assert [each.name for each in form.fields if each.name][:2] == ["version", SWITCH]
    assert "Save Changes" in form.words
    assert all(info.title and info.description for _, info in fields())


def test_saving_an_untouched_page_changes_nothing(pages: Pages, site: Site) -> None:
    before = _kept(site)
    page = pages.owner.get(PATH).submit("version")
    assert page.says("Your changes are saved.")
    assert _kept(site) == before


def test_the_switch_is_moved(pages: Pages, site: Site) -> None:
    pages.manager.get(PATH).submit("version", **Typed({SWITCH: False, LEAD: "60"}))
    after = _kept(site)
    assert not after.client_settings.allow_client_online_account_access
    assert after.booking_window.lead_time_minutes == 60


def test_what_can_t_be_used_is_told_and_what_was_typed_stays(pages: Pages, site: Site) -> None:
    before = _kept(site)
    typed: Typed = {LEAD: "soon", DAYS: "7", "invitations.invite_message": "<b>Hi</b>"}
    page = pages.owner.get(PATH).submit("version", **typed)
    assert page.status == 422
    assert page.says("There are 2 problems")
    assert ("Shortest notice for a booking, in minutes: Enter a whole number.", f"#{LEAD}") in (
        page.links
    )
    values = page.form("version").values()
    assert {name: values[name] for name in typed} == {k: [v] for k, v in typed.items()}
    assert _kept(site) == before


def test_a_stale_save_tells_what_others_changed_and_keeps_what_was_typed(
    pages: Pages, site: Site
) -> None:
    mine = pages.owner.get(PATH)
    pages.manager.get(PATH).submit("version", **Typed({LEAD: "60"}))
    page = mine.submit("version", **Typed({DAYS: "7"}))
    assert page.status == 409
    assert page.says(f"{site.world.manager.name} changed “Shortest notice")
    assert _kept(site).client_settings.session_days == 30
    page.submit("version")
    after = _kept(site)
    assert after.client_settings.session_days == 7
    assert after.booking_window.lead_time_minutes == 60, "the other's change is not undone"


def test_the_history_speaks_the_words_of_the_page(pages: Pages) -> None:
    pages.owner.get(PATH).submit("version", **Typed({SWITCH: False}))
    page = pages.staff.get(f"{PATH}/history")
    assert page.says("Allow Client Online Account Access YES NO Olivia Owner")


def test_the_role_staff_looks_but_does_not_save(pages: Pages, site: Site) -> None:
    before = _kept(site)
    assert pages.staff.get(PATH).submit("version", **Typed({LEAD: "60"})).status == 403
    assert pages.outsider.get(PATH).status == 404
    assert pages.visitor().get(PATH).path.startswith("/manage/sign-in?next=")
    assert _kept(site) == before
