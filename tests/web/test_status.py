"""Service notices as people see them, and the operators' own pages, without JavaScript."""

import pytest

from tests.databases import DatabaseKind
from tests.front_door import Api
from tests.mailbox import Mailbox
from tests.notices.test_notices import INCIDENT, MAINTENANCE, posted
from tests.pages import Pages
from tests.times import Clock
from tests.world import World

pytestmark = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)


def test_the_public_sees_what_holds_what_is_planned_and_what_was(
    api: Api, pages: Pages, clock: Clock
) -> None:
    posted(api, INCIDENT)
    posted(api, MAINTENANCE)
    page = pages.visitor().get("/status")
    assert page.says("Something works only in part")
    assert page.says("We write again by Mon 1 Mar 2027, 4:00 pm UTC")
    assert page.says("Sun 7 Mar 2027, 3:00 am – 7:00 am UTC")
    clock.move(days=7)
    page = page.browser.get("/status")
    assert page.says("Everything works")
    assert page.says("March 2027")
    assert page.says("Maintenance on 1 day, worked in part on 1 day")
    assert page.follow("Booking is slow").says("passed without an update")


def test_an_operator_posts_writes_on_and_resolves(pages: Pages, clock: Clock) -> None:
    form = pages.operator.get("/operator/notices/new")
    wrong = form.submit(
        "title",
        kind="incident",
        title="E-mails wait",
        text="They leave later.",
        components=["messaging"],
        until="2027-03-01T12:00",
    )
    assert wrong.status == 422
    assert wrong.says("Until: This must be later than the start.")
    page = wrong.submit("title", until="2027-03-01T18:00", promise="update")
    assert pages.visitor().get("/happy-paws").says("E-mails wait. Next word by Mon 1 Mar 2027")
    assert page.submit("/updates", text="").status == 422
    page = page.follow("Change").submit("title", title="E-mails are late")
    assert page.says("E-mails are late")
    page = page.submit("/updates", text="All have left.", resolved=True)
    assert page.says("This notice is over.")
    assert not pages.visitor().get("/happy-paws").says("E-mails are late")
    components = pages.operator.get("/operator/components")
    assert components.submit("/payroll", name="Wages", outside_url="ftp://x").status == 422
    assert components.submit("/payroll", name="Wages").says("Wages is saved.")
    assert pages.visitor().get("/status").says("Wages")


def test_operators_pages_are_there_for_operators_alone(pages: Pages) -> None:
    for path in ("/operator", "/operator/notices/new", "/operator/components"):
        assert pages.owner.get(path).status == 404
        assert pages.visitor().get(path).path.startswith("/manage/sign-in?next=/operator")
    assert pages.operator.get("/manage").path == "/operator"


def test_a_banner_is_put_away_and_leads_nowhere_else(api: Api, pages: Pages) -> None:
    notice = posted(api, INCIDENT)
    page = pages.visitor().get("/happy-paws/book")
    assert page.submit("/dismiss").path == "/happy-paws/book"
    assert not page.browser.get("/manage/sign-in").says("Booking is slow")
    sent = {"back": "https://evil.example/"}
    away = pages.visitor().request("POST", f"/status/{notice['id']}/dismiss", data=sent)
    assert away.path == "/status"


def test_subscribing_and_stopping_by_pages(pages: Pages, mailbox: Mailbox) -> None:
    page = pages.visitor().get("/status/subscribe")
    wrong = page.submit("/subscribe", address="nobody", components=None)
    assert wrong.status == 422
    asked = page.submit("/subscribe", address="lis@example.com")
    link = mailbox.latest("lis@example.com").link("/status/confirm/")
    assert asked.browser.get(link).submit("").says("You will be told")
    posting = pages.operator.get("/operator/notices/new")
    posting.submit(
        "title",
        kind="information",
        title="New hours",
        text="We answer the telephone from eight.",
        components=["phone_lines"],
        until="2027-03-02T12:00",
    )
    mailbox.tell()
    stop = mailbox.latest("lis@example.com").link("/u/n/")
    assert pages.visitor().get(stop).says("No more service notices?")
    bare = pages.visitor().visitor.request(
        "POST",
        stop,
        content=b"List-Unsubscribe=One-Click",
        headers={"Origin": "https://mail.example"},
    )
    assert bare.status_code == 200
    assert pages.visitor().get(stop).submit("Stop them").submit("/undo").says("You will be told")


def test_closures_are_told_before_one_looks_for_a_time(pages: Pages, world: World) -> None:
    hours = pages.owner.get("/manage/happy-paws/hours")
    hours.submit("/closures", first_day="2027-03-20", last_day="2027-03-22", reason="Dog show")
    for path in ("/happy-paws", "/happy-paws/book"):
        assert pages.visitor().get(path).says("Sat 20 Mar – Mon 22 Mar: Dog show")
    when = (
        pages.visitor()
        .get("/happy-paws/book")
        .submit("/who", service=str(world.salon.grooming))
        .submit("/when", staff="any")
    )
    assert when.says("Closed Sat 20 Mar – Mon 22 Mar: Dog show")
