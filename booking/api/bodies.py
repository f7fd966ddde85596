"""What is looked for in every body before an endpoint sees it."""

import json

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from booking import card_numbers
from booking.errors import FieldError, Invalid


class CardNumberNotAccepted(Invalid):
    code = card_numbers.CODE
    message = "A payment card's number does not belong here. Nothing of this was kept."


async def no_card_numbers(request: Request) -> None:
    """Raises CardNumberNotAccepted with each field that holds one. A body that is no JSON is left
    to the endpoint; a client list's columns are looked at as they are read."""
    if "json" not in request.headers.get("content-type", "json"):
        return
    body = await request.body()
    fields = await run_in_threadpool(_fields, body) if body else []
    if fields:
        raise CardNumberNotAccepted(
            fields=tuple(
                FieldError(field, card_numbers.CODE, card_numbers.SENTENCE) for field in fields
            )
        )


def _fields(body: bytes) -> list[str]:
    try:
        return card_numbers.fields_with_one(json.loads(body))
    except (ValueError, RecursionError):
        return []
