"""Secrets for links, codes, sessions and calendars: made, derived, digested.

A mailed secret is HMAC(key of its purpose, row id, generation): the row keeps only a digest and the
worker derives the secret again while it renders, so that a repeat carries the same link and no
plaintext is at rest. Purposes have separate keys, so a secret of one never opens another.
"""

import base64
import functools
import hmac
import secrets
from enum import StrEnum
from uuid import UUID


class Purpose(StrEnum):
    """What a secret is for. Each has its own key."""

    INVITATION = "invitation"
    SIGN_UP = "sign-up"
    SIGN_IN_CODE = "sign-in-code"
    PASSWORD_RESET = "password-reset"
    EMAIL_CHANGE = "email-change"
    BOOKING_CLAIM = "booking-claim"
    MEMBER_INVITATION = "member-invitation"
    MANAGE_BOOKING = "manage-booking"
    CALENDAR = "calendar"
    UNSUBSCRIBE = "unsubscribe"
    NOTICES_CONFIRM = "notices-confirm"
    NOTICES_STOP = "notices-stop"
    SESSION = "session"
    SECOND_FACTOR = "second-factor"
    BROWSER = "browser"
    READER = "reader"
    REGISTRATION = "registration"
    MESSAGE_ID = "message-id"
    RETURN_PATH = "return-path"
    FINGERPRINT = "fingerprint"
    PAYMENT_CARD = "payment-card"
    SANDBOX_GATEWAY = "sandbox-gateway"


class Keyring:
    """The one configured secret, as a separate key for each purpose."""

    def __init__(self, secret_key: str) -> None:
        self._master = secret_key.encode()
        self._keyed: dict[str, hmac.HMAC] = {}

    def _hmac(self, label: str, text: str) -> bytes:
        keyed = self._keyed.get(label)
        if keyed is None:
            key = hmac.digest(self._master, label.encode(), "sha256")
            keyed = self._keyed[label] = hmac.new(key, digestmod="sha256")
        own = keyed.copy()
        own.update(text.encode())
        return own.digest()

    def derive(self, purpose: Purpose, row_id: UUID, generation: int = 0) -> str:
        """The secret of a row: 43 URL-safe characters, 256 bits."""
        return _urlsafe(self._hmac(f"derive:{purpose}", f"{row_id}:{generation}"))

    def derive_code(self, purpose: Purpose, row_id: UUID, generation: int = 0) -> str:
        """The six digits of a row, for typing where a link can't be opened."""
        raw = self._hmac(f"code:{purpose}", f"{row_id}:{generation}")
        return f"{int.from_bytes(raw[:8], 'big') % 1_000_000:06d}"

    def digest(self, purpose: Purpose, secret: str) -> str:
        """What a row keeps of a secret: keyed, so that six digits can't be guessed from a dump."""
        return self._hmac(f"digest:{purpose}", secret).hex()

    def sealing_key(self, purpose: Purpose) -> bytes:
        """32 bytes to encrypt with what has to be read again."""
        return hmac.digest(self._master, f"seal:{purpose}".encode(), "sha256")

    def matches(self, purpose: Purpose, secret: str, digest: str | None) -> bool:
        return digest is not None and hmac.compare_digest(self.digest(purpose, secret), digest)


@functools.cache
def keyring(secret_key: str) -> Keyring:
    return Keyring(secret_key)


def make_secret() -> str:
    """256 random bits, for what is handed out once and never derived again."""
    return secrets.token_urlsafe(32)


def _urlsafe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
