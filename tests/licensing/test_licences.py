"""Licences are signed and verified; keys roll; terms follow what is paid."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.billing.rules.periods import months_after, period_at
from booking.billing.rules.standing import GRACE, BillingStatus
from booking.config import Settings
from booking.database import new_id
from booking.licensing import licences
from booking.licensing.licences import Licence, new_key
from booking.licensing.rules import LONGEST_PERIOD, Term, temporary_term, term
from booking.program.licence import ClockWrong, Ended, Forged, verified
from tests.times import START

INSTALLATION = "3f1e2a30-desk"
MADE = Licence(
    registration_id=new_id(),
    installation_id=INSTALLATION,
    product="booking",
    business="happy-paws",
    serial_number="R3X6-34MA-Z9ND-ZUZH",
    paid_until=START + timedelta(days=20),
    valid_until=START + timedelta(days=35),
    issued_at=START,
)
moments = st.datetimes(
    START.replace(tzinfo=None), START.replace(year=2040, tzinfo=None), timezones=st.just(UTC)
)


@pytest.fixture
def settings(folder: Path) -> Settings:
    return Settings(_env_file=None, data_dir=folder)


def with_key(settings: Settings, key: str, *former: str) -> Settings:
    changed: dict[str, Any] = {"licence_private_key": key, "licence_former_keys": former}
    return settings.model_copy(update=changed)


def test_a_program_reads_what_we_signed_and_keeps_to_its_times(settings: Settings) -> None:
    keys = licences.public_keys(settings)
    text = licences.sign(MADE, settings)
    read = verified(text, keys, installation_id=INSTALLATION)
    for name in ("registration_id", "product", "business", "serial_number", "valid_until"):
        assert getattr(read, name) == getattr(MADE, name)
    read.expect_valid(START)
    read.expect_valid(MADE.valid_until - timedelta(seconds=1))
    with pytest.raises(Ended, match="April 2027"):
        read.expect_valid(MADE.valid_until)
    with pytest.raises(ClockWrong):
        read.expect_valid(START - timedelta(days=2))


def test_whatever_was_not_signed_by_us_for_this_installation_is_refused(
    settings: Settings, folder: Path
) -> None:
    keys = licences.public_keys(settings)
    text = licences.sign(MADE, settings)
    header, claims, signature = text.split(".")
    longer = jwt.decode(text, options={"verify_signature": False}) | {"exp": 2**33}
    others = with_key(settings, new_key())
    forged = [
        "",
        "a.b.c",
        text[:-4] + "AAAA",
        f"{header}.{claims}.",
        f"{header}.{jwt.encode(longer, 'x' * 32).split('.')[1]}.{signature}",
        jwt.encode(longer, "x" * 32, headers={"kid": keys[0]["kid"], "typ": licences.TYPE}),
        jwt.encode(longer, "", algorithm="none", headers={"kid": keys[0]["kid"]}),
        licences.sign(MADE, others),
        jwt.encode({"sub": "x"}, licences.signing_key(settings), "EdDSA", {"kid": keys[0]["kid"]}),
    ]
    for each in forged:
        with pytest.raises(Forged):
            verified(each, keys, installation_id=INSTALLATION)
    with pytest.raises(Forged):
        verified(text, keys, installation_id="another-computer")
    with pytest.raises(Forged):
        verified(text, [], installation_id=INSTALLATION)


def test_a_key_is_made_once_and_kept_for_us_alone(settings: Settings, folder: Path) -> None:
    first = licences.public_keys(settings)
    assert licences.public_keys(Settings(_env_file=None, data_dir=folder)) == first
    assert (folder / "licence-private-key").stat().st_mode & 0o777 == 0o600


def test_keys_roll(settings: Settings, folder: Path) -> None:
    """The new key from a file, and then in one line; what the old one signed still counts."""
    (folder / "old.pem").write_text(new_key())
    before = with_key(settings, str(folder / "old.pem"))
    old = licences.sign(MADE, before)
    x = licences.public_keys(before)[0]["x"]
    after = with_key(settings, new_key().replace("\n", "\\n"), x)
    keys = licences.public_keys(after)
    for text in (old, licences.sign(MADE, after)):
        assert verified(text, keys, installation_id=INSTALLATION).business == "happy-paws"
    assert len({each["kid"] for each in keys}) == 2
    rolled = licences.public_keys(with_key(settings, new_key()))
    with pytest.raises(Forged):
        verified(old, rolled, installation_id=INSTALLATION)


@pytest.mark.parametrize("given", ["nowhere.pem", "-----BEGIN PRIVATE KEY-----\nx\n"])
def test_what_is_no_key_is_refused_by_name(settings: Settings, given: str) -> None:
    with pytest.raises(ValueError, match="BOOKING_LICENCE_PRIVATE_KEY"):
        licences.public_keys(with_key(settings, given))


def test_the_thumbprint_is_that_of_the_standard() -> None:
    """RFC 8037, appendix A.3."""
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert licences.key_id(x) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@given(moments, moments)
def test_whoever_pays_always_has_a_licence_and_a_time_to_ask(
    opened: datetime, now: datetime
) -> None:
    """Month ends and leap days included: a period ends, and the next has its own number."""
    present = period_at(opened, now)
    found = term(BillingStatus.ACTIVE, present.ends_at, now)
    assert found is not None
    if now >= opened:
        assert now < found.period_ends_at <= now + LONGEST_PERIOD
    assert found.valid_until - found.period_ends_at == GRACE
    assert found.last_day == found.valid_until.date()
    following = Term(months_after(opened, present.index + 2))
    assert following.period_ends_at > found.period_ends_at


@given(moments, st.integers(-40, 40), st.integers(0, 2**128))
def test_a_program_asks_at_least_daily_and_soon_after_each_period(
    ends: datetime, days: int, share: int
) -> None:
    """The daily one may come before the next period can be paid; then it asks once more."""
    now = ends + timedelta(days=days, minutes=7)
    term_of_period, can_be_paid = Term(ends), ends + timedelta(minutes=15)
    asks = term_of_period.next_check_at(now, share)
    assert now < asks <= now + timedelta(days=1)
    if ends < asks < can_be_paid:
        assert asks == now + timedelta(days=1)
        now, asks = asks, term_of_period.next_check_at(asks, share)
    if now < can_be_paid and ends < asks:
        assert can_be_paid <= asks <= ends + timedelta(minutes=75)


@pytest.mark.parametrize(
    ("status", "days", "licence", "mail"),
    [
        (BillingStatus.ACTIVE, -1, True, True),
        (BillingStatus.ACTIVE, 0, True, False),
        (BillingStatus.ACTIVE, 15, False, False),
        (BillingStatus.CANCELLED, -1, True, True),
        (BillingStatus.CANCELLED, 0, False, False),
        (BillingStatus.PAST_DUE, 1, False, False),
    ],
)
def test_terms_follow_what_is_paid(
    status: BillingStatus, days: int, licence: bool, mail: bool
) -> None:
    """`days` after the end of what is paid for."""
    now = START + timedelta(days=days)
    assert (term(status, START, now) is not None) == licence
    assert (temporary_term(status, START, now) is not None) == mail
