"""`booking doctor`: check every part of the configuration, say what is wrong and how to mend it."""

import contextlib
import smtplib
import tempfile
from collections.abc import Callable
from urllib.parse import urlsplit

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import ValidationError

from booking import processes
from booking.accounts.passwords import hash_now
from booking.billing.gateways.opening import open_gateway
from booking.commands import talk
from booking.commands.migrate import config_for
from booking.config import Settings
from booking.database import Database
from booking.licensing.licences import public_keys
from booking.mail.postbox import Unreachable, open_postbox
from booking.mail.signing import open_signer
from booking.mail.transports import Smtp


def run() -> int:
    try:
        settings = Settings()
    except ValidationError as error:
        for wrong in error.errors():
            talk.say(f"✗ BOOKING_{str(wrong['loc'][0]).upper()}: {wrong['msg']}")
        return talk.refuse("the settings can't be read; mend the lines above")
    checks: dict[str, Callable[[Settings], str]] = {
        "Settings": _settings,
        "Data directory": _data_directory,
        "Database": _database,
        "Migrations": _migrations,
        "Broker": _broker,
        "Mail": _mail,
        "Mail signatures": _signatures,
        "Bounces": _bounces,
        "Texts": _texts,
        "Payments": _payments,
        "Passwords": _passwords,
        "Licences": _licences,
    }
    wrong_parts = [name for name, check in checks.items() if not _is_well(name, check, settings)]
    if wrong_parts:
        return talk.refuse(f"{len(wrong_parts)} to mend: {', '.join(wrong_parts)}")
    talk.say("All is well.")
    return talk.DONE


def _is_well(name: str, check: Callable[[Settings], str], settings: Settings) -> bool:
    try:
        finding = check(settings)
    except Exception as error:  # noqa: BLE001 - whatever a part raises is a finding
        talk.say(f"✗ {name}: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
        return False
    talk.say(f"✓ {name}: {finding}")
    return True


class _Wrong(Exception):
    """What is wrong and how to mend it."""


def _settings(settings: Settings) -> str:
    if objections := settings.objections():
        raise _Wrong("; ".join(objections))
    return f"{settings.environment.value}, links begin with {settings.public_url}"


def _data_directory(settings: Settings) -> str:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.data_dir):
        return f"{settings.data_dir.resolve()} can be written"


def _database(settings: Settings) -> str:
    Database(settings).is_alive()
    return "SQLite" if settings.embedded_database else "PostgreSQL answers"


def _migrations(settings: Settings) -> str:
    head = ScriptDirectory.from_config(config_for(settings)).get_current_head()
    with Database(settings).engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current != head:
        raise _Wrong(f"at {current}, wanted {head}: run `booking migrate`")
    return f"at {head}"


def _broker(settings: Settings) -> str:
    processes.check_broker(settings)
    return "Redis answers" if settings.broker_url else "files in the data directory"


def _mail(settings: Settings) -> str:
    if settings.mailbox is not None:
        return f"local mailbox in {settings.mailbox}"
    try:
        Smtp(settings).check()
    except (OSError, smtplib.SMTPException) as error:
        raise _Wrong(f"{error}; check BOOKING_SMTP_URL") from error
    return f"{urlsplit(settings.smtp_url).hostname} takes mail from {settings.mail_from}"


def _signatures(settings: Settings) -> str:
    try:
        signer = open_signer(settings)
    except ValueError as error:
        raise _Wrong(str(error)) from error
    if signer is None:
        return "none by us; the mail server may sign (BOOKING_DKIM_KEY)"
    return f"DKIM; its public key must stand in the TXT record of {signer.record}"


def _bounces(settings: Settings) -> str:
    """By which ways reports come back, and whether signed addresses lead there."""
    ways = ["the webhook /api/v1/mail/events"] if settings.mail_webhook_secret else []
    if settings.bounce_imap_url:
        try:
            with open_postbox(settings):
                ways.append(f"the mailbox at {urlsplit(settings.bounce_imap_url).hostname}")
        except Unreachable as error:
            raise _Wrong(f"{error}; check BOOKING_BOUNCE_IMAP_URL") from error
    if not settings.bounces_go_to:
        return f"go to {settings.mail_from}; set BOOKING_BOUNCE_DOMAIN to have them read"
    ways.append("`booking read-bounce`")
    return f"to bounce+…@{settings.bounces_go_to}, read by {', '.join(ways)}"


def _payments(settings: Settings) -> str:
    if not settings.gateways:
        return "no processor is set: plans with a price can't be paid"
    with contextlib.closing(open_gateway(settings)) as gateway:
        return f"{gateway.name}; its events go to /api/v1/billing/events/{gateway.name}"


def _texts(settings: Settings) -> str:
    """Nothing is asked of the provider: every question would be a text."""
    if settings.text_log is not None:
        said = f"kept in {settings.text_log}, not sent; set BOOKING_TEXTS_URL to send them"
        return "none are offered; set BOOKING_TEXTS_URL" if settings.production else said
    return f"{urlsplit(settings.texts_url).hostname} sends them"


def _passwords(settings: Settings) -> str:
    hash_now(settings, "a password to try the hash with")
    return f"argon2id, {settings.argon2_memory_kib} KiB, {settings.hashing_slots} at once"


def _licences(settings: Settings) -> str:
    """Raises ValueError for a key that can't be signed with."""
    today, *former = public_keys(settings)
    return f"signed with key {today['kid'][:8]}…, {len(former)} former keys still count"
