"""What one cell says: its text made clean, and the dates, words and weights in it."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date

# Control characters but for white space, surrogates, invisible marks that only break comparisons
# (zero-width space, word joiner, BOM) and marks that turn the direction of text.
_REMOVED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u200b\u200e\u200f\u202a-\u202e\u2060"
    "\u2066-\u2069\ufeff]"
)
# What may not be stored even of a text that is to come back as it was.
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e]")
_ODD = ("", " ")
_PERHAPS_UNCLEAN = re.compile(r"  |\| |\|'| \|")
_LINE_END = re.compile("\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
_FORMULA = re.compile("'*[=+\\-@\t\r]")
_ISO = re.compile(
    r"([0-9]{4})([-/.]?)([0-9]{1,2})\2([0-9]{1,2})(?:[T ]00:?00(?::?00(?:\.0+)?)?Z?)?"
)
_NUMBERS = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})(?: 0?0:00(?::00)?)?")
_DAY_MONTH = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?[ .-]+([a-z]{3,9})[ ,.-]+([0-9]{4})")
_MONTH_DAY = re.compile(r"([a-z]{3,9})[ .-]+([0-9]{1,2})(?:st|nd|rd|th)?[ ,.-]+([0-9]{4})")
_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august"]
_MONTHS += ["september", "october", "november", "december"]
_WEIGHT = re.compile(r"([0-9]{1,5}(?:[.,][0-9]{1,3})?) ?([a-z.]*)")

YES_WORDS = frozenset({"yes", "y", "true", "t", "1", "on", "x", "ok", "subscribed"})
NO_WORDS = frozenset({"no", "n", "false", "f", "0", "off", "unsubscribed"})
# Words that say that nobody knows.
UNKNOWN_WORDS = frozenset({"unknown", "unspecified", "n/a", "not set", "-", "–", "0/0/00"})
ACTIVE_WORDS = frozenset({"active", "yes", "y", "true", "t", "1", "current", "enabled"})
INACTIVE_WORDS = frozenset(
    {"inactive", "no", "n", "false", "f", "0", "former", "disabled", "archived", "expired"}
    | {"terminated", "cancelled", "canceled", "lapsed", "suspended", "declined", "deleted"}
)
ALTERED_WORDS = frozenset(
    {"neutered", "spayed", "fixed", "altered", "castrated", "sterilised", "sterilized"}
)
INTACT_WORDS = frozenset({"intact", "entire", "unaltered"})
_SEXES = {"m": "male", "male": "male", "f": "female", "female": "female"}
_UNITS = {"kg": "kg", "kgs": "kg", "lb": "lb", "lbs": "lb", "pound": "lb", "pounds": "lb"}


def clean(text: str) -> str:
    """One line: nothing invisible in it, single spaces, none at the ends, Unicode NFC."""
    marked = text.startswith("'")
    if marked:
        text = read_back(text)
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", _REMOVED.sub("", text))
    elif not marked and "  " not in text and text[:1] not in _ODD and not text.endswith(" "):
        return text
    text = " ".join(text.split())
    return read_back(text) if not marked and text.startswith("'") else text


def are_clean(cells: Sequence[str]) -> bool:
    """Whether `clean` would leave each of them as it is: told of most rows at one look."""
    whole = "|".join(("", *cells, ""))
    return whole.isascii() and whole.isprintable() and not _PERHAPS_UNCLEAN.search(whole)


def clean_lines(text: str) -> str:
    """The same for text of several lines: its line ends stay."""
    lines = "\n".join(clean(line) for line in _LINE_END.split(text))
    return re.sub("\n{3,}", "\n\n", lines).strip("\n")


def exact(text: str) -> str:
    """The text as it left us; only what could not have is taken out."""
    if not (text.isascii() and text.isprintable()):
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = unicodedata.normalize("NFC", _UNSTORABLE.sub("", text))
    return text.strip()


def neutralise(cell: str) -> str:
    """The cell as it may stand in a CSV file that a spreadsheet opens: never a formula.

    `read_back` undoes it for every text there is, also for one that begins with an apostrophe.
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def read_back(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def read_date(text: str) -> date | None:
    """YYYY-MM-DD, also as YYYYMMDD; with the month's name; and day and month by numbers, with `/`,
    `.` or `-`, where only one order is a date.
    """
    if match := _ISO.fullmatch(text):
        if match[2] or len(match[3] + match[4]) == 4:
            return _date(match[1], match[3], match[4])
        return None
    if match := _NUMBERS.fullmatch(text):
        first, second = int(match[1]), int(match[3])
        if first != second and max(first, second) <= 12:
            return None
        month, day = (first, second) if first <= 12 else (second, first)
        return _date(match[4], str(month), str(day))
    return _named_month(text.casefold())


def _named_month(text: str) -> date | None:
    if match := _DAY_MONTH.fullmatch(text):
        day, month, year = match.groups()
    elif match := _MONTH_DAY.fullmatch(text):
        month, day, year = match.groups()
    else:
        return None
    fitting = [number for number, name in enumerate(_MONTHS, 1) if name.startswith(month)]
    return _date(year, str(fitting[0]), day) if len(fitting) == 1 else None


def _date(year: str, month: str, day: str) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if 1900 <= found.year <= 2199 else None


def date_order(texts: Iterable[str]) -> str:
    """`mdy` or `dmy` where several dates of one column can only be read that way and none only the
    other; "" where nobody can tell.
    """
    month_first = day_first = 0
    for text in texts:
        if match := _NUMBERS.fullmatch(text.strip()):
            day_first += int(match[1]) > 12
            month_first += int(match[3]) > 12
    if month_first >= 3 and not day_first:
        return "mdy"
    return "dmy" if day_first >= 3 and not month_first else ""


def in_order(text: str, order: str) -> str:
    """A date by numbers as YYYY-MM-DD, where the order of day and month is known."""
    match = _NUMBERS.fullmatch(text)
    if match is None:
        return text
    month, day = (match[1], match[3]) if order == "mdy" else (match[3], match[1])
    found = _date(match[4], month, day)
    return found.isoformat() if found else text


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
