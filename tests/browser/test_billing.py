"""The card, in a real browser: typed into the processor's own frame, and a token is all we see."""

import json

import pytest
from playwright.sync_api import Browser, Page, expect

from booking.audit.actions import SYSTEM
from booking.billing.actions.plans import choose_plan
from tests.billing.answering import Answer, Asked, answering
from tests.browser.conftest import OpenPage
from tests.databases import DatabaseKind
from tests.live import LiveServer
from tests.sandbox import DECLINED, GOOD, MASTERCARD, Sandbox
from tests.site import Site
from tests.world import World
from workers import jobs

pytestmark = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)
ACCOUNT = "/manage/happy-paws/billing"
TOKEN = "input[name=payment_token]"


@pytest.fixture
def past_due(site: Site, live: LiveServer, sandbox: Sandbox) -> None:
    site.answers_at(live.url)
    with site.writing() as session:
        choose_plan(session, "standard", by=SYSTEM)
    jobs.tend_billing(site.database)


def _type(page: Page, number: str, code: str = "123") -> None:
    frame = page.frame_locator("iframe[data-card-field]")
    frame.get_by_label("Card number").fill(number)
    frame.get_by_label("Expires").fill("12 / 31")
    frame.get_by_label("Security code").fill(code)


def _accept_and_press(page: Page, button: str) -> None:
    page.locator("#accept_terms").press("Space")
    page.get_by_role("button", name=button).click()


@pytest.mark.usefixtures("past_due")
def test_past_due_then_declined_then_paid_then_replaced(
    open_page: OpenPage, world: World, sandbox: Sandbox
) -> None:
    page = open_page(world.owner)
    page.goto(ACCOUNT)
    page.get_by_role("link", name="Update & Process Credit Card").click()
    page.get_by_role("button", name="Update & Process Credit Card").click()  # too early
    expect(
        page.get_by_text("Type the card’s number, month and security code first.")
    ).to_be_visible()

    _type(page, DECLINED)
    _accept_and_press(page, "Update & Process Credit Card")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed and nothing was taken")
    assert sandbox.captures == []

    _type(page, GOOD)
    _accept_and_press(page, "Update & Process Credit Card")
    page.wait_for_url(f"**{ACCOUNT}")
    expect(page.get_by_text("$59.00 was taken from it")).to_be_visible()
    assert sandbox.captures == [5_900]

    page.get_by_role("link", name="Update Credit Card").click()
    _type(page, MASTERCARD)
    _accept_and_press(page, "Update Credit Card")
    page.wait_for_url(f"**{ACCOUNT}")
    expect(page.get_by_text("Mastercard ending 4444").first).to_be_visible()
    assert sandbox.captures == [5_900]


@pytest.mark.usefixtures("past_due")
def test_i9_a_token_from_any_other_origin_or_frame_is_ignored(
    chromium: Browser, live: LiveServer, world: World, sandbox: Sandbox
) -> None:
    """The content policy is switched off for this browser: it would keep the stranger out."""
    message = json.dumps({"message": "stolen", "token": "stolen", "errorCode": "0"})

    def stranger(asked: Asked) -> Answer:
        page = f"<script>parent.postMessage({json.dumps(message)}, '*')</script>told"
        return 200, "text/html", page.encode()

    context = chromium.new_context(base_url=live.url, bypass_csp=True)
    context.add_cookies([{"name": "manage", "value": world.owner.cookie, "url": live.url}])
    page = context.new_page()
    with answering(stranger) as elsewhere:
        page.goto(f"{ACCOUNT}/card")
        page.evaluate(
            """([address, message, origin]) => {
                window.heard = [];
                addEventListener("message", (event) => heard.push(event.origin));
                const frame = document.createElement("iframe");
                frame.src = address;
                document.body.append(frame);
                postMessage(message, "*");
                const forged = { data: message, origin, source: window };
                dispatchEvent(new MessageEvent("message", forged));
            }""",
            [elsewhere, message, sandbox.url],
        )
        page.wait_for_function("heard.length === 3")
        heard: list[str] = page.evaluate("heard")
        assert set(heard) == {elsewhere, live.url, sandbox.url}
        assert page.locator(TOKEN).input_value() == ""
        _type(page, GOOD)
        page.locator("#accept_terms").press("Space")
        expect(page.locator(TOKEN)).not_to_have_value("")
        assert "stolen" not in page.locator(TOKEN).input_value()
    context.close()


@pytest.mark.usefixtures("past_due")
def test_without_a_script_the_page_says_what_it_needs(open_page: OpenPage, world: World) -> None:
    page = open_page(world.owner, scripts=False)
    page.goto(f"{ACCOUNT}/card")
    expect(page.locator("noscript .notice")).to_be_visible()
    assert "needs JavaScript" in page.locator("noscript .notice").inner_text()
    expect(page.get_by_role("button", name="Update & Process Credit Card")).to_be_hidden()
