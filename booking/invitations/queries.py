"""Who will be invited and who not, and how a campaign stands."""

import functools
import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    SQLColumnExpression,
    and_,
    any_,
    bindparam,
    case,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from booking import clock
from booking.accounts.models import Account
from booking.clients.models import Client, ClientStatus, Link
from booking.database import UtcDateTime, business_of
from booking.errors import NotFound
from booking.invitations.models import (
    OPEN_STATES,
    Campaign,
    CampaignHold,
    Invitation,
    InvitationState,
)
from booking.mail.models import Suppression
from booking.preferences.actions import current

REASONS = (
    "inactive",
    "blocked",
    "has_account",
    "no_email",
    "invalid_email",
    "suppressed",
    "shared_email",
    "recently_invited",
    "invited_too_often",
)
ELIGIBLE = "eligible"
_earlier = aliased(Invitation)
COUNTED = (
    "queued", "sending", "sent", "deferred", "bounced", "failed", "uncertain", "accepted",
    "expired", "skipped", "revoked",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preview:
    """`skipped` has every reason, in the order in which the first that applies counts."""

    recipients: int
    skipped: dict[str, int]


def preview(session: Session, client_ids: Collection[uuid.UUID] | None = None) -> Preview:
    """How many would be invited now, and how many not and why. They add up to all clients."""
    counts = counted(session, asked_of(session, client_ids))
    return Preview(recipients=counts.pop(ELIGIBLE), skipped=counts)


def asked_of(
    session: Session, client_ids: Collection[uuid.UUID] | None
) -> list[ColumnElement[bool]]:
    chosen = [] if client_ids is None else [among(session, client_ids)]
    return [Client.business_id == business_of(session), *chosen]


def counted(session: Session, whom: Sequence[ColumnElement[bool]]) -> dict[str, int]:
    """How many clients each verdict has, every reason included."""
    make_room(session)
    # The offset keeps a planner from working the rule out twice, for the group and for the answer.
    asked = select(eligibility(of_many=True).label("verdict")).where(*whom).offset(0)
    found = asked.subquery()
    query = select(found.c.verdict, func.count()).group_by(found.c.verdict)
    counts = {str(verdict): count for verdict, count in session.execute(query, parameters(session))}
    return dict.fromkeys((*REASONS, ELIGIBLE), 0) | counts


def make_room(session: Session) -> None:
    """For the rule over a whole list: PostgreSQL compares with sets only while they fit in memory,
    and else row by row with each other. Lasts until the end of the transaction."""
    if session.get_bind().dialect.name != "sqlite":
        session.execute(text("SET LOCAL work_mem = '64MB'"))


def among(session: Session, client_ids: Collection[uuid.UUID]) -> ColumnElement[bool]:
    """Is the client one of these? As a single parameter, however many they are."""
    if session.get_bind().dialect.name == "sqlite":
        ids = json.dumps([client_id.hex for client_id in client_ids])
        return Client.id.in_(select(func.json_each(ids).table_valued("value").c.value))
    return Client.id == any_(literal(list(client_ids), ARRAY(UuidType())))


_BUSINESS = bindparam("of_business", type_=UuidType())
_SINCE = bindparam("recent_since", type_=UtcDateTime())
_MOST = bindparam("most_invitations", type_=Integer())


def parameters(session: Session) -> dict[str, object]:
    """What statements with `eligibility` are executed with: whose clients, and what the business
    has chosen."""
    chosen = current(session).invitations
    return {
        "of_business": business_of(session),
        "recent_since": clock.now() - timedelta(hours=chosen.invite_resend_min_hours),
        "most_invitations": chosen.invite_max_per_client,
    }


@functools.cache
def eligibility(*, in_hand: bool = False, of_many: bool = False) -> ColumnElement[str]:
    """Who is invited, in one rule, as SQL over `Client`: `eligible`, or the first reason not to.

    `in_hand`: for clients whose invitation is claimed already only what was sent counts as recent,
    not that invitation itself. `of_many`: the same answers, worked out set by set for a whole list
    in place of row by row.
    """
    has_link = _found(of_many, Client.id, Link.client_id, Link.business_id)
    has_login = _found(of_many, Client.email_key, Account.email_key, Account.business_id)
    silenced = _found(of_many, Client.email_key, Suppression.email_key, Suppression.business_id)
    return case(
        (Client.status != ClientStatus.ACTIVE, "inactive"),
        (Client.blocked, "blocked"),
        (or_(has_link, has_login), "has_account"),
        (Client.email == "", "no_email"),
        (Client.email_key.is_(None), "invalid_email"),
        (silenced, "suppressed"),
        (_an_older_one_shares(of_many), "shared_email"),
        (_recently_invited(of_many, in_hand), "recently_invited"),
        (_invited_often(of_many), "invited_too_often"),
        else_=literal(ELIGIBLE),
    )


def _found(
    of_many: bool,
    key: InstrumentedAttribute[Any],
    among_keys: InstrumentedAttribute[Any],
    owner: InstrumentedAttribute[Any],
    *conditions: ColumnElement[bool],
) -> ColumnElement[bool]:
    """Is the client's key among those of the business, in rows of which that is true?"""
    of_business = (owner == _BUSINESS, *conditions)
    if not of_many:
        return exists().where(*of_business, among_keys == key)
    return key.in_(select(among_keys).where(*of_business, among_keys.is_not(None)))


def _an_older_one_shares(of_many: bool) -> ColumnElement[bool]:
    """One invitation an address, for the oldest record that could have it."""
    other, any_one = aliased(Client), aliased(Client)
    linked = exists().where(Link.business_id == _BUSINESS, Link.client_id == other.id)
    older = exists().where(
        other.business_id == _BUSINESS,
        other.email_key == Client.email_key,
        other.status == ClientStatus.ACTIVE,
        ~other.blocked,
        ~linked,
        or_(
            other.created_at < Client.created_at,
            and_(other.created_at == Client.created_at, other.id < Client.id),
        ),
    )
    if not of_many:
        return older
    shared = (
        select(any_one.email_key)
        .where(any_one.business_id == _BUSINESS, any_one.email_key.is_not(None))
        .group_by(any_one.email_key)
        .having(func.count() > 1)
    )
    return and_(Client.email_key.in_(shared), older)


def _recently_invited(of_many: bool, in_hand: bool) -> ColumnElement[bool]:
    """At this address; an invitation that waits to be sent counts as recent too."""
    moments: tuple[SQLColumnExpression[Any], ...] = (_earlier.sent_at, _earlier.reminded_at)
    if not of_many:
        # Of one client few rows are looked at: not by the index of all that was sent lately.
        moments = tuple(func.coalesce(moment, _SINCE) for moment in moments)
    mailed = _found(
        of_many,
        Client.email_key,
        _earlier.email_key,
        _earlier.business_id,
        or_(*(moment > _SINCE for moment in moments)),
    )
    if in_hand:
        return mailed
    is_open = _earlier.state.in_(OPEN_STATES)
    waiting = _found(of_many, Client.id, _earlier.client_id, _earlier.business_id, is_open)
    return or_(mailed, waiting)


def _invited_often(of_many: bool) -> ColumnElement[bool]:
    """Sending one again counts as inviting again; a reminder does not."""
    was_sent = _earlier.sent_at.is_not(None)
    times = func.coalesce(func.sum(case((was_sent, _earlier.generation + 1), else_=0)), 0)
    of_business = _earlier.business_id == _BUSINESS
    if not of_many:
        mine = select(times).where(of_business, _earlier.client_id == Client.id)
        return mine.scalar_subquery() >= _MOST
    often = select(_earlier.client_id).where(of_business, was_sent).group_by(_earlier.client_id)
    return Client.id.in_(often.having(times >= _MOST))


def verdict(session: Session, client_id: uuid.UUID) -> str:
    """May this client be invited now: `eligible`, or the first reason not to. Raises NotFound."""
    query = select(eligibility()).where(Client.id == client_id)
    found = session.scalar(query, parameters(session))
    if found is None:
        raise NotFound
    return str(found)


def verdicts(session: Session, client_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The same of each of these."""
    query = select(Client.id, eligibility()).where(Client.id.in_(client_ids))
    rows = session.execute(query, parameters(session))
    return {client_id: str(found) for client_id, found in rows}


def campaign(session: Session, campaign_id: uuid.UUID) -> Campaign:
    """Raises NotFound."""
    found = session.scalar(select(Campaign).where(Campaign.id == campaign_id))
    if found is None:
        raise NotFound
    return found


def campaigns(session: Session, limit: int = 50) -> Sequence[Campaign]:
    return session.scalars(select(Campaign).order_by(Campaign.id.desc()).limit(limit)).all()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a campaign stands: computed from its rows each time, never remembered.

    `state` is queued, sending, paused, finished or cancelled; each row counts in exactly one.
    `delivered` were taken by a mail server and did not come back; `opened` and `accepted` are
    among them.
    """

    state: str
    paused_because: str
    counts: dict[str, int]
    delivered: int
    opened: int
    reminded: int
    repeated: int
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def open(self) -> int:
        return sum(self.counts[state.value] for state in OPEN_STATES)

    @property
    def done(self) -> int:
        return sum(self.counts.values()) - self.open


def shown_state(moment: datetime) -> ColumnElement[str]:
    """An invitation's state as people see it: a sent one whose link ran out is expired."""
    ran_out = and_(Invitation.state == InvitationState.SENT, Invitation.expires_at <= moment)
    return case((ran_out, literal("expired")), else_=Invitation.state)


_NOT_DELIVERED = {"bounced", "failed"}


def standing(session: Session, found: Campaign) -> Standing:
    rows = session.execute(_groups().where(Invitation.campaign_id == found.id)).all()
    counts = dict.fromkeys(COUNTED, 0)
    for row in rows:
        counts[getattr(row.shown, "value", row.shown)] += row.number
    firsts = [row.first for row in rows if row.first is not None]
    lasts = [row.last for row in rows if row.last is not None]
    reached = [row for row in rows if row.shown not in {*_NOT_DELIVERED, "accepted"}]
    is_open = any(counts[state.value] for state in OPEN_STATES)
    access = current(session).client_settings.allow_client_online_account_access
    return Standing(
        state=_state(found, is_open=is_open, started=bool(firsts), access=access),
        paused_because=_why_paused(found, access=access),
        counts=counts,
        delivered=counts["accepted"] + sum(row.sent for row in reached),
        opened=counts["accepted"] + sum(row.opened for row in reached),
        reminded=sum(row.reminded for row in rows),
        repeated=sum(row.repeated for row in rows),
        started_at=min(firsts, default=None),
        finished_at=None if is_open else max(lasts, default=found.created_at),
    )


def _groups() -> Select[*tuple[Any, ...]]:
    state = shown_state(clock.now()).label("shown")
    was_opened = case((Invitation.sent_at.is_not(None), Invitation.opened_at))
    return select(
        state,
        func.count().label("number"),
        func.min(Invitation.sent_at).label("first"),
        func.max(Invitation.sent_at).label("last"),
        func.count(Invitation.sent_at).label("sent"),
        func.count(was_opened).label("opened"),
        func.count(Invitation.reminded_at).label("reminded"),
        func.count(case((Invitation.repeated, 1))).label("repeated"),
    ).group_by(state)


def _state(found: Campaign, *, is_open: bool, started: bool, access: bool) -> str:
    if found.hold is CampaignHold.CANCELLED:
        return "cancelled"
    if not is_open:
        return "finished"
    if found.hold is CampaignHold.PAUSED or not access:
        return "paused"
    return "sending" if started else "queued"


def _why_paused(found: Campaign, *, access: bool) -> str:
    if found.hold is CampaignHold.PAUSED:
        return found.paused_because
    return "" if access else "Client online account access is switched to NO."


def open_campaign(session: Session, audience: str) -> Campaign | None:
    """A campaign for that audience that still has somebody to write to."""
    has_open_rows = exists().where(
        Invitation.business_id == Campaign.business_id,
        Invitation.campaign_id == Campaign.id,
        Invitation.state.in_(OPEN_STATES),
    )
    return session.scalar(
        select(Campaign)
        .where(
            Campaign.audience == audience,
            Campaign.hold != CampaignHold.CANCELLED,
            has_open_rows,
        )
        .order_by(Campaign.id)
        .limit(1)
    )


def is_open() -> ColumnElement[bool]:
    """The condition of the index of what is due, word for word."""
    return or_(*(Invitation.state == literal_column(f"'{state.value}'") for state in OPEN_STATES))


def invitation(session: Session, invitation_id: uuid.UUID) -> Invitation:
    """Raises NotFound."""
    found = session.scalar(select(Invitation).where(Invitation.id == invitation_id))
    if found is None:
        raise NotFound
    return found
