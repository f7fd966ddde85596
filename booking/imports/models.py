"""An import: a client list from somewhere else, staged row by row."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, Owned, OwnedPart, new_id, same_business, states


class ImportState(StrEnum):
    NEEDS_MAPPING = "needs_mapping"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


DUE = (ImportState.RUNNING, ImportState.UNDOING, ImportState.QUEUED)
"""What waits for the worker. In a business, what is half done is finished before another begins."""


class Verdict(StrEnum):
    NEW = "new"
    MATCHED = "matched"
    UPDATED = "updated"
    REVIEW = "review"
    REJECTED = "rejected"


class Import(Owned, Base):
    """One uploaded list. `rows` counts the file's lines that say something, `people` the staged
    rows, `done` how many of these have their verdict: they are numbered from 1 and taken in order,
    so `done` is also where an interrupted import goes on. Undoing takes them back from the last one
    on, and `done` goes down with it: those up to there still stand as the import left them.

    `due_since` is when it was given to the worker, or when the worker last took some of it.
    `removed`, `restored` and `spared` count clients, row by row, as they are undone.
    """

    __tablename__ = "import"
    __table_args__ = (
        UniqueConstraint("business_id", "id"),
        Index("ix_import_state", "state", "business_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[ImportState] = mapped_column(states(ImportState))
    dry_run: Mapped[bool]
    file_name: Mapped[str] = mapped_column(String(200))
    format: Mapped[str | None] = mapped_column(String(40))
    headers: Mapped[list[str]]
    mapping: Mapped[dict[str, Any]]
    dropped_columns: Mapped[list[str]]
    rows: Mapped[int]
    people: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(500), default="")
    created_by_name: Mapped[str] = mapped_column(String(200))
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    due_since: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    undone_by_name: Mapped[str] = mapped_column(String(200), default="")
    undone_by: Mapped[uuid.UUID | None]
    removed: Mapped[int] = mapped_column(default=0)
    restored: Mapped[int] = mapped_column(default=0)
    spared: Mapped[int] = mapped_column(default=0)


class ImportRow(OwnedPart, Base):
    """One person of the file (or one line that was rejected), with what became of it.

    `person` is what the file says of them, empty values left out. `cells` are the lines as read,
    after forbidden columns were dropped: `{"rows": [[line, [cell, …]], …]}`; kept where a person
    maps the columns, so that another mapping needs no second upload.
    `undo` says how to take back what was written.

    `said` stands for all that the row says, whichever line says it: the same again is the same
    client. `left_at` is when that client last changed, as the row left it, where nothing the row
    says was passed over: while that is so, the same row again changes nothing.
    """

    __tablename__ = "import_row"
    __table_args__ = (
        same_business("import_id", "import", ondelete="CASCADE"),
        Index("ix_import_row_import", "business_id", "import_id", "number"),
        Index("ix_import_row_verdict", "business_id", "import_id", "verdict", "number"),
        Index("ix_import_row_said", "business_id", "said"),
        Index("ix_import_row_client", "business_id", "client_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    import_id: Mapped[uuid.UUID]
    number: Mapped[int]
    lines: Mapped[list[int]] = mapped_column(JSON)
    cells: Mapped[dict[str, Any]]
    person: Mapped[dict[str, Any]]
    verdict: Mapped[Verdict | None] = mapped_column(states(Verdict))
    problems: Mapped[list[dict[str, Any]]]
    client_id: Mapped[uuid.UUID | None]
    undo: Mapped[dict[str, Any]] = mapped_column(default=dict)
    said: Mapped[int | None] = mapped_column(BigInteger)
    left_at: Mapped[datetime | None]


class ImportMapping(Owned, Base):
    """What a business said the columns of a file mean, for the next file with the same headers.

    `headers_digest` is the SHA-256 of the file's headers, cleaned as for recognition, in order.
    """

    __tablename__ = "import_mapping"
    __table_args__ = (UniqueConstraint("business_id", "headers_digest"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    headers_digest: Mapped[str] = mapped_column(String(64))
    mapping: Mapped[dict[str, Any]]
    remembered_at: Mapped[datetime]
