"""CardPointe (CardConnect): JSON over HTTP with a user and a password.

Cards are typed into its own frame, which posts a token of the card to the page around it. A card is
kept by a verification of nothing (amount 0) that makes a profile; a profile is charged later. HTTP
200 does not mean approved: `respstat` does. An answer that can't be read leaves open what happened.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import structlog

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

TRIES_TO_VOID = 3
NOT_FOUND = "29"
# The frame: its own month, year and security code, tokens while one is still typing, and errors
# said in the frame. Letters of 16 px keep a phone from zooming.
FRAME = {
    "useexpiry": "true",
    "usecvv": "true",
    "formatinput": "true",
    "cardnumbernumericonly": "true",
    "enhancedresponse": "true",
    "tokenizewheninactive": "true",
    "inactivityto": "500",
    "invalidcreditcardevent": "true",
    "invalidexpiryevent": "true",
    "invalidcvvevent": "true",
    "css": (
        "body{margin:0}label{font:600 16px sans-serif}"
        "input,select{box-sizing:border-box;min-height:44px;margin:4px 0 16px;padding:0 12px;"
        "border:1px solid #877f73;border-radius:10px;font:16px sans-serif}"
        "input{width:100%}.error{border-color:#a4261d}"
    ),
}
# The second and third digit of a token are the first two of the card.
BRANDS = (
    (r"4.", "Visa"),
    (r"5[1-5]|2[2-7]", "Mastercard"),
    (r"3[47]", "American Express"),
    (r"60|6[45]", "Discover"),
    (r"35", "JCB"),
    (r"3[0689]", "Diners Club"),
    (r"62", "UnionPay"),
)
REASONS = (
    (r"insufficient|not sufficient", "insufficient_funds"),
    (r"expired", "expired_card"),
    (r"lost", "lost_card"),
    (r"stolen", "stolen_card"),
    (r"cvv|security code", "incorrect_cvc"),
    (r"do not hono", "do_not_honor"),
)

log = structlog.get_logger()


class CardPointeGateway:
    name = "cardpointe"

    def __init__(self, settings: Settings) -> None:
        site = settings.cardpointe_site
        self._base = site if "://" in site else f"https://{site}.cardconnect.com"
        self._merchant = settings.cardpointe_merchant_id
        self._http = httpx.Client(
            base_url=f"{self._base}/cardconnect/rest/",
            auth=(settings.cardpointe_username, settings.cardpointe_password),
            timeout=settings.gateway_timeout_seconds,
        )

    def card_form(self, payer: Payer, *, return_url: str) -> CardForm:
        parts = urlsplit(self._base)
        return CardForm(
            address=f"{self._base}/itoke/ajax-tokenizer.html?{urlencode(FRAME, quote_via=quote)}",
            origin=f"{parts.scheme}://{parts.netloc}",
        )

    def keep_card(self, payment_token: str, payer: Payer) -> KeptCard:
        """The token, with the month it is good for where the frame told: `9…1111/203012`."""
        found = re.fullmatch(r"(9\d{15,18})(?:/(\d{4})(\d\d))?", payment_token, re.ASCII)
        if found is None:
            raise NotKept("unknown_token")
        token, year, month = found.groups()
        said = self._ask(
            "PUT",
            "auth",
            {
                "account": token,
                "amount": "0",
                "currency": "USD",
                "name": payer.name,
                "email": payer.email,
                "ecomind": "E",
                "cof": "C",
                "cofpermission": "Y",
                "profile": "Y",
                **({"expiry": f"{month}{year[2:]}"} if year else {}),
            },
        )
        if said.get("respstat") == "C":
            raise NotKept(_reason(said))
        if said.get("respstat") != "A" or not said.get("profileid"):
            raise Unreachable
        return KeptCard(
            reference=f"{said['profileid']}/{said.get('acctid') or '1'}",
            brand=_brand(token),
            last4=token[-4:],
            expires=f"{year}-{month}" if year else _month(said.get("expiry")),
        )

    def charge(self, charge: Charge) -> Outcome:
        """Where the answer is lost, nothing is tried again here: `find` asks what became of it."""
        sent = {
            "profile": charge.card_reference,
            "amount": str(charge.amount_minor),  # without a point: minor units
            "currency": charge.currency,
            "orderid": charge.order_id,
            "capture": "Y",
            "ecomind": "R",
            "cof": "M",
            "cofscheduled": "Y",
            "userfields": [{"payer": charge.payer.id}, {"text": charge.text}],
        }
        try:
            return _outcome(charge.order_id, self._ask("PUT", "auth", sent))
        except NotAsked:
            return Outcome(Result.TRY_AGAIN, charge.order_id, "processing_error")
        except Unreachable:
            return Outcome(Result.UNKNOWN, charge.order_id)

    def find(self, order_id: str) -> Outcome | None:
        try:
            said = self._ask("GET", f"inquireByOrderid/{quote(order_id)}/{self._merchant}/1")
        except Unreachable:
            return Outcome(Result.UNKNOWN, order_id)
        return None if said.get("respcode") == NOT_FOUND else _outcome(order_id, said)

    def void(self, order_id: str) -> None:
        """An order it does not know has nothing to void; one that is settled can't be any more."""
        for tried in range(TRIES_TO_VOID):
            try:
                self._ask("PUT", "voidByOrderId", {"orderid": order_id})
            except Unreachable:
                if tried + 1 == TRIES_TO_VOID:
                    raise
            else:
                return

    def forget_card(self, reference: str) -> None:
        self._ask("DELETE", f"profile/{quote(reference)}/{self._merchant}")

    def read_event(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        raise BadEvent("cardpointe sends no events")

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, sent: dict[str, Any] | None = None) -> dict[str, Any]:
        """Raises Unreachable; NotAsked where the gateway can't have acted on it."""
        body = None if sent is None else {"merchid": self._merchant, **sent}
        try:
            answer = self._http.request(method, path, json=body)
            said = answer.json() if answer.status_code == httpx.codes.OK else None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotAsked from error
        except (httpx.HTTPError, ValueError) as error:
            log.warning("cardpointe_trouble", kind=type(error).__name__)
            raise Unreachable from error
        if isinstance(said, list) and said:
            said = said[-1]
        if isinstance(said, dict):
            return said
        log.warning("cardpointe_trouble", status=answer.status_code)
        if answer.status_code in {401, 403, 429}:
            raise NotAsked
        raise Unreachable


