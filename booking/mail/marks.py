"""What one copy of a mail is recognised by when word of it comes back.

The row it belongs to and which copy of it this is (its edition), signed: whoever has not had the
mail cannot make one, so a forged bounce silences nobody. The mark stands in the envelope's sender
(VERP) and, under a key of its own, in the Message-ID. It holds lower-case letters and digits alone,
since some servers do not keep the case, and fits the 64 octets of RFC 5321 §4.5.3.1.1.
"""

import base64
import binascii
import hmac
import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit

from booking.config import Settings
from booking.tokens import Purpose, keyring

_BEFORE = "bounce+"
_ROW_LENGTH, _SIGNATURE_LENGTH = 29, 26


@dataclass(frozen=True, slots=True)
class Mark:
    row_id: uuid.UUID
    edition: int


def return_path(mark: Mark, settings: Settings) -> str:
    """Where its bounces go. As for every other mail where no place for bounces is configured."""
    domain = settings.bounces_go_to
    if not domain:
        return settings.mail_from
    return f"{_BEFORE}{_signed(Purpose.RETURN_PATH, mark, settings)}@{domain}"


def message_id(mark: Mark, settings: Settings) -> str:
    """Derived, so that a repeat after a crash is recognised as the same message."""
    host = urlsplit(settings.public_url).hostname
    return f"<{_signed(Purpose.MESSAGE_ID, mark, settings)}@{host}>"


def read_return_path(address: str, settings: Settings) -> Mark | None:
    """None for an address that is not one of ours."""
    local = address.strip().strip("<>").lower().rpartition("@")[0]
    if not local.startswith(_BEFORE):
        return None
    return _read(Purpose.RETURN_PATH, local.removeprefix(_BEFORE), settings)


def read_message_id(text: str, settings: Settings) -> Mark | None:
    local = text.strip().strip("<>").lower().partition("@")[0]
    return _read(Purpose.MESSAGE_ID, local, settings)


def _signed(purpose: Purpose, mark: Mark, settings: Settings) -> str:
    raw = mark.row_id.bytes + mark.edition.to_bytes(2, "big")
    row = base64.b32encode(raw).decode("ascii").rstrip("=").lower()
    return f"{row}-{_signature(purpose, row, settings)}"


def _signature(purpose: Purpose, row: str, settings: Settings) -> str:
    return keyring(settings.secret).digest(purpose, row)[:_SIGNATURE_LENGTH]


def _read(purpose: Purpose, text: str, settings: Settings) -> Mark | None:
    row, _, signature = text.partition("-")
    if len(row) != _ROW_LENGTH or not text.isascii():
        return None
    if not hmac.compare_digest(_signature(purpose, row, settings), signature):
        return None
    try:
        raw = base64.b32decode(row.upper() + "===")
    except binascii.Error:
        return None
    return Mark(uuid.UUID(bytes=raw[:16]), int.from_bytes(raw[16:], "big"))
