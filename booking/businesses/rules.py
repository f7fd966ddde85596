"""What a business may call itself, and under which address."""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from booking import clock
from booking.accounts.rules import email_key
from booking.errors import FieldError, Invalid
from booking.fields import Line100, Line200, OptionalEmail, Paragraph, PhoneText, Required60

RESERVED_SLUGS = frozenset(
    """
    about account accounts admin api app assets billing book booking calendar calendars contact
    demo-mail docs email favicon forgot healthz help home i images invite join legal login
    logout mail mailbox manage metrics new notices openapi operator owner password privacy
    public readyz register registration registrations reset robots root security settings
    sign-in sign-out sign-up static status support system terms theme u unsubscribe well-known
    www
    """.split()  # noqa: SIM905 - sixty short words read better so than as a list
)
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
_LINK = re.compile(r"@|://|www\.|[\w-]\.[a-z]{2,}(?![a-z])|/", re.IGNORECASE)
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_PAPER = "#f3f0ea"  # the darkest ground of a light page
_READABLE = 4.5


def slug_objection(slug: str) -> FieldError | None:
    if not _SLUG.fullmatch(slug) or "--" in slug or len(slug) < 2:
        return FieldError(
            "slug", "invalid", "Use 2 to 60 small letters, digits and single hyphens: happy-paws"
        )
    if slug in RESERVED_SLUGS:
        return FieldError("slug", "reserved", "This address is used by the service itself.")
    return None


def holds_link(name: str) -> bool:
    """Names stand in mails to strangers: with a link in them those mails would be somebody's ad."""
    return _LINK.search(name) is not None


def contrast(colour: str, ground: str) -> float:
    """The contrast ratio of WCAG 2.2 between two `#rrggbb` colours, 1 to 21."""
    lighter, darker = sorted((_luminance(colour), _luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


class BusinessDetails(BaseModel):
    """What a business says of itself; the slug is not among it, since links hang on that."""

    model_config = ConfigDict(extra="forbid")

    name: Required60
    about: Paragraph = ""
    timezone: Line100
    currency: str = "USD"
    email: OptionalEmail = ""
    phone: PhoneText = ""
    address: Line200 = ""
    accent: str = "#0f6b5c"

    @field_validator("name")
    @classmethod
    def _no_link(cls, value: str) -> str:
        if holds_link(value):
            raise PydanticCustomError("link", "Use a name without an address or link in it.")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in clock.zone_names():
            raise PydanticCustomError("unknown_zone", "Choose a time zone like Europe/London.")
        return value

    @field_validator("currency")
    @classmethod
    def _iso_code(cls, value: str) -> str:
        code = value.strip().upper()
        if not re.fullmatch(r"[A-Z]{3}", code):
            raise PydanticCustomError("currency", "Use three letters, like USD, EUR or GBP.")
        return code

    @field_validator("email")
    @classmethod
    def _can_be_written_to(cls, value: str) -> str:
        if value and email_key(value) is None:
            raise PydanticCustomError("email", "Type an address like name@example.com")
        return value

    @field_validator("phone", "address")
    @classmethod
    def _fits(cls, value: str, info: ValidationInfo) -> str:
        if info.field_name == "phone" and len(value) > 40:
            raise PydanticCustomError("too_long", "Use at most 40 characters.")
        return value

    @field_validator("accent")
    @classmethod
    def _readable(cls, value: str) -> str:
        colour = value.strip().lower()
        if not _COLOUR.fullmatch(colour):
            raise PydanticCustomError("colour", "Use a colour like #0f6b5c.")
        if contrast(colour, _PAPER) < _READABLE:
            raise PydanticCustomError(
                "contrast", "Choose a darker colour: this one is hard to read."
            )
        return colour


def checked_details(values: dict[str, Any]) -> BusinessDetails:
    """Raises Invalid with each field that can't be used."""
    try:
        return BusinessDetails.model_validate(values)
    except ValidationError as error:
        raise Invalid(
            fields=tuple(
                FieldError(str(found["loc"][0]), found["type"], found["msg"])
                for found in error.errors()
            )
        ) from None
