"""For tests of what comes back: a row as it stands, who is silenced, and a mail server's word."""

import hashlib
import hmac
import json
import uuid
from typing import Any

import httpx
from sqlalchemy import select

from booking.invitations.models import Invitation
from booking.mail.marks import Mark, return_path
from booking.mail.models import Suppression
from tests.front_door import Api
from tests.mailbox import Mailbox
from tests.site import Site
from tests.times import Clock

SECRET = "a webhook secret of thirty-two or more"
ALL = {"audience": "active_without_account"}


def invited(api: Api, mailbox: Mailbox) -> uuid.UUID:
    """Press the envelope: the id of the only invitation, which the mail server has taken."""
    campaign = api.owner.post("/businesses/{b}/campaigns", json=ALL).json()["id"]
    mailbox.send_due()
    path = f"/businesses/{{b}}/campaigns/{campaign}/invitations"
    [row] = api.owner.get(path).json()["items"]
    assert row["state"] == "sent"
    return uuid.UUID(row["id"])


def row_of(site: Site, invitation_id: uuid.UUID) -> Invitation:
    with site.reading() as session:
        row = session.scalars(select(Invitation).where(Invitation.id == invitation_id)).one()
        session.expunge(row)
        return row


def address_of(site: Site, invitation_id: uuid.UUID, edition: int = 0) -> str:
    return return_path(Mark(invitation_id, edition), site.settings)


def suppressed(site: Site) -> dict[str, str]:
    with site.reading() as session:
        found = session.scalars(select(Suppression)).all()
        return {each.email_key: each.reason.value for each in found}


def post(
    api: Api, clock: Clock, body: bytes, *, secret: str = SECRET, age: int = 0, kind: str = ""
) -> httpx.Response:
    sent_at = str(int(clock.now().timestamp()) - age)
    signature = hmac.new(secret.encode(), f"{sent_at}.".encode() + body, hashlib.sha256)
    headers = {
        "Booking-Signature": f"t={sent_at},v1={signature.hexdigest()}",
        "Content-Type": kind or "application/json",
    }
    return api.visitor.post("/mail/events", content=body, headers=headers)


def tell(api: Api, clock: Clock, **event: Any) -> Any:
    answer = post(api, clock, json.dumps({"events": [event]}).encode())
    assert answer.status_code == 200, answer.text
    return answer.json()
