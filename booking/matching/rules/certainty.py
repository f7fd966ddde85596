"""When two records may be linked with nobody looking. A wrong link shows one person's life to
another, so probabilities alone never decide it: name and contact must agree, and nothing differ."""

from booking.matching.rules.addresses import Home
from booking.matching.rules.emails import Mail
from booking.matching.rules.evidence import Evidence
from booking.matching.rules.names import Family, Given
from booking.matching.rules.phones import Call
from booking.matching.rules.weights import FEW_NAMES

_SLIPS = (Family.SPELLING, Family.TYPO)
_UNTOLD = (Family.PART, Family.INITIAL, Family.MISSING)


def certain(seen: Evidence) -> bool:
    """Father and son, twins and spouses share addresses, pets, e-mails and the telephone at home;
    what they hardly share is a mobile number. Who moved is no other person: only for a surname or
    a given name that is not quite the same, an address that differs counts too."""
    if seen.generations_differ or seen.middles_differ or seen.couple or seen.other_calls:
        return False
    if seen.call is Call.DIFFERENT or (seen.swapped and seen.family is not Family.SAME):
        return False
    mail = seen.mail is Mail.SAME and seen.mail_names <= FEW_NAMES
    call = seen.call is Call.SAME and seen.call_names <= FEW_NAMES and seen.call_real
    mobile = call and seen.call_mobile
    if seen.given is Given.SAME and seen.family is Family.SAME:
        return _certain_of_one_name(seen, mail=mail, call=call, mobile=mobile)
    if seen.mail is Mail.DIFFERENT or not (mail or call):
        return False
    if seen.home in (Home.DIFFERENT, Home.POSTCODES_DIFFER) and not (mail and mobile):
        return False
    if seen.given is Given.SAME:
        both = call and (mail or seen.mail in (Mail.MAILBOX, Mail.SLIP))
        return seen.family in _SLIPS or (seen.family in _UNTOLD and (mobile or both))
    return _certain_of_another_given_name(seen, mail=mail, mobile=mobile)


def _certain_of_one_name(seen: Evidence, *, mail: bool, call: bool, mobile: bool) -> bool:
    moved = seen.home in (Home.DIFFERENT, Home.POSTCODES_DIFFER)
    if seen.mail is Mail.DIFFERENT:
        return mobile
    if seen.mail is Mail.MAILBOX and seen.call is Call.MISSING:
        return not moved and seen.mail_names <= FEW_NAMES
    tail = seen.call is Call.TAIL and seen.call_names <= FEW_NAMES and seen.call_real
    return mail or mobile or ((call or tail) and not moved)


def _certain_of_another_given_name(seen: Evidence, *, mail: bool, mobile: bool) -> bool:
    """Bob for Robert, or a slip. Twins may be called so too: hence the mobile number, and for a
    nickname both or an e-mail with no number to say otherwise."""
    if seen.given in (Given.NICKNAME, Given.SHORT):
        told = seen.given is Given.NICKNAME and seen.family is Family.SAME
        alone = told and mail and seen.call is Call.MISSING
        both = mobile and (mail or seen.mail is Mail.MAILBOX)
        return alone or (both and (seen.family is Family.SAME or seen.family in _SLIPS))
    slip = seen.given in (Given.SPELLING, Given.TYPO) and seen.given_edits == 1
    return slip and mobile and seen.family is Family.SAME and (mail or seen.mail is Mail.MISSING)
