"""Claiming invitations that are due, and marking what became of them."""

import functools
import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Table,
    and_,
    bindparam,
    exists,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from booking import clock
from booking.businesses.models import Business
from booking.clients.models import Client
from booking.database import across_businesses, business_of, settings_of
from booking.invitations import queries
from booking.invitations.actions import coming_back, pacing
from booking.invitations.emails import ClientInvitation
from booking.invitations.models import Campaign, CampaignHold, Invitation, InvitationState
from booking.mail.actions import next_state, stale_at
from booking.mail.models import EmailState
from booking.mail.transports import Outcome, Stage
from booking.preferences.actions import current
from booking.preferences.rules import InvitationSettings
from booking.tokens import Purpose, keyring

_invitation = Invitation.__table__
assert isinstance(_invitation, Table)
_MOMENT = bindparam("moment", type_=Invitation.due_at.type)


@dataclass(frozen=True, slots=True)
class Claimed:
    """One invitation that this worker alone may send, until `lease_until`, as plain values.

    `attempts` counts the tries before this one. `was_uncertain`: nobody knows what became of the
    last of them.
    """

    id: uuid.UUID
    to_email: str
    email: ClientInvitation
    attempts: int
    written_at: datetime
    lease_until: datetime
    stale_at: datetime
    was_uncertain: bool


def due_businesses(session: Session) -> list[uuid.UUID]:
    """The businesses with invitations to send now."""
    with across_businesses(session):
        query = select(Invitation.business_id).where(_due()).distinct()
        return list(session.scalars(query, {"moment": clock.now()}))


