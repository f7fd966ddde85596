"""What is asked of a processor of card payments. A card's number never comes by here: the
processor's own page or field takes it, and hands the person's browser a token.

No method is called while a transaction is open. Whatever the network does, `charge` and `find`
answer with an outcome, `unknown` at worst; the others raise Unreachable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Unreachable(Exception):
    """The processor gave no answer that can be used: later, perhaps."""


class NotKept(Exception):
    """The processor does not take this card, or does not know the token. `reason` as in Outcome."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadEvent(Exception):
    """Not from the processor, or not fresh: `words` says which, for the log."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Result(StrEnum):
    """`declined`: this card is not asked again. `try_again`: it is, by the plan of tries.
    `unknown`: nobody knows whether money was taken; ask `find` before anything else."""

    APPROVED = "approved"
    DECLINED = "declined"
    TRY_AGAIN = "try_again"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose card it is, as the processor may know them. `id` is the business's, as text."""

    id: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class CardForm:
    """How the person gives their card: the browser is sent to `address`; or, where `origin` is set,
    shows it in a frame, and only what is posted from exactly that origin is a token.

    What comes back, in the return address's query or in the message, is the `payment_token`.
    """

    address: str
    origin: str = ""

    @property
    def is_frame(self) -> bool:
        return bool(self.origin)


@dataclass(frozen=True, slots=True)
class KeptCard:
    """A card in the processor's keeping. `reference` can be spent with our credentials: it is kept
    encrypted and never logged. `expires` as `YYYY-MM`, empty where nobody says."""

    reference: str = field(repr=False)
    brand: str
    last4: str
    expires: str


@dataclass(frozen=True, slots=True)
class Charge:
    """`order_id`: 19 characters at most, letters among them, one for each try of each invoice. The
    processor takes money for it once, however often it is sent."""

    order_id: str
    amount_minor: int
    currency: str
    card_reference: str = field(repr=False)
    payer: Payer
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a charge. Amount, currency and payer are what the processor says it took and
    from whom, never what we asked for; None where it does not say.

    `reason` is a code of `rules.cards` where one fits: `voided` after a void.
    """

    result: Result
    order_id: str
    reason: str = ""
    reference: str = ""
    amount_minor: int | None = None
    currency: str | None = None
    payer_id: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """That something happened; what, is asked with `find`. `order_id` is None where it is about no
    charge of ours."""

    id: str
    kind: str
    order_id: str | None
    occurred_at: datetime


class Gateway(Protocol):
    @property
    def name(self) -> str:
        """As in the address of its events and in the rows it wrote: `stripe`."""
        ...

    def card_form(self, payer: Payer, *, return_url: str) -> CardForm: ...

    def keep_card(self, payment_token: str, payer: Payer) -> KeptCard:
        """The card behind a token, kept for charges the person is not there for. The same token
        again is the same card. Raises NotKept, Unreachable."""
        ...

    def charge(self, charge: Charge) -> Outcome: ...

    def find(self, order_id: str) -> Outcome | None:
        """None where the processor never heard of it."""
        ...

    def void(self, order_id: str) -> None:
        """Nothing is, or ever will be, taken for this order; ask `find` whether that holds. Raises
        Unreachable."""
        ...

    def forget_card(self, reference: str) -> None:
        """Delete it there; one that is gone already is gone. Raises Unreachable."""
        ...

    def read_event(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        """What a webhook says. Raises BadEvent for a signature that is not theirs, and for one
        made more than ten minutes ago."""
        ...

    def close(self) -> None: ...
