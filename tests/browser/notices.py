"""Service notices to look at: one that was, one that is planned, and somebody who is told."""

from tests.mailbox import Mailbox
from tests.pages import Pages


def service_notices(pages: Pages, mailbox: Mailbox) -> dict[str, str]:
    """Links to them, and those that subscribers are sent."""
    page = pages.visitor().get("/status/subscribe").submit("/subscribe", address="lis@example.com")
    link = mailbox.latest("lis@example.com").link("/status/confirm/")
    page.browser.get(link).submit("")
    pages.visitor().get("/status/subscribe").submit("/subscribe", address="new.lis@example.com")
    waiting = mailbox.latest("new.lis@example.com").link("/status/confirm/")
    was = pages.operator.get("/operator/notices/new").submit(
        "",
        kind="incident",
        severity="outage",
        title="No e-mails leave",
        text="E-mails wait and leave later. Nothing is lost.",
        components=["messaging"],
        until="2027-03-01T18:00",
        promise="update",
    )
    was.submit("/updates", text="They leave again.", resolved=True)
    planned = pages.operator.get("/operator/notices/new").submit(
        "",
        kind="maintenance",
        severity="outage",
        title="We move to bigger machines",
        text="Booking can be looked at and not changed while we move.",
        components=["online_booking", "messaging"],
        starts_at="2027-03-07T03:00",
        until="2027-03-07T07:00",
        read_only=True,
    )
    pages.visitor().get("/status/subscribe").submit("/subscribe", address="+1 617 555 0123")
    mailbox.tell()
    mailbox.texts()
    return {
        "notice": planned.path.rpartition("/")[2],
        "notice_was": was.path.rpartition("/")[2],
        "confirm_notices": waiting,
        "stop_notices": mailbox.latest("lis@example.com").link("/u/n/"),
    }
