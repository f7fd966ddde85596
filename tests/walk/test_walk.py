"""The main job, from a client list to clients who see their visits, as its people go through it."""

import csv
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, sync_playwright
from sqlalchemy import func, select

from booking import clock
from booking.clients.models import Client
from tests import make
from tests.browser.conftest import FLAGS, find_chromium
from tests.pages import Browser, Page
from tests.product import browser_at, say, wait_until
from tests.walk.conftest import OWNER, SLUG, Salon
from tests.world import PASSWORD

SLICE = Path(__file__).parents[1] / "imports" / "slice.csv"
WRONG_ROWS = ["C900001,Too,Few", "C900002,,,,,,,,,,,active", ",,,,,,,,,,,"]
OPENED = 3
SERVICE = "Summer clip"
CHOSEN = "six brown foxes under a bed"
# What an address looks like, told much more simply than the product does.
ADDRESS = re.compile(r"[\w%+'-]+(\.[\w%+'-]+)*@[\w-]+(\.[\w-]+)+", re.ASCII)


@dataclass(frozen=True)
class Expected:
    """What the list says by a rule of the test's own: one e-mail for each valid address of an
    active row."""

    addresses: frozenset[str]
    skipped: dict[str, int]
    rows: int


def expected() -> Expected:
    with SLICE.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    active = [row["email"].strip() for row in rows if row["status"] == "active"]
    valid = [address.lower() for address in active if ADDRESS.fullmatch(address)]
    return Expected(
        addresses=frozenset(valid),
        skipped={
            "inactive": len(rows) - len(active),
            "no_email": active.count(""),
            "invalid_email": len(active) - active.count("") - len(valid),
            "shared_email": len(valid) - len(set(valid)),
        },
        rows=len(rows),
    )


def the_list() -> str:
    return SLICE.read_text(encoding="utf-8-sig").rstrip("\n") + "\n" + "\n".join(WRONG_ROWS) + "\n"


def test_the_whole_walk(salon: Salon) -> None:
    wanted = expected()
    with browser_at(salon.url) as owner:
        _sign_in(owner)
        if salon.kind == "embedded":
            _import_by_screen(owner, wanted)
        else:
            _import_by_command(salon, wanted)
        visits = _book_visits(salon)
        _move_the_switch(owner)
        before = _clients(salon)
        began = time.monotonic()
        campaign = _press_the_envelope(owner, wanted)
        wait_until(lambda: owner.get(campaign).says("Finished"), "the campaign to finish")
        seconds = time.monotonic() - began
    invitations = [mail for mail in salon.inbox() if _link(mail)]
    arrived = Counter(_address(mail) for mail in invitations)
    assert set(arrived) == wanted.addresses
    assert max(arrived.values()) == 1
    say(
        f"{salon.kind}: {len(wanted.addresses)} recipients, {len(invitations)} messages, "
        f"{seconds:.1f} s from the press to the end; not invited: {wanted.skipped}"
    )
    links = {_address(mail): _link(mail) for mail in invitations}
    _accept(salon, {links[address]: said for address, said in visits.items()})
    assert _clients(salon) == before, "accepting made no client record"


def _sign_in(owner: Browser) -> None:
    page = owner.get("/manage/sign-in")
    page = page.submit("email", email=OWNER, password=PASSWORD)
    assert page.path.startswith(f"/manage/{SLUG}"), page


def _import_by_screen(owner: Browser, wanted: Expected) -> None:
    page = owner.get(f"/manage/{SLUG}/clients").follow("Import")
    page = page.submit("/imports", files={"file": ("clients.csv", the_list().encode(), "text/csv")})
    page = _after(page, "What this list would bring")
    _assert_reported(page)
    page = page.submit("/apply")
    page = _after(page, "The list is imported")
    _assert_reported(page)
    assert page.says(f"{wanted.rows} New clients") or page.says(f"New clients {wanted.rows}")


def _after(page: Page, words: str) -> Page:
    wait_until(lambda: page.browser.get(page.path).says(words), words)
    return page.browser.get(page.path)


def _assert_reported(page: Page) -> None:
    """The wrong rows by line and reason: the slice has 401 lines, they follow."""
    text = page.text
    for line in (402, 403):
        assert re.search(rf"\b{line}\b", text), text


def _import_by_command(salon: Salon, wanted: Expected) -> None:
    path = salon.product.folder / "clients.csv"
    path.write_text(the_list())
    said = json.loads(salon.product.done("import-clients", SLUG, str(path), "--json"))
    rejected = [line for line in said["report"] if line["verdict"] == "rejected"]
    assert (said["new"], said["rejected"]) == (wanted.rows, len(rejected))
    assert [line["lines"] for line in rejected] == [[402], [403]]
    assert all(line["problems"] for line in rejected)


