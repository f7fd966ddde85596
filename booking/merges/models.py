"""Merges: what was put together, and all that is needed to take it apart again."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, Owned, new_id, same_business, states


class MergeState(StrEnum):
    DONE = "done"
    UNDONE = "undone"


class Merge(Owned, Base):
    """Records that became one. `kept_id` names the record that stayed; it may itself have gone into
    another since, which is why no foreign key holds it.

    `changed` are the values of rows that stay, as they were and as the merge left them:
    `{"table", "id", "before": {column: value}, "after": {column: value}}`. `removed` are whole rows
    that went: `{"table", "row": {column: value}}`. Undoing reads them backwards.
    """

    __tablename__ = "merge"
    __table_args__ = (
        UniqueConstraint("business_id", "id"),
        Index("ix_merge_kept", "business_id", "kept_id"),
        Index("ix_merge_created", "business_id", "created_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    kept_id: Mapped[uuid.UUID]
    kept_name: Mapped[str] = mapped_column(String(300))
    state: Mapped[MergeState] = mapped_column(states(MergeState), default=MergeState.DONE)
    changed: Mapped[list[dict[str, Any]]]
    removed: Mapped[list[dict[str, Any]]]
    created_at: Mapped[datetime]
    created_by: Mapped[uuid.UUID | None]
    created_by_name: Mapped[str] = mapped_column(String(200))
    undone_at: Mapped[datetime | None]
    undone_by_name: Mapped[str] = mapped_column(String(200), default="")


class MergedClient(Owned, Base):
    """A record that went into another: where its old address leads now."""

    __tablename__ = "merged_client"
    __table_args__ = (
        same_business("merge_id", "merge", ondelete="CASCADE"),
        Index("ix_merged_client_client", "business_id", "client_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    merge_id: Mapped[uuid.UUID]
    client_id: Mapped[uuid.UUID]
    name: Mapped[str] = mapped_column(String(300))
