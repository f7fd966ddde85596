"""Every page of the product, with whom it is for and how one comes to it.

`route` is the address as the app knows it; a page without a row here fails the completeness test.
"""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser.filled import DESK, SITE

Steps = Callable[[Page], None]
BOOK = f"{SITE}/book"
CHOSEN = "service={service}&staff=any&start=1804096800"
DAY = "/manage/first-day"


@dataclass(frozen=True, slots=True)
class Screen:
    """`who`: a name of `Filled.people`. `path` may name links in braces; without one, it is the
    link `at`. `then` goes on from there, by the page's own forms."""

    name: str
    route: str
    who: str
    path: str
    status: int = 200
    then: Steps | None = None


def press(label: str) -> Steps:
    return lambda page: page.get_by_role("button", name=label, exact=True).first.click()


def type_and_press(button: str, **typed: str) -> Steps:
    def steps(page: Page) -> None:
        for name, value in typed.items():
            page.locator(f"[name={name}]").fill(value)
        press(button)(page)

    return steps


ABOUT = {
    "first_name": "Nora",
    "last_name": "Quist",
    "email": "nora.q@example.com",
    "pet_1_name": "Pip",
    "note": "He is afraid of the dryer.",
}

OF_THE_SITE = (
    Screen("front door", "/", "visitor", "/"),
    Screen("home", "/{slug}", "visitor", SITE),
    Screen("home signed in", "/{slug}", "jo", SITE),
    Screen("book service", "/{slug}/book", "visitor", BOOK),
    Screen("book who", "/{slug}/book/who", "visitor", f"{BOOK}/who?service={{service}}"),
    Screen(
        "book when", "/{slug}/book/when", "visitor", f"{BOOK}/when?service={{service}}&staff=any"
    ),
    Screen(
        "book when full",
        "/{slug}/book/when",
        "visitor",
        f"{BOOK}/when?service={{service}}&staff=any&day=2027-03-07",
    ),
    Screen("book details", "/{slug}/book/details", "visitor", f"{BOOK}/details?{CHOSEN}"),
    Screen(
        "book details wrong",
        "/{slug}/book/check",
        "visitor",
        f"{BOOK}/details?{CHOSEN}",
        then=press("Continue"),
    ),
    Screen("book details signed in", "/{slug}/book/details", "jo", f"{BOOK}/details?{CHOSEN}"),
    Screen(
        "book check",
        "/{slug}/book/check",
        "visitor",
        f"{BOOK}/details?{CHOSEN}",
        then=type_and_press("Continue", **ABOUT),
    ),
    Screen("visit just asked for", "/{slug}/booking/{token}", "visitor", "{guest_new}"),
    Screen("visit", "/{slug}/booking/{token}", "visitor", "{guest}"),
    Screen("visit cancel", "/{slug}/booking/{token}/cancel", "visitor", "{guest}/cancel"),
    Screen("visit move", "/{slug}/booking/{token}/move", "visitor", "{guest}/move"),
    Screen("sign in", "/{slug}/sign-in", "visitor", f"{SITE}/sign-in"),
    Screen(
        "sign in wrong",
        "/{slug}/sign-in",
        "visitor",
        f"{SITE}/sign-in",
        then=type_and_press("Sign in", email="jo@example.com", password="wrong"),
    ),
    Screen("ask for code", "/{slug}/sign-in/code", "visitor", f"{SITE}/sign-in/code"),
    Screen(
        "type code",
        "/{slug}/sign-in/code",
        "visitor",
        f"{SITE}/sign-in/code",
        then=type_and_press("Send me a code", email="somebody@example.com"),
    ),
    Screen("forgot", "/{slug}/forgot", "visitor", f"{SITE}/forgot"),
    Screen(
        "forgot sent",
        "/{slug}/forgot",
        "visitor",
        f"{SITE}/forgot",
        then=type_and_press("Send me the link", email="somebody@example.com"),
    ),
    Screen("reset", "/{slug}/reset/{secret}", "visitor", "{reset}"),
    Screen("link over", "/{slug}/reset/{secret}", "visitor", f"{SITE}/reset/gone", 410),
    Screen("sign up", "/{slug}/sign-up", "visitor", f"{SITE}/sign-up"),
    Screen("sign up code", "/{slug}/sign-up/confirm", "signing_up", f"{SITE}/sign-up/confirm"),
    Screen("sign up code elsewhere", "/{slug}/sign-up/confirm", "visitor", f"{SITE}/sign-up/confirm"),
    Screen("sign up link", "/{slug}/sign-up/confirm/{secret}", "signing_up", "{sign_up}"),
    Screen("sign up link elsewhere", "/{slug}/sign-up/confirm/{secret}", "visitor", "{sign_up}"),
    Screen("choose", "/{slug}/choose", "household", f"{SITE}/choose"),
    Screen("claim a visit", "/{slug}/confirm/{secret}", "visitor", "{claim}"),
    Screen("invitation", "/i/{token}", "visitor", "{invitation}"),
    Screen("invitation as another", "/i/{token}", "jo", "{invitation}"),
    Screen("unsubscribe", "/u/{invitation_id:uuid}/{secret}", "visitor", "{stop}"),
    Screen("account", "/{slug}/account", "jo", f"{SITE}/account"),
    Screen("account past", "/{slug}/account/past", "jo", f"{SITE}/account/past"),
    Screen("account past none", "/{slug}/account/past", "sam", f"{SITE}/account/past"),
    Screen("account none", "/{slug}/account", "sam", f"{SITE}/account"),
    Screen("account visit", "/{slug}/account/appointments/{visit_id}", "jo", f"{SITE}/account/appointments/{{visit}}"),
    Screen("account visit new", "/{slug}/account/appointments/{visit_id}", "jo", f"{SITE}/account/appointments/{{visit}}?new=yes"),
    Screen("account visit past", "/{slug}/account/appointments/{visit_id}", "jo", f"{SITE}/account/appointments/{{past}}"),
    Screen("account cancel", "/{slug}/account/appointments/{visit_id}/cancel", "jo", f"{SITE}/account/appointments/{{visit}}/cancel"),
    Screen("account move", "/{slug}/account/appointments/{visit_id}/move", "jo", f"{SITE}/account/appointments/{{visit}}/move"),
    Screen(
        "account move check",
        "/{slug}/account/appointments/{visit_id}/move",
        "jo",
        f"{SITE}/account/appointments/{{visit}}/move",
        then=lambda page: page.locator("button[name=start]").last.click(),
    ),
    Screen("account details", "/{slug}/account/details", "jo", f"{SITE}/account/details"),
    Screen("account pets", "/{slug}/account/pets", "jo", f"{SITE}/account/pets"),
    Screen("account pet new", "/{slug}/account/pets/new", "jo", f"{SITE}/account/pets/new"),
    Screen("account pet", "/{slug}/account/pets/{pet_id}", "jo", f"{SITE}/account/pets/{{rex}}"),
    Screen("account email", "/{slug}/account/email", "jo", f"{SITE}/account/email"),
    Screen("account email waiting", "/{slug}/account/email", "sam", f"{SITE}/account/email"),
    Screen("email link", "/{slug}/email/{secret}", "visitor", "{email}"),
    Screen("account sessions", "/{slug}/account/sessions", "jo", f"{SITE}/account/sessions"),
    Screen("account calendar", "/{slug}/account/calendar", "jo", f"{SITE}/account/calendar"),
    Screen("account password", "/{slug}/account/password", "jo", f"{SITE}/account/password"),
    Screen("status", "/status", "visitor", "/status"),
    Screen("help", "/help", "visitor", "/help"),
    Screen("nothing here", "/{slug}", "visitor", "/nobody", 404),
    Screen("invitation unknown", "/i/{token}", "visitor", "/i/unknown", 404),
)

