"""What may be said of a client and a pet, and how a search box looks for them."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from booking.errors import FieldError, Invalid
from booking.fields import GivenNumber, Line60, Line100, Line200, Notes, OptionalEmail, PhoneText

Line20 = Annotated[Line60, StringConstraints(max_length=20)]
Line35 = Annotated[Line60, StringConstraints(max_length=35)]
PastDate = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2199, 12, 31))]


class Vaccination(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Line100
    given_on: PastDate | None = None
    expires_on: PastDate | None = None


class ClientDetails(BaseModel):
    """What staff may say of a client. An e-mail that is no address is kept and flagged."""

    model_config = ConfigDict(extra="forbid")

    external_id: GivenNumber | None = None
    first_name: Line100 = ""
    last_name: Line100 = ""
    email: OptionalEmail = ""
    mobile_phone: PhoneText = ""
    home_phone: PhoneText = ""
    address_1: Line200 = ""
    address_2: Line200 = ""
    city: Line100 = ""
    region: Line100 = ""
    postal_code: Line20 = ""
    country: Line60 = ""
    birthday: PastDate | None = None
    language: Line35 = ""
    marketing_email_ok: bool | None = None
    sms_ok: bool | None = None
    household: Line100 = ""
    notes: Notes = ""
    status: Literal["active", "inactive"] = "active"
    blocked: bool = False


class PetDetails(BaseModel):
    model_config = ConfigDict(extra="forbid")

    external_id: GivenNumber | None = None
    name: Annotated[Line100, StringConstraints(min_length=1)]
    species: Line60 = ""
    breed: Line100 = ""
    coat: Line60 = ""
    color: Line60 = ""
    sex: Line20 = ""
    altered: bool | None = None
    birth_date: PastDate | None = None
    weight: Line20 = ""
    weight_unit: Literal["", "kg", "lb"] = ""
    vet_name: Line100 = ""
    vet_phone: PhoneText = ""
    behaviour_notes: Notes = ""
    vaccinations: Annotated[list[Vaccination], Field(max_length=50)] = []


def checked(kind: type[BaseModel], changes: dict[str, Any]) -> dict[str, Any]:
    """The changed values, cleaned; None stands for a field's default. Raises Invalid.

    Only what changes is looked at: a value that came in with an import never blocks an edit.
    """
    kept: dict[str, Any] = {}
    problems: list[FieldError] = []
    for name, value in changes.items():
        known = kind.model_fields.get(name)
        if value is None and known is not None and not known.is_required():
            kept[name] = known.get_default(call_default_factory=True)
            continue
        try:
            kind.__pydantic_validator__.validate_assignment(
                one := kind.model_construct(), name, value
            )
            kept[name] = one.model_dump(mode="python", include={name})[name]
        except ValidationError as error:
            problems += _field_errors(error)
    if problems:
        raise Invalid(fields=tuple(problems))
    return kept


def _field_errors(error: ValidationError) -> list[FieldError]:
    """Pydantic's findings as ours: where, a stable code, and a sentence for people."""
    return [
        FieldError(".".join(map(str, each["loc"])), each["type"], _sentence(each["type"], each))
        for each in error.errors(include_input=False, include_url=False)
    ]


def _sentence(kind: str, found: Any) -> str:
    context = found.get("ctx") or {}
    match kind:
        case "missing" | "string_too_short" | "too_short":
            return "Please fill this in."
        case "string_too_long" | "too_long":
            return f"Use at most {context['max_length']} characters."
        case "literal_error":
            return "Choose one of the list."
        case "date_from_datetime_parsing" | "date_parsing" | "date_type":
            return "Type a date like 2024-05-31."
        case "greater_than_equal" | "less_than_equal":
            return "This date is too far away."
        case "no_such_attribute" | "extra_forbidden":
            return "This field is not known here."
        case "string_type":
            return "This must be text."
        case _:
            return str(found["msg"])


# Letters that Unicode does not take apart, as people without that key type them.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h"}
    | {"\N{LATIN SMALL LETTER DOTLESS I}": "i"}
)
_PHONE_LIKE = re.compile(r"[0-9()+./\-]*[0-9][0-9()+./\-]*")


def folded(text: str) -> str:
    """Lower-cased and without accents: `Łukasz Müller` is `lukasz muller`."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def digits(text: str) -> str:
    return "".join(letter for letter in text if "0" <= letter <= "9")


def sort_name(first_name: str, last_name: str) -> str:
    """What lists are sorted by: the last name first, however it is written."""
    return folded(f"{last_name} {first_name}".strip())[:250]


def search_text(
    names: Iterable[str], email: str, phones: Iterable[str], pets: Iterable[str]
) -> str:
    """One line for each thing a person may be found by; phones by their digits alone."""
    parts = [*map(folded, names), folded(email), *map(digits, phones), *map(folded, pets)]
    return "\n".join(part for part in parts if part)


def needles(query: str) -> list[tuple[str, ...]]:
    """For each word of the search box the texts of which one must be found.

    A whole telephone number is one word, however it is spaced; of a long one the last nine digits
    decide, so that +44 7911 123456 finds 07911 123456.
    """
    words = folded(query).split()[:10]
    if words and all(_PHONE_LIKE.fullmatch(word) or word == "+" for word in words):
        number = digits(query)
        if len(words) > 1 or len(number) >= 7:
            return [(number[-9:] if len(number) > 10 else number,)]
    found: list[tuple[str, ...]] = []
    for word in words:
        number = digits(word) if _PHONE_LIKE.fullmatch(word) else ""
        found.append((word, number) if number and number != word else (word,))
    return found
