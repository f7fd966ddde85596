"""Invitations that come back: over the webhook, from a mailbox, through a pipe; and G7, G18."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from booking.audit.models import AuditEntry
from booking.clients.models import Client
from booking.config import Settings
from booking.errors import Invalid
from booking.invitations.emails import REMINDER
from booking.invitations.models import Invitation
from booking.mail.marks import Mark, message_id, return_path
from tests import imap_server, reports, servers
from tests.front_door import Api, problem_of
from tests.mailbox import Mailbox
from tests.pages import Pages
from tests.product import Product
from tests.returned import ALL, SECRET, address_of, invited, post, row_of, suppressed, tell
from tests.servers import SmtpSink
from tests.site import Site
from tests.smtp_sink import Rules
from tests.times import Clock
from tests.world import World
from workers import jobs

pytestmark = pytest.mark.settings(bounce_domain="bounces.example.com", mail_webhook_secret=SECRET)


@pytest.fixture
def kim(api: Api, mailbox: Mailbox) -> uuid.UUID:
    """The id of her invitation, which the mail server has taken."""
    return invited(api, mailbox)


def test_g18_a_late_bounce_is_not_counted_as_reached(
    api: Api, pages: Pages, site: Site, clock: Clock, world: World, kim: uuid.UUID
) -> None:
    report = reports.delivery_report(
        address_of(site, kim), status="5.1.1", diagnosis="550 5.1.1 no such user here"
    )
    for _ in range(2):  # told again it changes nothing
        answer = post(api, clock, report, kind="message/rfc822")
        assert answer.json() == {"taken": 1, "ignored": 0}
    row = row_of(site, kim)
    assert row.state.value == "bounced"
    assert "there is no such address (550 5.1.1 no such user here)" in row.reason
    assert row.bounced_at is not None
    counts = api.owner.get(f"/businesses/{{b}}/campaigns/{row.campaign_id}").json()["counts"]
    assert (counts["bounced"], counts["sent"]) == (1, 0)
    assert suppressed(site) == {world.kim.email: "bounced"}
    clock.move(days=2)
    again = problem_of(api.owner.post(f"/businesses/{{b}}/invitations/{kim}/resend"), 409)
    assert again["reason"] == "suppressed"
    page = pages.owner.get(f"/manage/happy-paws/campaigns/{row.campaign_id}")
    assert "/resend" not in page.html
    assert page.says("Correct the address to send it again")
    corrected = {"email": "kim.right@example.com"}
    api.owner.patch(f"/businesses/{{b}}/clients/{world.kim.id}", json=corrected)
    assert pages.owner.get(page.path).submit("/resend").says("On its way again.")
    with site.reading() as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "invitation.bounced"))
        assert len(told.all()) == 1


def test_a_forged_bounce_silences_nobody(
    api: Api, site: Site, clock: Clock, world: World, kim: uuid.UUID
) -> None:
    real = address_of(site, kim)
    of_the_other_key = message_id(Mark(row_of(site, kim).id, 0), site.settings).strip("<>")
    signature = of_the_other_key.partition("@")[0].partition("-")[2]
    forged = f"{real.partition('-')[0]}-{signature}@bounces.example.com"
    for to in (forged, world.kim.email, f"bounce+{kim}@bounces.example.com"):
        report = reports.delivery_report(to, status="5.1.1", about=world.kim.email)
        assert post(api, clock, report, kind="message/rfc822").json()["taken"] == 0
        assert tell(api, clock, type="complained", address=to)["taken"] == 0
    assert row_of(site, kim).state.value == "sent"
    assert suppressed(site) == {}


def test_a_soft_bounce_is_a_note_and_a_refusal_says_nothing_of_the_address(
    api: Api, site: Site, clock: Clock, kim: uuid.UUID
) -> None:
    address = address_of(site, kim)
    for event in (
        {"type": "bounced", "code": "4.2.2", "reason": "mailbox full"},
        {"type": "bounced", "reason": "nobody can tell"},
        {"type": "deferred", "reason": "mailbox full"},
    ):
        tell(api, clock, address=address, **event)
        assert row_of(site, kim).state.value == "sent"
        assert event["reason"] in row_of(site, kim).reason
    tell(api, clock, type="bounced", address=address, code="550 5.7.1", reason="policy")
    assert row_of(site, kim).state.value == "failed"
    assert suppressed(site) == {}


def test_a_complaint_stops_the_mails_whichever_copy_it_is_about(
    api: Api, site: Site, clock: Clock, world: World, kim: uuid.UUID, mailbox: Mailbox
) -> None:
    first = address_of(site, kim)
    clock.move(days=2)
    assert api.owner.post(f"/businesses/{{b}}/invitations/{kim}/resend").status_code == 200
    mailbox.send_due()
    tell(api, clock, type="bounced", address=first, code="5.1.1")
    assert row_of(site, kim).state.value == "sent", "that was the earlier copy"
    assert suppressed(site) == {}
    answer = post(api, clock, reports.complaint(first), kind="message/rfc822")
    assert answer.json()["taken"] == 1
    assert suppressed(site) == {world.kim.email: "complained"}
    preview = api.owner.get("/businesses/{b}/invitations/preview").json()
    assert preview["skipped"]["suppressed"] == 1


def test_a_service_that_replaces_the_sender_names_the_message(
    api: Api, site: Site, clock: Clock, world: World, kim: uuid.UUID, mailbox: Mailbox
) -> None:
    tell(api, clock, type="bounced", message_id=mailbox.latest(world.kim.email).id, code="5.1.1")
    assert row_of(site, kim).state.value == "bounced"


def test_a_reminder_that_bounces_is_news_of_its_invitation(
    api: Api, site: Site, clock: Clock, kim: uuid.UUID
) -> None:
    tell(api, clock, type="bounced", address=address_of(site, kim, REMINDER), code="5.1.1")
    assert row_of(site, kim).state.value == "bounced"


def test_what_arrived_after_all_is_not_sent_again(
    api: Api, site: Site, clock: Clock, world: World, kim: uuid.UUID, mailbox: Mailbox
) -> None:
    with site.writing() as session:
        row = session.scalars(select(Invitation).where(Invitation.id == kim)).one()
        row.state = type(row.state)("uncertain")
    tell(api, clock, type="delivered", address=address_of(site, kim))
    mailbox.send_due()
    assert row_of(site, kim).state.value == "sent"
    assert len(mailbox.to(world.kim.email)) == 1


def test_only_a_fresh_signature_is_listened_to(
    api: Api, site: Site, clock: Clock, kim: uuid.UUID
) -> None:
    event = {"type": "bounced", "address": address_of(site, kim), "code": "5.1.1"}
    body = json.dumps({"events": [event]}).encode()
    for answer in (
        post(api, clock, body, secret="a guess"),
        post(api, clock, body, age=301),
        post(api, clock, body, age=-301),
        api.visitor.post("/mail/events", content=body),
        api.visitor.post(
            "/mail/events", content=body, headers={"Booking-Signature": b"t=\xe9,v1=0"}
        ),
    ):
        assert problem_of(answer, 401)["code"] == "bad_signature"
    assert row_of(site, kim).state.value == "sent"
    assert post(api, clock, b'{"events": [{"type": "odd"}]}').status_code == 422
    assert post(api, clock, b"[" * 50_000).status_code in (400, 422)


@pytest.mark.settings(mail_webhook_secret="")
def test_without_a_secret_there_is_no_webhook(api: Api, clock: Clock) -> None:
    assert problem_of(post(api, clock, b"{}", secret=""), 404)["code"] == "not_found"


def test_reports_in_a_mailbox_are_deleted_after_the_commit(site: Site, kim: uuid.UUID) -> None:
    box = imap_server.Mailbox()
    ours = box.put(reports.delivery_report(address_of(site, kim), status="5.1.1"))
    private = box.put(b"Subject: hello\r\nTo: post@example.com\r\n\r\nA letter to people.\r\n")
    seen: list[str] = []
    box.before_store = lambda: seen.append(row_of(site, kim).state.value)
    with imap_server.serve(box) as url:
        site.database.settings = site.settings.model_copy(update={"bounce_imap_url": url})
        assert jobs.read_bounces(site.database) == 1
        assert jobs.read_bounces(site.database) == 0
    assert seen == ["bounced", "bounced"], "committed before anything is flagged"
    assert ours not in box.messages
    assert box.flags[private] == {"\\Seen"}
    assert jobs.read_bounces(site.database) == 0, "nobody there: the next round will do"


def test_a_mail_server_pipes_a_report_in(site: Site, kim: uuid.UUID, folder: Path) -> None:
    ours = {"database_url": site.settings.database_url, "secret_key": site.settings.secret_key}
    nowhere = {**ours, "database_url": f"sqlite:///{folder}/no/such.sqlite3"}
    report = reports.delivery_report(address_of(site, kim), status="5.1.1").decode()
    forged = reports.delivery_report("bounce+odd@bounces.example.com", status="5.1.1").decode()
    said = Product(folder, ours).done("read-bounce", typed=forged)
    assert said.startswith("Not a bounce of ours"), "and a mail server answers no forged one"
    assert Product(folder, nowhere).command("read-bounce", typed=report).returncode == 75
    assert row_of(site, kim).state.value == "sent"
    assert Product(folder, ours).done("read-bounce", typed=report) == "Taken.\n"
    assert row_of(site, kim).state.value == "bounced"


@pytest.fixture(scope="module")
def sink() -> Iterator[SmtpSink]:
    with servers.smtp_sink() as started:
        yield started


class TestBeforeAMailServer:
    @pytest.fixture
    def settings(self, settings: Settings, sink: SmtpSink) -> Settings:
        return settings.model_copy(update={"smtp_url": sink.url})

    def test_g7_who_is_not_known_there_is_silenced_and_a_policy_silences_nobody(
        self, api: Api, site: Site, sink: SmtpSink
    ) -> None:
        said = {
            "unknown": "550 5.1.1 No such user",
            "bare": "550 No such user",
            "policy": "550 5.7.1 We do not like you",
            "big": "552 5.3.4 Too large",
        }
        ids: dict[str, str] = {}
        before = len(sink.refused())
        for name in (*said, "there"):
            body = {"email": f"{name}@g7.example.com", "first_name": name}
            ids[name] = api.owner.post("/businesses/{b}/clients", json=body).json()["id"]
        sink.set_rules(Rules(at_rcpt={f"{name}@g7.example.com": said[name] for name in said}))
        chosen = {"client_ids": list(ids.values())}
        campaign = api.owner.post("/businesses/{b}/campaigns", json=chosen).json()["id"]
        jobs.send_due_invitations(site.database)
        rows = api.owner.get(f"/businesses/{{b}}/campaigns/{campaign}/invitations").json()["items"]
        states = {row["client"]["first_name"]: (row["state"], row["reason"]) for row in rows}
        assert states == {
            "unknown": ("bounced", "5.1.1 No such user"),
            "bare": ("bounced", "No such user"),
            "policy": ("failed", "5.7.1 We do not like you"),
            "big": ("failed", "5.3.4 Too large"),
            "there": ("sent", ""),
        }
        assert set(suppressed(site)) == {"unknown@g7.example.com", "bare@g7.example.com"}
        jobs.send_due_invitations(site.database)
        assert len(sink.refused()) - before == len(said), "none is tried again"

    def test_each_copy_has_a_return_path_of_its_own_and_other_mail_has_none(
        self, api: Api, site: Site, sink: SmtpSink, world: World
    ) -> None:
        sink.set_rules(Rules())
        api.owner.post("/businesses/{b}/campaigns", json=ALL)
        api.visitor.post("/businesses/{b}/password-resets", json={"email": world.jo.email})
        jobs.send_due_invitations(site.database)
        jobs.send_due_emails(site.database)
        senders = {event.recipients[0]: event.mail_from for event in sink.received()}
        with site.reading() as session:
            row_id = session.scalars(select(Invitation.id)).one()
        assert senders[world.kim.email] == return_path(Mark(row_id, 0), site.settings)
        assert senders[world.jo.email] == site.settings.mail_from
        events = [each for each in sink.received() if world.kim.email in each.recipients]
        message = sink.open(events[-1])
        assert message["Feedback-ID"].endswith(":invitation:booking")
        assert "kim" not in message["Feedback-ID"].lower()

    def test_e2_e4_no_name_and_no_text_becomes_a_link_or_a_header(
        self, api: Api, site: Site, sink: SmtpSink, world: World
    ) -> None:
        evil = "Win at http://evil.example/x, www.evil.example, me@evil.example"
        sink.set_rules(Rules())
        before = len(sink.received())
        with pytest.raises(Invalid):
            site.prefer("invitations", invite_message=f"Dear all,\nlook: {evil}")
        client = {"first_name": f"{evil} {'x' * 20}", "email": "e2@example.com"}
        made = api.owner.post("/businesses/{b}/clients", json=client).json()["id"]
        booking = {
            "service_id": str(world.salon.bath),
            "starts_at": "2027-03-04T11:00:00-05:00",
            "client": {**client, "last_name": evil, "email": "e4@example.com", "mobile_phone": ""},
            "pets": [{"name": evil, "species": "dog", "breed": ""}],
            "note": evil,
        }
        with site.writing() as session:  # as an old list may hold it; no form takes it
            session.get_one(Client, uuid.UUID(made)).first_name = f"\u202e{evil}\r\nBcc: x@y.org"
        api.owner.post("/businesses/{b}/campaigns", json={"client_ids": [made]})
        assert api.visitor.post("/businesses/{b}/appointments", json=booking).status_code == 201
        jobs.send_due_invitations(site.database)
        jobs.send_due_emails(site.database)
        written = [sink.open(event) for event in sink.received()[before:]]
        mine = [mail for mail in written if mail["To"] in ("e2@example.com", world.owner.email)]
        assert len(mine) == 2, "the invitation, and what the owner is told of the booking"
        for mail in mine:
            assert "evil" not in str(mail.items())
            assert mail["Bcc"] is None
            for part in mail.walk():
                if not part.is_multipart():
                    said = str(part.get_content())
                    assert "Win" in said
                    for link in ("evil.example", "@evil", "://evil", "\u202e", "y.org", "x" * 20):
                        assert link not in said, (link, said)
