"""A small stand-in for CardPointe: its documented answers, a ledger, and the ways it may go wrong.

The gateway itself can't be reached from a test. What is spoken here was read in its documentation:
HTTP 200 also for a decline (`respstat` C), `29 Txn not found` for an unknown order, an HTML page
where a proxy in front of it fails. `then` says how the next authorisations are answered.
"""

import base64
import json
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.billing.answering import Answer, Asked, answering

MERCHANT, USER, PASSWORD = "800000009875", "testing", "not a real one"
PREFIX = "/cardconnect/rest/"
NOT_FOUND = {"respproc": "PPS", "resptext": "Txn not found", "respcode": "29", "respstat": "C"}


class Then(StrEnum):
    APPROVE = "approve"
    RETRY = "retry"
    """respstat B"""
    DECLINE = "decline"
    HTML = "html"
    """an error page, and nothing was charged"""
    LOSE_THE_ANSWER = "lose the answer"
    """charges, and says nothing until the caller has given up"""
    LOSE_THE_QUESTION = "lose the question"
    """as before, but nothing was charged"""


@dataclass
class Entry:
    order: str
    amount: str
    currency: str
    account: str
    retref: str
    userfields: list[dict[str, str]]
    voided: bool = False


@dataclass
class CardPointe:
    url: str = ""
    ledger: list[Entry] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    profiles: dict[str, str] = field(default_factory=dict)
    """`profile/account` → the token it was made of"""
    then: deque[Then] = field(default_factory=deque)
    silence: float = 0.6
    """seconds"""
    amount_said: str | None = None
    """what approvals claim to have taken, where it is not what was asked for"""

    @property
    def captured(self) -> list[Entry]:
        return [each for each in self.ledger if not each.voided and float(each.amount) > 0]

    def answer(self, method: str, path: str, sent: dict[str, Any]) -> tuple[int, Any]:
        self.asked.append((method, path, sent))
        verb, *rest = path.removeprefix(PREFIX).split("/")
        if method in {"PUT", "POST"} and sent.get("merchid") != MERCHANT:
            return 200, {"respstat": "C", "respcode": "11", "resptext": "Invalid merchant"}
        if verb == "auth":
            return self._authorise(sent)
        if verb == "inquireByOrderid":
            found = [each for each in self.ledger if each.order == rest[0]]
            return 200, _said(found[-1], self.amount_said) if found else NOT_FOUND
        if verb == "voidByOrderId":
            return 200, self._void(str(sent["orderid"]))
        if verb == "profile" and method == "DELETE":
            known = self.profiles.pop(f"{rest[0]}/{rest[1]}", None)
            return 200, {
                "respproc": "PPS",
                "respstat": "A" if known else "C",
                "respcode": "08" if known else "96",
                "resptext": "Profile Deleted" if known else "Profile not found",
            }
        return 404, "<html><body>Not Found</body></html>"

    def _authorise(self, sent: dict[str, Any]) -> tuple[int, Any]:
        then = self.then.popleft() if self.then else Then.APPROVE
        if then is Then.HTML:
            return 502, "<html><body><h1>502 Bad Gateway</h1></body></html>"
        if then is Then.LOSE_THE_QUESTION:
            time.sleep(self.silence)
            return 504, "<html><body>Too late</body></html>"
        if then is Then.RETRY:
            return 200, {"respstat": "B", "respcode": "62", "resptext": "Timed out"}
        if then is Then.DECLINE:
            return 200, {"respstat": "C", "respcode": "116", "resptext": "Not sufficient funds"}
        known = str(sent.get("profile", ""))
        token = self.profiles.get(known) if "/" in known else str(sent.get("account", ""))
        if not token:
            return 200, {"respstat": "C", "respcode": "13", "resptext": "Invalid profile"}
        entry = Entry(
            order=str(sent.get("orderid", "")),
            amount=f"{int(sent['amount']) / 100:.2f}",
            currency=str(sent["currency"]),
            account=token,
            retref=f"{len(self.ledger) + 290013101330:012d}",
            userfields=sent.get("userfields", []),
        )
        self.ledger.append(entry)
        said = _said(entry, self.amount_said)
        if known == "Y":
            profile = f"{len(self.profiles) + 1:020d}"
            self.profiles[f"{profile}/1"] = token
            said |= {"profileid": profile, "acctid": "1"}
        if then is Then.LOSE_THE_ANSWER:
            time.sleep(self.silence)
        return 200, said

    def _void(self, order: str) -> dict[str, str]:
        found = [each for each in self.ledger if each.order == order and not each.voided]
        if not found:
            return NOT_FOUND
        found[-1].voided = True
        return {"respstat": "A", "respcode": "00", "authcode": "REVERS", "resptext": "Approval"}


def _said(entry: Entry, amount: str | None) -> dict[str, Any]:
    return {
        "respstat": "A",
        "respcode": "000",
        "resptext": "Approval",
        "respproc": "FNOR",
        "retref": entry.retref,
        "authcode": "REVERS" if entry.voided else "PPS123",
        "orderid": entry.order,
        "amount": amount or entry.amount,
        "currency": entry.currency,
        "account": entry.account,
        "token": entry.account,
        "userfields": entry.userfields,
        "setlstat": "Voided" if entry.voided else "Queued for Capture",
        "voidable": "N" if entry.voided else "Y",
    }


@contextmanager
def cardpointe() -> Iterator[CardPointe]:
    stand_in = CardPointe()
    known = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("authorization") != known:
            return 401, "text/html", b"<html><body>Unauthorized</body></html>"
        sent = json.loads(asked.body) if asked.body else {}
        status, said = stand_in.answer(asked.method, asked.path, sent)
        if isinstance(said, str):
            return status, "text/html", said.encode()
        return status, "application/json", json.dumps(said).encode()

    with answering(answer) as stand_in.url:
        yield stand_in
