"""Writing to the owners."""

from typing import Any

from sqlalchemy.orm import Session

from booking.billing.emails import BillingEmail
from booking.businesses.queries import owners, this_business
from booking.mail.actions import queue


def tell(session: Session, kind: type[BillingEmail], **values: Any) -> None:
    """Each of the owners, with the commit."""
    business = this_business(session)
    email = kind(
        business_name=business.name, slug=business.slug, timezone=business.timezone, **values
    )
    for owner in owners(session):
        queue(session, email, to=owner.email, business_id=business.id)
