"""How fast invitations leave: pace, quiet hours, cap; the alarm of bounces; the one reminder."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, time

import pytest
from sqlalchemy import select

from booking.audit.actions import SYSTEM
from booking.businesses.queries import this_business
from booking.clients.models import Client
from booking.invitations import queries
from booking.invitations.actions.pacing import set_daily_cap
from booking.invitations.delivery import send_due
from booking.invitations.rules import Left, Pace, Wait, allowance, is_quiet
from booking.mail.message import Envelope
from booking.mail.transports import Outcome, Stage
from tests import make
from tests.front_door import Api, fields_of
from tests.invitations.test_campaigns import add_clients, campaign, press
from tests.mailbox import Mailbox
from tests.pages import Pages
from tests.site import Site
from tests.times import Clock
from tests.world import World

NONE_YET = Left(0, 0, 0)
NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"


def pace(**given: object) -> Pace:
    plain: dict[str, object] = {
        "per_minute": 0,
        "per_day": None,
        "quiet_from": None,
        "quiet_until": None,
        "zone": NEW_YORK,
    }
    return Pace(**(plain | given))  # type: ignore[arg-type]


def test_without_a_pace_all_may_leave() -> None:
    assert pace().is_free
    assert allowance(pace(), Left(9, 99, 999), datetime.now(UTC), 100).most == 100


@pytest.mark.parametrize(
    ("moment", "goes_on"),
    [
        ("2027-03-01T22:30-05:00", "2027-03-02T08:00-05:00"),
        ("2027-03-02T07:59-05:00", "2027-03-02T08:00-05:00"),
        # The night of spring is an hour shorter, that of autumn an hour longer.
        ("2027-03-13T23:00-05:00", "2027-03-14T08:00-04:00"),
        ("2027-11-06T23:00-04:00", "2027-11-07T08:00-05:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(moment: str, goes_on: str) -> None:
    quiet = pace(quiet_from=time(21), quiet_until=time(8))
    found = allowance(quiet, NONE_YET, datetime.fromisoformat(moment), 10)
    assert (found.most, found.because) == (0, Wait.QUIET_HOURS)
    assert found.goes_on_at == datetime.fromisoformat(goes_on)
    assert allowance(quiet, NONE_YET, found.goes_on_at, 10).most == 10


def test_an_end_that_the_clock_skips_or_shows_twice_is_an_end_all_the_same() -> None:
    night = pace(quiet_from=time(1), quiet_until=time(2, 30), zone=BERLIN)
    skipped = datetime.fromisoformat("2027-03-28T01:30+01:00")
    ends = allowance(night, NONE_YET, skipped, 1).goes_on_at
    assert ends == datetime.fromisoformat("2027-03-28T03:00+02:00")
    again = datetime.fromisoformat("2027-10-31T02:10+01:00")
    assert is_quiet(night, again), "two o'clock for the second time"
    assert allowance(night, NONE_YET, again, 1).goes_on_at == again.replace(minute=30)


def test_a_minutes_worth_is_spread_over_the_minute_and_a_day_ends_at_midnight() -> None:
    moment = datetime.fromisoformat("2027-03-01T14:00-05:00")
    assert allowance(pace(per_minute=60), Left(4, 30, 0), moment, 100).most == 6
    full = allowance(pace(per_minute=60), Left(0, 60, 0), moment, 100)
    assert (full.most, full.because) == (0, Wait.PACE)
    capped = allowance(pace(per_day=300), Left(0, 0, 300), moment, 100)
    assert (capped.most, capped.because) == (0, Wait.DAILY_CAP)
    assert capped.goes_on_at == datetime.fromisoformat("2027-03-02T00:00-05:00")


def test_a_cap_lets_so_many_leave_a_day_and_the_screen_says_when_it_goes_on(
    api: Api, site: Site, pages: Pages, mailbox: Mailbox, clock: Clock
) -> None:
    add_clients(site, 4)
    with site.writing() as session:
        set_daily_cap(session, this_business(session), 2, by=SYSTEM)
    started = press(api)
    assert len(mailbox.all) == 2
    clock.move(minutes=10)
    found = campaign(api, started)
    assert (found["waits_for"], found["goes_on_at"]) == ("daily_cap", "2027-03-02T05:00:00Z")
    page = pages.owner.get(f"/manage/happy-paws/campaigns/{started['id']}")
    assert page.says("The rest goes on by itself")
    assert not page.says("Nothing has moved")
    clock.move(days=1)
    assert len(mailbox.all) == 4
    clock.move(days=1)
    assert len(mailbox.all) == 5
    assert campaign(api, started)["state"] == "finished"


def test_quiet_hours_hold_invitations_and_nothing_else(
    api: Api, site: Site, mailbox: Mailbox, clock: Clock
) -> None:
    site.prefer("invitations", invite_quiet_from="08:00", invite_quiet_until="10:00")
    started = press(api)
    api.visitor.post("/businesses/{b}/sign-in-codes", json={"email": "nobody@example.com"})
    assert [mail.to for mail in mailbox.all] == ["nobody@example.com"]
    assert campaign(api, started)["waits_for"] == "quiet_hours"
    clock.move(hours=1, minutes=1)
    assert len(mailbox.all) == 2


def test_preferences_that_make_no_sense_are_refused(api: Api) -> None:
    path = "/businesses/{b}/preferences"
    version = api.owner.get(path).headers["etag"]
    for chosen, wrong in (
        ({"invite_quiet_from": "21:00"}, "invite_quiet_until"),
        ({"invite_quiet_from": "9 pm", "invite_quiet_until": "08:00"}, "invite_quiet_from"),
        ({"invite_quiet_from": "21:00", "invite_quiet_until": "21:00"}, "invite_quiet_until"),
        ({"invite_reminder_days": 14}, "invite_reminder_days"),
        ({"invite_reminder_days": 3, "invite_validity_days": 3}, "invite_reminder_days"),
        ({"invite_batch_per_minute": -1}, "invite_batch_per_minute"),
    ):
        answer = api.owner.patch(path, json={"invitations": chosen}, headers={"If-Match": version})
        assert list(fields_of(answer)) == [f"invitations.{wrong}"]


class RefusingSome:
    """A mail server that knows none of these mailboxes."""

    def __init__(self, unknown: set[str]) -> None:
        self.unknown = unknown
        self.asked: list[str] = []

    def send(self, envelope: Envelope) -> Outcome:
        self.asked.append(envelope.to)
        if envelope.to in self.unknown:
            return Outcome(Stage.REFUSED, 550, "5.1.1 no such user")
        return Outcome(Stage.ACCEPTED, 250, "fine")

    def send_many(
        self, envelopes: Iterable[Envelope], goes_on: Callable[[], bool]
    ) -> Iterator[Outcome]:
        for envelope in envelopes:
            if goes_on():
                yield self.send(envelope)

    def close(self) -> None:
        pass


def test_many_bounces_among_the_first_pause_it_until_staff_have_looked(
    api: Api, site: Site, pages: Pages, mailbox: Mailbox, world: World
) -> None:
    add_clients(site, 60)
    started = press(api)
    server = RefusingSome({f"c{n}@example.com" for n in range(60)})
    send_due(site.database, server)
    assert 6 <= len(server.asked) <= 20, "a batch may be on its way"
    found = campaign(api, started)
    assert found["state"] == "paused"
    assert "of the first 61 e-mails came back" in found["paused_because"]
    told = mailbox.latest(world.owner.email)
    assert told.subject == "Your invitations are paused: many e-mails came back"
    page = pages.owner.get(told.link("/manage/"))
    assert page.says("Paused because many e-mails came back.")
    assert page.says("There is no such mailbox (5.1.1 no such user)")
    page.submit("/resume")
    assert page.says("I have checked: go on")
    send_due(site.database, server)
    assert campaign(api, started)["state"] == "finished", "not paused again"
    assert len(mailbox.to(world.owner.email)) == 1


def test_a_few_bounces_pause_nothing(api: Api, site: Site) -> None:
    add_clients(site, 20)
    started = press(api)
    send_due(site.database, RefusingSome({f"c{n}@example.com" for n in range(5)}))
    found = campaign(api, started)
    assert (found["state"], found["counts"]["failed"]) == ("finished", 5)


def test_one_reminder_with_the_same_link_and_never_more(
    api: Api, site: Site, world: World, mailbox: Mailbox, clock: Clock, pages: Pages
) -> None:
    accepting, leaving = add_clients(site, 2)
    site.prefer("invitations", invite_reminder_days=3)
    started = press(api)
    link = mailbox.latest(world.kim.email).link("/i/")
    token = mailbox.latest("c0@example.com").link("/i/").removeprefix("/i/")
    accept = {"password": "eleven dry otters in a boat"}
    assert api.visitor.post(f"/invitations/{token}/accept", json=accept).status_code == 201
    api.owner.patch(f"/businesses/{{b}}/clients/{leaving}", json={"status": "inactive"})
    before = len(mailbox.all)
    clock.move(days=2)
    mailbox.tend()
    assert len(mailbox.all) == before
    clock.move(days=1, minutes=1)
    mailbox.tend()
    mailbox.tend()
    assert len(mailbox.all) == before + 1
    reminder = mailbox.latest(world.kim.email)
    assert reminder.subject == "Your online account is waiting for you"
    assert reminder.link("/i/") == link
    assert reminder.id != mailbox.to(world.kim.email)[0].id
    found = campaign(api, started)
    assert (found["reminded"], found["counts"]["sent"], found["state"]) == (1, 2, "finished")
    assert pages.owner.get(f"/manage/happy-paws/campaigns/{started['id']}").says("reminded once")
    clock.move(days=9)
    mailbox.tend()
    assert len(mailbox.all) == before + 1
    assert accepting


def test_what_may_have_arrived_twice_is_said(
    api: Api, site: Site, pages: Pages, world: World, mailbox: Mailbox
) -> None:
    started = press(api)

    class BreaksAfterTheDot(RefusingSome):
        def send(self, envelope: Envelope) -> Outcome:
            self.asked.append(envelope.to)
            return Outcome(Stage.UNKNOWN, None, "the connection broke")

    server = BreaksAfterTheDot(set())
    send_due(site.database, server)
    assert server.asked == [world.kim.email] * 2
    page = pages.owner.get(f"/manage/happy-paws/campaigns/{started['id']}")
    assert page.says("May have arrived twice")


def test_the_rule_gives_the_same_answers_for_a_list_and_for_each(
    api: Api, site: Site, mailbox: Mailbox, clock: Clock
) -> None:
    site.prefer("invitations", invite_max_per_client=1)
    with site.writing() as session:
        for number in range(6):
            email = f"twin{number // 2}@example.com"
            make.client(
                session, first_name="T", email=email, status=["active", "inactive"][number == 2]
            )
        make.client(session, first_name="No", email="no address")
    press(api)
    mailbox.send_due()
    add_clients(site, 2)
    for _ in range(2):
        with site.reading() as session:
            found = queries.preview(session)
            single = [
                queries.verdict(session, client.id) for client in session.scalars(select(Client))
            ]
        assert found.recipients == single.count(queries.ELIGIBLE)
        assert found.skipped == {reason: single.count(reason) for reason in queries.REASONS}
        assert found.recipients + sum(found.skipped.values()) == len(single)
        clock.move(days=2)


def test_the_list_stands_in_the_order_of_names_and_can_be_searched_and_saved(
    api: Api, site: Site, pages: Pages, mailbox: Mailbox
) -> None:
    with site.writing() as session:
        for last_name in ("Zeta", "Alpha", "=Mid"):
            make.client(
                session, first_name="Q", last_name=last_name, email=f"{last_name[1:]}@example.com"
            )
    started = press(api)
    mailbox.send_due()
    path = f"/businesses/{{b}}/campaigns/{started['id']}/invitations"
    names = [row["client"]["last_name"] for row in api.owner.get(path).json()["items"]]
    assert names == sorted(names, key=lambda name: name.strip("=").lower()) or names[0] == "=Mid"
    assert names[-1] == "Zeta"
    found = api.owner.get(path, params={"q": "alpha"}).json()["items"]
    assert [row["client"]["last_name"] for row in found] == ["Alpha"]
    saved = api.owner.get(f"{path}.csv")
    assert saved.headers["content-type"].startswith("text/csv")
    assert "\r\nQ,Alpha,lpha@example.com,sent," in saved.text
    assert ",=Mid" not in saved.text
    screen = f"/manage/happy-paws/campaigns/{started['id']}"
    page = pages.owner.get(f"{screen}?q=zeta")
    assert page.says("Zeta")
    assert not page.says("Alpha")
    assert "Zeta" in page.follow("Save these as a table (CSV)").html
    assert pages.owner.get(f"{screen}?q=nobody").says("Nobody was found.")
