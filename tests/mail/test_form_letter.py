"""The campaign's own way to write a message gives what the general way gives."""

import email.policy
import uuid
from email import message_from_bytes
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking.config import Settings
from booking.invitations.actions.sending import Claimed
from booking.invitations.delivery import Letters
from booking.invitations.emails import NOBODY, ClientInvitation
from booking.mail.message import Envelope, compose
from tests.times import START

ROW = uuid.UUID("01890000-0000-7000-8000-000000000001")
SAME = ("Subject", "From", "To", "Reply-To", "Date", "Message-ID", "List-Unsubscribe",
        "List-Unsubscribe-Post", "Auto-Submitted", "Feedback-ID")  # fmt: skip
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path_factory.mktemp("data"),
        secret_key="of the form letter's tests",
        public_url="https://booking.example.com",
        mail_from="post@booking.example.com",
    )


def claimed(to: str = "jo@example.com", **values: str) -> Claimed:
    known = {"sender_name": "Happy Paws", "reply_to": "", "first_name": "Jo", "message": ""}
    said = {**known, **values}
    first_name = said.pop("first_name")
    letter = ClientInvitation(days=14, feedback_id="a:b:c", **said, **NOBODY)
    return Claimed(ROW, 2, to, first_name, letter, 0, START, START, START, False)


def opened(envelope: Envelope) -> EmailMessage:
    read = message_from_bytes(envelope.content, policy=email.policy.SMTP)
    assert isinstance(read, EmailMessage)
    return read


def headers(message: EmailMessage) -> dict[str, str]:
    """As a reader sees them, however the lines were folded."""
    return {name: str(message[name]).strip() for name in SAME}


def parts(message: EmailMessage) -> list[tuple[str, str]]:
    return [
        (part.get_content_type(), "\n".join(part.get_content().splitlines()).strip())
        for part in message.walk()
        if not part.is_multipart()
    ]


def assert_same(one: Claimed, ours: Settings, letters: Letters) -> None:
    quick = letters.envelope(one)
    plain = compose(one.email, to=one.to_email, row_id=one.id, written_at=START, settings=ours)
    assert (quick.mail_from, quick.to) == (plain.mail_from, plain.to)
    first, second = opened(quick), opened(plain)
    assert headers(first) == headers(second)
    assert first.get_content_type() == "multipart/alternative"
    said = [(kind, text.replace("&#x27;", "&#39;").replace("&quot;", "&#34;"))
            for kind, text in parts(first)]  # fmt: skip
    assert said == parts(second)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"first_name": ""},
        {"first_name": "Zoë <b>&amp;</b> 'q' \"r\""},
        {"sender_name": "Bärs Pfötchen & Söhne, Inh. Łukasz Müller-Lüdenscheidt der Ältere"},
        {"message": "Come.\n.\n..dots at a line's start\n\nFrom us = 100 %", "reply_to": "a@b.de"},
        {"first_name": "gap0123456789abcdef"},
    ],
)  # fmt: skip
def test_it_says_the_same_part_for_part(values: dict[str, str], ours: Settings) -> None:
    assert_same(claimed(**values), ours, Letters(ours))


@given(name=TEXTS, message=TEXTS)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_people_are_called(name: str, message: str, ours: Settings) -> None:
    assert_same(claimed(first_name=name, message=message), ours, Letters(ours))


def test_one_letter_serves_all_readers(ours: Settings) -> None:
    letters = Letters(ours)
    for name in ("Jo", "Sam", "Ångström", "Kim"):
        assert_same(claimed(f"{name.encode().hex()}@example.com", first_name=name), ours, letters)
    assert len(letters._known) == 1


def test_an_address_with_letters_beyond_ascii_goes_the_general_way(ours: Settings) -> None:
    envelope = Letters(ours).envelope(claimed("jörg@example.com"))
    assert envelope.to == "jörg@example.com"


def test_lines_are_as_short_as_mail_wants_them(ours: Settings) -> None:
    envelope = Letters(ours).envelope(claimed(message="x" * 2_000, first_name="ö" * 90))
    assert max(len(line) for line in envelope.content.split(b"\r\n")) <= 200
    assert b"\n" not in envelope.content.replace(b"\r\n", b"")


def test_a_header_of_two_lines_is_refused(ours: Settings) -> None:
    with pytest.raises(ValueError, match="one line"):
        Letters(ours).envelope(claimed("a@example.com\r\nBcc: b@example.com"))
