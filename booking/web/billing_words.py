"""What the account page says about how a business stands: one thing, and one next step."""

from dataclasses import dataclass
from datetime import datetime

from booking import clock
from booking.billing.queries import CardOnFile, Standing
from booking.billing.rules.cards import in_words, is_over
from booking.billing.rules.standing import Action, BillingStatus
from booking.mail.message import say_money

BUTTONS = {
    Action.UPDATE_CARD: "Update Credit Card",
    Action.UPDATE_AND_PROCESS_CARD: "Update & Process Credit Card",
}


@dataclass(frozen=True, slots=True)
class Said:
    """`tone` as the notices of the pages have it: good, warning, error, or none. `asks_for`: what
    the one button beside it does, if there is anything to do: `card` or `resume`."""

    tone: str
    title: str
    sentences: tuple[str, ...] = ()
    asks_for: str = ""


def say_date(moment: datetime, zone_name: str) -> str:
    """`1 March 2027`"""
    local = clock.to_local(moment, zone_name)
    return f"{local.day} {local:%B %Y}"


def say_card(card: CardOnFile) -> str:
    return f"{card.brand} ending {card.last4}"


def say_expiry(expires: str) -> str:
    """`2030-12` as cards have it: `12/2030`."""
    year, _, month = expires.partition("-")
    return f"{month}/{year}" if month else ""


def say_standing(standing: Standing, zone_name: str) -> Said:
    if standing.payment_in_progress:
        return Said(
            "",
            "A payment is on its way",
            (
                "Your bank has not said yet whether it went through.",
                "We ask again by ourselves and write to you. Please do not pay a second time.",
            ),
        )
    if standing.action is Action.UPDATE_AND_PROCESS_CARD:
        return _due(standing, zone_name)
    if standing.status is BillingStatus.CANCELLED:
        return _cancelled(standing, zone_name)
    return _going_on(standing, zone_name)


def _due(standing: Standing, zone_name: str) -> Said:
    amount = say_money(standing.amount_due, standing.currency)
    since = f" since {say_date(standing.due_since, zone_name)}" if standing.due_since else ""
    why = _why_not_taken(standing.card)
    if standing.status is BillingStatus.CANCELLED:
        words = "Your plan goes on as soon as it is paid: give a card below."
        return Said("warning", f"{amount} is due", (words,), "card")
    if standing.is_read_only or standing.grace_ends_at is None:
        return Said(
            "error",
            f"Your site is read-only: {amount} is due{since}",
            (why, "As soon as it is paid, everything works again. Nothing was deleted."),
            "card",
        )
    return Said(
        "warning",
        f"{amount} is due{since}",
        (
            why,
            f"Until {say_date(standing.grace_ends_at, zone_name)} everything goes on as before.",
            "After that your site can only be looked at until it is paid. Nothing is ever deleted.",
            *_next_try(standing, zone_name),
        ),
        "card",
    )


def _why_not_taken(card: CardOnFile | None) -> str:
    if card is None:
        return "It could not be taken, since there is no card on file."
    if card.refused:
        return f"It could not be taken from {say_card(card)}: {in_words(card.refused)}."
    if is_over(card.expires, clock.now()):
        return f"It could not be taken: {say_card(card)} has expired."
    return f"It could not be taken from {say_card(card)}."


def _next_try(standing: Standing, zone_name: str) -> tuple[str, ...]:
    if standing.next_try_at is None or standing.card is None or standing.card.refused:
        return ()
    return (f"We try the same card again on {say_date(standing.next_try_at, zone_name)}.",)


def _cancelled(standing: Standing, zone_name: str) -> Said:
    end = say_date(standing.covered_until, zone_name)
    if standing.is_read_only:
        price = say_money(standing.plan.price_minor, standing.currency)
        words = f"Taking it up again begins a new month, and {price} is due then."
        return Said(
            "error", f"Your plan ended on {end}, and your site is read-only", (words,), "resume"
        )
    words = "Until then everything goes on as before. After that your site is read-only."
    return Said("", f"Your plan ends on {end}", (words, "Nothing is ever deleted."), "resume")


def _going_on(standing: Standing, zone_name: str) -> Said:
    if standing.plan.is_free:
        return Said("good", "Nothing is due", ("Your plan costs nothing.",))
    if standing.amount_due:
        amount = say_money(standing.amount_due, standing.currency)
        return _taken_next(standing.card, f"{amount} is due today", "It")
    until = say_date(standing.covered_until, zone_name)
    price = say_money(standing.plan.price_minor, standing.currency)
    return _taken_next(standing.card, f"All is paid until {until}", f"Then {price}")


def _taken_next(card: CardOnFile | None, title: str, what: str) -> Said:
    """`what` is taken next: "It", "Then $59.00"."""
    if card is None:
        return Said("warning", title, ("There is no card on file to take it from.",), "card")
    if card.refused:
        words = f"{say_card(card)} is of no more use: {in_words(card.refused)}."
        return Said("warning", title, (words, "Please give another card before that."), "card")
    if is_over(card.expires, clock.now()):
        words = f"{say_card(card)} has expired. Please give another card."
        return Said("warning", title, (words,), "card")
    return Said("good", title, (f"{what} is taken from {say_card(card)}.",))
