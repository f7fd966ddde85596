import uuid
from datetime import UTC, datetime

import icalendar
import pytest

from booking.appointments import emails
from booking.appointments.emails import VisitSheet
from booking.config import Settings
from booking.mail.message import Email, compose, render

VISIT = VisitSheet(
    appointment_id=uuid.UUID("01a1ffcc-2988-732a-8e34-4e7a738ab9dc"),
    sequence=2,
    changed_at=datetime(2027, 3, 1, tzinfo=UTC),
    starts_at=datetime(2027, 3, 3, 15, tzinfo=UTC),
    ends_at=datetime(2027, 3, 3, 16, tzinfo=UTC),
    timezone="America/New_York",
    slug="happy-paws",
    business_name="Happy Paws, Inc; <b>",
    business_email="hello@paws.example",
    business_phone="555 0100",
    business_address="1 Main Street\nOld Town",
    service_name="Bath, brush; nails",
    staff_name="Ana",
    pets=("Rex", "Mia"),
    price="$60.00",
    first_name="Jo <i>",
    last_name="Bright",
    email="jo.bright@example.com",
    mobile_phone="555 0101",
    note="Ring\ntwice {{7*7}}",
    manage_generation=0,
    policy_text="Come\nin time.",
)
EARLIER = datetime(2027, 3, 2, 15, tzinfo=UTC)
ALL: list[Email] = [
    emails.BookingConfirmed(visit=VISIT, claim_id=uuid.uuid4()),
    emails.BookingRequested(visit=VISIT, claim_id=None),
    emails.BookingMoved(visit=VISIT, earlier=EARLIER),
    emails.BookingDeclined(visit=VISIT, in_calendar=False, reason="We are full."),
    emails.BookingCancelled(visit=VISIT, in_calendar=True, by_client=False, reason="Ana is ill."),
    emails.BookingCancelled(visit=VISIT, in_calendar=True, by_client=True),
    emails.PendingExpired(visit=VISIT, in_calendar=False),
    *(
        emails.NewBooking(visit=VISIT, news=news)
        for news in ("booked", "waits", "moved", "cancelled")
    ),
]


@pytest.mark.parametrize("email", ALL, ids=lambda email: type(email).__name__)
def test_every_email_reads_well(email: Email, settings_of_a_mail: Settings) -> None:
    waited = Email.kinds[type(email).__name__].model_validate(email.model_dump(mode="json"))
    assert waited == email
    rendered = render(waited, settings_of_a_mail)
    assert "Wed 3 Mar 2027, 10:00 am" in rendered.subject
    assert "Jo" not in rendered.subject
    for part in (rendered.text, rendered.html):
        assert "Wed 3 Mar 2027, 10:00 am" in part
        assert "http://localhost:8000/" in part
        assert "None" not in part
        assert "49" not in part
    assert "<i>" not in rendered.html
    assert "\n\n\n\n" not in rendered.text


def test_the_calendar_file_is_what_rfc_5545_asks_for(settings_of_a_mail: Settings) -> None:
    (file,) = emails.BookingMoved(visit=VISIT, earlier=EARLIER).attachments(settings_of_a_mail)
    calendar = icalendar.Calendar.from_ical(file.content)
    (event,) = calendar.walk("VEVENT")
    assert calendar["METHOD"] == "REQUEST"
    assert event["SEQUENCE"] == 2
    assert event["SUMMARY"] == "Bath, brush; nails for Rex, Mia at Happy Paws, Inc; <b>"
    assert event["LOCATION"] == "1 Main Street\nOld Town"
    assert event["ORGANIZER"] == "mailto:hello@paws.example"
    assert event["ATTENDEE"] == "mailto:jo.bright@example.com"
    assert b"DTSTART:20270303T150000Z\r\n" in file.content
    assert all(len(line) <= 75 for line in file.content.split(b"\r\n"))


def test_a_cancellation_carries_the_same_uid(settings_of_a_mail: Settings) -> None:
    booked = emails.BookingConfirmed(visit=VISIT, claim_id=None)
    off = emails.BookingCancelled(visit=VISIT, in_calendar=True, by_client=True)
    uids = set()
    for email in (booked, off):
        (file,) = email.attachments(settings_of_a_mail)
        (event,) = icalendar.Calendar.from_ical(file.content).walk("VEVENT")
        uids.add(str(event["UID"]))
    assert len(uids) == 1
    assert event["STATUS"] == "CANCELLED"


def test_the_message_carries_the_file_with_its_method(settings_of_a_mail: Settings) -> None:
    envelope = compose(
        emails.BookingConfirmed(visit=VISIT, claim_id=None),
        to=VISIT.email,
        row_id=uuid.uuid4(),
        written_at=EARLIER,
        settings=settings_of_a_mail,
    )
    assert b"text/calendar; method=REQUEST" in envelope.content


@pytest.fixture
def settings_of_a_mail() -> Settings:
    return Settings(_env_file=None, secret_key="a secret of the tests")
