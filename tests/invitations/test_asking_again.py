"""The link opened, run out and asked for anew; the mails stopped, and taken up again."""

import uuid
from typing import Any

import pytest

from booking.invitations.models import Invitation
from tests import make
from tests.front_door import Api
from tests.mailbox import Mailbox
from tests.pages import Pages
from tests.returned import ALL, SECRET, address_of, invited, row_of, suppressed, tell
from tests.site import Site
from tests.times import Clock
from tests.world import World

CHOSEN = "six brown foxes under a bed"
pytestmark = pytest.mark.settings(bounce_domain="bounces.example.com", mail_webhook_secret=SECRET)


@pytest.fixture
def kim(api: Api, mailbox: Mailbox) -> uuid.UUID:
    """The id of her invitation, which has arrived."""
    return invited(api, mailbox)


def kept(site: Site, invitation_id: uuid.UUID) -> dict[str, Any]:
    """All of the row but when it was opened."""
    row = row_of(site, invitation_id)
    return {
        column.key: getattr(row, column.key)
        for column in Invitation.__table__.columns
        if column.key != "opened_at"
    }


def test_b3_opening_is_noted_once_and_nothing_else_changes(
    api: Api, pages: Pages, site: Site, clock: Clock, world: World, mailbox: Mailbox,
    kim: uuid.UUID,
) -> None:  # fmt: skip
    link = mailbox.latest(world.kim.email).link("/i/")
    api.visitor.get(f"/invitations/{link.removeprefix('/i/')}")
    pages.visitor().request("HEAD", link)
    assert row_of(site, kim).opened_at is None, "a program's look, and a HEAD, are none"
    before = kept(site, kim)
    pages.visitor().get(link)
    first = row_of(site, kim).opened_at
    assert first is not None
    clock.move(hours=1)
    for _ in range(20):
        assert pages.visitor().get(link).status == 200
    assert row_of(site, kim).opened_at == first
    assert kept(site, kim) == before
    assert pages.visitor().get(link).submit("password", password=CHOSEN).status == 200


def test_those_who_opened_the_link_and_have_not_accepted_are_found(
    api: Api, pages: Pages, mailbox: Mailbox
) -> None:
    everybody = {name: f"{name}@example.com" for name in ("ann", "ben", "cy")}
    added = [
        api.owner.post("/businesses/{b}/clients", json={"first_name": name, "email": email}).json()
        for name, email in everybody.items()
    ]
    chosen = {"client_ids": [each["id"] for each in added]}
    campaign = api.owner.post("/businesses/{b}/campaigns", json=chosen).json()["id"]
    links = {name: mailbox.latest(email).link("/i/") for name, email in everybody.items()}
    pages.visitor().get(links["ann"])
    pages.visitor().get(links["ben"]).submit("password", password=CHOSEN)
    rows = f"/businesses/{{b}}/campaigns/{campaign}/invitations"
    (found,) = api.owner.get(rows, params={"state": "opened"}).json()["items"]
    assert (found["client"]["first_name"], found["state"]) == ("ann", "sent")
    page = f"/manage/happy-paws/campaigns/{campaign}"
    for path in (page, f"{page}/invitations.csv"):
        shown = pages.owner.get(f"{path}?state=opened").html
        assert [name for name, email in everybody.items() if email in shown] == ["ann"]


def test_b8_the_secret_of_one_purpose_serves_no_other(
    pages: Pages, site: Site, world: World, mailbox: Mailbox, kim: uuid.UUID
) -> None:
    invitation = mailbox.latest(world.kim.email).link("/i/").removeprefix("/i/")
    stop = mailbox.latest(world.kim.email).link("/u/").rpartition("/")[2]
    mark = address_of(site, kim).partition("@")[0].partition("+")[2]
    for secret in (invitation, mark, mark.partition("-")[2]):
        for undo in ("", "/undo"):
            answer = pages.visitor().request("POST", f"/u/{kim}/{secret}{undo}")
            assert answer.status == 404
    for secret in (stop, mark):
        answer = pages.visitor().request("POST", f"/i/{secret}", data={"action": "renew"})
        assert answer.status == 404
    assert suppressed(site) == {}


