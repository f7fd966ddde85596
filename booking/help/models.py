"""What readers said of an article."""

import uuid
from datetime import datetime

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, new_id


class HelpAnswer(Base):
    """One visitor's answer to "Did you find this helpful?"; a later one takes its place."""

    __tablename__ = "help_answer"
    __table_args__ = (UniqueConstraint("article", "visitor_digest"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    article: Mapped[str] = mapped_column(String(60))
    visitor_digest: Mapped[str] = mapped_column(String(64))
    was_helpful: Mapped[bool]
    comment: Mapped[str] = mapped_column(String(1000), default="")
    answered_at: Mapped[datetime]