class NotAsked(Unreachable):
    """The question never came to where money is taken."""


def _outcome(order_id: str, said: Mapping[str, Any]) -> Outcome:
    match said.get("respstat"):
        case "A" if _is_voided(said):
            result, reason = Result.DECLINED, VOIDED
        case "A":
            result, reason = Result.APPROVED, ""
        case "B":
            result, reason = Result.TRY_AGAIN, "processing_error"
        case "C":
            result, reason = Result.DECLINED, _reason(said)
        case _:
            result, reason = Result.UNKNOWN, ""
    return Outcome(
        result=result,
        order_id=order_id,
        reason=reason,
        reference=str(said.get("retref") or ""),
        amount_minor=_minor(said.get("amount")),
        currency=said.get("currency") or None,
        payer_id=_payer(said.get("userfields")),
    )


def _is_voided(said: Mapping[str, Any]) -> bool:
    return said.get("setlstat") == "Voided" or said.get("authcode") == "REVERS"


def _minor(amount: object) -> int | None:
    """`49.00` and `4900` are the same; without a point an amount is in minor units."""
    try:
        exact = Decimal(str(amount)) * (100 if "." in str(amount) else 1)
    except InvalidOperation:
        return None
    return int(exact) if exact == exact.to_integral_value() else None


def _payer(fields: object) -> str | None:
    if not isinstance(fields, list):
        return None
    known = [each["payer"] for each in fields if isinstance(each, dict) and "payer" in each]
    return str(known[0]) if known else None


def _month(expiry: object) -> str:
    """`1230` as `2030-12`."""
    found = re.fullmatch(r"(0[1-9]|1[0-2])(\d\d)", str(expiry), re.ASCII)
    return f"20{found[2]}-{found[1]}" if found else ""


def _brand(token: str) -> str:
    known = (brand for begins, brand in BRANDS if re.fullmatch(begins, token[1:3]))
    return next(known, "Card")


def _reason(said: Mapping[str, Any]) -> str:
    words = str(said.get("resptext", "")).lower()
    return next((reason for sign, reason in REASONS if re.search(sign, words)), "card_declined")
