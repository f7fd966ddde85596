"""The invitations of one campaign, row by row: page by page, searched, or all of them."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVarTuple

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from booking import clock
from booking.clients.models import Client
from booking.clients.rules import needles
from booking.invitations.models import Campaign, Invitation
from booking.invitations.queries import shown_state

OPENED = "opened"
_CHUNK = 1_000
Columns = TypeVarTuple("Columns")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`q` looks through names, phones, pets and addresses of the client: every word must be found.
    `state` is one as shown, or OPENED: of those who have not accepted, whose link was opened."""

    state: str | None = None
    q: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a campaign: the invitation, the client it is for, its state as shown."""

    invitation: Invitation
    client: Client
    state: str


def first_id(moment: datetime) -> uuid.UUID:
    """The smallest UUIDv7 of that millisecond. A campaign's rows have the one of its beginning, and
    behind it their place in the list: so one index finds and sorts them."""
    return uuid.UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (8 << 60))


def invitations(
    session: Session,
    found: Campaign,
    wanted: Wanted = Wanted(),
    *,
    after: uuid.UUID | None = None,
    limit: int,
) -> list[Listed]:
    """In the order they were queued, by client name, after the one named."""
    page = _matching(found, wanted, select(Invitation.id)).limit(limit)
    if after is not None:
        page = page.where(Invitation.id > after)
    query = _with_clients(select(Invitation, Client, shown_state(clock.now())))
    # The ids first, by their index: so nobody sorts a hundred thousand rows for one page.
    rows = session.execute(query.where(Invitation.id.in_(page)).order_by(Invitation.id))
    return [
        Listed(row, client, getattr(as_shown, "value", as_shown)) for row, client, as_shown in rows
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the export, as plain values."""

    first_name: str
    last_name: str
    email: str
    state: str
    reason: str
    smtp_code: int | None
    sent_at: datetime | None
    opened_at: datetime | None
    accepted_at: datetime | None
    expires_at: datetime | None
    reminded_at: datetime | None
    repeated: bool


def every_line(session: Session, found: Campaign, wanted: Wanted = Wanted()) -> Iterator[Line]:
    """All of them, read in pieces."""
    columns = [
        getattr(Invitation, name)
        for name in ("reason", "smtp_code", "sent_at", "opened_at", "accepted_at", "expires_at")
    ]
    query = select(
        Client.first_name,
        Client.last_name,
        Client.email,
        Invitation.email,
        shown_state(clock.now()),
        *columns,
        Invitation.reminded_at,
        Invitation.repeated,
    )
    if not wanted.q:
        query = _with_clients(query)
    rows = session.execute(_matching(found, wanted, query).execution_options(yield_per=_CHUNK))
    for first_name, last_name, typed, mailed, shown, *others in rows:
        state = getattr(shown, "value", shown)
        yield Line(first_name, last_name, mailed or typed, state, *others)


def _matching(found: Campaign, wanted: Wanted, query: Select[*Columns]) -> Select[*Columns]:
    query = query.where(
        Invitation.business_id == found.business_id,
        Invitation.campaign_id == found.id,
        Invitation.id >= first_id(found.created_at),
    ).order_by(Invitation.id)
    if wanted.state == OPENED:
        unanswered = shown_state(clock.now()).in_(["sent", "expired"])
        query = query.where(Invitation.opened_at.is_not(None), unanswered)
    elif wanted.state is not None:
        query = query.where(shown_state(clock.now()) == wanted.state)
    if wanted.q:
        query = _with_clients(query)
    for alternatives in needles(wanted.q):
        query = query.where(or_(*map(_contains, alternatives)))
    return query


def _with_clients(query: Select[*Columns]) -> Select[*Columns]:
    return query.join(
        Client,
        (Client.id == Invitation.client_id) & (Client.business_id == Invitation.business_id),
    )


def _contains(text: str) -> ColumnElement[bool]:
    return or_(
        Client.search_text.contains(text, autoescape=True),
        Invitation.email_key.contains(text, autoescape=True),
    )
