"""What pet owners do over the API to get a login, as steps of tests."""

from typing import Any

import httpx

from tests.front_door import Api
from tests.mailbox import Mailbox

NEW_PASSWORD = "nine dry badgers in a boat"
FORM = {
    "email": "nina.new@example.com",
    "password": NEW_PASSWORD,
    "first_name": "Nina",
    "last_name": "New",
    "mobile_phone": "555 0199",
}


def sign_up(api: Api, **changed: Any) -> httpx.Response:
    return api.visitor.post("/businesses/{b}/accounts", json=FORM | changed)


def confirm(api: Api, **body: Any) -> httpx.Response:
    return api.visitor.post("/businesses/{b}/accounts/confirm", json=body)


def token_in(mailbox: Mailbox, address: str) -> str:
    link = mailbox.latest(address).link("/happy-paws/sign-up/confirm/")
    return link.rpartition("/")[2]


def me(api: Api, token: str) -> dict[str, Any]:
    answer = api.bearing(token).get("/businesses/{b}/me")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def sign_in(api: Api, email: str, password: str) -> httpx.Response:
    return api.visitor.post("/businesses/{b}/sessions", json={"email": email, "password": password})
