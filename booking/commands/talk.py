"""How a command speaks: results on standard output, one clear line of refusal on standard error."""

import json
import sys
from typing import Any

from booking.errors import Refusal

DONE, REFUSED = 0, 1


def say(text: str = "") -> None:
    print(text, flush=True)


def say_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str), flush=True)


def refuse(text: str) -> int:
    print(f"booking: {text}", file=sys.stderr, flush=True)
    return REFUSED


def in_words(refusal: Refusal) -> str:
    """A refusal on one line, with each field that is to be mended."""
    fields = "; ".join(f"{error.field}: {error.message}" for error in refusal.fields)
    return f"{refusal.message} ({fields})" if fields else refusal.message
