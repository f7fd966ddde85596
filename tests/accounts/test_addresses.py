"""Which addresses are the same mailbox: the table of security.md, case A11."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.accounts.rules import device_name, email_key, masked


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("Jo.Bright@Example.COM", "jo.bright@example.com"),
        ("  jo@example.com ", "jo@example.com"),
        ("jo+rex@example.com", "jo+rex@example.com"),
        ("j.o@gmail.com", "j.o@gmail.com"),
        ("o'brien@x-y.co.uk", "o'brien@x-y.co.uk"),
        ("mike@Bücher.de", "mike@xn--bcher-kva.de"),
        ("mike@xn--bcher-kva.de", "mike@xn--bcher-kva.de"),
        ("jo@salon.test", "jo@salon.test"),
    ],
)
def test_an_address_has_one_key(typed: str, key: str) -> None:
    assert email_key(typed) == key


@pytest.mark.parametrize(
    "twin", ["mıke@example.com", "mike@examp\u200ble.com", "ｍike@example.com"]
)
def test_a_look_alike_is_another_mailbox_or_none(twin: str) -> None:
    assert email_key(twin) != "mike@example.com"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "@",
        "jo",
        "jo@localhost",
        "jo@example.com.",
        "jo.@example.com",
        "j..o@example.com",
        '"jo bright"@example.com',
        "jo@[127.0.0.1]",
        "jo@example.com,sam@example.com",
        "jo@example.com sam@example.com",
        "jo@example.com\r\nBcc: sam@example.com",
        "jo@example.com;",
        "<jo@example.com>",
        "jo\0@example.com",
        "\ud800@example.com",
        "mike@ſ.com",
        "mike@ｘ.com",
        "x" * 65 + "@example.com",
        "jo@" + "x" * 250 + ".com",
    ],
)
def test_what_can_not_be_an_address_has_no_key(typed: str) -> None:
    assert email_key(typed) is None


@given(st.text(max_size=80))
def test_a_key_is_its_own_key(typed: str) -> None:
    key = email_key(typed)
    assert key is None or email_key(key) == key


def test_a_masked_address_shows_its_first_letter_and_its_domain() -> None:
    assert masked("jo.bright@example.com") == "j••@example.com"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
            "Firefox on Android",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("python-httpx/0.28.1", "python-httpx/0.28.1"),
        ("", "Unknown device"),
    ],
)
def test_a_session_is_named_as_its_owner_knows_it(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name
