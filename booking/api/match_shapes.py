"""What is answered about records that may be one person."""

import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from booking.accounts.models import Account
from booking.api.clients import ClientOut
from booking.api.look_alike_shapes import Reasons
from booking.appointments.models import Appointment, AppointmentState
from booking.matching.models import Match, MatchState, Origin, Scan


class VisitOut(BaseModel):
    """A visit without a client, with what its booker typed."""

    id: uuid.UUID
    starts_at: datetime
    state: AppointmentState
    service: str
    first_name: str
    last_name: str
    email: str
    mobile_phone: str
    pets: list[dict[str, Any]]


class LoginOut(BaseModel):
    """A login without a client; its mailbox is proved."""

    id: uuid.UUID
    name: str
    email: str
    created_at: datetime


class OtherOut(BaseModel):
    """One of the three, as `kind` says."""

    kind: Literal["client", "visit", "login"]
    client: ClientOut | None = None
    visit: VisitOut | None = None
    login: LoginOut | None = None


class MatchOut(BaseModel):
    """`score` is how likely the two are one person, 0 to 1. `newcomer` is which of two clients came
    last and raised the question."""

    id: uuid.UUID
    state: MatchState
    origin: Origin
    score: float
    reasons: Reasons
    client: ClientOut
    other: OtherOut
    newcomer: uuid.UUID | None
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None


class MatchList(BaseModel):
    items: list[MatchOut]
    next_cursor: str | None


class DuplicateOut(MatchOut):
    """`group`: everybody who may be this same person, by this pair and others."""

    group: list[uuid.UUID]


class DuplicateList(BaseModel):
    items: list[DuplicateOut]
    next_cursor: str | None


class LinkedOut(BaseModel):
    """What became of a match that was answered with yes. A merge, `merge_id`, can be undone; a
    visit or a login is taken back by reopening the match."""

    state: Literal["linked"] = "linked"
    kind: Literal["client", "visit", "login"]
    client_id: uuid.UUID
    merge_id: uuid.UUID | None = None


class ScanOut(BaseModel):
    """How far the look through the whole list is: `done` of `total` clients, `found` pairs."""

    state: Literal["never", "queued", "running", "done"]
    total: int = 0
    done: int = 0
    found: int = 0
    started_by: str | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None


def scan_out(scan: Scan | None) -> ScanOut:
    if scan is None:
        return ScanOut(state="never")
    return ScanOut(
        state=scan.state.value,
        total=scan.total,
        done=scan.done,
        found=scan.found,
        started_by=scan.created_by_name,
        created_at=scan.created_at,
        finished_at=scan.finished_at,
    )


def match_out(match: Match, client: ClientOut, other: OtherOut) -> MatchOut:
    return MatchOut(
        id=match.id,
        state=match.state,
        origin=match.origin,
        score=match.score,
        reasons=Reasons(agrees=match.agrees, differs=match.differs),
        client=client,
        other=other,
        newcomer=match.newcomer_id,
        created_at=match.created_at,
        decided_at=match.decided_at,
        decided_by=match.decided_by_name or None,
    )


def visit_out(visit: Appointment) -> VisitOut:
    return VisitOut(
        id=visit.id,
        starts_at=visit.starts_at,
        state=visit.state,
        service=visit.service_name,
        first_name=visit.first_name,
        last_name=visit.last_name,
        email=visit.email,
        mobile_phone=visit.mobile_phone,
        pets=visit.pets,
    )


def login_out(account: Account) -> LoginOut:
    return LoginOut(
        id=account.id, name=account.name, email=account.email, created_at=account.created_at
    )
