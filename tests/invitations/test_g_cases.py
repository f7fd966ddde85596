"""Faults of sending to many, by their names in the list of threats: G1, G10, G11, G13 to G15, G17.

G2 to G5 and G17 with real processes stand in tests/workers/test_killed.py and test_chaos.py; G6,
G8, G9, G16 and G19 in test_jobs.py beside them; G7 and G18 in test_coming_back.py; G1 and G12 with
the press and the claim in test_campaigns.py.
"""

import pytest
from sqlalchemy import select

from booking.audit.actions import SYSTEM
from booking.clients.models import Client
from booking.invitations import queries
from booking.invitations.actions import campaigns, sending
from booking.mail.actions import suppress
from booking.mail.models import SuppressionReason
from tests import make
from tests.databases import DatabaseKind
from tests.front_door import Api, FrontDoor
from tests.invitations.test_campaigns import add_clients, campaign, press
from tests.mailbox import Mailbox
from tests.pages import Pages
from tests.site import Site
from tests.times import Clock
from tests.world import World


def rows_of(api: Api, started: dict[str, str], **params: str) -> list[dict[str, str]]:
    path = f"/businesses/{{b}}/campaigns/{started['id']}/invitations"
    found: list[dict[str, str]] = api.owner.get(path, params=params).json()["items"]
    return found


@pytest.mark.parametrize("database_kind", [DatabaseKind.POSTGRESQL], indirect=True)
def test_g1_without_the_lock_two_presses_would_start_two(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The positive control of the race in test_campaigns. SQLite has one writer at a time."""
    monkeypatch.setattr(campaigns, "lock", lambda *_: None)
    with site.writing() as one, site.writing() as other:
        first, _ = campaigns.invite_all(one, by=SYSTEM)
        second, is_new = campaigns.invite_all(other, by=SYSTEM)
    assert is_new
    assert first.id != second.id


def test_g10_who_changed_while_queued_is_skipped_with_the_reason(
    api: Api, world: World, site: Site, mailbox: Mailbox
) -> None:
    login, inactive, unsubscribed, address = add_clients(site, 4)
    started = press(api)
    with site.writing() as session:
        suppress(session, world.salon.id, "c2@example.com", SuppressionReason.UNSUBSCRIBED)
        make.login(session, make.client(session, first_name="K", email="c0@example.com"))
    api.owner.patch(f"/businesses/{{b}}/clients/{inactive}", json={"status": "inactive"})
    api.owner.patch(f"/businesses/{{b}}/clients/{address}", json={"email": "moved@example.com"})
    sent_to = {mail.to for mail in mailbox.all if mail.subject == "Your online account is ready"}
    assert sent_to == {"moved@example.com", world.kim.email}
    reasons = {row["client"]["id"]: row["reason"] for row in rows_of(api, started)}  # type: ignore[index]
    assert (reasons[login], reasons[inactive]) == ("has_account", "inactive")
    assert (reasons[unsubscribed], reasons[address]) == ("suppressed", "")


def test_g11_a_client_added_during_the_campaign_waits_for_the_next_press(
    api: Api, site: Site, mailbox: Mailbox
) -> None:
    started = press(api)
    add_clients(site, 1)
    mailbox.send_due()
    done = campaign(api, started)
    assert (done["recipients"], done["state"]) == (1, "finished")
    assert press(api)["recipients"] == 1


def test_g13_poison_rows_fail_alone_with_the_reason(api: Api, site: Site, mailbox: Mailbox) -> None:
    poisoned = add_clients(site, 5)[:2]
    started = press(api)
    with site.writing() as session:
        for client in session.scalars(select(Client)):
            if str(client.id) in poisoned:
                client.email = f"a\n{client.email}"
    assert len(mailbox.all) == 4
    done = campaign(api, started)
    assert (done["state"], done["counts"]["sent"], done["counts"]["failed"]) == ("finished", 4, 2)
    assert all(row["reason"] for row in rows_of(api, started, state="failed"))


def test_g14_paused_mid_way_nothing_more_leaves_and_resumed_it_skips_the_sent(
    api: Api, site: Site, mailbox: Mailbox, clock: Clock
) -> None:
    add_clients(site, 4)
    site.prefer("invitations", invite_batch_per_minute=12)
    started = press(api)
    path = f"/businesses/{{b}}/campaigns/{started['id']}"
    assert len(mailbox.all) == 2, "a sixth of a minute's in ten seconds"
    assert api.owner.post(f"{path}/pause").json()["state"] == "paused"
    clock.move(minutes=2)
    assert len(mailbox.all) == 2
    api.owner.post(f"{path}/resume")
    site.prefer("invitations", invite_batch_per_minute=0)
    assert len({mail.to for mail in mailbox.all}) == len(mailbox.all) == 5
    assert campaign(api, started)["state"] == "finished"


def test_g14_cancelled_mid_way_no_row_stays_in_hand_for_ever(
    api: Api, site: Site, clock: Clock, mailbox: Mailbox
) -> None:
    add_clients(site, 30)
    started = press(api)
    with site.writing() as session:
        assert sending.claim(session).taken, "by a worker that is killed"
    api.owner.post(f"/businesses/{{b}}/campaigns/{started['id']}/cancel")
    clock.move(minutes=5)
    mailbox.tend()
    counts = campaign(api, started)["counts"]
    assert (counts["skipped"], sum(counts.values())) == (31, 31)
    assert mailbox.all == []
    assert press(api)["recipients"] == 31, "everybody can be asked anew"


def test_g15_finished_means_no_open_row(api: Api, site: Site, mailbox: Mailbox) -> None:
    add_clients(site, 3)
    started = press(api)
    with site.writing() as session:
        sending.claim(session)
    looked = campaign(api, started)
    assert looked["state"] != "finished"
    assert looked["finished_at"] is None
    with site.reading() as session:
        found = queries.campaigns(session)[0]
        assert queries.standing(session, found).open == 4


def test_g17_a_worker_that_does_nothing_shows_on_the_screen_and_in_readiness(
    api: Api, site: Site, door: FrontDoor, pages: Pages, clock: Clock, mailbox: Mailbox
) -> None:
    """Whether it has claimed what is due or not. Another one takes over when its lease ends."""
    started = press(api)
    screen = f"/manage/happy-paws/campaigns/{started['id']}"
    with site.writing() as session:
        assert sending.begin(session, sending.claim(session).claimed), "by one that then stops"
    clock.move(seconds=55)
    assert not pages.owner.get(screen).says("Nothing has moved")
    assert door.visitor().request("GET", "/readyz").status_code == 200
    clock.move(seconds=10)
    assert pages.owner.get(screen).says("Nothing has moved for 1 minute.")
    ready = door.visitor().request("GET", "/readyz")
    assert (ready.status_code, ready.json()["work"][:23]) == (503, "invitations waiting for")
    clock.move(minutes=2)
    assert pages.owner.get(screen).says("Nothing has moved for 3 minutes.")
    mailbox.send_due()
    assert door.visitor().request("GET", "/readyz").json()["work"] == "ok"
    assert pages.owner.get(screen).says("Finished")
