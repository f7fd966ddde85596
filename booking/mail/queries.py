"""Which addresses are written to no more."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.mail.models import Suppression, SuppressionReason


def silenced(session: Session, email_key: str | None) -> SuppressionReason | None:
    """Why this business sends no invitations to that address, if it does not."""
    query = select(Suppression.reason).where(Suppression.email_key == email_key)
    return session.scalar(query)
