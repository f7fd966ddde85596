"""Types for what people type: cleaned, bounded, and refused with a sentence they can act on."""

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from booking import card_numbers

_KEPT_CONTROLS = {"\n", "\t"}


def _clean(value: Any) -> Any:
    """NFC, without control or formatting characters that could hide or end something."""
    if not isinstance(value, str):
        return value
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise PydanticCustomError("characters", "This has characters that can't be stored.")
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n"))
    if any(_is_bad(character) for character in text):
        raise PydanticCustomError("characters", "This has characters that can't be stored.")
    return text.strip()


def _is_bad(character: str) -> bool:
    if character in _KEPT_CONTROLS:
        return False
    return unicodedata.category(character) == "Cc" or "\u202a" <= character <= "\u202e"


def _one_line(value: str) -> str:
    if "\n" in value or "\t" in value:
        raise PydanticCustomError("one_line", "Please keep this on one line.")
    return value


def _plain_password(value: Any) -> Any:
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" or c == "\0" for c in value):
        raise PydanticCustomError("characters", "This has characters that can't be used.")
    return value


def _no_card_number(value: Any) -> Any:
    if isinstance(value, str) and card_numbers.holds_one(value):
        raise PydanticCustomError(card_numbers.CODE, card_numbers.SENTENCE)
    return value


def _clean_typed(value: Any) -> Any:
    return _no_card_number(_clean(value))


_Cleaned = BeforeValidator(_clean_typed)
_OneLine = AfterValidator(_one_line)

Line60 = Annotated[str, _Cleaned, StringConstraints(max_length=60), _OneLine]
Line100 = Annotated[str, _Cleaned, StringConstraints(max_length=100), _OneLine]
Line200 = Annotated[str, _Cleaned, StringConstraints(max_length=200), _OneLine]
Required60 = Annotated[str, _Cleaned, StringConstraints(min_length=1, max_length=60), _OneLine]
Required100 = Annotated[str, _Cleaned, StringConstraints(min_length=1, max_length=100), _OneLine]
Paragraph = Annotated[str, _Cleaned, StringConstraints(max_length=1000)]
LongText = Annotated[str, _Cleaned, StringConstraints(max_length=5000)]
# A number that somebody else gave out may look like a card's.
GivenNumber = Annotated[str, BeforeValidator(_clean), StringConstraints(max_length=100), _OneLine]
# As long as what an import keeps there.
Notes = Annotated[str, _Cleaned, StringConstraints(max_length=20_000)]
EmailText = Annotated[str, _Cleaned, StringConstraints(min_length=1, max_length=254), _OneLine]
OptionalEmail = Annotated[str, _Cleaned, StringConstraints(max_length=254), _OneLine]
PhoneText = Annotated[str, _Cleaned, StringConstraints(max_length=60), _OneLine]
Password = Annotated[
    str,
    BeforeValidator(_plain_password),
    BeforeValidator(_no_card_number),
    StringConstraints(min_length=1, max_length=1024),
]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Minutes = Annotated[int, Field(ge=0, le=1440)]
