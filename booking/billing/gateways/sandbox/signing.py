"""How the sandbox and we know each other: keys derived from the one secret of the installation."""

import hashlib
import hmac
from collections.abc import Mapping

from booking.billing.gateways.protocol import BadEvent
from booking.tokens import Purpose, keyring

SIGNATURE = "sandbox-signature"
WINDOW_SECONDS = 600


def api_key(secret: str) -> str:
    return keyring(secret).digest(Purpose.SANDBOX_GATEWAY, "api")


def sign(secret: str, sent_at: int, body: bytes) -> str:
    """The value of the header of an event."""
    key = keyring(secret).digest(Purpose.SANDBOX_GATEWAY, "events").encode()
    signature = hmac.new(key, f"{sent_at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={sent_at},v1={signature}"


def check(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> int:
    """When it was sent. Raises BadEvent."""
    given = headers.get(SIGNATURE, "")
    sent_at = given.partition(",")[0].removeprefix("t=")
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12 and given.isascii()):
        raise BadEvent("it has no signature")
    if not hmac.compare_digest(given, sign(secret, int(sent_at), body)):
        raise BadEvent("its signature does not fit")
    if abs(now - int(sent_at)) > WINDOW_SECONDS:
        raise BadEvent("it was sent more than ten minutes ago")
    return int(sent_at)