def _book_visits(salon: Salon) -> dict[str, str]:
    """For some of those who will be invited: address → what they must find.

    By the rooms' verbs: setting up and booking have tests of their own.
    """
    start = (clock.now() + timedelta(days=7)).replace(minute=0, second=0, microsecond=0)
    found: dict[str, str] = {}
    with salon.writing() as session:
        make.opening_hours(session)
        staff = make.staff_member(session)
        session.flush()
        service = make.service(session, name=SERVICE, staff_ids=[staff.id])
        people = session.scalars(select(Client).order_by(Client.id)).all()
        shared = Counter(client.email_key for client in people)
        for client in people:
            is_alone = client.email_key is not None and shared[client.email_key] == 1
            if client.status.value == "active" and is_alone and len(found) < OPENED:
                assert client.email_key is not None
                starts = start + timedelta(hours=len(found))
                make.appointment(session, client, service.id, staff.id, starts)
                found[client.email_key] = SERVICE
    return found


def _move_the_switch(owner: Browser) -> None:
    page = owner.get(f"/manage/{SLUG}/clients/invite")
    assert page.status == 409, "while the switch is at NO nobody is invited"
    page = owner.get(f"/manage/{SLUG}/preferences")
    switch: dict[str, Any] = {"client_settings.allow_client_online_account_access": True}
    page = page.submit(next(iter(switch)), **switch)
    assert page.says("Your changes are saved"), page.text


def _press_the_envelope(owner: Browser, wanted: Expected) -> str:
    """Question, count, sending; gives the path of the campaign."""
    page = owner.get(f"/manage/{SLUG}/clients/invite")
    assert page.says("to all active clients that do not already have an account?")
    page = page.submit("answer", button="yes")
    assert page.says(f"{len(wanted.addresses)} clients will receive the e-mail"), page.text
    assert page.says(f"{sum(wanted.skipped.values())} will not, and why")
    shown = dict(re.findall(r"<dt>([^<·]+)[^<]*(?:<a.*?</a>)?</dt><dd>([\d,]+)</dd>", page.html))
    assert sorted(map(int, shown.values())) == sorted(wanted.skipped.values())
    page = page.submit("/clients/invite")
    assert page.path.startswith(f"/manage/{SLUG}/campaigns/")
    again = owner.request("POST", f"/manage/{SLUG}/clients/invite")
    if again.path != page.path:  # the first had finished by then, and left nobody to write to
        assert owner.get(page.path).says("Finished")
    return page.path


def _clients(salon: Salon) -> int:
    with salon.writing() as session:
        return session.scalars(select(func.count()).select_from(Client)).one()


def _address(mail: EmailMessage) -> str:
    return str(mail["To"].addresses[0].addr_spec).lower()


def _link(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    found = re.search(r"/i/[\w-]+", str(body.get_content()))
    return found[0] if found else ""


def _accept(salon: Salon, visits: dict[str, str]) -> None:
    """In a real browser where there is one, else without: link → what they must find."""
    with ExitStack() as stack:
        contexts = _browsers(stack)
        for link, visit in visits.items():
            if contexts is None:
                _accept_over_http(salon, link, visit)
            else:
                _accept_in_browser(salon, next(contexts), link, visit)


def _browsers(stack: ExitStack) -> Iterator[BrowserContext] | None:
    playwright = stack.enter_context(sync_playwright())
    program = find_chromium() or playwright.chromium.executable_path
    if not Path(program).exists():
        assert not os.environ.get("BOOKING_REQUIRE_BROWSER"), "no Chromium"
        say("no Chromium: the invitations are accepted over HTTP alone")
        return None
    browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
    stack.callback(browser.close)

    def contexts() -> Iterator[BrowserContext]:
        while True:
            context = browser.new_context()
            context.set_default_timeout(60_000)
            yield context
            context.close()

    return contexts()


def _accept_in_browser(salon: Salon, context: BrowserContext, link: str, visit: str) -> None:
    page = context.new_page()
    page.goto(f"{salon.url}{link}")
    page.get_by_role("textbox", name="Password").fill(CHOSEN)
    page.get_by_role("button", name="Make my account").click()
    page.wait_for_url(re.compile(rf"{salon.url}/{SLUG}/"))
    page.goto(f"{salon.url}/{SLUG}/account")
    page.get_by_text(visit).first.wait_for()


def _accept_over_http(salon: Salon, link: str, visit: str) -> None:
    with browser_at(salon.url) as person:
        page = person.get(link).submit("password", password=CHOSEN)
        assert page.path.startswith(f"/{SLUG}/"), page
        assert person.get(f"/{SLUG}/account").says(visit)
