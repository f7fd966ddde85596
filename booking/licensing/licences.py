"""Signed licences: JWS with Ed25519 (RFC 8037), which a program verifies without us.

The key rolls: set a new BOOKING_LICENCE_PRIVATE_KEY and name the public half of the old one (its
`x` at `/api/v1/licences/keys`) in BOOKING_LICENCE_FORMER_KEYS as long as its licences are about.
"""

import base64
import functools
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from booking.config import Settings

TYPE = "licence+jwt"


@dataclass(frozen=True, slots=True)
class Licence:
    """What is signed. `serial_number` is the one of the period that is paid until `paid_until`."""

    registration_id: uuid.UUID
    installation_id: str
    product: str
    business: str
    serial_number: str
    paid_until: datetime
    valid_until: datetime
    issued_at: datetime


def sign(licence: Licence, settings: Settings) -> str:
    """In the compact form. The claims are those of RFC 7519 where it has a name for them."""
    key = signing_key(settings)
    return jwt.encode(
        {
            "iss": settings.public_url,
            "sub": str(licence.registration_id),
            "iat": int(licence.issued_at.timestamp()),
            "exp": int(licence.valid_until.timestamp()),
            "paid_until": int(licence.paid_until.timestamp()),
            "installation": licence.installation_id,
            "product": licence.product,
            "business": licence.business,
            "serial": licence.serial_number,
        },
        key,
        algorithm="EdDSA",
        headers={"kid": key_id(_x(key)), "typ": TYPE},
    )


def public_keys(settings: Settings) -> list[dict[str, str]]:
    """As JWKs, today's first, then those that licences still about may be signed with."""
    return [
        {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": key_id(x), "use": "sig", "alg": "EdDSA"}
        for x in (_x(signing_key(settings)), *settings.licence_former_keys)
    ]


def key_id(x: str) -> str:
    """The thumbprint of RFC 7638, so that a key has one name everywhere."""
    members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    return _urlsafe(hashlib.sha256(members.encode()).digest())


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """Raises ValueError where what is configured is no Ed25519 key."""
    return _loaded(
        settings.licence_private_key or settings.kept_secret("licence_private_key", new_key)
    )


@functools.cache
def _loaded(given: str) -> Ed25519PrivateKey:
    """From the key itself in PEM, or the file it is in."""
    pem = given.replace("\\n", "\n")
    try:
        text = pem.encode() if "-----BEGIN" in pem else Path(given).read_bytes()
        key = load_pem_private_key(text, password=None)
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(f"BOOKING_LICENCE_PRIVATE_KEY can't be read: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("BOOKING_LICENCE_PRIVATE_KEY is no Ed25519 key")
    return key


def new_key() -> str:
    """In PEM."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _x(key: Ed25519PrivateKey) -> str:
    return _urlsafe(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def _urlsafe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
