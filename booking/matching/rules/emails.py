"""E-mail addresses: their normal form, and how far two people's agree."""

import re
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA

from booking.matching.rules.letters import LONGEST

_ADDRESS = re.compile(r"[^\s@<>\"(),;:/\\\[\]]+@[^\s@<>\"(),;:/\\\[\]]+")
_GMAIL = frozenset({"gmail.com", "googlemail.com"})


class Mail(IntEnum):
    """How the addresses of two records agree, the best first."""

    SAME = 0
    MAILBOX = 1
    """The same Gmail mailbox but for dots and what follows a plus: a hint, never identity."""
    SLIP = 2
    """The same but for a slip of the pen in the name or the domain."""
    MISSING = 3
    DIFFERENT = 4


class Email(NamedTuple):
    """`mailbox` is the name without dots and what follows a plus."""

    address: str
    mailbox: str
    domain: str


@lru_cache(maxsize=32_768)
def emails_of(typed: str) -> tuple[Email, ...]:
    """Every address in a field, at most three; people write two into one, or "mailto:" first."""
    found: dict[str, Email] = {}
    for address in _ADDRESS.findall(typed[: LONGEST * 2].lower().replace("mailto:", " "))[:3]:
        local, _, domain = address.strip(".").rpartition("@")
        if local and "." in domain:
            box = local.partition("+")[0].replace(".", "") or local
            domain = "gmail.com" if domain in _GMAIL else domain
            address = f"{local}@{domain}"
            found[address] = Email(address, box, domain)
    return tuple(found.values())


def mail_agreement(
    one: tuple[Email, ...], other: tuple[Email, ...]
) -> tuple[Mail, list[tuple[Email, Email]]]:
    """The best agreement between two records' addresses, and the pairs it rests on."""
    if not one or not other:
        return Mail.MISSING, []
    best, pairs = Mail.DIFFERENT, []
    for mine in one:
        for theirs in other:
            level = _pair(mine, theirs)
            if level < best:
                best, pairs = level, [(mine, theirs)]
            elif level == best < Mail.DIFFERENT:
                pairs.append((mine, theirs))
    return best, pairs


def _pair(one: Email, other: Email) -> Mail:
    if one.address == other.address:
        return Mail.SAME
    if one.mailbox == other.mailbox:
        if one.domain == other.domain == "gmail.com":
            return Mail.MAILBOX
        if _slip_of_domain(one.domain, other.domain):
            return Mail.SLIP
    elif one.domain == other.domain and _slip_of_name(one.mailbox, other.mailbox):
        return Mail.SLIP
    return Mail.DIFFERENT


def _slip_of_domain(one: str, other: str) -> bool:
    return one == other or OSA.distance(one, other, score_cutoff=2) <= 2


def _slip_of_name(one: str, other: str) -> bool:
    """One slip among the letters; another number is another mailbox."""
    if min(len(one), len(other)) < 6 or OSA.distance(one, other, score_cutoff=1) > 1:
        return False
    return _digits(one) == _digits(other) or sorted(_digits(one)) == sorted(_digits(other))


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())
