"""localstripe, a real server that answers as Stripe does, behind a front of our own for what it can
not do: Checkout, idempotency keys, the search, and an answer that gets lost.

What the front answers by itself was read in Stripe's documentation.
"""

import base64
import http.client
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.billing.answering import Answer, Asked, answering
from tests.processes import Kind, Process, folder_of_its_own, running

SECRET_KEY = "sk_test_of_nobody"
GOOD, DECLINED_WHEN_KEPT = "4242424242424242", "4000000000000002"
DECLINED_WHEN_CHARGED = "4000000000000341"

Said = tuple[int, bytes]


@dataclass
class Stripe:
    port: int
    """of localstripe"""
    url: str = ""
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, tuple[str, Said]] = field(default_factory=dict)
    lost_answers: int = 0

    def type_card(self, session_id: str, number: str) -> bool:
        """What a person does on the page of Checkout; False where the card is refused there."""
        session = self.sessions[session_id]
        card = {"number": number, "exp_month": "12", "exp_year": "2030", "cvc": "123"}
        method = self.ask("POST", "/v1/payment_methods", {"type": "card", **_nested("card", card)})
        customer = self.ask("POST", "/v1/customers", {"email": session["customer_email"]})
        about = {"customer": customer["id"], "usage": "off_session"}
        intent = self.ask("POST", "/v1/setup_intents", about)
        sent = {"payment_method": method["id"]}
        intent = self.ask("POST", f"/v1/setup_intents/{intent['id']}/confirm", sent)
        if intent.get("status") != "succeeded":
            return False
        intent["payment_method"] = method
        session |= {"status": "complete", "customer": customer["id"], "setup_intent": intent}
        return True

    def ask(self, method: str, path: str, sent: dict[str, str] | None = None) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.forward(method, path, urlencode(sent or {}))[1])
        return said

    def answer(self, asked: Asked) -> Answer | None:
        status, said = self._once(
            asked.method, asked.path, asked.body.decode(), asked.headers.get("idempotency-key")
        )
        if self.lost_answers and asked.method == "POST":
            self.lost_answers -= 1
            return None
        return status, "application/json", said

    def _once(self, method: str, path: str, body: str, key: str | None) -> Said:
        if key is None or method != "POST":
            return self._answer(method, path, body)
        if key in self.keys and self.keys[key][0] != body:
            return _said(400, {"error": {"type": "idempotency_error", "message": "Key in use."}})
        if key not in self.keys:
            self.keys[key] = (body, self._answer(method, path, body))
        return self.keys[key][1]

    def _answer(self, method: str, path: str, body: str) -> Said:
        match path.partition("?")[0].split("/")[2:]:
            case ["checkout", "sessions"]:
                return _said(200, self._open({k: v[0] for k, v in parse_qs(body).items()}))
            case ["checkout", "sessions", name]:
                known = self.sessions.get(name)
                missing = {"type": "invalid_request_error", "code": "resource_missing"}
                return _said(200, known) if known else _said(404, {"error": missing})
            case ["payment_intents", "search"]:
                return _said(200, self._search(path))
        # localstripe knows this one by its name of earlier versions of the API.
        return self.forward(
            method, path, body.replace("allowed_payment_method_", "payment_method_")
        )

    def forward(self, method: str, path: str, body: str) -> Said:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        known = base64.b64encode(f"{SECRET_KEY}:".encode()).decode()
        headers = {
            "Authorization": f"Basic {known}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _open(self, sent: dict[str, str]) -> dict[str, Any]:
        name = f"cs_test_{len(self.sessions)}"
        self.sessions[name] = {
            "id": name,
            "object": "checkout.session",
            "url": f"{self.url}/c/pay/{name}",
            "status": "open",
            "setup_intent": None,
            **sent,
        }
        return self.sessions[name]

    def _search(self, path: str) -> dict[str, Any]:
        wanted = parse_qs(urlsplit(path).query)["query"][0].split("'")[-2]
        listed = self.ask("GET", "/v1/payment_intents?limit=100")["data"]
        found = [each for each in listed if each["metadata"].get("order_id") == wanted]
        return {"object": "search_result", "data": found, "has_more": False, "url": path}


def _nested(name: str, values: dict[str, str]) -> dict[str, str]:
    return {f"{name}[{key}]": value for key, value in values.items()}


def _said(status: int, body: object) -> Said:
    return status, json.dumps(body).encode()


@contextmanager
def stripe() -> Iterator[Stripe]:
    command = [sys.executable, "-m", "localstripe", "--from-scratch", "--port"]
    kind = Kind(lambda port: [*command, str(port)], _answers)
    with folder_of_its_own() as folder, running(Process(kind, folder)) as process:
        stand_in = Stripe(process.port)
        with answering(stand_in.answer) as stand_in.url:
            yield stand_in


def _answers(port: int) -> bool:
    try:
        return "data" in Stripe(port).ask("GET", "/v1/customers")
    except OSError:
        return False
