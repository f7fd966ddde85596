"""The sandbox's page for a card's number: shown in a frame of another site, and telling that site
alone a token."""

import json
import re
import secrets
import string
from dataclasses import dataclass
from pathlib import Path

_TEMPLATE = string.Template(
    (Path(__file__).parent / "templates" / "field.html").read_text(encoding="utf-8")
)
_ORIGIN = re.compile(r"https?://[\w.-]+(:\d+)?|https?://\[[\da-f:]+\](:\d+)?")


@dataclass(frozen=True, slots=True)
class Page:
    content: bytes
    headers: dict[str, str]


def page(parent: str) -> Page | None:
    """None for a parent that is no origin."""
    if not _ORIGIN.fullmatch(parent):
        return None
    nonce = secrets.token_urlsafe(16)
    text = _TEMPLATE.substitute(nonce=nonce, parent=json.dumps(parent))
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        f"connect-src 'self'; frame-ancestors {parent}; base-uri 'none'; form-action 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Page(text.encode(), headers)
