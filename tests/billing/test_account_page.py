"""The account page, the page for the card, and invoices, as owners see them without a script."""

import pytest

from booking.billing import invoice_pdf
from booking.billing.invoice_pdf import Sheet
from booking.billing.models import TermsAcceptance
from booking.billing.rules.standing import BillingStatus
from booking.billing.rules.terms import TERMS
from tests.billing.conftest import Books
from tests.pages import Page, Pages
from tests.sandbox import ANSWER_LOST, DECLINED, GOOD, Sandbox
from tests.site import Site
from tests.times import Clock

ACCOUNT = "/manage/happy-paws/billing"
CARD = f"{ACCOUNT}/card"
UPDATE, PROCESS = "Update Credit Card", "Update & Process Credit Card"
INVOICE = f"{ACCOUNT}/invoices/HAPPY-PAWS-0001"


def _past_due(books: Books) -> None:
    books.choose("standard")
    books.tend()
    assert books.standing.status is BillingStatus.PAST_DUE


def _give(pages: Pages, books: Books, number: str, *, accept_terms: str = "yes") -> Page:
    """What the browser sends once the processor's field has posted its token."""
    sent = {"payment_token": f"{books.sandbox.token(number)}/203112", "accept_terms": accept_terms}
    return pages.owner.request("POST", CARD, data=sent)


def test_past_due_one_button_updates_the_card_and_pays(
    pages: Pages, books: Books, clock: Clock
) -> None:
    page = pages.owner.get("/manage/happy-paws").follow("Account & billing")
    assert page.path == ACCOUNT
    assert page.says("Nothing is due")
    _past_due(books)
    page = pages.owner.get(ACCOUNT)
    assert page.says("$59.00 is due since 1 March 2027")
    assert page.says("there is no card on file")
    assert page.says("Until 16 March 2027 everything goes on as before")
    page = page.follow(PROCESS)
    assert page.says("Saving the card also takes the $59.00 that is due")
    assert page.says(TERMS.version)

    page = _give(pages, books, GOOD, accept_terms="")
    assert page.status == 422
    assert page.says("Tick the box to accept the terms")
    assert page.form("/card").values()["payment_token"] != [""]
    page = _give(pages, books, DECLINED)
    assert page.status == 402
    assert page.says("Nothing was changed and nothing was taken. Try another card")
    assert pages.owner.get(ACCOUNT).says("there is no card on file")
    clock.move(days=16)
    books.tend()
    assert pages.owner.get(ACCOUNT).says("Your site is read-only: $59.00 is due")

    page = _give(pages, books, GOOD)
    assert page.path == ACCOUNT
    assert page.says("Your card is saved. $59.00 was taken from it")
    assert page.says("All is paid until")
    assert page.says("Visa ending 4242 Expires 12/2031")
    assert page.follow(UPDATE).says("The new card takes the place of the one on file.")
    assert books.sandbox.captures == [5_900]
    with books.site.reading() as session:
        accepted = session.query(TermsAcceptance).all()
        assert {each.version for each in accepted} == {TERMS.version}


def test_a_plan_is_cancelled_and_taken_up_again(pages: Pages, books: Books, clock: Clock) -> None:
    books.paid()
    page = pages.owner.get(ACCOUNT).submit("/cancel")
    assert page.says("Your plan ends on 1 April 2027")
    page = page.submit("/resume")
    assert page.says("All is paid until 1 April 2027")
    page.submit("/cancel")
    clock.move(days=40)
    books.tend()
    page = pages.owner.get(ACCOUNT)
    assert page.says("Your plan ended on 1 April 2027, and your site is read-only")
    page = page.submit("Take the plan up again")
    assert page.path == CARD
    assert page.says(PROCESS)
    assert _give(pages, books, GOOD).says("$59.00 was taken")


