"""What a form sent, as the model a verb takes; and what people type for money and times of day."""

import re
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from booking.errors import FieldError, Invalid

Model = TypeVar("Model", bound=BaseModel)

WITHOUT_MINOR_UNITS = {"JPY", "KRW", "CLP", "VND", "ISK"}
_WALL_TIME = re.compile(r"([01]?\d|2[0-4])[:.]?([0-5]\d)", re.ASCII)


def typed(model: type[Model], values: dict[str, Any], *, body: str = "") -> Model:
    """Raises Invalid with each field that can't be used; `body` is where a fault of the whole is
    shown."""
    try:
        return model.model_validate(values)
    except ValidationError as refused:
        raise Invalid(
            fields=tuple(
                FieldError(".".join(map(str, each["loc"])) or body, each["type"], _sentence(each))
                for each in refused.errors(include_url=False, include_input=False)
            )
        ) from None


def number(text: str) -> int | str | None:
    """Empty is None; what is no whole number stays a text, for the model to refuse."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else text or None


def ids(texts: list[str], field: str) -> set[uuid.UUID]:
    """Ids as a form's choices carry them. Raises Invalid for anything else."""
    try:
        return {uuid.UUID(text) for text in texts}
    except ValueError:
        raise Invalid.field(field, "Choose from the list.") from None


def minor_units(text: str, currency: str, field: str) -> int | None:
    """ "49.90" or "49,90" in minor units; empty is None. Raises Invalid on that field."""
    if not text:
        return None
    plain = re.sub(r"[^\d.,-]", "", text) if len(text) < 20 else ""
    if re.fullmatch(r"\d+,\d{1,2}", plain):
        plain = plain.replace(",", ".")
    try:
        amount = Decimal(plain.replace(",", ""))
    except InvalidOperation:
        raise Invalid.field(field, "Enter an amount like 49.90, or leave it empty.") from None
    minor = amount if currency in WITHOUT_MINOR_UNITS else amount * 100
    if minor != minor.to_integral_value() or minor < 0:
        raise Invalid.field(field, "Enter an amount like 49.90, or leave it empty.")
    return int(minor)


def amount_text(minor: int | None, currency: str) -> str:
    """As it stands in the field of a form."""
    if minor is None:
        return ""
    return str(minor) if currency in WITHOUT_MINOR_UNITS else f"{minor / 100:.2f}"


def minute_of_day(text: str, field: str) -> int | None:
    """ "9:30" as 570, "24:00" as 1440; empty is None. Raises Invalid on that field."""
    if not text:
        return None
    found = _WALL_TIME.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else None
    if minute is None or minute > 1440:
        raise Invalid.field(field, "Enter a time like 09:30.")
    return minute


def wall_time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _sentence(fault: ErrorDetails) -> str:
    context = fault.get("ctx") or {}
    match fault["type"]:
        case "missing" | "string_too_short" | "too_short" | "string_type":
            return "Fill this in."
        case "string_too_long" | "too_long":
            return f"Use at most {context['max_length']:,} characters."
        case "int_parsing" | "int_type" | "int_from_float":
            return "Enter a whole number."
        case "greater_than_equal":
            return f"Enter {context['ge']} or more."
        case "less_than_equal":
            return f"Enter {context['le']} or less."
        case "date_from_datetime_parsing" | "date_parsing" | "date_type":
            return "Enter a date like 2026-12-24."
        case "enum":
            return "Choose one of these."
        case "value_error":
            return str(context["error"])
        case _:
            return fault["msg"]
