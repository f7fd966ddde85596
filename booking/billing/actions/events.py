"""What a gateway tells us of its own accord: noted once, in the transaction of its effect."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking import clock
from booking.billing.gateways.protocol import GatewayEvent
from booking.billing.models import Charge, SeenEvent
from booking.database import across_businesses, new_id

KEPT_FOR = timedelta(days=90)
"""Far longer than any gateway repeats itself."""


@dataclass(frozen=True, slots=True)
class Concerned:
    charge_id: uuid.UUID
    business_id: uuid.UUID


def is_known(session: Session, gateway: str, event_id: str) -> bool:
    found = select(SeenEvent.id).where(SeenEvent.gateway == gateway, SeenEvent.event_id == event_id)
    return session.scalar(found) is not None


def concerned(session: Session, gateway: str, order_id: str | None) -> Concerned | None:
    """The charge of that order, of whichever business: the order is all an event names."""
    with across_businesses(session):
        charge = session.scalar(
            select(Charge).where(Charge.order_id == order_id, Charge.gateway == gateway)
        )
    return Concerned(charge.id, charge.business_id) if charge else None


def note(session: Session, gateway: str, event: GatewayEvent) -> bool:
    """Whether this is the first we hear of it."""
    seen = SeenEvent(
        id=new_id(),
        gateway=gateway,
        event_id=event.id[:100],
        kind=event.kind[:100],
        at=clock.now(),
    )
    try:
        with session.begin_nested():
            session.add(seen)
    except IntegrityError:
        return False
    return True


def forget(session: Session) -> None:
    session.execute(delete(SeenEvent).where(SeenEvent.at < clock.now() - KEPT_FOR))
