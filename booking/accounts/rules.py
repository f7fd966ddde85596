"""Which addresses are the same mailbox, and which passwords are good enough."""

import re
import unicodedata
from collections.abc import Iterable

from email_validator import EmailNotValidError, validate_email

from booking.accounts.common_passwords import COMMON, RUNS, VERY_COMMON
from booking.errors import FieldError

STAFF_MINIMUM = 15
STAFF_MINIMUM_WITH_SECOND_FACTOR = 8
CLIENT_MINIMUM = 8
LONGEST_PASSWORD = 256
SERVICE_WORDS = ("booking", "bookings", "petcare", "salon", "grooming")

_LONGEST_ADDRESS = 254
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[a-z]{{2,63}}")
_ODD_LABEL = re.compile(r"[@.]..--")
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def email_key(address: str) -> str | None:
    """The one form in which addresses are compared; None for what can't be an address.

    Surrounding space is dropped, ASCII letters are lower-cased, an international domain becomes
    punycode, a local part is kept in NFC. Nothing else is folded: no dots, no `+tag`, and never
    `upper`, `casefold` or NFKC, which make `mıke@` and `mike@` one. Mail goes to the address as it
    is stored, never to the key.
    """
    lowered = address.strip().translate(_ASCII_LOWER)
    if len(lowered) > _LONGEST_ADDRESS:
        return None
    if _PLAIN.fullmatch(lowered) and not _ODD_LABEL.search(lowered):
        return lowered
    return _uncommon_key(lowered)


def _uncommon_key(lowered: str) -> str | None:
    domain = lowered.rpartition("@")[2]
    if unicodedata.normalize("NFKC", domain) != unicodedata.normalize("NFC", domain):
        return None  # a domain of look-alikes that IDNA would fold into another one
    try:
        checked = validate_email(
            lowered, strict=True, check_deliverability=False, test_environment=True
        )
    except EmailNotValidError:
        return None
    key = f"{checked.local_part}@{checked.ascii_domain}"
    return key if "." in checked.ascii_domain and len(key) <= _LONGEST_ADDRESS else None


def masked(email: str) -> str:
    """An address as its owner recognises it and a stranger doesn't: `a••@example.com`."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}••@{domain}"


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


def device_name(user_agent: str) -> str:
    """How a person recognises a session in a list: `Firefox on Android`."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    program = re.sub(r"[^\w./ -]", "", user_agent.split("(")[0]).strip()[:60]
    return browser or system or program or "Unknown device"


def staff_minimum(*, second_factor: bool) -> int:
    """NIST SP 800-63B-4: fifteen where the password is the only factor, eight beside a second."""
    return STAFF_MINIMUM_WITH_SECOND_FACTOR if second_factor else STAFF_MINIMUM


def normalised(password: str) -> str:
    """The form that is hashed, so that one password typed on two keyboards is one password."""
    return unicodedata.normalize("NFC", password)


def is_hashable(password: str) -> bool:
    return len(password) <= LONGEST_PASSWORD and not any(
        character == "\0" or 0xD800 <= ord(character) <= 0xDFFF for character in password
    )


def password_objection(
    password: str, *, minimum: int, context: Iterable[str] = ()
) -> FieldError | None:
    """What is wrong with a new password, or None. Lengths are code points.

    `context` are the words a stranger would try first: the person's name, the address, the
    business. There are no rules of composition and no rotation (NIST SP 800-63B-4).
    """
    if len(password) > LONGEST_PASSWORD:
        return _objection("too_long", f"Use {LONGEST_PASSWORD} characters at most.")
    if not is_hashable(password):
        return _objection("not_text", "The password holds a character that can't be typed.")
    text = normalised(password)
    if len(text) < minimum:
        return _objection(
            "too_short",
            f"Use at least {minimum} characters. Three or four unrelated words are easy to keep.",
        )
    folded = text.casefold()
    if _is_predictable(folded):
        return _objection(
            "too_predictable", "This is mostly a row of keys or a repetition. Choose another."
        )
    if _is_common(folded):
        return _objection(
            "too_common", "This is among the first passwords anyone would try. Choose another."
        )
    if _is_from_context(folded, (*SERVICE_WORDS, *context)):
        return _objection(
            "too_personal",
            "This is mostly a name or address that others know. Choose something unrelated.",
        )
    return None


def _objection(code: str, message: str) -> FieldError:
    return FieldError("password", code, message)


_FEWEST_DIFFERENT = 5
_FEWEST_OF_ONES_OWN = 7
_MOST_HUNG_ON = 8
_LEET = str.maketrans("013457$@!8", "oleastsaib")


def _is_predictable(text: str) -> bool:
    """Few different characters, one piece over and over, or keys that lie in a row."""
    if len(set(text)) < _FEWEST_DIFFERENT:
        return True
    if (text + text).index(text, 1) < min(len(text), _FEWEST_OF_ONES_OWN):
        return True
    return len(_without_runs(text)) < _FEWEST_OF_ONES_OWN and _without_runs(text) != text


def _without_runs(text: str) -> str:
    """The text without its runs of four or more neighbouring keys, letters or digits."""
    left, start = "", 0
    while start < len(text):
        length = _run_at(text, start)
        if length < 4:
            left, length = left + text[start], 1
        start += length
    return left


def _run_at(text: str, start: int) -> int:
    length = 1
    while start + length < len(text) and any(
        text[start : start + length + 1] in run for run in RUNS
    ):
        length += 1
    return length


def _is_common(text: str) -> bool:
    """A leaked one, or a leaked one with a few characters hung on or put for letters."""
    core = text.strip("0123456789!?.,-_*#$%&+=@/() ")
    few_hung_on = len(text) - len(core) <= _MOST_HUNG_ON
    candidates = {text, text.translate(_LEET)}
    if few_hung_on:
        candidates |= {core, core.translate(_LEET)}
    return any(each in COMMON or _is_two_words(each) for each in candidates)


def _is_two_words(text: str) -> bool:
    return any(
        text[:cut] in VERY_COMMON and text[cut:].lstrip("0123456789-_. ") in VERY_COMMON
        for cut in range(3, len(text) - 2)
    )


def _is_from_context(text: str, context: Iterable[str]) -> bool:
    """Letters and digits alone are looked at: full stops between names are nobody's own."""
    words = {word for phrase in context for word in _guesses(phrase.casefold()) if len(word) >= 4}
    squeezed = left = _squeezed(text)
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "")
    return left != squeezed and len(left) < _FEWEST_OF_ONES_OWN


def _guesses(phrase: str) -> Iterable[str]:
    """Its words, all of it, and of an address the part before the @."""
    return (*re.split(r"[\W_]+", phrase), _squeezed(phrase), _squeezed(phrase.partition("@")[0]))


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]", "", text)