def test_a_link_that_ran_out_is_renewed_at_the_address_on_the_record(
    pages: Pages, site: Site, clock: Clock, world: World, mailbox: Mailbox, kim: uuid.UUID
) -> None:
    old = mailbox.latest(world.kim.email).link("/i/")
    clock.move(days=15)
    page = pages.visitor().get(old)
    assert (page.status, page.says("This invitation has run out")) == (410, True)
    assert page.submit("Send me a new link", button="renew").says("Look into your mailbox")
    newer = mailbox.latest(world.kim.email).link("/i/")
    assert newer != old
    assert pages.visitor().get(old).html == page.html, "it says nothing of what came after"
    pages.visitor().get(old).submit("Send me a new link", button="renew")
    assert len(mailbox.to(world.kim.email)) == 2, "not again within a day"
    assert pages.visitor().get(newer).status == 200
    clock.move(days=2)
    assert pages.owner.request("POST", f"/manage/happy-paws/invitations/{kim}/resend")
    assert pages.visitor().get(newer).says("A newer invitation was sent to you")


def test_the_answer_is_the_same_whoever_asks(
    api: Api, pages: Pages, site: Site, clock: Clock, world: World, mailbox: Mailbox
) -> None:
    ids: dict[str, str] = {}
    links: dict[str, str] = {}
    for name in ("eligible", "login", "gone", "stopped", "moved", "back"):
        body = {"email": f"{name}@example.com", "first_name": name}
        ids[name] = api.owner.post("/businesses/{b}/clients", json=body).json()["id"]
    chosen = {"client_ids": list(ids.values())}
    campaign = api.owner.post("/businesses/{b}/campaigns", json=chosen).json()["id"]
    for name in ids:
        links[name] = mailbox.latest(f"{name}@example.com").link("/i/")
    rows = api.owner.get(f"/businesses/{{b}}/campaigns/{campaign}/invitations").json()["items"]
    row = next(each for each in rows if each["client"]["first_name"] == "back")
    api.owner.post(f"/businesses/{{b}}/invitations/{row['id']}/revoke")
    stop = mailbox.latest("stopped@example.com").link("/u/")
    pages.visitor().request("POST", stop)
    api.owner.patch(f"/businesses/{{b}}/clients/{ids['gone']}", json={"status": "inactive"})
    api.owner.patch(f"/businesses/{{b}}/clients/{ids['moved']}", json={"email": "new@x.org"})
    with site.writing() as session:
        other = make.client(session, first_name="Other", email="elsewhere@example.com")
        account = make.login(session, other)
        account.email = account.email_key = "login@example.com"
    clock.move(days=15)
    before = len(mailbox.all)
    dead = {name: pages.visitor().get(link) for name, link in links.items()}
    assert len({page.html for page in dead.values()}) == 1
    asked = {name: page.submit("Send me a new link", button="renew") for name, page in dead.items()}
    assert len({(page.status, page.html) for page in asked.values()}) == 1
    assert len({pages.visitor().get(link).html for link in links.values()}) == 1
    assert sorted(mail.to for mail in mailbox.all[before:]) == [
        "eligible@example.com",
        "new@x.org",
    ]


def test_one_press_stops_the_mails_at_once_and_another_takes_it_back(
    api: Api, pages: Pages, site: Site, clock: Clock, world: World, mailbox: Mailbox,
    kim: uuid.UUID,
) -> None:  # fmt: skip
    link = mailbox.latest(world.kim.email).link("/u/")
    for _ in range(3):
        pages.visitor().get(link)
    assert suppressed(site) == {}, "a scanner's look stops nothing"
    clock.move(days=2)
    api.owner.post("/businesses/{b}/campaigns", json=ALL)
    bare = pages.visitor().visitor.request("POST", link, data={"List-Unsubscribe": "One-Click"})
    assert bare.status_code == 200
    assert len(mailbox.to(world.kim.email)) == 1, "the next batch skips the address"
    page = pages.visitor().request("POST", link)
    assert page.submit("/undo").says("You can be invited again")
    assert suppressed(site) == {}
    api.owner.post("/businesses/{b}/campaigns", json=ALL)
    assert len(mailbox.to(world.kim.email)) == 2
    tell(api, clock, type="complained", address=address_of(site, kim))
    pages.visitor().request("POST", f"{link}/undo")
    assert suppressed(site) == {world.kim.email: "complained"}
