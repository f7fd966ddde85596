"""What is left of a text once case, accents and broken encodings no longer matter."""

import re
import unicodedata
from functools import lru_cache

import jellyfish

# Longer than any column of a client; what lies beyond can't decide who somebody is.
LONGEST = 250

_UNMARKED = str.maketrans(
    {
        "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th",
        "ð": "d", "ħ": "h", "ŋ": "n",
    }
)  # fmt: skip
_ASCII_WORD = re.compile("[a-z0-9]+")
# Letters that UTF-8 turns into when it is read as Windows-1252.
_BROKEN = frozenset("ÃÂÄÅÆáº")


def plain(text: str) -> str:
    """Small letters without marks: "José", "JOSÉ", "JosÃ©" and its decomposed form are "jose"."""
    if text.isascii():
        return text[:LONGEST].lower()
    return _plain(text[:LONGEST])


@lru_cache(maxsize=32_768)
def _plain(text: str) -> str:
    if not _BROKEN.isdisjoint(text):
        text = _mended(text)
    marks = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in marks if not unicodedata.combining(c))
    return bare.translate(_UNMARKED)


def _mended(text: str) -> str:
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


def words(text: str) -> list[str]:
    """The words of a text, as `plain` writes them; an apostrophe joins, all other marks part."""
    text = plain(text)
    if text.isascii():
        return _ASCII_WORD.findall(text.replace("'", "").replace("`", ""))
    for mark in "'’‘`´":
        text = text.replace(mark, "")
    return "".join(c if c.isalnum() else " " for c in text).split()


@lru_cache(maxsize=65_536)
def sound(word: str) -> str:
    """How a word is heard, roughly (Metaphone); of a script it can't read, the word."""
    return jellyfish.metaphone(word).replace(" ", "") or word
