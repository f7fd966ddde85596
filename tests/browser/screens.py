"""Every page of the product, with whom it is for and how one comes to it.

`route` is the address as the app knows it; a page without a row here fails the completeness test.
"""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser.filled import DESK, SITE

Steps = Callable[[Page], None]
DAY = "/manage/first-day"


@dataclass(frozen=True, slots=True)
class Screen:
    """`who`: a name of `Filled.people`. `path` may name links in braces; `then` goes on."""

    name: str
    route: str
    who: str
    path: str
    status: int = 200
    then: Steps | None = None


def site(
    name: str, who: str, route: str, path: str = "", status: int = 200, then: Steps | None = None
) -> Screen:
    """Of the salon's booking site; `path` where it differs from the route."""
    return Screen(name, f"/{{slug}}{route}", who, f"{SITE}{path or route}", status, then)


def desk(
    name: str, route: str, path: str = "", status: int = 200, then: Steps | None = None
) -> Screen:
    """Of the salon's own side, as its owner sees it."""
    return Screen(name, f"/manage/{{slug}}{route}", "owner", f"{DESK}{path or route}", status, then)


def press(label: str) -> Steps:
    return lambda page: page.get_by_role("button", name=label, exact=True).first.click()


def press_both(first: str, then: str) -> Steps:
    def steps(page: Page) -> None:
        press(first)(page)
        press(then)(page)

    return steps


def press_unchecked(label: str) -> Steps:
    """As a browser would that does not look itself whether a form is filled in."""

    def steps(page: Page) -> None:
        page.evaluate("document.querySelectorAll('form').forEach((each) => each.noValidate = true)")
        press(label)(page)

    return steps


def type_and_press(button: str, **typed: str) -> Steps:
    def steps(page: Page) -> None:
        for name, value in typed.items():
            page.locator(f"[name={name}]").fill(value)
        press(button)(page)

    return steps


DETAILS = "/book/details?service={service}&staff=any&start=1804096800"
ABOUT = {
    "first_name": "Nora",
    "last_name": "Quist",
    "email": "nora.q@example.com",
    "pet_1_name": "Pip",
    "note": "He is afraid of the dryer.",
}