OF_THE_DESK = (
    Screen("manage sign in", "/manage/sign-in", "visitor", "/manage/sign-in"),
    Screen("manage code", "/manage/sign-in/code", "half_in", "/manage/sign-in/code"),
    Screen("manage forgot", "/manage/forgot", "visitor", "/manage/forgot"),
    Screen(
        "manage forgot sent",
        "/manage/forgot",
        "visitor",
        "/manage/forgot",
        then=type_and_press("Send the link", email="somebody@example.com"),
    ),
    Screen("manage reset", "/manage/reset/{secret}", "visitor", "{staff_reset}"),
    Screen("manage link over", "/manage/reset/{secret}", "visitor", "/manage/reset/gone", 410),
    Screen("manage join", "/manage/join/{secret}", "visitor", "{join}"),
    Screen("manage email", "/manage/email/{secret}", "visitor", "{staff_email}"),
    Screen("manage choose", "/manage", "manager", "/manage"),
    Screen("security", "/manage/security", "owner", "/manage/security"),
    Screen("second step", "/manage/security/second-step", "manager", "/manage/security/second-step"),
    Screen("today", "/manage/{slug}", "owner", DESK),
    Screen("set up", "/manage/{slug}/set-up", "owner", f"{DESK}/set-up"),
    Screen("details", "/manage/{slug}/details", "owner", f"{DESK}/details"),
    Screen("diary day", "/manage/{slug}/appointments", "owner", f"{DESK}/appointments"),
    Screen("diary week", "/manage/{slug}/appointments", "owner", f"{DESK}/appointments?view=week"),
    Screen("appointment", "/manage/{slug}/appointments/{appointment_id}", "owner", f"{DESK}/appointments/{{visit}}"),
    Screen("appointment request", "/manage/{slug}/appointments/{appointment_id}", "owner", f"{DESK}/appointments/{{request}}"),
    Screen("appointment past", "/manage/{slug}/appointments/{appointment_id}", "owner", f"{DESK}/appointments/{{past}}"),
    Screen("appointment cancelled", "/manage/{slug}/appointments/{appointment_id}", "owner", f"{DESK}/appointments/{{visit_8}}"),
    Screen("appointment move", "/manage/{slug}/appointments/{appointment_id}/move", "owner", f"{DESK}/appointments/{{visit}}/move"),
    Screen("book for who", "/manage/{slug}/appointments/new", "owner", f"{DESK}/appointments/new"),
    Screen("book for who found", "/manage/{slug}/appointments/new", "owner", f"{DESK}/appointments/new?q=jo"),
    Screen("book for what", "/manage/{slug}/appointments/new", "owner", f"{DESK}/appointments/new?client={{jo}}"),
    Screen("book for when", "/manage/{slug}/appointments/new", "owner", f"{DESK}/appointments/new?client={{jo}}&service={{service}}"),
    Screen("clients", "/manage/{slug}/clients", "owner", f"{DESK}/clients"),
    Screen("clients none found", "/manage/{slug}/clients", "owner", f"{DESK}/clients?q=zzz"),
    Screen("client", "/manage/{slug}/clients/{client_id:uuid}", "owner", f"{DESK}/clients/{{jo}}"),
    Screen("client without login", "/manage/{slug}/clients/{client_id:uuid}", "owner", f"{DESK}/clients/{{newest}}"),
    Screen("client new", "/manage/{slug}/clients/new", "owner", f"{DESK}/clients/new"),
    Screen(
        "client new wrong",
        "/manage/{slug}/clients/new",
        "owner",
        f"{DESK}/clients/new",
        then=lambda page: page.locator("main form .actions button").first.click(),
    ),
    Screen("client edit", "/manage/{slug}/clients/{client_id:uuid}/edit", "owner", f"{DESK}/clients/{{jo}}/edit"),
    Screen("client login", "/manage/{slug}/clients/{client_id:uuid}/login", "owner", f"{DESK}/clients/{{jo}}/login"),
    Screen("client link", "/manage/{slug}/clients/{client_id:uuid}/login", "owner", f"{DESK}/clients/{{kim}}/login"),
    Screen("client pet new", "/manage/{slug}/clients/{client_id:uuid}/pets/new", "owner", f"{DESK}/clients/{{jo}}/pets/new"),
    Screen("client pet", "/manage/{slug}/clients/{client_id:uuid}/pets/{pet_id:uuid}", "owner", f"{DESK}/clients/{{jo}}/pets/{{rex}}"),
    Screen("envelope", "/manage/{slug}/clients/invite", "owner", f"{DESK}/clients/invite"),
    Screen("envelope count", "/manage/{slug}/clients/invite", "owner", f"{DESK}/clients/invite?answer=yes"),
    Screen("envelope one", "/manage/{slug}/clients/invite", "owner", f"{DESK}/clients/invite?client={{newest}}"),
    Screen("envelope not one", "/manage/{slug}/clients/invite", "owner", f"{DESK}/clients/invite?client={{pat}}"),
    Screen("campaigns", "/manage/{slug}/campaigns", "owner", f"{DESK}/campaigns"),
    Screen("campaign", "/manage/{slug}/campaigns/{campaign_id:uuid}", "owner", "{campaign}"),
    Screen("imports", "/manage/{slug}/imports", "owner", f"{DESK}/imports"),
    Screen("import", "/manage/{slug}/imports/{import_id:uuid}", "owner", "{import}"),
    Screen("import tried", "/manage/{slug}/imports/{import_id:uuid}", "owner", "{tried}"),
    Screen("import columns", "/manage/{slug}/imports/{import_id:uuid}", "owner", "{mapping}"),
    Screen("import columns again", "/manage/{slug}/imports/{import_id:uuid}/mapping", "owner", "{mapping}/mapping"),
    Screen("import undo", "/manage/{slug}/imports/{import_id:uuid}/undo", "owner", "{import}/undo"),
    Screen("services", "/manage/{slug}/services", "owner", f"{DESK}/services"),
    Screen("service new", "/manage/{slug}/services/new", "owner", f"{DESK}/services/new"),
    Screen("service", "/manage/{slug}/services/{service_id}", "owner", f"{DESK}/services/{{service}}"),
    Screen("staff", "/manage/{slug}/staff", "owner", f"{DESK}/staff"),
    Screen("staff new", "/manage/{slug}/staff/new", "owner", f"{DESK}/staff/new"),
    Screen("staff member", "/manage/{slug}/staff/{staff_id}", "owner", f"{DESK}/staff/{{staff}}"),
    Screen("hours", "/manage/{slug}/hours", "owner", f"{DESK}/hours"),
    Screen("members", "/manage/{slug}/members", "owner", f"{DESK}/members"),
    Screen("preferences", "/manage/{slug}/preferences", "owner", f"{DESK}/preferences"),
    Screen("preferences history", "/manage/{slug}/preferences/history", "owner", f"{DESK}/preferences/history"),
    Screen("audit", "/manage/{slug}/audit", "owner", f"{DESK}/audit"),
    Screen("mailbox", "/mailbox", "visitor", "/mailbox"),
    Screen(
        "letter",
        "/mailbox/{name}",
        "visitor",
        "/mailbox",
        then=lambda page: page.locator("a.row-link").first.click(),
    ),
    Screen("not found", "/manage/{slug}/clients/{client_id:uuid}", "owner", f"{DESK}/clients/00000000-0000-0000-0000-000000000000", 404),
)

