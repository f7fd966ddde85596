"""Who will be invited and who not, and how a campaign stands."""

import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    and_,
    any_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.orm import Session, aliased

from booking import clock
from booking.accounts.models import Account
from booking.clients.models import Client, ClientStatus, Link
from booking.database import UtcDateTime, business_of
from booking.errors import NotFound
from booking.invitations.models import Campaign, CampaignHold, Invitation, InvitationState
from booking.mail.models import Suppression
from booking.preferences.actions import current
from booking.preferences.models import PreferenceSet

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
_SWITCH = ("client_settings", "allow_client_online_account_access")
OPEN_STATES = (
    InvitationState.QUEUED,
    InvitationState.SENDING,
    InvitationState.DEFERRED,
    InvitationState.UNCERTAIN,
)
COUNTED = (
    "queued",
    "sending",
    "sent",
    "deferred",
    "bounced",
    "failed",
    "uncertain",
    "accepted",
    "expired",
    "skipped",
    "revoked",
)


@dataclass(frozen=True, slots=True)
class Preview:
    """`skipped` has every reason, in the order in which the first that applies counts."""

    recipients: int
    skipped: dict[str, int]


def preview(session: Session, client_ids: Collection[uuid.UUID] | None = None) -> Preview:
    """How many would be invited now, and how many not and why. They add up to all clients."""
    verdict = eligibility(session).label("verdict")
    query = select(verdict, func.count()).select_from(Client).group_by(verdict)
    if client_ids is not None:
        query = query.where(among(session, client_ids))
    counts = {str(found): count for found, count in session.execute(query)}
    return Preview(
        recipients=counts.get(ELIGIBLE, 0),
        skipped={reason: counts.get(reason, 0) for reason in REASONS},
    )


def among(session: Session, client_ids: Collection[uuid.UUID]) -> ColumnElement[bool]:
    """Is the client one of these? As a single parameter, however many they are."""
    if session.get_bind().dialect.name == "sqlite":
        ids = json.dumps([client_id.hex for client_id in client_ids])
        return Client.id.in_(select(func.json_each(ids).table_valued("value").c.value))
    return Client.id == any_(literal(list(client_ids), ARRAY(UuidType())))


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rule of eligibility is asked with: whose clients, and what the business has chosen.

    `in_hand`: for clients whose invitation is claimed already only what was sent counts as recent,
    not that invitation itself.
    """

    business_id: ColumnElement[uuid.UUID]
    since: ColumnElement[datetime]
    most: ColumnElement[int]
    in_hand: bool = False


PARAMETERS = Asked(
    business_id=bindparam("of_business", type_=UuidType()),
    since=bindparam("recent_since", type_=UtcDateTime()),
    most=bindparam("most_invitations", type_=Integer()),
    in_hand=True,
)
"""For a statement that is built once and executed with `parameters` thousands of times."""


def parameters(session: Session) -> dict[str, object]:
    chosen = current(session).invitations
    return {
        "of_business": business_of(session),
        "recent_since": clock.now() - timedelta(hours=chosen.invite_resend_min_hours),
        "most_invitations": chosen.invite_max_per_client,
    }


def eligibility(session: Session) -> ColumnElement[str]:
    """The rule as it stands for this business now."""
    values = parameters(session)
    return eligibility_rule(
        Asked(
            business_id=literal(values["of_business"], UuidType()),
            since=literal(values["recent_since"], UtcDateTime()),
            most=literal(values["most_invitations"], Integer()),
        )
    )


def eligibility_rule(asked: Asked) -> ColumnElement[str]:
    """Who is invited, in one rule, as SQL over `Client`: `eligible`, or the first reason not to."""
    of_business = asked.business_id
    has_link = exists().where(Link.business_id == of_business, Link.client_id == Client.id)
    has_login = exists().where(
        Account.business_id == of_business, Account.email_key == Client.email_key
    )
    silenced = exists().where(
        Suppression.business_id == of_business, Suppression.email_key == Client.email_key
    )
    return case(
        (Client.status != ClientStatus.ACTIVE, "inactive"),
        (Client.blocked, "blocked"),
        (or_(has_link, has_login), "has_account"),
        (Client.email == "", "no_email"),
        (Client.email_key.is_(None), "invalid_email"),
        (silenced, "suppressed"),
        (_an_older_one_shares(of_business), "shared_email"),
        (_recently_invited(asked), "recently_invited"),
        (_times_invited(of_business) >= asked.most, "invited_too_often"),
        else_=literal(ELIGIBLE),
    )


def _an_older_one_shares(of_business: ColumnElement[uuid.UUID]) -> ColumnElement[bool]:
    """One invitation an address, for the oldest record that could have it."""
    other = aliased(Client)
    linked = exists().where(Link.business_id == of_business, Link.client_id == other.id)
    return exists().where(
        other.business_id == of_business,
        other.email_key == Client.email_key,
        other.status == ClientStatus.ACTIVE,
        ~other.blocked,
        ~linked,
        or_(
            other.created_at < Client.created_at,
            and_(other.created_at == Client.created_at, other.id < Client.id),
        ),
    )


def _recently_invited(asked: Asked) -> ColumnElement[bool]:
    """At this address; an invitation that waits to be sent counts as recent too."""
    recent = exists().where(
        _earlier.business_id == asked.business_id,
        _earlier.email_key == Client.email_key,
        _earlier.sent_at > asked.since,
    )
    if asked.in_hand:
        return recent
    waiting = exists().where(
        _earlier.business_id == asked.business_id,
        _earlier.client_id == Client.id,
        _earlier.state.in_(OPEN_STATES),
    )
    return or_(recent, waiting)


def _times_invited(of_business: ColumnElement[uuid.UUID]) -> ColumnElement[int]:
    """Sending one again counts as inviting again."""
    return (
        select(func.coalesce(func.sum(_earlier.generation + 1), 0))
        .where(
            _earlier.business_id == of_business,
            _earlier.client_id == Client.id,
            _earlier.sent_at.is_not(None),
        )
        .scalar_subquery()
    )


def verdict(session: Session, client_id: uuid.UUID) -> str:
    """May this client be invited now: `eligible`, or the first reason not to. Raises NotFound."""
    found = session.scalar(select(eligibility(session)).where(Client.id == client_id))
    if found is None:
        raise NotFound
    return str(found)


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
    """

    state: str
    paused_because: str
    counts: dict[str, int]
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
    ran_out = and_(
        Invitation.state.in_([InvitationState.SENT, InvitationState.UNCERTAIN]),
        Invitation.expires_at <= moment,
    )
    return case((ran_out, literal("expired")), else_=Invitation.state)


