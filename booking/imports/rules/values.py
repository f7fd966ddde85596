"""What one cell says: its text made clean, and the dates, words and weights in it."""

import re
import unicodedata
from datetime import date

FORMULA_STARTS = ("=", "+", "-", "@")
_NEUTRALISED_STARTS = (*FORMULA_STARTS, "\t", "\r")

# Control characters but for white space, surrogates, invisible marks that only break comparisons
# (zero-width space, word joiner, BOM) and marks that turn the direction of text.
_REMOVED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u200b\u200e\u200f\u202a-\u202e\u2060"
    "\u2066-\u2069\ufeff]"
)
_LINE_END = re.compile("\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?")
_NUMBERS = re.compile(r"([0-9]{1,2})([/.])([0-9]{1,2})\2([0-9]{4})")
_WEIGHT = re.compile(r"([0-9]{1,5}(?:[.,][0-9]{1,3})?) ?([a-z.]*)")

YES_WORDS = frozenset({"yes", "y", "true", "t", "1", "on", "x", "ok", "subscribed"})
NO_WORDS = frozenset({"no", "n", "false", "f", "0", "off", "unsubscribed"})
ACTIVE_WORDS = frozenset({"active", "yes", "y", "true", "t", "1", "current", "enabled"})
INACTIVE_WORDS = frozenset(
    {"inactive", "no", "n", "false", "f", "0", "former", "disabled", "archived"}
)
ALTERED_WORDS = frozenset(
    {"neutered", "spayed", "fixed", "altered", "castrated", "sterilised", "sterilized"}
)
INTACT_WORDS = frozenset({"intact", "entire", "unaltered"})
_SEXES = {"m": "male", "male": "male", "f": "female", "female": "female"}
_UNITS = {"kg": "kg", "kgs": "kg", "lb": "lb", "lbs": "lb", "pound": "lb", "pounds": "lb"}


def clean(text: str) -> str:
    """One line: nothing invisible in it, single spaces, none at the ends, Unicode NFC."""
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", _REMOVED.sub("", text))
    text = " ".join(text.split())
    return _read_back(text) if text.startswith("'") else text


def clean_lines(text: str) -> str:
    """The same for text of several lines: its line ends stay."""
    lines = "\n".join(clean(line) for line in _LINE_END.split(text))
    return re.sub("\n{3,}", "\n\n", lines).strip("\n")


def neutralise(cell: str) -> str:
    """The cell as it may stand in a CSV file that a spreadsheet opens: never a formula."""
    return f"'{cell}" if cell.startswith(_NEUTRALISED_STARTS) else cell


def _read_back(text: str) -> str:
    return text[1:] if text[1:].startswith(FORMULA_STARTS) else text


def read_date(text: str) -> date | None:
    """YYYY-MM-DD; and day and month by numbers, with `/` or `.`, where only one order is a date."""
    if match := _ISO.fullmatch(text):
        return _date(match[1], match[2], match[3])
    if match := _NUMBERS.fullmatch(text):
        first, second = int(match[1]), int(match[3])
        if first != second and max(first, second) <= 12:
            return None
        month, day = (first, second) if first <= 12 else (second, first)
        return _date(match[4], str(month), str(day))
    return None


def _date(year: str, month: str, day: str) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if 1900 <= found.year <= 2199 else None


def read_yes_no(text: str) -> bool | None:
    word = text.casefold()
    return True if word in YES_WORDS else False if word in NO_WORDS else None


def read_altered(text: str) -> bool | None:
    word = text.casefold()
    if word in ALTERED_WORDS:
        return True
    return False if word in INTACT_WORDS else read_yes_no(word)


def read_sex(text: str) -> tuple[str, bool | None]:
    """The sex, "" if it can't be told, and whether the same words say the pet was altered."""
    sex, altered = "", None
    for word in re.split(r"[ ,()/-]+", text.casefold()):
        if word in _SEXES and not sex:
            sex = _SEXES[word]
        elif word in ALTERED_WORDS or word in INTACT_WORDS:
            altered = word in ALTERED_WORDS
        elif word:
            return "", None
    return sex, altered


def read_weight(text: str) -> tuple[str, str] | None:
    """A number and its unit: `12,5 kg` → ("12.5", "kg"); the unit is "" where none is written."""
    match = _WEIGHT.fullmatch(text.casefold())
    unit = read_unit(match[2]) if match else None
    return None if match is None or unit is None else (match[1].replace(",", "."), unit)


def read_unit(text: str) -> str | None:
    word = text.casefold().rstrip(".")
    return "" if not word else _UNITS.get(word)