OF_THE_SITE = (
    Screen("front door", "/", "visitor", "/"),
    site("home", "visitor", ""),
    site("home signed in", "jo", ""),
    site("book service", "visitor", "/book"),
    site("book who", "visitor", "/book/who", "/book/who?service={service}"),
    site("book when", "visitor", "/book/when", "/book/when?service={service}&staff=any"),
    site("book details", "visitor", "/book/details", DETAILS),
    site("book details wrong", "visitor", "/book/check", DETAILS, then=press("Continue")),
    site("book details signed in", "jo", "/book/details", DETAILS),
    site("book check", "visitor", "/book/check", DETAILS, then=type_and_press("Continue", **ABOUT)),
    Screen("visit just asked for", "/{slug}/booking/{token}", "visitor", "{guest_new}"),
    Screen("visit", "/{slug}/booking/{token}", "visitor", "{guest}"),
    Screen("visit cancel", "/{slug}/booking/{token}/cancel", "visitor", "{guest}/cancel"),
    Screen("visit move", "/{slug}/booking/{token}/move", "visitor", "{guest}/move"),
    site("sign in", "visitor", "/sign-in"),
    site(
        "sign in wrong",
        "visitor",
        "/sign-in",
        then=type_and_press("Sign in", email="jo@example.com", password="wrong"),
    ),
    site("ask for code", "visitor", "/sign-in/code"),
    site(
        "type code",
        "visitor",
        "/sign-in/code",
        then=type_and_press("Send me a code", email="somebody@example.com"),
    ),
    site("forgot", "visitor", "/forgot"),
    site(
        "forgot sent",
        "visitor",
        "/forgot",
        then=type_and_press("Send me the link", email="somebody@example.com"),
    ),
    Screen("reset", "/{slug}/reset/{secret}", "visitor", "{reset}"),
    site("link over", "visitor", "/reset/{secret}", "/reset/gone", status=410),
    site("sign up", "visitor", "/sign-up"),
    site("sign up code", "signing_up", "/sign-up/confirm"),
    site("sign up code elsewhere", "visitor", "/sign-up/confirm"),
    Screen("sign up link", "/{slug}/sign-up/confirm/{secret}", "signing_up", "{sign_up}"),
    Screen("sign up link elsewhere", "/{slug}/sign-up/confirm/{secret}", "visitor", "{sign_up}"),
    site("choose", "household", "/choose"),
    Screen("claim a visit", "/{slug}/confirm/{secret}", "visitor", "{claim}"),
    Screen("invitation", "/i/{token}", "visitor", "{invitation}"),
    Screen("invitation as another", "/i/{token}", "jo", "{invitation}"),
    Screen("invitation expired", "/i/{token}", "visitor", "{expired}", 410),
    Screen(
        "invitation asked anew",
        "/i/{token}",
        "visitor",
        "{expired}",
        410,
        press("Send me a new link"),
    ),
    Screen("unsubscribe", "/u/{invitation_id:uuid}/{secret}", "visitor", "{stop}"),
    Screen(
        "unsubscribed",
        "/u/{invitation_id:uuid}/{secret}",
        "visitor",
        "{stopped}",
        then=press("Stop these e-mails"),
    ),
    Screen(
        "unsubscribed by mistake",
        "/u/{invitation_id:uuid}/{secret}",
        "visitor",
        "{stop}",
        then=press_both("Stop these e-mails", "Let me be invited again"),
    ),
    site("account", "jo", "/account"),
    site("account past", "jo", "/account/past"),
    site("account past none", "sam", "/account/past"),
    site("account none", "sam", "/account"),
    site(
        "account visit", "jo", "/account/appointments/{visit_id}", "/account/appointments/{visit}"
    ),
    site(
        "account visit new",
        "jo",
        "/account/appointments/{visit_id}",
        "/account/appointments/{visit}?new=yes",
    ),
    site(
        "account visit past",
        "jo",
        "/account/appointments/{visit_id}",
        "/account/appointments/{past}",
    ),
    site(
        "account cancel",
        "jo",
        "/account/appointments/{visit_id}/cancel",
        "/account/appointments/{visit}/cancel",
    ),
    site(
        "account move",
        "jo",
        "/account/appointments/{visit_id}/move",
        "/account/appointments/{visit}/move",
    ),
    site(
        "account move check",
        "jo",
        "/account/appointments/{visit_id}/move",
        "/account/appointments/{visit}/move",
        then=lambda page: page.locator("button[name=start]").last.click(),
    ),
    site("account details", "jo", "/account/details"),
    site("account pets", "jo", "/account/pets"),
    site("account pet new", "jo", "/account/pets/new"),
    site("account pet", "jo", "/account/pets/{pet_id}", "/account/pets/{rex}"),
    site("account email", "jo", "/account/email"),
    site("account email waiting", "sam", "/account/email"),
    Screen("email link", "/{slug}/email/{secret}", "visitor", "{email}"),
    site("account sessions", "jo", "/account/sessions"),
    site("account calendar", "jo", "/account/calendar"),
    site("account password", "jo", "/account/password"),
    Screen("status", "/status", "visitor", "/status"),
    Screen("help", "/help", "visitor", "/help"),
    Screen("help found", "/help", "visitor", "/help?q=cancel"),
    Screen("help article", "/help/{slug}", "visitor", "/help/invite-everyone"),
    Screen("help answered", "/help/{slug}", "visitor", "/help/change-a-visit", then=press("No")),
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
    Screen(
        "second step", "/manage/security/second-step", "manager", "/manage/security/second-step"
    ),
    desk("today", ""),
    desk("set up", "/set-up"),
    desk("details", "/details"),
    desk("diary day", "/appointments"),
    desk("diary week", "/appointments", "/appointments?view=week"),
    desk("appointment", "/appointments/{appointment_id}", "/appointments/{visit}"),
    desk("appointment request", "/appointments/{appointment_id}", "/appointments/{request}"),
    desk("appointment past", "/appointments/{appointment_id}", "/appointments/{past}"),
    desk("appointment cancelled", "/appointments/{appointment_id}", "/appointments/{visit_8}"),
    desk("appointment move", "/appointments/{appointment_id}/move", "/appointments/{visit}/move"),
    desk("book for who", "/appointments/new"),
    desk("book for who found", "/appointments/new", "/appointments/new?q=jo"),
    desk("book for what", "/appointments/new", "/appointments/new?client={jo}"),
    desk("book for when", "/appointments/new", "/appointments/new?client={jo}&service={service}"),
    desk("clients", "/clients"),
    desk("clients none found", "/clients", "/clients?q=zzz"),
    desk("client", "/clients/{client_id:uuid}", "/clients/{jo}"),
    desk("client without login", "/clients/{client_id:uuid}", "/clients/{newest}"),
    desk("client address gone", "/clients/{client_id:uuid}", "/clients/{gone}"),
    desk("client wants none", "/clients/{client_id:uuid}", "/clients/{mute}"),
    desk("client new", "/clients/new"),
    desk(
        "client new wrong",
        "/clients/new",
        then=lambda page: page.locator("main form .actions button").first.click(),
    ),
    desk("client edit", "/clients/{client_id:uuid}/edit", "/clients/{jo}/edit"),
    desk("client login", "/clients/{client_id:uuid}/login", "/clients/{jo}/login"),
    desk("client link", "/clients/{client_id:uuid}/login", "/clients/{kim}/login"),
    desk("client pet new", "/clients/{client_id:uuid}/pets/new", "/clients/{jo}/pets/new"),
    desk("client pet", "/clients/{client_id:uuid}/pets/{pet_id:uuid}", "/clients/{jo}/pets/{rex}"),
    desk(
        "client new known",
        "/clients/new",
        then=type_and_press(
            "Add this client", first_name="Jo", last_name="Bright", email="jo@example.com"
        ),
    ),
    desk("client with a household", "/clients/{client_id:uuid}", "/clients/{sam}"),
    Screen("client merged", "/manage/{slug}/clients/{client_id:uuid}", "owner", "{just_lena}"),
    desk("client perhaps another", "/clients/{client_id:uuid}", "/clients/{anna}"),
    desk("client merge", "/clients/{client_id:uuid}/merge", "/clients/{anna}/merge"),
    desk("client merge found", "/clients/{client_id:uuid}/merge", "/clients/{anna}/merge?q=an"),
    desk("client merge none", "/clients/{client_id:uuid}/merge", "/clients/{anna}/merge?q=zzz"),
    desk("matches", "/matches"),
    desk("matches answered", "/matches", "/matches?{answered}"),
    desk("matches not the same", "/matches", "/matches?show=rejected"),
    desk("matches households", "/matches", "/matches?show=household"),
    desk("duplicates", "/duplicates"),
    desk("merges", "/merges"),
    desk("merge", "/merges/new", "/merges/new?keep={anna}&merge={anne}"),
    desk("merge three", "/merges/new", "/merges/new?keep={anna}&merge={anne}&merge={ana}"),
    desk("merge two logins", "/merges/new", "/merges/new?keep={jo}&merge={sam}"),
    desk(
        "merge login not chosen",
        "/merges/new",
        "/merges/new?keep={jo}&merge={sam}",
        then=press_unchecked("Merge into Jo Bright"),
    ),
    desk("merge undo", "/merges/{merge_id:uuid}/undo", "/merges/{lena}/undo"),
    desk(
        "merge undo changed",
        "/merges/{merge_id:uuid}/undo",
        "/merges/{luis}/undo",
        then=press("Undo this merge"),
    ),
    desk("envelope", "/clients/invite"),
    desk("envelope count", "/clients/invite", "/clients/invite?answer=yes"),
    desk("envelope one", "/clients/invite", "/clients/invite?client={newest}"),
    desk("envelope not one", "/clients/invite", "/clients/invite?client={pat}"),
    desk("campaigns", "/campaigns"),
    Screen("campaign", "/manage/{slug}/campaigns/{campaign_id:uuid}", "owner", "{campaign}"),
    Screen("campaign alarmed", "/manage/{slug}/campaigns/{campaign_id:uuid}", "owner", "{alarmed}"),
    desk("imports", "/imports"),
    Screen("import", "/manage/{slug}/imports/{import_id:uuid}", "owner", "{import}"),
    Screen("import tried", "/manage/{slug}/imports/{import_id:uuid}", "owner", "{tried}"),
    Screen("import columns", "/manage/{slug}/imports/{import_id:uuid}", "owner", "{mapping}"),
    Screen(
        "import columns again",
        "/manage/{slug}/imports/{import_id:uuid}/mapping",
        "owner",
        "{mapping}/mapping",
    ),
    Screen("import undo", "/manage/{slug}/imports/{import_id:uuid}/undo", "owner", "{import}/undo"),
    desk("services", "/services"),
    desk("service new", "/services/new"),
    desk("service", "/services/{service_id}", "/services/{service}"),
    desk("staff", "/staff"),
    desk("staff new", "/staff/new"),
    desk("staff member", "/staff/{staff_id}", "/staff/{staff}"),
    desk("hours", "/hours"),
    desk("members", "/members"),
    desk("preferences", "/preferences"),
    desk("preferences history", "/preferences/history"),
    desk("audit", "/audit"),
    Screen("mailbox", "/mailbox", "visitor", "/mailbox"),
    Screen(
        "letter",
        "/mailbox/{name}",
        "visitor",
        "/mailbox",
        then=lambda page: page.locator("a.row-link").first.click(),
    ),
    desk(
        "not found",
        "/clients/{client_id:uuid}",
        "/clients/00000000-0000-0000-0000-000000000000",
        status=404,
    ),
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
                "/matches", "/duplicates", "/merges", "/imports", "/services", "/staff", "/hours",
                "/members", "/preferences", "/preferences/history", "/audit",
            )),
        )
    ),
)  # fmt: skip

# The switch at NO, online booking off, an address for logins only.
WITH_THE_SWITCH_AT_NO = (
    site("no home", "visitor", ""),
    site("no booking", "visitor", "/book"),
    site("no sign in", "visitor", "/sign-in", status=409),
    site("no account", "jo", "/account", status=409),
    Screen("no invitation", "/i/{token}", "visitor", "{invitation}", 409),
    desk("no envelope", "/clients/invite", status=409),
    Screen("no campaign", "/manage/{slug}/campaigns/{campaign_id:uuid}", "owner", "{campaign}"),
    desk("no preferences", "/preferences"),
    desk("no client", "/clients/{client_id:uuid}", "/clients/{kim}"),
)
# A campaign is due, and no worker moves it.
WITH_NOBODY_AT_WORK = (
    Screen("campaign stuck", "/manage/{slug}/campaigns/{campaign_id:uuid}", "owner", "{stuck}"),
)
WITH_LOGINS_ONLY = (
    site("login to book", "visitor", "/book", status=403),
    site("no sign up", "visitor", "/sign-up"),
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
    "/manage/{slug}/clients/export",
    "/manage/{slug}/campaigns/{campaign_id:uuid}/invitations.csv",
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
    *WITH_NOBODY_AT_WORK,
)
