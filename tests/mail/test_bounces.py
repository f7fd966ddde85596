"""Reports are read by their codes, and believed for the signed address they came to alone."""

import uuid
from pathlib import Path

import pytest

from booking.config import Settings
from booking.mail import bounces
from booking.mail.bounces import Kind, says_no_such_address, told
from booking.mail.marks import Mark, message_id, read_message_id, read_return_path, return_path
from tests import reports

MARK = Mark(uuid.UUID("01890000-0000-7000-8000-000000000001"), 2)


@pytest.fixture
def ours(tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path,
        secret_key="of the bounces' tests",
        bounce_domain="bounces.example.com",
        public_url="https://booking.example.com",
    )


def test_the_return_path_leads_back_to_its_copy(ours: Settings) -> None:
    address = return_path(MARK, ours)
    assert address.endswith("@bounces.example.com")
    assert len(address.partition("@")[0]) <= 64, "RFC 5321 §4.5.3.1.1"
    for as_noted in (address, f"<{address}>", address.upper()):
        assert read_return_path(as_noted, ours) == MARK
    assert read_message_id(message_id(MARK, ours), ours) == MARK


def test_no_mark_is_made_without_the_key(ours: Settings) -> None:
    address = return_path(MARK, ours)
    local = address.partition("@")[0]
    other = return_path(Mark(uuid.uuid4(), 0), ours).partition("@")[0]
    swapped = local[: local.rindex("-")] + other[other.rindex("-") :]
    message = message_id(MARK, ours).strip("<>").partition("@")[0]
    for forged in (
        "",
        "bounce+",
        local[:-1],
        swapped,
        f"bounce+{message}",
        "bounce+é-é",
        "x" * 300,
    ):
        assert read_return_path(f"{forged}@bounces.example.com", ours) is None, forged
    elsewhere = Settings(_env_file=None, data_dir=ours.data_dir, secret_key="another")
    assert read_return_path(address, elsewhere) is None


def test_without_a_place_for_bounces_they_go_to_the_sender(ours: Settings) -> None:
    off = ours.model_copy(update={"bounce_domain": "", "mail_from": "post@example.com"})
    assert return_path(MARK, off) == "post@example.com"
    by_imap = off.model_copy(update={"bounce_imap_url": "imaps://u:p@host/INBOX"})
    assert return_path(MARK, by_imap).endswith("@example.com")
    assert read_return_path(return_path(MARK, by_imap), by_imap) == MARK


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        ("5.1.1", "", Kind.HARD),
        ("5.1.10", "null MX", Kind.HARD),
        ("5.2.1", "mailbox disabled", Kind.HARD),
        ("550", "no such user", Kind.HARD),
        ("5.0.0", "550 5.1.1 <x@y.example> unknown", Kind.HARD),
        ("5.0.0", "550 unknown", Kind.HARD),
        ("550 5.1.1", "", Kind.HARD),
        ("5.7.1", "listed at 5.1.1.2", Kind.REFUSED),
        ("550", "5.7.26 not authenticated", Kind.REFUSED),
        ("5.1.8", "sender's address", Kind.REFUSED),
        ("5.3.4", "too large", Kind.REFUSED),
        ("554", "rejected", Kind.REFUSED),
        ("4.2.2", "mailbox full", Kind.SOFT),
        ("452", "", Kind.SOFT),
        ("5.0.0", "", Kind.SOFT),
        ("", "we are not sure", Kind.SOFT),
        ("odd", "5.5.5.5 odd", Kind.SOFT),
    ],
)
def test_what_a_code_says(code: str, reason: str, kind: Kind) -> None:
    assert told(code, reason) is kind


def test_what_is_said_to_the_message_says_nothing_of_the_address() -> None:
    assert says_no_such_address(550, "no such user")
    assert not says_no_such_address(550, "spam", at_recipient=False)
    assert says_no_such_address(550, "5.1.1 no such user", at_recipient=False)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"status": "5.1.1", "diagnosis": "550 5.1.1 no such user"}, Kind.HARD),
        ({"status": "5.7.1"}, Kind.REFUSED),
        ({"status": "4.4.1", "action": "delayed"}, Kind.SOFT),
        ({"status": "4.4.7"}, Kind.SOFT),
        ({"status": "odd"}, Kind.SOFT),
        ({"status": "2.0.0", "action": "delivered"}, None),
    ],
)
def test_a_delivery_report(given: dict[str, str], kind: Kind | None, ours: Settings) -> None:
    found = bounces.read(reports.delivery_report(return_path(MARK, ours), **given), ours)
    assert (found and found.kind) == kind
    assert found is None or found.mark == MARK


def test_a_report_is_of_whom_its_own_address_says_and_not_of_whom_it_quotes(ours: Settings) -> None:
    """The bounced body, and an address in it, are typed by anybody."""
    stranger = "postmaster@booking.example.com"
    forged = reports.delivery_report(stranger, status="5.1.1", about=return_path(MARK, ours))
    assert bounces.read(forged, ours) is None


def test_a_complaint_quotes_the_signed_sender(ours: Settings) -> None:
    found = bounces.read(reports.complaint(return_path(MARK, ours)), ours)
    assert found is not None
    assert (found.kind, found.mark) == (Kind.COMPLAINT, MARK)
    assert bounces.read(reports.complaint("post@example.com"), ours) is None


def test_an_answering_machine_is_no_bounce_and_anything_else_is_soft(ours: Settings) -> None:
    to = return_path(MARK, ours)
    assert bounces.read(reports.holiday(to), ours) is None
    odd = f"To: {to}\r\nSubject: delivery problem\r\n\r\nhm".encode()
    found = bounces.read(odd, ours)
    assert found is not None
    assert found.kind is Kind.SOFT


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff\xfe\x00", b"To: " + b"a" * 100_000, b"Content-Type: multipart/report\r\n\r\n"],
)
def test_nothing_odd_breaks_the_reader(raw: bytes, ours: Settings) -> None:
    assert bounces.read(raw, ours) is None
