"""Why two records may be one person, or not, in words that people understand."""

from booking.matching.rules.addresses import Home
from booking.matching.rules.emails import Mail
from booking.matching.rules.evidence import Evidence
from booking.matching.rules.names import Family, Given, Name
from booking.matching.rules.people import Profile
from booking.matching.rules.pets import Pets
from booking.matching.rules.phones import Call
from booking.matching.rules.weights import FEW_NAMES

_HOME_AGREES = {
    Home.SAME: "same street address",
    Home.BUILDING: "same house, apartment not the same or not told",
    Home.SLIP: "nearly the same street address",
    Home.POSTCODE: "same postcode",
}
_HOME_DIFFERS = {Home.DIFFERENT: "different street", Home.POSTCODES_DIFFER: "different postcode"}


def reasons(
    one: Profile, other: Profile, seen: Evidence
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What agrees, and what differs."""
    agrees: list[str] = []
    differs: list[str] = []
    _of_mail(seen, agrees, differs)
    _of_call(seen, agrees, differs)
    _of_names(one.name, other.name, seen, agrees, differs)
    if seen.home in _HOME_AGREES:
        agrees.append(_HOME_AGREES[seen.home])
    elif seen.home in _HOME_DIFFERS:
        differs.append(_HOME_DIFFERS[seen.home])
    _of_pets(one, other, seen, agrees, differs)
    return tuple(agrees), tuple(differs)


def _of_mail(seen: Evidence, agrees: list[str], differs: list[str]) -> None:
    if seen.mail is Mail.SAME:
        agrees.append("same e-mail" + _used_by_many(seen.mail_names))
    elif seen.mail is Mail.MAILBOX:
        agrees.append("same Gmail mailbox, written differently")
    elif seen.mail is Mail.SLIP:
        agrees.append("e-mail the same but for a typing slip")
    elif seen.mail is Mail.DIFFERENT:
        differs.append("different e-mail")


def _of_call(seen: Evidence, agrees: list[str], differs: list[str]) -> None:
    if seen.call is Call.SAME:
        number = "same mobile number" if seen.call_mobile else "same phone number"
        if not seen.call_real:
            number += ", which can't be a real one"
        agrees.append(number + _used_by_many(seen.call_names))
    elif seen.call is Call.TAIL:
        agrees.append("same phone number, one of them without its area code")
    elif seen.call is Call.SLIP:
        agrees.append("phone number the same but for a digit")
    elif seen.call is Call.DIFFERENT:
        differs.append("different phone number")
    if seen.other_calls:
        differs.append("another phone number besides")


def _used_by_many(names: int) -> str:
    return ", which many others use too" if names > FEW_NAMES else ""


def _of_names(
    one: Name, other: Name, seen: Evidence, agrees: list[str], differs: list[str]
) -> None:
    if seen.given is Given.SAME and seen.family is Family.SAME:
        agrees.append("same name, first and last exchanged" if seen.swapped else "same name")
    else:
        if seen.swapped:
            agrees.append("first and last name exchanged")
        _of_given(one, other, seen, agrees, differs)
        _of_family(one, other, seen, agrees, differs)
    if seen.couple:
        differs.append("two people in one record")
    if seen.generations_differ:
        differs.append("Jr/Sr not the same")
    if seen.middles_differ:
        differs.append("different middle initial")


def _of_given(
    one: Name, other: Name, seen: Evidence, agrees: list[str], differs: list[str]
) -> None:
    if seen.given is Given.SAME:
        agrees.append("same first name")
    elif seen.given is not Given.MISSING:
        mine = one.shown_given
        theirs = other.shown_family if seen.swapped else other.shown_given
        if seen.given < Given.CONFUSABLE:
            agrees.append(f"first name {mine} ~ {theirs}")
        else:
            differs.append(f"first name {mine}, not {theirs}")


def _of_family(
    one: Name, other: Name, seen: Evidence, agrees: list[str], differs: list[str]
) -> None:
    if seen.family is Family.SAME:
        agrees.append("same last name")
    elif seen.family is not Family.MISSING:
        mine = one.shown_family
        theirs = other.shown_given if seen.swapped else other.shown_family
        if seen.family < Family.DIFFERENT:
            agrees.append(f"last name {mine} ~ {theirs}")
        else:
            differs.append(f"last name {mine}, not {theirs}")


def _of_pets(
    one: Profile, other: Profile, seen: Evidence, agrees: list[str], differs: list[str]
) -> None:
    if seen.pets in (Pets.ONE, Pets.SEVERAL):
        both = ", ".join(name.capitalize() for name in one.pets if name in other.pets)
        agrees.append(f"same pet: {both}" if seen.pets is Pets.ONE else f"same pets: {both}")
    elif seen.pets is Pets.SLIP:
        agrees.append("pet of nearly the same name")
    elif seen.pets is Pets.DIFFERENT:
        differs.append("different pets")
