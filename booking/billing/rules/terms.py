"""The terms that whoever leaves a card accepts. A change of a word is a new version."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    version: str
    text: str


TERMS = Terms(
    version="2026-11",
    text=(
        "I may use this card for the business. Until the plan is cancelled, the price of the plan "
        "and what is written on each invoice is taken from it on the day each month begins; what "
        "could not be taken is tried again 3, 7 and 14 days later. Card number and security code "
        "are kept by the payment processor and never reach Booking. I can replace the card or "
        "cancel at any time; a plan that is cancelled goes on to the end of the month that is paid "
        "for, and what is paid is not given back."
    ),
)
