"""The sandbox's own web server: the card field, what is asked of a processor, and faults on
request. Of the standard library alone, so that it starts with nothing but Python."""

import http.server
import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from booking.billing.gateways.protocol import Charge, Outcome, Payer
from booking.billing.gateways.sandbox import card_field, signing
from booking.billing.gateways.sandbox.behaviour import CARDS, STRANGER, Behaviour, card_ending
from booking.billing.gateways.sandbox.ledger import Ledger
from booking.billing.gateways.sandbox.messenger import Messenger

_LONGEST_BODY = 16_384


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next `times` calls: keep, charge, find or void.

    Of a charge: `lose_answer`: money is taken, and nobody is told. `lose_request`: nothing is
    taken. `come_late`: nobody is told, and some seconds later money is taken after all. `garble`: a
    page for people in the place of an answer. `other_amount`, `other_currency`, `other_payer`: what
    is said is not what was asked for. The other calls end without a word, whatever the kind.
    """

    kind: str
    on: str = "charge"
    times: int = 1
    seconds: float = 0


@dataclass(slots=True)
class Counter:
    """The people behind the window: what they know, and what is to go wrong."""

    ledger: Ledger
    messenger: Messenger
    secret: str
    faults: list[Fault] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, on: str) -> Fault | None:
        with self.turn:
            for fault in self.faults:
                if fault.on == on and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None


class Dropped(Exception):
    """The connection ends here, without a word."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, counter: Counter) -> None:
        super().__init__(("127.0.0.1", port), Window)
        self.counter = counter


class Window(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "BookingSandbox"
    server: Server

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def log_message(self, *_: Any) -> None:
        """Nothing: what is sent here may hold a card's number."""

    def _answer(self, method: str) -> None:
        address = urlsplit(self.path)
        try:
            body = self._body()
            if address.path == "/field" and method == "GET":
                self._show_field(parse_qs(address.query))
            elif address.path == "/tokens" and method == "POST":
                self._say(*_token(self.server.counter.ledger, body))
            elif not self._is_ours():
                self._say(401, {"reason": "who_are_you"})
            else:
                self._serve(method, address.path, body)
        except Dropped:
            self.close_connection = True

    def _body(self) -> Any:
        length = min(int(self.headers.get("content-length") or 0), _LONGEST_BODY)
        try:
            return json.loads(self.rfile.read(length) or b"null")
        except ValueError:
            return None

    def _is_ours(self) -> bool:
        key = signing.api_key(self.server.counter.secret)
        return self.headers.get("authorization", "") == f"Bearer {key}"

    def _serve(self, method: str, path: str, body: Any) -> None:
        counter = self.server.counter
        order = re.fullmatch(r"/v1/charges/(\w+)(/void)?", path)
        card = re.fullmatch(r"/v1/cards/(\w+)", path)
        if (method, path) == ("POST", "/v1/charges"):
            self._charge(_order(body))
        elif (method, path) == ("POST", "/v1/cards"):
            self._spoil("keep")
            self._say(*_keep(counter.ledger, body))
        elif order and method == "GET":
            self._spoil("find")
            found = counter.ledger.find(order[1])
            self._say(*((200, _said(found)) if found else (404, {"reason": "unknown"})))
        elif order and order[2] and method == "POST":
            self._spoil("void")
            counter.ledger.void(order[1])
            self._say(200, {})
        elif card and method == "DELETE":
            counter.ledger.forget_card(card[1])
            self._say(200, {})
        elif (method, path) == ("POST", "/v1/faults"):
            with counter.turn:
                counter.faults.append(Fault(**body))
            self._say(200, {})
        else:
            self._say(404, {"reason": "unknown"})

    def _charge(self, charge: Charge) -> None:
        counter = self.server.counter
        card = counter.ledger.card(charge.card_reference)
        is_theirs = card is not None and card.payer == charge.payer.id
        behaviour = card_ending(card.number_kind) if card and is_theirs else STRANGER
        fault = counter.fault("charge") or Fault("")
        if fault.kind == "come_late":
            late = threading.Timer(fault.seconds, _take, (counter, charge, behaviour))
            late.daemon = True
            late.start()
        if fault.kind in ("lose_request", "come_late"):
            raise Dropped
        outcome, is_new = _take(counter, charge, behaviour)
        time.sleep(behaviour.seconds)
        if fault.kind == "lose_answer" or (behaviour.loses_answer and is_new):
            raise Dropped
        if fault.kind == "garble":
            self._send(200, "text/html", b"<h1>One moment, please</h1>")
        else:
            self._say(200, _said(outcome) | _UNTRUTHS.get(fault.kind, {}))

    def _spoil(self, on: str) -> None:
        if self.server.counter.fault(on) is not None:
            raise Dropped

    def _show_field(self, query: dict[str, list[str]]) -> None:
        page = card_field.page(query.get("parent", [""])[0])
        if page is None:
            self._say(400, {"reason": "parent"})
        else:
            self._send(200, "text/html; charset=utf-8", page.content, page.headers)

    def _say(self, status: int, said: Any) -> None:
        self._send(status, "application/json", json.dumps(said).encode())

    def _send(
        self, status: int, kind: str, content: bytes, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _token(ledger: Ledger, body: Any) -> tuple[int, dict[str, str]]:
    given = body if isinstance(body, dict) else {}
    number = re.sub(r"[\s-]", "", str(given.get("number", "")))
    expires = str(given.get("expires", ""))
    behaviour = CARDS.get(number)
    if behaviour is None:
        return 422, {"message": "This number is not of a card that the sandbox knows."}
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", expires):
        return 422, {"message": "Type the month and the year, like 09 / 29."}
    if not re.fullmatch(r"\d{3,4}", str(given.get("code", ""))):
        return 422, {"message": "Type the three or four digits of the security code."}
    return 201, {"token": ledger.add_token(number[-6:], behaviour.brand, number[-4:], expires)}


def _keep(ledger: Ledger, body: Any) -> tuple[int, dict[str, str]]:
    found = ledger.keep_card(str(body["token"]), str(body["payer"]))
    if found is None:
        return 402, {"reason": "unknown_token"}
    kept, number_kind = found
    behaviour = card_ending(number_kind)
    if behaviour.refused_at_once:
        return 402, {"reason": behaviour.refused_at_once}
    shown = {"brand": kept.brand, "last4": kept.last4, "expires": kept.expires}
    return 201, {"reference": kept.reference, **shown}


def _order(body: Any) -> Charge:
    return Charge(
        order_id=str(body["order_id"]),
        amount_minor=int(body["amount_minor"]),
        currency=str(body["currency"]),
        card_reference=str(body["card"]),
        payer=Payer(str(body["payer"]["id"]), str(body["payer"]["name"]), ""),
        text=str(body["text"]),
    )


def _take(counter: Counter, charge: Charge, behaviour: Behaviour) -> tuple[Outcome, bool]:
    outcome, is_new = counter.ledger.charge(charge, behaviour.result, behaviour.reason)
    if is_new:
        counter.messenger.tell(charge.order_id, outcome.result)
    return outcome, is_new


def _said(outcome: Outcome) -> dict[str, Any]:
    return {
        "result": outcome.result.value,
        "order_id": outcome.order_id,
        "reason": outcome.reason,
        "reference": outcome.reference,
        "amount_minor": outcome.amount_minor,
        "currency": outcome.currency,
        "payer_id": outcome.payer_id,
    }


_UNTRUTHS: dict[str, dict[str, Any]] = {
    "other_amount": {"amount_minor": 1},
    "other_currency": {"currency": "XTS"},
    "other_payer": {"payer_id": "somebody else"},
}
