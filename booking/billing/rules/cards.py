"""Cards as far as we know them: four digits, a brand, a month; and why one was refused."""

import re
from datetime import datetime

from booking.billing.rules.periods import months_after

VOIDED = "voided"
"""The reason of an outcome after which nothing is taken any more, whatever was said before."""
NO_CARD = "no_card"
EXPIRED = "expired_card"
MISMATCH = "mismatch"
"""The gateway says it took something else than it was asked for."""

_REASONS = {
    NO_CARD: "there is no card on file",
    EXPIRED: "the card has expired",
    MISMATCH: "the payment processor's answer did not fit; we are looking into it",
    VOIDED: "the payment was not completed",
    "card_declined": "the bank declined the card",
    "do_not_honor": "the bank declined the card without saying why",
    "incorrect_cvc": "the security code does not fit the card",
    "insufficient_funds": "there was not enough money on the card",
    "lost_card": "the card is reported as lost",
    "processing_error": "the bank could not be reached",
    "stolen_card": "the card is reported as stolen",
}


def is_over(expires: str, now: datetime) -> bool:
    """A card is good to the end of its month, `YYYY-MM`, wherever on earth that is."""
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", expires)
    if found is None:
        return False
    month = now.replace(int(found[1]), int(found[2]), 1, 0, 0, 0, 0)
    return now >= months_after(month, 1).replace(hour=12)


def in_words(reason: str) -> str:
    """For people, as the end of a sentence; codes that only a gateway knows stay with us."""
    return _REASONS.get(reason, "the bank declined the card")