def standing(session: Session, found: Campaign) -> Standing:
    state = shown_state(clock.now()).label("shown")
    rows = session.execute(
        select(state, func.count(), func.min(Invitation.sent_at), func.max(Invitation.sent_at))
        .where(Invitation.campaign_id == found.id)
        .group_by(state)
    ).all()
    counts = dict.fromkeys(COUNTED, 0)
    for shown, count, _, _ in rows:
        counts[getattr(shown, "value", shown)] += count
    firsts = [first for _, _, first, _ in rows if first is not None]
    lasts = [last for _, _, _, last in rows if last is not None]
    is_open = any(counts[state.value] for state in OPEN_STATES)
    access = current(session).client_settings.allow_client_online_account_access
    return Standing(
        state=_state(found, is_open=is_open, started=bool(firsts), access=access),
        paused_because=_why_paused(found, access=access),
        counts=counts,
        started_at=min(firsts, default=None),
        finished_at=None if is_open else max(lasts, default=found.created_at),
    )


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


def invitation(session: Session, invitation_id: uuid.UUID) -> Invitation:
    """Raises NotFound."""
    found = session.scalar(select(Invitation).where(Invitation.id == invitation_id))
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a campaign: the invitation, the client it is for, its state as shown."""

    invitation: Invitation
    client: Client
    state: str


def invitations(
    session: Session,
    found: Campaign,
    *,
    state: str | None,
    after: uuid.UUID | None,
    limit: int,
) -> list[Listed]:
    """In the order they were queued, after the one named."""
    shown = shown_state(clock.now())
    query = (
        select(Invitation, Client, shown)
        .join(
            Client,
            (Client.id == Invitation.client_id) & (Client.business_id == Invitation.business_id),
        )
        .where(Invitation.campaign_id == found.id)
        .order_by(Invitation.id)
        .limit(limit)
    )
    if state is not None:
        query = query.where(shown == state)
    if after is not None:
        query = query.where(Invitation.id > after)
    return [
        Listed(row, client, getattr(as_shown, "value", as_shown))
        for row, client, as_shown in session.execute(query)
    ]


def oldest_due(session: Session) -> datetime | None:
    """When the invitation that has waited longest became due, in all businesses that may send.

    The caller looks across businesses.
    """
    return session.scalar(
        select(Invitation.due_at)
        .join(Campaign, Campaign.id == Invitation.campaign_id)
        .join(PreferenceSet, PreferenceSet.business_id == Invitation.business_id)
        .where(
            Invitation.state.in_(OPEN_STATES),
            Campaign.hold == CampaignHold.OPEN,
            PreferenceSet.chosen[_SWITCH].as_boolean(),
            or_(Invitation.lease_until.is_(None), Invitation.lease_until < clock.now()),
        )
        .order_by(Invitation.due_at)
        .limit(1)
    )
