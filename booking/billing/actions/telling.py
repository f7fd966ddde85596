"""Writing to the owners."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from booking.businesses.queries import owners, this_business
from booking.mail.actions import queue
from booking.mail.message import Email


def tell(session: Session, kind: Callable[..., Email], **values: Any) -> None:
    """Each of the owners, with the commit."""
    business = this_business(session)
    email = kind(
        business_name=business.name, slug=business.slug, timezone=business.timezone, **values
    )
    for owner in owners(session):
        queue(session, email, to=owner.email, business_id=business.id)
