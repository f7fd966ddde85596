"""Our side of the sandbox."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from booking import clock
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
from booking.billing.gateways.sandbox import signing
from booking.config import Settings


class Sandbox:
    def __init__(self, settings: Settings) -> None:
        self._secret = settings.secret
        self._url = settings.sandbox_gateway_url.rstrip("/")
        self._wire = httpx.Client(
            base_url=f"{self._url}/v1",
            headers={"Authorization": f"Bearer {signing.api_key(settings.secret)}"},
            timeout=settings.gateway_timeout_seconds,
            trust_env=False,
            verify=self._url.startswith("https://"),  # else there are no certificates to read
        )

    @property
    def name(self) -> str:
        return "sandbox"

    def close(self) -> None:
        self._wire.close()

    def card_form(self, payer: Payer, *, return_url: str) -> CardForm:
        page = urlsplit(return_url)
        parent = urlencode({"parent": f"{page.scheme}://{page.netloc}"})
        return CardForm(f"{self._url}/field?{parent}", _origin(self._url))

    def keep_card(self, payment_token: str, payer: Payer) -> KeptCard:
        asked = {"token": payment_token, "payer": payer.id}
        status, said = self._ask("POST", "/cards", asked)
        if status == 402:
            raise NotKept(str(said.get("reason", "")))
        if status != 201:
            raise Unreachable(f"it answered {status}")
        return KeptCard(said["reference"], said["brand"], said["last4"], said["expires"])

    def charge(self, charge: Charge) -> Outcome:
        body = {
            "order_id": charge.order_id,
            "amount_minor": charge.amount_minor,
            "currency": charge.currency,
            "card": charge.card_reference,
            "payer": {"id": charge.payer.id, "name": charge.payer.name},
            "text": charge.text,
        }
        try:
            status, said = self._ask("POST", "/charges", body)
        except Unreachable:
            return Outcome(Result.UNKNOWN, charge.order_id)
        return _outcome(charge.order_id, status, said)

    def find(self, order_id: str) -> Outcome | None:
        try:
            status, said = self._ask("GET", f"/charges/{order_id}")
        except Unreachable:
            return Outcome(Result.UNKNOWN, order_id)
        if status == 404:
            return None
        return _outcome(order_id, status, said)

    def void(self, order_id: str) -> None:
        status, _ = self._ask("POST", f"/charges/{order_id}/void", {})
        if status != 200:
            raise Unreachable(f"it answered {status}")

    def forget_card(self, reference: str) -> None:
        status, _ = self._ask("DELETE", f"/cards/{reference}")
        if status != 200:
            raise Unreachable(f"it answered {status}")

    def read_event(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        sent_at = signing.check(self._secret, headers, body, clock.now().timestamp())
        try:
            event = json.loads(body)
            return GatewayEvent(
                id=str(event["id"]),
                kind=str(event["kind"]),
                order_id=str(event["order_id"]),
                occurred_at=datetime.fromtimestamp(sent_at, UTC),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadEvent("it can't be read") from error

    def _ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and what was said, if that can be read at all. Raises Unreachable."""
        try:
            answer = self._wire.request(method, path, json=body)
            return answer.status_code, answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unreachable(type(error).__name__) from error


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _outcome(order_id: str, status: int, said: Any) -> Outcome:
    """Only what is understood counts; all else is unknown."""
    try:
        return Outcome(
            result=Result(said["result"]) if status == 200 else Result.UNKNOWN,
            order_id=str(said["order_id"]),
            reason=str(said["reason"]),
            reference=str(said["reference"]),
            amount_minor=said["amount_minor"],
            currency=said["currency"],
            payer_id=said["payer_id"],
        )
    except (KeyError, TypeError, ValueError):
        return Outcome(Result.UNKNOWN, order_id)
