"""The sandbox of payments on a thread of the test: the real server behind a real socket, by the
clock of the test, with its ledger to look into."""

import json
import threading
from collections import Counter as Tally
from pathlib import Path
from urllib.request import Request, urlopen

from booking import clock
from booking.billing.gateways.protocol import Result
from booking.billing.gateways.sandbox import signing
from booking.billing.gateways.sandbox.ledger import Entry, Ledger
from booking.billing.gateways.sandbox.messenger import Messenger
from booking.billing.gateways.sandbox.server import Counter, Fault, Server
from tests.databases import SECRET

GOOD, MASTERCARD = "4242424242424242", "5555555555554444"
NEVER_KEPT, DECLINED = "4000000000000002", "4000000000000341"
NO_MONEY, ANSWER_LOST, SLOW = "4000000000009995", "4000000000000507", "4000000000000606"


class Sandbox:
    """Sends no events of its own accord: a test posts those it wants, made by `event`."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(folder / "sandbox-gateway.sqlite3")
        self._counter = Counter(self.ledger, Messenger("", SECRET), SECRET)
        self._server = Server(0, self._counter)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.ledger.close()

    def token(self, number: str = GOOD, expires: str = "2031-12") -> str:
        """As the card field asks for it."""
        typed = json.dumps({"number": number, "expires": expires, "code": "123"}).encode()
        with urlopen(Request(f"{self.url}/tokens", typed)) as answer:
            return str(json.load(answer)["token"])

    def fault(self, kind: str, *, on: str = "charge", times: int = 1, seconds: float = 0) -> None:
        """What goes wrong with the next calls; see `Fault`."""
        self._counter.faults.append(Fault(kind, on, times, seconds))

    @property
    def orders(self) -> list[Entry]:
        return self.ledger.entries()

    @property
    def captures(self) -> list[int]:
        """The amounts that were taken."""
        taken = [each.outcome for each in self.orders if each.outcome.result is Result.APPROVED]
        assert max(Tally(each.order_id for each in taken).values(), default=1) == 1
        return [each.amount_minor or 0 for each in taken]

    def event(
        self, order_id: str, *, name: str = "evt_1", age: float = 0, secret: str = SECRET
    ) -> tuple[bytes, dict[str, str]]:
        """Body and headers, as the sandbox itself would send them."""
        body = json.dumps({"id": name, "kind": "charge", "order_id": order_id}).encode()
        sent_at = int(clock.now().timestamp() - age)
        return body, {signing.SIGNATURE: signing.sign(secret, sent_at, body)}