ON_THE_FIRST_DAY = (
    Screen("new home", "/{slug}", "visitor", "/first-day"),
    Screen("new book", "/{slug}/book", "visitor", "/first-day/book"),
    *(
        Screen(f"new {name or 'today'}", f"/manage/{{slug}}{path}", "new_owner", f"{DAY}{path}")
        for name, path in (
            ("", ""),
            *((path.replace("/", " ").strip(), path) for path in (
                "/set-up", "/appointments", "/appointments/new", "/clients", "/campaigns",
                "/imports", "/services", "/staff", "/hours", "/members", "/preferences",
                "/preferences/history", "/audit",
            )),
        )
    ),
)  # fmt: skip

# The switch at NO, online booking off, an address for logins only.
WITH_THE_SWITCH_AT_NO = (
    Screen("no home", "/{slug}", "visitor", SITE),
    Screen("no booking", "/{slug}/book", "visitor", BOOK),
    Screen("no sign in", "/{slug}/sign-in", "visitor", f"{SITE}/sign-in", 409),
    Screen("no account", "/{slug}/account", "jo", f"{SITE}/account", 409),
    Screen("no invitation", "/i/{token}", "visitor", "{invitation}", 409),
    Screen("no envelope", "/manage/{slug}/clients/invite", "owner", f"{DESK}/clients/invite", 409),
    Screen("no campaign", "/manage/{slug}/campaigns/{campaign_id:uuid}", "owner", "{campaign}"),
    Screen("no preferences", "/manage/{slug}/preferences", "owner", f"{DESK}/preferences"),
    Screen("no client", "/manage/{slug}/clients/{client_id:uuid}", "owner", f"{DESK}/clients/{{kim}}"),
)
WITH_LOGINS_ONLY = (
    Screen("login to book", "/{slug}/book", "visitor", BOOK, 403),
    Screen("no sign up", "/{slug}/sign-up", "visitor", f"{SITE}/sign-up"),
)
# Answers to GET that are no pages for people to read.
NO_PAGES = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/{slug}/theme.css",
    "/calendars/{token}.ics",
    "/mailbox/{name}/raw",
    "/manage/{slug}/audit.csv",
    "/manage/{slug}/imports/template.csv",
    "/manage/{slug}/imports/{import_id:uuid}/report.csv",
    "/i/continue",
}
ALL = (
    *OF_THE_SITE,
    *OF_THE_DESK,
    *ON_THE_FIRST_DAY,
    *WITH_THE_SWITCH_AT_NO,
    *WITH_LOGINS_ONLY,
)
