"""One attempt a claim, before a real mail server: what it says decides what becomes of the row."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.accounts.emails import NoLoginHere
from booking.audit.actions import SYSTEM
from booking.config import Settings
from booking.invitations.actions.campaigns import invite
from booking.invitations.models import Invitation
from booking.mail.actions import RETRY_AFTER_MINUTES, queue
from booking.mail.models import OutboundEmail
from booking.web.health import oldest_due_seconds
from tests import make, servers
from tests.databases import DatabaseKind
from tests.fault_proxy import fault_proxy
from tests.processes import free_port
from tests.product import wait_until
from tests.servers import SmtpSink
from tests.site import Site
from tests.smtp_sink import STORED_AND_CUT_OFF, Rules
from tests.times import Clock
from workers import jobs

LANES = ("email", "invitation")
ON_SQLITE = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], indirect=True)
"""for what the database has no part in"""


class Row(NamedTuple):
    state: str
    attempts: int
    code: int | None
    reason: str


@pytest.fixture(scope="module")
def shared_sink() -> Iterator[SmtpSink]:
    with servers.smtp_sink() as sink:
        yield sink


@pytest.fixture
def sink(shared_sink: SmtpSink) -> SmtpSink:
    shared_sink.set_rules(Rules())
    return shared_sink


@pytest.fixture
def settings(settings: Settings, sink: SmtpSink) -> Settings:
    return settings.model_copy(update={"smtp_url": sink.url})


class Post:
    """Both lanes, so that each rule is seen in each: emails of their own, and the envelope."""

    def __init__(self, site: Site, lane: str) -> None:
        self.site = site
        self.lane = lane

    def write_to(self, *names: str) -> list[str]:
        """One message for each, queued; gives the addresses, which no other test uses."""
        here = uuid.uuid4().hex[:12]
        addresses = [f"{name}@{here}.example.com" for name in names]
        with self.site.writing() as session:
            for address in addresses:
                if self.lane == "email":
                    queue(session, NoLoginHere(path="/x", asked_for="a new password"), to=address)
            if self.lane == "invitation":
                people = [make.client(session, email=address) for address in addresses]
                session.flush()
                invite(session, [client.id for client in people], by=SYSTEM)
        return addresses

    def go(self) -> None:
        if self.lane == "email":
            jobs.send_due_emails(self.site.database)
        else:
            jobs.send_due_invitations(self.site.database)

    def rows(self, session: Session) -> list[OutboundEmail | Invitation]:
        if self.lane == "email":
            return list(session.scalars(select(OutboundEmail)))
        return list(session.scalars(select(Invitation)))

    def row(self, address: str) -> Row:
        with self.site.reading() as session:
            if self.lane == "email":
                query = select(OutboundEmail).where(OutboundEmail.to_email == address)
                found: OutboundEmail | Invitation = session.scalars(query).one()
            else:
                found = session.scalars(select(Invitation).where(Invitation.email == address)).one()
            return Row(found.state.value, found.attempts, found.smtp_code, found.reason)


@pytest.fixture(params=LANES)
def post(request: pytest.FixtureRequest, site: Site) -> Post:
    lane: str = request.param
    return Post(site, lane)


def test_an_accepted_message_is_sent_once(post: Post, sink: SmtpSink) -> None:
    [address] = post.write_to("ann")
    post.go()
    post.go()
    assert post.row(address)[:3] == ("sent", 1, 250)
    assert sink.per_recipient()[address] == 1


def test_a_receiver_refused_for_good_has_failed_and_the_next_is_served(
    post: Post, sink: SmtpSink
) -> None:
    gone, there = post.write_to("gone", "there")
    sink.set_rules(Rules(at_rcpt={gone: "550 5.1.1 No such user"}))
    post.go()
    refused = "bounced" if post.lane == "invitation" else "failed"
    assert post.row(gone)[:3] == (refused, 1, 550)
    assert "No such user" in post.row(gone).reason
    assert post.row(there).state == "sent"


def test_g6_a_message_refused_for_now_comes_again_later(
    post: Post, sink: SmtpSink, clock: Clock
) -> None:
    full, there = post.write_to("full", "there")
    sink.set_rules(Rules(at_data={full: "451 4.2.2 Try again"}, times={full: 1}))
    post.go()
    post.go()
    assert post.row(full)[:3] == ("deferred", 1, 451)
    assert post.row(there).state == "sent"
    clock.move(minutes=2)
    post.go()
    assert post.row(full)[:2] == ("sent", 2)
    assert sink.per_recipient()[full] == 1


def test_a_connection_cut_after_the_final_dot_is_repeated_once_as_the_same_message(
    post: Post, sink: SmtpSink
) -> None:
    [cut] = post.write_to("cut")
    sink.set_rules(Rules(at_data={cut: STORED_AND_CUT_OFF}))
    post.go()
    post.go()
    assert post.row(cut)[:2] == ("sent", 2), "uncertain, repeated, then believed"
    arrived = [event for event in sink.received() if cut in event.recipients]
    assert len(arrived) == 2
    assert len({event.message_id for event in arrived}) == 1
    first, second = (sink.open(event).get_body(("plain",)) for event in arrived)
    assert first is not None
    assert second is not None
    assert first.get_content() == second.get_content(), "the same link"


def test_one_that_breaks_off_after_it_was_put_off_is_repeated_as_well(
    post: Post, sink: SmtpSink, clock: Clock
) -> None:
    """What is believed is what broke off twice in a row, whatever happened to it before."""
    [late] = post.write_to("late")
    sink.set_rules(Rules(at_data={late: "451 4.2.2 Try again"}))
    post.go()
    assert post.row(late)[:2] == ("deferred", 1)
    sink.set_rules(Rules(at_data={late: STORED_AND_CUT_OFF}, times={late: 1}))
    clock.move(minutes=2)
    post.go()
    post.go()
    assert post.row(late)[:2] == ("sent", 3)
    assert sink.per_recipient()[late] == 2


@ON_SQLITE
def test_g8_a_server_that_falls_silent_holds_nobody_up_for_long(
    post: Post, sink: SmtpSink, clock: Clock
) -> None:
    with fault_proxy(sink.process.port) as line:
        by_this_line = {"smtp_url": line.url, "smtp_timeout_seconds": 1}
        post.site.database.settings = post.site.settings.model_copy(update=by_this_line)
        ann, ben = post.write_to("ann", "ben")
        line.swallow_the_250()
        post.go()
        post.go()
        assert post.row(ann)[:2] == ("sent", 2), "uncertain, and sent once more"
        assert (sink.per_recipient()[ann], sink.per_recipient()[ben]) == (2, 1)
        line.black_hole()
        cal, dan = post.write_to("cal", "dan")
        post.go()
        assert (post.row(cal)[:2], post.row(dan)[:2]) == (("deferred", 1), ("queued", 0))
        line.heal()
        clock.move(minutes=2)
        post.go()
        assert [sink.per_recipient()[each] for each in (cal, dan)] == [1, 1]


@ON_SQLITE
@pytest.mark.parametrize("farewell", ["421 4.7.0 Too many messages in this session", ""])
def test_g9_a_server_that_ends_connections_is_met_again_at_once(
    post: Post, sink: SmtpSink, farewell: str
) -> None:
    """That is no attempt, nobody is put off for it, and nobody is written to from the beginning."""
    sink.set_rules(Rules(per_connection=3, farewell=farewell))
    addresses = post.write_to(*(f"n{number}" for number in range(8)))
    post.go()
    assert [post.row(address)[:2] for address in addresses] == [("sent", 1)] * 8
    assert [sink.per_recipient()[address] for address in addresses] == [1] * 8


def test_g16_a_task_that_is_delivered_twice_finds_nothing_to_do(post: Post, sink: SmtpSink) -> None:
    sink.set_rules(Rules(delay={"data": 0.1}))
    addresses = post.write_to(*(f"n{number}" for number in range(6)))
    with ThreadPoolExecutor(1) as elsewhere:
        slow = elsewhere.submit(post.go)
        wait_until(lambda: sink.per_recipient()[addresses[0]], "the first message")
        post.go()
        assert not slow.done()
        slow.result()
    assert [sink.per_recipient()[address] for address in addresses] == [1] * 6


def test_g19_a_mail_server_without_room_is_asked_again_later(
    post: Post, sink: SmtpSink, clock: Clock
) -> None:
    addresses = post.write_to("ann", "ben", "cal")
    sink.set_rules(Rules(at_data={"*": "452 4.3.1 Insufficient system storage"}))
    post.go()
    assert [post.row(address)[:3] for address in addresses] == [("deferred", 1, 452)] * 3
    sink.set_rules(Rules())
    clock.move(minutes=2)
    post.go()
    assert [sink.per_recipient()[address] for address in addresses] == [1] * 3


@ON_SQLITE
def test_g19_without_room_in_the_local_mailbox_mail_waits(post: Post, clock: Clock) -> None:
    mailbox = post.site.settings.data_dir / "mailbox"
    post.site.database.settings = post.site.settings.model_copy(update={"smtp_url": ""})
    mailbox.write_text("in the way of its folder")
    addresses = post.write_to("ann", "ben")
    post.go()
    assert [post.row(address)[:2] for address in addresses] == [("deferred", 1), ("queued", 0)]
    mailbox.unlink()
    clock.move(minutes=2)
    post.go()
    assert [post.row(address).state for address in addresses] == ["sent"] * 2


def test_word_that_work_is_due_is_not_lost_on_a_run_that_is_about_to_end() -> None:
    runs: list[int] = []

    def run() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            told()  # as another thread would be, after this run has looked for the last time

    told = jobs.one_at_a_time(run)
    told()
    assert runs == [0, 1]


def test_a_message_that_cannot_be_written_fails_alone(site: Site, sink: SmtpSink) -> None:
    post = Post(site, "email")
    poison, there = post.write_to("poison", "there")
    with site.writing() as session:
        query = select(OutboundEmail).where(OutboundEmail.to_email == poison)
        session.scalars(query).one().kind = "ThereIsNoSuchEmail"
    post.go()
    assert post.row(poison)[:2] == ("failed", 1)
    assert "could not be written" in post.row(poison).reason
    assert post.row(there).state == "sent"
    assert sink.per_recipient()[poison] == 0


def test_an_address_with_letters_outside_ascii_is_written_to(post: Post, sink: SmtpSink) -> None:
    jose, there = post.write_to("josé", "there")
    post.go()
    assert post.row(jose).state == "sent"
    assert post.row(there).state == "sent"
    assert sink.per_recipient()[jose] == 1


@pytest.mark.parametrize("way", ["starttls", "smtps"])
def test_a_mail_server_is_believed_only_with_a_certificate(
    site: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    tls = Path(__file__).parent / "tls"
    options = ["--certificate", str(tls / "certificate.pem"), "--key", str(tls / "key.pem")]
    with servers.smtp_sink(*options, *(["--implicit-tls"] if way == "smtps" else [])) as guarded:
        url = {
            "starttls": f"{guarded.url}?starttls=true",
            "smtps": guarded.url.replace("smtp://", "smtps://"),
        }[way]
        site.database.settings = site.settings.model_copy(update={"smtp_url": url})
        post = Post(site, "email")
        [address] = post.write_to("ann")
        post.go()
        assert post.row(address).state == "deferred"
        assert "certificate" in post.row(address).reason
        monkeypatch.setenv("SSL_CERT_FILE", str(tls / "certificate.pem"))
        clock.move(minutes=2)
        post.go()
        assert post.row(address).state == "sent"
        assert guarded.per_recipient() == {address: 1}


def test_without_a_mail_server_nobody_is_given_up(post: Post, clock: Clock, sink: SmtpSink) -> None:
    """The first finds out; the others are not tried one by one."""
    away = post.site.settings.model_copy(update={"smtp_url": f"smtp://127.0.0.1:{free_port()}"})
    addresses = post.write_to(*(f"n{number}" for number in range(12)))
    there, post.site.database.settings = post.site.database.settings, away
    post.go()
    post.site.database.settings = there
    with post.site.reading() as session:
        states = sorted((row.state.value, row.attempts) for row in post.rows(session))
    assert states == [("deferred", 1)] + [("queued", 0)] * 11
    clock.move(minutes=2)
    post.go()
    assert [post.row(address).state for address in addresses] == ["sent"] * 12


def test_a_login_that_the_mail_server_refuses_is_no_fault_of_the_receivers(post: Post) -> None:
    with servers.smtp_sink("--user", "us", "--password", "right") as strict:
        wrong = strict.url.replace("smtp://", "smtp://us:wrong@")
        post.site.database.settings = post.site.settings.model_copy(update={"smtp_url": wrong})
        [address] = post.write_to("ann")
        post.go()
        assert post.row(address)[:2] == ("deferred", 1)
        assert post.row(address).code == 535


def test_whoever_is_never_taken_is_given_up_in_the_end(
    post: Post, sink: SmtpSink, clock: Clock
) -> None:
    [full] = post.write_to("full")
    sink.set_rules(Rules(at_rcpt={full: "452 4.2.2 Mailbox full"}))
    for minutes in (*RETRY_AFTER_MINUTES, 0):
        post.go()
        assert post.row(full).state == "deferred"
        clock.move(minutes=minutes * 1.3 + 1)
        if post.row(full).attempts == len(RETRY_AFTER_MINUTES):
            break
    post.go()
    assert post.row(full)[:3] == ("failed", len(RETRY_AFTER_MINUTES) + 1, 452)


def test_a_worker_that_is_to_end_gives_back_what_it_did_not_try(
    post: Post, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = post.write_to(*(f"n{number}" for number in range(5)))
    asked = iter([False, False, False, True])
    monkeypatch.setattr(jobs.ENDING, "is_set", lambda: next(asked, True))
    post.go()
    monkeypatch.undo()
    before = [sink.per_recipient()[address] for address in addresses]
    assert set(before) == {0, 1}
    post.go()
    assert [sink.per_recipient()[address] for address in addresses] == [1] * 5


def test_a_claim_whose_worker_died_is_free_when_its_lease_ends(
    post: Post, sink: SmtpSink, clock: Clock
) -> None:
    [address] = post.write_to("ann")
    with post.site.writing() as session:
        [row] = post.rows(session)
        row.state = type(row.state)("sending")
        row.attempts = 1
        row.lease_until = clock.now() + timedelta(seconds=30)
    post.go()
    assert sink.per_recipient()[address] == 0
    clock.move(seconds=31)
    post.go()
    assert sink.per_recipient()[address] == 1


def test_what_waits_for_the_switch_is_not_late(site: Site, clock: Clock) -> None:
    post = Post(site, "invitation")
    post.write_to("ann")
    clock.move(minutes=5)
    assert oldest_due_seconds(site.database)["invitations"] >= 300
    site.allow_client_access(False)
    assert oldest_due_seconds(site.database)["invitations"] == 0
    site.allow_client_access(True)
    post.go()
    assert oldest_due_seconds(site.database)["invitations"] == 0
