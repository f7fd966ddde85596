"""The cards the sandbox knows, by number, and what becomes of them. Any other number is refused."""

from dataclasses import dataclass

from booking.billing.gateways.protocol import Result


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`refused_at_once`: why the card is not even kept. `loses_answer`: money is taken, and the
    connection ends without a word. `seconds`: how
    long the answer takes after that."""

    brand: str = "Visa"
    result: Result = Result.APPROVED
    reason: str = ""
    refused_at_once: str = ""
    loses_answer: bool = False
    seconds: float = 0


CARDS = {
    "4242424242424242": Behaviour(),
    "5555555555554444": Behaviour(brand="Mastercard"),
    "378282246310005": Behaviour(brand="American Express"),
    "4000000000000002": Behaviour(refused_at_once="card_declined"),
    "4000000000000069": Behaviour(refused_at_once="expired_card"),
    "4000000000000341": Behaviour(result=Result.DECLINED, reason="card_declined"),
    "4000000000009995": Behaviour(result=Result.TRY_AGAIN, reason="insufficient_funds"),
    "4000000000000119": Behaviour(result=Result.TRY_AGAIN, reason="processing_error"),
    "4000000000000507": Behaviour(loses_answer=True),
    "4000000000000606": Behaviour(seconds=3),
}

STRANGER = Behaviour(result=Result.DECLINED, reason="card_declined")
"""A card that is not the payer's, or is forgotten."""


def card_ending(digits: str) -> Behaviour:
    """By the last six digits, which are all that the ledger keeps of a number."""
    return next(found for number, found in CARDS.items() if number.endswith(digits))
