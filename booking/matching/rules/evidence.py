"""What speaks for and against two records being one person, before it is weighed."""

from collections.abc import Mapping
from typing import NamedTuple

from rapidfuzz.distance import OSA

from booking.matching.rules.addresses import Home, home_agreement
from booking.matching.rules.emails import Email, Mail, mail_agreement
from booking.matching.rules.keys import KeyKind, key
from booking.matching.rules.names import Family, Given, Name, name_agreement
from booking.matching.rules.people import Profile
from booking.matching.rules.pets import Pets, pets_agreement
from booking.matching.rules.phones import Call, Phone, exists, phone_agreement


class Evidence(NamedTuple):
    """`mail_names` and `call_names` are how many different names of the list use the address and
    the number that agree, the fewest of them; `calls` how many numbers agree, `other_calls`
    whether each of the two has a number besides that the other does not have. `given_edits` is how
    many letters part the given names as typed, and 9 where that was not looked at."""

    given: Given
    given_edits: int
    family: Family
    swapped: bool
    generations_differ: bool
    middles_differ: bool
    couple: bool
    mail: Mail
    mail_names: int
    call: Call
    call_names: int
    call_real: bool
    call_mobile: bool
    calls: int
    other_calls: bool
    home: Home
    pets: Pets


def evidence(one: Profile, other: Profile, shared: Mapping[int, int]) -> Evidence:
    name = name_agreement(one.name, other.name)
    mail, addresses = mail_agreement(one.emails, other.emails)
    call, numbers = phone_agreement(one.phones, other.phones)
    return Evidence(
        given=name.given,
        given_edits=_edits(one.name, other.name) if name.given in _SPELT else 9,
        family=name.family,
        swapped=name.swapped,
        generations_differ=one.name.generation != other.name.generation,
        middles_differ=_middles_differ(one.name, other.name),
        couple=one.name.couple or other.name.couple,
        mail=mail,
        mail_names=min((_mail_names(pair, shared) for pair in addresses), default=0),
        call=call,
        call_names=min((_call_names(pair, shared) for pair in numbers), default=0),
        call_real=any(exists(mine) and exists(theirs) for mine, theirs in numbers),
        call_mobile=any(a in one.mobiles and b in other.mobiles for a, b in numbers),
        calls=len(numbers),
        other_calls=_others(one.phones, other.phones, numbers),
        home=home_agreement(one.address, other.address),
        pets=pets_agreement(one.pets, other.pets),
    )


_SPELT = (Given.SPELLING, Given.TYPO)


def _edits(one: Name, other: Name) -> int:
    """Whichever of the two was typed with the surname first."""
    straight = [(a, b) for a in one.givens for b in (*other.givens, *other.families)]
    turned = [(a, b) for a in one.families for b in other.givens]
    return min(OSA.distance(a, b) for a, b in straight + turned)


def _mail_names(pair: tuple[Email, Email], shared: Mapping[int, int]) -> int:
    return max(shared.get(key(KeyKind.EMAIL, email.address), 0) for email in pair)


def _call_names(pair: tuple[Phone, Phone], shared: Mapping[int, int]) -> int:
    return max(shared.get(key(KeyKind.PHONE, phone.tail), 0) for phone in pair)


def _others(
    one: tuple[Phone, ...], other: tuple[Phone, ...], agreed: list[tuple[Phone, Phone]]
) -> bool:
    if len(one) < 2 or len(other) < 2 or not agreed:
        return False
    mine, theirs = {pair[0] for pair in agreed}, {pair[1] for pair in agreed}
    return any(p not in mine for p in one) and any(p not in theirs for p in other)


def _middles_differ(one: Name, other: Name) -> bool:
    if len(one.more) != 1 or len(other.more) != 1:
        return False
    mine, theirs = one.more[0], other.more[0]
    shorter = min(len(mine), len(theirs))
    return mine[:shorter] != theirs[:shorter] and shorter == 1
