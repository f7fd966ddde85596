"""Telling the product what happened, of our own accord: signed, later, perhaps several times."""

import json
import secrets
import threading
import time

import httpx

from booking import clock
from booking.billing.gateways.protocol import Result
from booking.billing.gateways.sandbox import signing

_TRIED_AFTER_SECONDS = (0.2, 2, 10)


class Messenger:
    """`address` is where events go; none are sent without one."""

    def __init__(self, address: str, secret: str) -> None:
        self._address = address
        self._secret = secret

    def tell(self, order_id: str, result: Result) -> None:
        if self._address:
            event = {"id": f"evt_{secrets.token_hex(8)}", "kind": f"charge.{result.value}"}
            body = json.dumps({**event, "order_id": order_id}).encode()
            threading.Thread(target=self._send, args=(body,), daemon=True).start()

    def _send(self, body: bytes) -> None:
        for seconds in _TRIED_AFTER_SECONDS:
            time.sleep(seconds)
            signature = signing.sign(self._secret, int(clock.now().timestamp()), body)
            headers = {signing.SIGNATURE: signature, "content-type": "application/json"}
            try:
                answer = httpx.post(
                    self._address, content=body, headers=headers, timeout=10, trust_env=False
                )
            except httpx.HTTPError:
                continue
            if answer.status_code < 500:
                return
