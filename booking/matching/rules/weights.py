"""How much each piece of evidence weighs: logarithms of odds, added up.

The figures were fitted (logistic regression) to pairs that share a key, of lists with and without
heavy damage, and rounded. What one of the two does not tell weighs nothing.
"""

from math import exp

from booking.matching.rules.addresses import Home
from booking.matching.rules.emails import Mail
from booking.matching.rules.evidence import Evidence
from booking.matching.rules.names import Family, Given
from booking.matching.rules.pets import Pets
from booking.matching.rules.phones import Call

FEW_NAMES = 4
"""So many names of a household may use one address or number; more is an office, or made up."""

_START = -2.3
_GIVEN = {
    Given.SAME: 3.5, Given.NICKNAME: 2.5, Given.SHORT: 2.3, Given.COUSIN: -1.4, Given.SPELLING: 1.9,
    Given.TYPO: 2.0, Given.PART: 0.6, Given.INITIAL: 0.4, Given.MISSING: -1.0,
    Given.CONFUSABLE: -3.1, Given.DIFFERENT: -5.8,
}  # fmt: skip
_FAMILY = {
    Family.SAME: 0.6, Family.PART: -0.3, Family.SPELLING: 0.2, Family.TYPO: 0.3,
    Family.INITIAL: 0.5, Family.MISSING: 0.5, Family.DIFFERENT: -1.6,
}  # fmt: skip
_MAIL = {
    Mail.SAME: 2.8, Mail.MAILBOX: 2.2, Mail.SLIP: 1.1, Mail.MISSING: 0.0, Mail.DIFFERENT: -1.2,
}  # fmt: skip
_MAIL_OF_SEVERAL = 1.8
_MAIL_OF_MANY = 1.2
_CALL = {
    Call.SAME: 2.3, Call.TAIL: 3.1, Call.SLIP: 2.7, Call.MISSING: 0.0, Call.DIFFERENT: -1.8,
}  # fmt: skip
_MOBILE = 1.7
_CALL_OF_SEVERAL = -0.4
_CALL_OF_MANY = 1.2
_HOME = {
    Home.SAME: 0.7, Home.BUILDING: 0.9, Home.SLIP: 0.5, Home.POSTCODE: 0.5, Home.MISSING: 0.0,
    Home.POSTCODES_DIFFER: -1.0, Home.DIFFERENT: -1.2,
}  # fmt: skip
_PETS = {
    Pets.SEVERAL: 0.9, Pets.ONE: 0.8, Pets.SLIP: 0.5, Pets.MISSING: 0.0, Pets.DIFFERENT: -1.8,
}  # fmt: skip
_GENERATIONS_DIFFER = -4.4
_MIDDLES_DIFFER = -0.4
_OTHER_CALLS = -3.0
"""Each has a number of their own besides the one they share: a household's telephone."""
_SWAPPED = -0.5
_SWAPPED_AND_DIFFERENT = -4.4
_MOST_OF_ANOTHER_GIVEN_NAME = -1.0
"""However much two people share: it is what spouses share."""


def odds(seen: Evidence) -> float:
    """The logarithm of the odds that the two are one person."""
    total = _START + _GIVEN[seen.given] + _FAMILY[seen.family] + _HOME[seen.home]
    total += _PETS[seen.pets] + _of_mail(seen) + _of_call(seen)
    if seen.generations_differ:
        total += _GENERATIONS_DIFFER
    if seen.middles_differ:
        total += _MIDDLES_DIFFER
    if seen.swapped:
        total += _SWAPPED_AND_DIFFERENT if seen.family is Family.DIFFERENT else _SWAPPED
    if seen.given is Given.DIFFERENT:
        return min(total, _MOST_OF_ANOTHER_GIVEN_NAME)
    return total


def _of_mail(seen: Evidence) -> float:
    if seen.mail is not Mail.SAME or seen.mail_names <= 1:
        return _MAIL[seen.mail]
    return _MAIL_OF_SEVERAL if seen.mail_names <= FEW_NAMES else _MAIL_OF_MANY


def _of_call(seen: Evidence) -> float:
    total = _OTHER_CALLS if seen.other_calls else 0.0
    if seen.call is not Call.SAME:
        return total + _CALL[seen.call]
    if seen.call_names > FEW_NAMES or not seen.call_real:
        return total + _CALL_OF_MANY
    total += _CALL[Call.SAME] + (_MOBILE if seen.call_mobile else 0.0)
    return total + (_CALL_OF_SEVERAL if seen.call_names > 1 else 0.0)


def chance(odds: float) -> float:
    """The probability, 0 to 1, that odds stand for."""
    return 1 / (1 + exp(-max(-30.0, min(30.0, odds))))
