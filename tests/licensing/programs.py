"""An installed program before the API, and the standing of its business."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

import httpx
from sqlalchemy import select

from booking.billing.models import BillingAccount
from booking.billing.rules.standing import BillingStatus
from booking.program.licence import Licence, verified
from tests.front_door import Api
from tests.site import Site
from tests.times import START
from tests.world import PASSWORD

DESK = "3f1e2a30-desk"


def wanted(installation: str = DESK, **changed: Any) -> dict[str, Any]:
    """The body with which the salon's owner registers."""
    given = {
        "username": "olivia.owner@example.com",
        "password": PASSWORD,
        "product": "booking",
        "installation_id": installation,
        "machine_name": "Front desk",
    }
    return given | changed


def registered(api: Api, installation: str = DESK, **changed: Any) -> dict[str, Any]:
    answer = api.visitor.post("/registrations", json=wanted(installation, **changed))
    assert answer.status_code == 201, answer.text
    granted: dict[str, Any] = answer.json()
    return granted


def renewed(api: Api, granted: dict[str, Any]) -> httpx.Response:
    return api.bearing(granted["registration_token"]).post(f"/registrations/{granted['id']}/renew")


def licence_of(api: Api, granted: dict[str, Any], installation: str = DESK) -> Licence:
    """Verified as a program does: with the public keys, and with code that is not the room's."""
    keys = api.visitor.get("/licences/keys").json()["keys"]
    return verified(granted["licence"], keys, installation_id=installation)


def stand(site: Site, status: BillingStatus, covered_until: datetime) -> None:
    """The salon has a plan of three seats, which is in that state."""
    with site.writing() as session:
        found = session.scalar(select(BillingAccount)) or BillingAccount(
            id=uuid.uuid4(),
            business_id=site.world.salon.id,
            plan="standard",
            anchor_at=START,
            created_at=START,
        )
        found.status, found.covered_until = status, covered_until
        found.due_since = covered_until if status is BillingStatus.PAST_DUE else None
        session.add(found)


def at_once(work: Callable[[int], object], count: int = 6) -> None:
    """The same so many times, each in a thread of its own, released together."""
    start = Barrier(count)

    def race(number: int) -> object:
        start.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(count) as racers:
        list(racers.map(race, range(count)))
