"""The plans there are. A price is that of one month, in minor units, and is changed by a new plan:
what somebody has chosen stays what it was."""

from dataclasses import dataclass

from booking.errors import Invalid


@dataclass(frozen=True, slots=True)
class Plan:
    """`seats`: on how many machines its software may be registered at once."""

    code: str
    name: str
    price_minor: int
    currency: str
    seats: int

    @property
    def is_free(self) -> bool:
        return self.price_minor == 0


COMPLIMENTARY = Plan("complimentary", "Complimentary", 0, "USD", 3)
SOLO = Plan("solo", "Solo", 2_900, "USD", 1)
STANDARD = Plan("standard", "Standard", 5_900, "USD", 3)
GROUP = Plan("group", "Group", 11_900, "USD", 10)

PLANS = {plan.code: plan for plan in (COMPLIMENTARY, SOLO, STANDARD, GROUP)}


def plan_named(code: str) -> Plan:
    """Raises Invalid, naming those there are."""
    plan = PLANS.get(code)
    if plan is None:
        raise Invalid.field("plan", f"Choose one of {', '.join(PLANS)}.", "unknown_plan")
    return plan
