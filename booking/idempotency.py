"""One answer for one Idempotency-Key of one caller and path.

After draft-ietf-httpapi-idempotency-key-header-07: same key and body, the first answer again; same
key and another body, 422; still running, 409. The body itself is never kept, only a keyed
fingerprint; nor are secrets of the answer, which are issued anew.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from booking import clock
from booking.database import Base, keyring_of, new_id
from booking.errors import Conflict, FieldError, Invalid
from booking.tokens import Purpose

KEPT_FOR = timedelta(days=1)
RUNS_FOR_AT_MOST = timedelta(seconds=60)


class StillRunning(Conflict):
    code = "idempotency_key_in_use"
    message = "The first request with this Idempotency-Key is still running."


class KeyReused(Invalid):
    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used for another request. Use a new key."


class IdempotencyRecord(Base):
    """`status` is null while the first request runs."""

    __tablename__ = "idempotency_record"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    key_digest: Mapped[str] = mapped_column(String(64), unique=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    answer: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """One request under a key: who asks, what path, and the exact bytes sent."""

    key: str
    caller: str
    path: str
    body: bytes

    def digest(self, session: Session) -> str:
        text = "\n".join((self.caller, self.path, self.key))
        return keyring_of(session).digest(Purpose.FINGERPRINT, text)

    def fingerprint(self, session: Session) -> str:
        return keyring_of(session).digest(Purpose.FINGERPRINT, self.body.hex())


def check_key(key: str) -> None:
    if not (1 <= len(key) <= 255 and all("!" <= character <= "~" for character in key)):
        raise Invalid(
            fields=(
                FieldError("Idempotency-Key", "invalid", "Use 1 to 255 visible ASCII characters."),
            )
        )


def begin(session: Session, request: KeyedRequest) -> IdempotencyRecord | None:
    """The finished record of an earlier run, or None: this run is the first and now holds the key.

    Raises StillRunning or KeyReused. A run that died with its process gives the key free after a
    minute.
    """
    digest = request.digest(session)
    moment = clock.now()
    session.execute(
        delete(IdempotencyRecord).where(
            IdempotencyRecord.key_digest == digest,
            IdempotencyRecord.status.is_(None),
            IdempotencyRecord.created_at < moment - RUNS_FOR_AT_MOST,
        )
    )
    try:
        with session.begin_nested():
            session.add(
                IdempotencyRecord(
                    key_digest=digest,
                    fingerprint=request.fingerprint(session),
                    created_at=moment,
                )
            )
        return None
    except IntegrityError:
        return _earlier(session, request, digest)


def _earlier(session: Session, request: KeyedRequest, digest: str) -> IdempotencyRecord:
    record = session.query(IdempotencyRecord).filter_by(key_digest=digest).one()
    if record.fingerprint != request.fingerprint(session):
        raise KeyReused
    if record.status is None:
        raise StillRunning
    return record


def finish(session: Session, request: KeyedRequest, status: int, answer: dict[str, Any]) -> None:
    """Keep the answer, without its secrets, in the transaction of the work itself."""
    session.query(IdempotencyRecord).filter_by(key_digest=request.digest(session)).update(
        {"status": status, "answer": answer}
    )


def give_up(session: Session, request: KeyedRequest) -> None:
    """The work failed: the key is free for another try."""
    session.execute(
        delete(IdempotencyRecord).where(
            IdempotencyRecord.key_digest == request.digest(session),
            IdempotencyRecord.status.is_(None),
        )
    )


def forget(session: Session) -> None:
    session.execute(
        delete(IdempotencyRecord).where(IdempotencyRecord.created_at < clock.now() - KEPT_FOR)
    )