def _due() -> ColumnElement[bool]:
    return and_(
        queries.is_open(),
        Invitation.due_at <= _MOMENT,
        or_(Invitation.lease_until.is_(None), Invitation.lease_until < _MOMENT),
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """What one claim took: `claimed` is to be sent; the rest of `taken` rows was skipped."""

    taken: int
    claimed: list[Claimed]


def claim(session: Session, limit: int = 10) -> Batch:
    """Due invitations of this business, asked again whether they may still be sent.

    Who made a login, left, unsubscribed or changed the address meanwhile is skipped, with the
    reason. While the switch is at NO nothing is claimed: the rows wait. A row whose lease ended
    belongs to a worker that died; if it was being sent, it is sent again as the same message.
    Nothing is sent before `begin` has said so of it.
    """
    if not current(session).client_settings.allow_client_online_account_access:
        return Batch(0, [])
    business = session.get_one(Business, business_of(session))
    most = pacing.may_leave_now(session, business, limit)
    if not most:
        return Batch(0, [])
    moment = clock.now()
    values = queries.parameters(session) | {"moment": moment, "most": most}
    rows = session.connection().execute(_next_ones(), values).all()
    skipped = [row for row in rows if row.verdict != queries.ELIGIBLE]
    claimed = _fill(session, [row for row in rows if row.verdict == queries.ELIGIBLE], moment)
    if skipped:
        session.connection().execute(
            _SKIP, [{"row_id": row.id, "new_reason": row.verdict} for row in skipped]
        )
    return Batch(len(rows), claimed)


_MAY_HAVE_ARRIVED = or_(
    Invitation.repeated,
    Invitation.state.in_([InvitationState.SENDING, InvitationState.UNCERTAIN]),
)
"""Its worker died while sending, or the connection broke after the final dot: a copy follows."""


@functools.cache
def _next_ones() -> Executable:
    """Names its business itself: the tenant guard does not look at statements on a connection."""
    return (
        select(
            Invitation.id,
            Invitation.campaign_id,
            Invitation.generation,
            Invitation.attempts,
            _MAY_HAVE_ARRIVED.label("repeated"),
            (Invitation.state == InvitationState.UNCERTAIN).label("was_uncertain"),
            Invitation.due_at,
            Invitation.expires_at,
            Client.email,
            Client.email_key,
            Client.email_version,
            Client.first_name,
            queries.eligibility_rule(queries.PARAMETERS).label("verdict"),
        )
        .join(
            Campaign,
            (Campaign.id == Invitation.campaign_id)
            & (Campaign.business_id == Invitation.business_id),
        )
        .join(
            Client,
            (Client.id == Invitation.client_id) & (Client.business_id == Invitation.business_id),
        )
        .where(
            Invitation.business_id == bindparam("of_business"),
            _due(),
            Campaign.hold == CampaignHold.OPEN,
        )
        .order_by(Invitation.due_at, Invitation.id)
        .limit(bindparam("most"))
        .with_for_update(of=Invitation, skip_locked=True)
    )


_SKIP = (
    update(_invitation)
    .where(_invitation.c.id == bindparam("row_id"))
    .values(state=InvitationState.SKIPPED, reason=bindparam("new_reason"), lease_until=None)
)
_FILLED_IN = (
    "repeated",
    "lease_until",
    "email",
    "email_key",
    "email_version",
    "digest",
    "expires_at",
)
_FILL = (
    update(_invitation)
    .where(_invitation.c.id == bindparam("row_id"))
    .values({name: bindparam(f"new_{name}") for name in _FILLED_IN})
)


def _fill(session: Session, rows: Sequence[Any], moment: datetime) -> list[Claimed]:
    """A claimed row holds the address it goes to, and what its link is recognised by."""
    if not rows:
        return []
    settings = settings_of(session)
    chosen = current(session).invitations
    keys = keyring(settings.secret)
    lives = timedelta(days=chosen.invite_validity_days)
    lease_until = moment + timedelta(seconds=settings.send_lease_seconds)
    session.connection().execute(
        _FILL,
        [
            {
                "row_id": row.id,
                "new_repeated": row.repeated,
                "new_lease_until": lease_until,
                "new_email": row.email,
                "new_email_key": row.email_key,
                "new_email_version": row.email_version,
                "new_digest": keys.digest(
                    Purpose.INVITATION, keys.derive(Purpose.INVITATION, row.id, row.generation)
                ),
                "new_expires_at": row.expires_at or moment + lives,
            }
            for row in rows
        ],
    )
    business = session.get_one(Business, business_of(session))
    stale = stale_at(moment, settings.send_lease_seconds)
    return [_claimed(row, business, chosen, lease_until, stale) for row in rows]


def _claimed(
    row: Any,
    business: Business,
    chosen: InvitationSettings,
    lease_until: datetime,
    stale: datetime,
) -> Claimed:
    return Claimed(
        id=row.id,
        to_email=row.email,
        email=ClientInvitation(
            sender_name=business.name,
            reply_to=chosen.invite_reply_to or business.email,
            invitation_id=row.id,
            generation=row.generation,
            first_name=row.first_name,
            message=chosen.invite_message,
            days=chosen.invite_validity_days,
            feedback_id=f"{row.campaign_id.hex}:{business.id.hex}:invitation:booking",
        ),
        attempts=row.attempts,
        written_at=row.due_at,
        lease_until=lease_until,
        stale_at=stale,
        was_uncertain=bool(row.was_uncertain),
    )


_HELD = and_(
    _invitation.c.id.in_(bindparam("row_ids", expanding=True)),
    _invitation.c.lease_until == bindparam("held_until"),
)
"""Rows of one claim; one that was lost meanwhile has another lease by now."""

_GIVE_BACK = update(_invitation).where(_HELD).values(lease_until=None)
_BEGIN = (
    update(_invitation)
    .where(
        _HELD,
        _invitation.c.state.in_(queries.OPEN_STATES),
        exists().where(
            Campaign.business_id == _invitation.c.business_id,
            Campaign.id == _invitation.c.campaign_id,
            Campaign.hold == CampaignHold.OPEN,
        ),
    )
    .values(state=InvitationState.SENDING, attempts=_invitation.c.attempts + 1)
    .returning(_invitation.c.id)
)
_UNTRIED = (
    update(_invitation)
    .where(_HELD, _invitation.c.state == InvitationState.SENDING)
    .values(state=InvitationState.QUEUED, attempts=_invitation.c.attempts - 1, lease_until=None)
)
_MARK = (
    update(_invitation)
    .where(_HELD, _invitation.c.state == InvitationState.SENDING)
    .values(
        lease_until=None,
        **{
            name: bindparam(f"new_{name}")
            for name in ("state", "due_at", "smtp_code", "reason", "sent_at")
        },
    )
)


def begin(session: Session, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Those that may be handed to the mail server once this is committed: from then on they may
    arrive. Who was taken back meanwhile, or whose campaign is held, is not among them."""
    if not current(session).client_settings.allow_client_online_account_access:
        return []
    begun: set[uuid.UUID] = set()
    for values in _by_lease(claimed):
        begun |= set(session.connection().execute(_BEGIN, values).scalars())
    return [one for one in claimed if one.id in begun]


def give_back(session: Session, claimed: Sequence[Claimed]) -> None:
    """Claimed, but not begun: somebody else may have them at once."""
    for values in _by_lease(claimed):
        session.connection().execute(_GIVE_BACK, values)


def untried(session: Session, begun: Sequence[Claimed]) -> None:
    """The mail server never heard of them: as if they had not been begun."""
    for values in _by_lease(begun):
        session.connection().execute(_UNTRIED, values)


def _by_lease(claimed: Sequence[Claimed]) -> Iterator[dict[str, Any]]:
    for lease_until, held in itertools.groupby(claimed, lambda one: one.lease_until):
        yield {"row_ids": [one.id for one in held], "held_until": lease_until}


def mark(session: Session, outcomes: Sequence[tuple[Claimed, Outcome]]) -> None:
    """Write down what became of them, at once for all who share it: bounced where nobody has the
    address, failed where it was refused for good for another reason (policy, size, too many tries).

    Changes nothing where the claim was lost meanwhile, or where the person was quick enough to
    accept already.
    """
    moment = clock.now()
    alike: dict[tuple[Any, ...], list[uuid.UUID]] = {}
    for claimed, outcome in outcomes:
        state, due_at = next_state(
            outcome, claimed.attempts + 1, moment, was_uncertain=claimed.was_uncertain
        )
        is_sent = state is EmailState.SENT
        reason = "" if is_sent else outcome.reason[:300]
        ends = InvitationState(state.value)
        if ends is InvitationState.FAILED:
            ends = coming_back.state_of_refused(outcome)
        key = (claimed.lease_until, ends, due_at, outcome.code, reason, is_sent)
        alike.setdefault(key, []).append(claimed.id)
    for (lease_until, ends, due_at, code, reason, is_sent), ids in alike.items():
        values = {
            "row_ids": ids,
            "held_until": lease_until,
            "new_state": ends,
            "new_due_at": due_at,
            "new_smtp_code": code,
            "new_reason": reason,
            "new_sent_at": moment if is_sent else None,
        }
        session.connection().execute(_MARK, values)
    refused = [one.id for one, outcome in outcomes if _is_bounce(outcome)]
    if refused:
        coming_back.refused(session, refused)


def _is_bounce(outcome: Outcome) -> bool:
    return outcome.stage is Stage.REFUSED and outcome.code is not None