def test_while_the_bank_is_silent_nobody_pays_twice(pages: Pages, books: Books) -> None:
    _past_due(books)
    books.sandbox.fault("lose_answer", on="find")
    page = _give(pages, books, ANSWER_LOST)
    assert page.path == ACCOUNT
    assert page.says("Your bank has not answered yet")
    assert page.says("A payment is on its way")
    assert not any(words in (UPDATE, PROCESS) for words, _ in page.links)
    page = _give(pages, books, GOOD)
    assert page.path == ACCOUNT
    assert page.says("Do not pay again")
    assert books.sandbox.captures == [5_900]


def test_an_invoice_is_a_page_and_a_pdf(pages: Pages, books: Books) -> None:
    books.paid()
    page = pages.owner.get(ACCOUNT).follow("HAPPY-PAWS-0001")
    assert page.path == INVOICE
    assert page.says("Standard, 1 Mar 2027 to 1 Apr 2027 $59.00 Total $59.00")
    assert page.says("Paid with Visa 4242")
    answer = page.follow("Download as PDF").response
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert b"/Title (Invoice HAPPY-PAWS-0001)" in answer.content
    for number in ("HAPPY-PAWS-0002", "HAPPY-PAWS-0001.pdf.pdf"):
        assert pages.owner.get(f"{ACCOUNT}/invoices/{number}").status == 404
    theirs = "/manage/outsiders-kennels/billing/invoices/HAPPY-PAWS-0001"
    for end in ("", ".pdf"):
        assert pages.outsider.get(f"{theirs}{end}").status == 404


def test_the_account_is_for_owners_alone(pages: Pages, books: Books) -> None:
    books.paid()
    assert "Account & billing" not in dict(pages.manager.get("/manage/happy-paws").links)
    for path in (ACCOUNT, CARD, INVOICE, f"{INVOICE}.pdf"):
        assert pages.manager.get(path).status == 403
        assert pages.staff.get(path).status == 403
        assert pages.outsider.get(path).status == 404
        assert pages.visitor().get(path).path.startswith("/manage/sign-in")
    for path in (CARD, f"{ACCOUNT}/cancel", f"{ACCOUNT}/resume"):
        assert pages.manager.request("POST", path).status == 403
        assert pages.outsider.request("POST", path).status == 404
    assert books.standing.status is BillingStatus.ACTIVE


def test_one_page_alone_may_hold_one_frame(pages: Pages, sandbox: Sandbox) -> None:
    policy = pages.owner.get(CARD).response.headers["content-security-policy"]
    assert f"frame-src {sandbox.url}" in policy.split("; ")
    assert {"default-src 'none'", "script-src 'self'"} < set(policy.split("; "))
    assert "frame-src" not in pages.owner.get(ACCOUNT).response.headers["content-security-policy"]


def test_without_a_processor_the_page_says_so(pages: Pages, site: Site) -> None:
    page = pages.owner.get(ACCOUNT)
    assert page.says("Payments are not set up on this installation")
    page = pages.owner.get(CARD)
    assert page.status == 409
    assert page.says("Payments are not set up on this installation")
    away = site.database.settings.model_copy(update={"stripe_secret_key": "sk_test_of_nobody"})
    site.database.settings = away.model_copy(update={"stripe_api_base": "http://127.0.0.1:9"})
    page = pages.owner.get(CARD)
    assert page.status == 503
    assert page.says("does not answer at the moment")
    assert ("Try again", CARD) in page.links


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Zoë’s Łódź – €5", "Zoë’s Łódz – €5"),
        ("Cafe\u0301 Bella", "Café Bella"),
        ("ﬁve Ångström", "ﬁve Ångström"),
        ("犬の Пёс", "?? ???"),
        ("a\tb\x00", "a b "),
    ],
)
def test_a_letter_the_font_lacks_becomes_the_nearest(text: str, written: str) -> None:
    assert invoice_pdf.in_letters(text) == written


def test_a_sheet_holds_whatever_is_written_on_it() -> None:
    lines = tuple((f"<b>Line</b> & {each} " + "long " * 60, "$1.00") for each in range(40))
    facts = (("Number", "1" * 80),)
    sheet = Sheet("Invoice <1>", ("Booking",), ("犬" * 300,), facts, lines, "$40.00", "", "EUR")
    assert invoice_pdf.draw(sheet).startswith(b"%PDF-")
