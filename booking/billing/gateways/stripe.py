"""Stripe: the browser goes to its Checkout page and comes back; a kept card is charged by a
PaymentIntent while nobody is there.

Each card is a customer of its own there, made by Checkout and deleted with the card. The order id
of a charge is its idempotency key, so Stripe itself takes money for it once.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import stripe
import structlog
from stripe import PaymentIntent

from booking.billing.gateways.protocol import (
    BadEvent,
    CardForm,
    Charge,
    GatewayEvent,
    KeptCard,
    NotKept,
    Outcome,
    Payer,
    Result,
    Unreachable,
)
from booking.billing.rules.cards import VOIDED
from booking.config import Settings

FRESH_FOR_SECONDS = 600
# Where the list of the newest is enough, and the search, which may lag behind, is not needed.
RECENT_SECONDS = 3_600
PASSING = {
    "approve_with_id",
    "card_velocity_exceeded",
    "insufficient_funds",
    "issuer_not_available",
    "processing_error",
    "reenter_transaction",
    "try_again_later",
    "withdrawal_count_limit_exceeded",
}
BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}

log = structlog.get_logger()


class NotThere(Unreachable):
    """Stripe does not know, or does not take, what was named."""


class StripeGateway:
    name = "stripe"

    def __init__(self, settings: Settings) -> None:
        self._http = stripe.RequestsClient(timeout=settings.gateway_timeout_seconds)
        self._webhook_secret = settings.stripe_webhook_secret
        self._client = stripe.StripeClient(
            settings.stripe_secret_key,
            base_addresses={"api": settings.stripe_api_base},
            max_network_retries=0,  # an answer that is lost is asked for, see `find`
            http_client=self._http,
        )

    def card_form(self, payer: Payer, *, return_url: str) -> CardForm:
        mark = "&" if "?" in return_url else "?"
        with _reaching():
            session = self._client.v1.checkout.sessions.create(
                {
                    "mode": "setup",
                    "allowed_payment_method_types": ["card"],
                    "customer_creation": "always",
                    "customer_email": payer.email,
                    "client_reference_id": payer.id,
                    "metadata": {"payer_id": payer.id, "business": payer.name},
                    "success_url": f"{return_url}{mark}payment_token={{CHECKOUT_SESSION_ID}}",
                    "cancel_url": return_url,
                }
            )
        if not session.url:
            raise Unreachable
        return CardForm(session.url)

    def keep_card(self, payment_token: str, payer: Payer) -> KeptCard:
        """The token is the id of a Checkout session that is done; Stripe has kept the card then."""
        if not re.fullmatch(r"cs_\w{1,200}", payment_token, re.ASCII):
            raise NotKept("unknown_token")
        try:
            with _reaching():
                session = self._client.v1.checkout.sessions.retrieve(
                    payment_token, {"expand": ["setup_intent.payment_method"]}
                )
        except NotThere as error:
            raise NotKept("unknown_token") from error
        done: dict[str, Any] = session.to_dict()
        intent = done.get("setup_intent") or {}
        if done.get("client_reference_id") != payer.id or intent.get("status") != "succeeded":
            raise NotKept("unknown_token")
        method = intent["payment_method"]
        card = method["card"]
        return KeptCard(
            reference=f"{done['customer']}/{method['id']}",
            brand=BRANDS.get(card["brand"], card["brand"].capitalize()),
            last4=card["last4"],
            expires=f"{card['exp_year']:04}-{card['exp_month']:02}",
        )

    def charge(self, charge: Charge) -> Outcome:
        customer, _, method = charge.card_reference.partition("/")
        order_id = charge.order_id
        try:
            intent = self._client.v1.payment_intents.create(
                {
                    "amount": charge.amount_minor,
                    "currency": charge.currency.lower(),
                    "customer": customer,
                    "payment_method": method,
                    "allowed_payment_method_types": ["card"],
                    "confirm": True,
                    "off_session": True,
                    "metadata": {
                        "order_id": order_id,
                        "payer_id": charge.payer.id,
                        "text": charge.text,
                    },
                },
                {"idempotency_key": order_id},
            )
        except stripe.CardError as error:
            return _refused(order_id, error)
        except (stripe.RateLimitError, stripe.AuthenticationError, stripe.PermissionError) as error:
            _note(error, order_id)
            return Outcome(Result.TRY_AGAIN, order_id, "processing_error")
        except stripe.InvalidRequestError as error:
            _note(error, order_id)
            return Outcome(Result.DECLINED, order_id, error.code or "invalid_request")
        except stripe.StripeError as error:
            _note(error, order_id)
            return Outcome(Result.UNKNOWN, order_id)
        return _outcome(order_id, intent)

    def find(self, order_id: str) -> Outcome | None:
        try:
            intent = self._known(order_id)
        except stripe.StripeError as error:
            _note(error, order_id)
            return Outcome(Result.UNKNOWN, order_id)
        return None if intent is None else _outcome(order_id, intent)

    def void(self, order_id: str) -> None:
        """What was taken is given back, what waits is cancelled. An order that Stripe never heard
        of is taken up with nothing to pay: should the lost request arrive after all, it is refused,
        for its idempotency key is in use."""
        with _reaching():
            intent = self._known(order_id) or self._taken_up(order_id)
            if intent.status == "succeeded":
                self._client.v1.refunds.create(
                    {"payment_intent": intent.id}, {"idempotency_key": f"{order_id}-void"}
                )
            elif intent.status != "canceled":
                self._client.v1.payment_intents.cancel(intent.id)

    def forget_card(self, reference: str) -> None:
        customer, _, _ = reference.partition("/")
        with contextlib.suppress(NotThere), _reaching():  # gone already
            self._client.v1.customers.delete(customer)

    def read_event(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        signature = headers.get("stripe-signature")
        try:
            event = self._client.construct_event(
                body, signature, self._webhook_secret, tolerance=FRESH_FOR_SECONDS
            ).to_dict()
            subject = event["data"]["object"]
            return GatewayEvent(
                id=event["id"],
                kind=event["type"],
                order_id=(subject.get("metadata") or {}).get("order_id"),
                occurred_at=datetime.fromtimestamp(event["created"], UTC),
            )
        except stripe.SignatureVerificationError as error:
            raise BadEvent(error.user_message or "bad signature") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadEvent("not an event") from error

    def close(self) -> None:
        self._http.close()  # type: ignore[no-untyped-call]

    def _known(self, order_id: str) -> PaymentIntent | None:
        """The newest are listed, for a search may not know them yet; older ones are searched for.
        Where there are several, money that was taken comes first."""
        found = self._among_the_newest(order_id) or self._searched(order_id)
        return max(found, key=lambda each: each.status == "succeeded", default=None)

    def _among_the_newest(self, order_id: str) -> list[PaymentIntent]:
        found: list[PaymentIntent] = []
        newest: int | None = None
        listed = self._client.v1.payment_intents.list(
            {"limit": 100, "expand": ["data.latest_charge"]}
        )
        for intent in listed.auto_paging_iter():
            newest = intent.created if newest is None else newest
            if intent.created < newest - RECENT_SECONDS:
                break
            if _order_of(intent) == order_id:
                found.append(intent)
        return found

    def _searched(self, order_id: str) -> list[PaymentIntent]:
        quoted = order_id.replace("\\", "").replace("'", "")
        return self._client.v1.payment_intents.search(
            {"query": f"metadata['order_id']:'{quoted}'", "expand": ["data.latest_charge"]}
        ).data

    def _taken_up(self, order_id: str) -> PaymentIntent:
        try:
            return self._client.v1.payment_intents.create(
                {
                    "amount": 100,
                    "currency": "usd",
                    "allowed_payment_method_types": ["card"],
                    "metadata": {"order_id": order_id, "text": "Void"},
                },
                {"idempotency_key": order_id},
            )
        except stripe.IdempotencyError as error:  # known, and neither listed nor found yet
            raise Unreachable from error


def _outcome(order_id: str, intent: PaymentIntent) -> Outcome:
    said: dict[str, Any] = intent.to_dict()
    charge = said.get("latest_charge")
    is_refunded = isinstance(charge, dict) and charge.get("refunded")
    refused = said.get("last_payment_error") or {}
    result, reason = Result.DECLINED, _reason(refused)
    match said["status"]:
        case "succeeded" if not is_refunded:
            result, reason = Result.APPROVED, ""
        case "succeeded" | "canceled":
            reason = VOIDED
        case "processing":
            result, reason = Result.UNKNOWN, ""
        case "requires_action":
            reason = "authentication_required"
        case _ if reason in PASSING:
            result = Result.TRY_AGAIN
    return Outcome(
        result=result,
        order_id=order_id,
        reason=reason,
        reference=said["id"],
        amount_minor=said.get("amount_received") or said["amount"],
        currency=said["currency"].upper(),
        payer_id=(said.get("metadata") or {}).get("payer_id"),
    )


def _refused(order_id: str, error: stripe.CardError) -> Outcome:
    body: Any = error.json_body
    said: dict[str, Any] = body["error"] if isinstance(body, dict) else {}
    reason = _reason(said) or error.code or "card_declined"
    advice = said.get("advice_code")
    is_passing = advice == "try_again_later" or (advice is None and reason in PASSING)
    intent = said.get("payment_intent") or {}
    return Outcome(
        Result.TRY_AGAIN if is_passing else Result.DECLINED,
        order_id,
        reason,
        reference=intent.get("id", ""),
    )


def _reason(said: Mapping[str, Any]) -> str:
    return str(said.get("decline_code") or said.get("code") or "")


def _order_of(intent: PaymentIntent) -> str | None:
    return (intent.to_dict().get("metadata") or {}).get("order_id")


@contextlib.contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except stripe.InvalidRequestError as error:
        _note(error)
        raise NotThere from error
    except stripe.StripeError as error:
        _note(error)
        raise Unreachable from error


def _note(error: stripe.StripeError, order_id: str = "") -> None:
    log.warning(
        "stripe_trouble",
        kind=type(error).__name__,
        status=error.http_status,
        code=error.code,
        request=error.request_id,
        order_id=order_id,
    )
