"""What the owners of a business are told about its account with us."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from booking.billing.rules.cards import in_words
from booking.mail.message import Email, Links, say_money
from booking.mail.wording import ShownName


class BillingEmail(Email):
    """One of ours to an owner. Every one leads to the account page; a card is four digits."""

    template: ClassVar[str]
    business_name: ShownName
    slug: str
    timezone: str

    def context(self, links: Links) -> dict[str, Any]:
        return {"url": links.url(f"/manage/{self.slug}/billing")}


class PaymentTaken(BillingEmail):
    """The receipt."""

    template: ClassVar[str] = "billing/payment_taken"
    number: str
    amount_minor: int
    currency: str
    card: str
    covered_until: datetime

    @property
    def subject(self) -> str:
        return f"Your payment of {say_money(self.amount_minor, self.currency)}"


class PaymentFailed(BillingEmail):
    """`reason` is a code of `rules.cards`. `next_try_at` is None where the card is not asked again;
    `grace_ends_at` where the site is read-only already."""

    template: ClassVar[str] = "billing/payment_failed"
    amount_minor: int
    currency: str
    reason: str
    next_try_at: datetime | None
    grace_ends_at: datetime | None

    @property
    def subject(self) -> str:
        return "Your payment could not be taken"

    def context(self, links: Links) -> dict[str, Any]:
        return {**super().context(links), "because": in_words(self.reason)}


class SiteReadOnly(BillingEmail):
    """The grace is over."""

    template: ClassVar[str] = "billing/site_read_only"
    amount_minor: int
    currency: str
    cancelled_at: datetime

    @property
    def subject(self) -> str:
        return "Your site is read-only until the payment is made"


class PlanCancelled(BillingEmail):
    """By the owner: it goes on until the end of what is paid for. Or because nothing was paid."""

    template: ClassVar[str] = "billing/plan_cancelled"
    because: Literal["owner", "not_paid"]
    ends_at: datetime

    @property
    def subject(self) -> str:
        return "Your plan is cancelled"


class PlanEnded(BillingEmail):
    """What was paid for is over, after the owner cancelled."""

    template: ClassVar[str] = "billing/plan_ended"

    @property
    def subject(self) -> str:
        return "Your plan has ended"


class PlanResumed(BillingEmail):
    template: ClassVar[str] = "billing/plan_resumed"
    covered_until: datetime

    @property
    def subject(self) -> str:
        return "Your plan goes on"


class PlanChosen(BillingEmail):
    """`price_minor` is nothing for a plan without a price."""

    template: ClassVar[str] = "billing/plan_chosen"
    plan: str
    price_minor: int
    currency: str

    @property
    def subject(self) -> str:
        return "Your plan has changed"


class CardChanged(BillingEmail):
    template: ClassVar[str] = "billing/card_changed"
    card: str
    by: ShownName

    @property
    def subject(self) -> str:
        return "The card of your account was changed"
