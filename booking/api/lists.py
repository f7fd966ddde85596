"""Lists in pages: `{"items": […], "next_cursor": "…"|null}`."""

import base64
import binascii
import json
from typing import Annotated, Any

from fastapi import Query

from booking.errors import Invalid

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=1000)]


def encode_cursor(*parts: Any) -> str:
    """The sort key of the last row, opaque to callers. Parts are JSON values or have `str`."""
    raw = json.dumps([part if isinstance(part, str | int | None) else str(part) for part in parts])
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, length: int) -> list[Any] | None:
    """What `encode_cursor` was given, or None. Raises Invalid for a cursor of somebody's own."""
    if cursor is None:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        parts = None
    if not isinstance(parts, list) or len(parts) != length:
        raise Invalid.field("cursor", "Use the next_cursor of an earlier answer.")
    return parts


def page(items: list[Any], next_cursor: str | None) -> dict[str, Any]:
    return {"items": items, "next_cursor": next_cursor}
