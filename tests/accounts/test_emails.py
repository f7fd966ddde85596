"""Every email about a login, as its reader has it."""

import uuid

import pytest

from booking.accounts import emails
from booking.businesses.emails import MemberInvited
from booking.config import Settings
from booking.mail.message import Email, render

ID = uuid.UUID("01a1ffcc-26d5-7243-90c6-ef0a1be451e6")
ALL: list[Email] = [
    emails.SignInCode(sender_name="Paws <b>", proof_id=ID, minutes=10),
    emails.PasswordReset(sender_name="Paws <b>", proof_id=ID, path="/paws", minutes=60),
    emails.NoLoginHere(sender_name="Paws <b>", path="/paws", asked_for="a sign-in code"),
    emails.NoLoginHere(sender_name="Paws <b>", path="/manage", asked_for="a new password"),
    emails.PasswordChanged(sender_name="Paws <b>", path="/manage"),
    emails.EmailChangeProof(sender_name="Paws <b>", proof_id=ID, path="/paws", minutes=1440),
    emails.EmailChanged(sender_name="Paws <b>", new_address="j••@example.com"),
    emails.SecondFactorChanged(sender_name="Paws <b>", path="/manage", is_on=True),
    emails.SecondFactorChanged(sender_name="Paws <b>", path="/manage", is_on=False),
    MemberInvited(
        sender_name="Paws <b>", proof_id=ID, business_name="Paws <b>", role="staff", days=7
    ),
]


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(_env_file=None, secret_key="a secret", public_url="https://book.example.com")


@pytest.mark.parametrize("email", ALL, ids=lambda email: type(email).__name__)
def test_an_email_reads_well_in_both_parts(email: Email, settings: Settings) -> None:
    rendered = render(email, settings)
    assert "Paws" not in rendered.subject
    assert "<b>" not in rendered.html.partition("<h1")[2]
    assert "&lt;b&gt;" in rendered.html
    assert "\n\n\n" not in rendered.text
    assert all(len(line) < 100 for line in rendered.text.splitlines())
    addresses = [word for word in rendered.text.split() if "://" in word]
    assert all(each.startswith("https://book.example.com/") for each in addresses)
    assert all(each in rendered.html for each in addresses)


def test_a_repeat_carries_the_same_link(settings: Settings) -> None:
    email = emails.PasswordReset(proof_id=ID, path="/manage", minutes=60)
    assert render(email, settings) == render(email, settings)
