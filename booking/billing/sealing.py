"""References to cards at rest. Whoever has one and our credentials can spend it, so a copy of the
database alone must not give it away. A sealed reference opens on the row it was made for only."""

import base64
import os
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from booking.tokens import Keyring, Purpose

_NONCE = 12


def seal(keyring: Keyring, card_id: uuid.UUID, reference: str) -> str:
    nonce = os.urandom(_NONCE)
    cipher = AESGCM(keyring.sealing_key(Purpose.PAYMENT_CARD))
    sealed = cipher.encrypt(nonce, reference.encode(), card_id.bytes)
    return base64.urlsafe_b64encode(nonce + sealed).decode()


def unseal(keyring: Keyring, card_id: uuid.UUID, sealed: str) -> str | None:
    """None for what was sealed under another BOOKING_SECRET_KEY: that card must be given anew."""
    raw = base64.urlsafe_b64decode(sealed)
    cipher = AESGCM(keyring.sealing_key(Purpose.PAYMENT_CARD))
    try:
        return cipher.decrypt(raw[:_NONCE], raw[_NONCE:], card_id.bytes).decode()
    except InvalidTag:
        return None
