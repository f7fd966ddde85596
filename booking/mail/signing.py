"""Signatures on what we send (DKIM, RFC 6376), where a key is configured.

In plain Python one costs about ten milliseconds: for large lists let the mail server sign.
"""

import re
from pathlib import Path

import dkim
from dkim.crypto import UnparsableKeyError, parse_pem_private_key

from booking.config import Settings
from booking.mail.message import Envelope

SIGNED_HEADERS = (
    b"from", b"to", b"subject", b"date", b"message-id", b"reply-to", b"mime-version",
    b"content-type", b"auto-submitted", b"list-unsubscribe", b"list-unsubscribe-post",
    b"feedback-id",
)  # fmt: skip
"""Absent ones too: nobody can add them afterwards. RFC 8058 §4 wants the List-Unsubscribe ones."""
_LINE_END = re.compile(rb"\r?\n")


class Signer:
    def __init__(self, key: bytes, selector: str, domain: str) -> None:
        """Raises ValueError for what is no RSA key in PEM."""
        try:
            parse_pem_private_key(key)
        except (UnparsableKeyError, ValueError, IndexError) as error:
            raise ValueError(f"BOOKING_DKIM_KEY is no RSA private key in PEM: {error}") from error
        self._key = key
        self._selector = selector.encode("ascii")
        self._domain = domain.encode("idna")

    @property
    def record(self) -> str:
        """Where receivers look for the public key."""
        return f"{self._selector.decode()}._domainkey.{self._domain.decode()}"

    def signed(self, envelope: Envelope) -> Envelope:
        content = _LINE_END.sub(b"\r\n", envelope.content)
        header = dkim.sign(
            content,
            self._selector,
            self._domain,
            self._key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=SIGNED_HEADERS,
        )
        return Envelope(envelope.mail_from, envelope.to, header + content)


def open_signer(settings: Settings) -> Signer | None:
    """None where nothing is to be signed. Raises ValueError for what can't be signed with."""
    if not (settings.dkim_key or settings.dkim_selector):
        return None
    if not (settings.dkim_key and settings.dkim_selector):
        raise ValueError("BOOKING_DKIM_KEY and BOOKING_DKIM_SELECTOR belong together")
    domain = settings.dkim_domain or settings.mail_domain
    return Signer(_key(settings.dkim_key), settings.dkim_selector, domain)


def _key(given: str) -> bytes:
    """The key itself, or the file it is in."""
    if "-----BEGIN" in given:
        return given.replace("\\n", "\n").encode()
    try:
        return Path(given).read_bytes()
    except OSError as error:
        raise ValueError(f"BOOKING_DKIM_KEY can't be read: {error}") from error
