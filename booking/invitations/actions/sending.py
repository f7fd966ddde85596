"""Claiming invitations that are due, and marking what became of them."""

import functools
import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

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

from booking import bulk, clock
from booking.businesses.models import Business
from booking.clients.models import Client
from booking.database import across_businesses, business_of, settings_of
from booking.invitations import queries
from booking.invitations.actions import coming_back, pacing
from booking.invitations.emails import NOBODY, ClientInvitation
from booking.invitations.models import Campaign, CampaignHold, Invitation, InvitationState
from booking.mail.actions import next_state, stale_at
from booking.mail.delivery import BATCH
from booking.mail.models import EmailState
from booking.mail.transports import Outcome, Stage
from booking.preferences.actions import current
from booking.preferences.models import PreferenceSet
from booking.preferences.rules import InvitationSettings
from booking.tokens import Purpose, keyring

_invitation = Invitation.__table__
assert isinstance(_invitation, Table)
_MOMENT = bindparam("moment", type_=Invitation.due_at.type)


class Claimed(NamedTuple):
    """One invitation that this worker alone may send, until `lease_until`, as plain values.

    `letter` is to nobody, and one for all of a campaign; `email` is this reader's copy. `attempts`
    counts the tries before this one. `was_uncertain`: nobody knows what became of the last of them.
    """

    id: uuid.UUID
    generation: int
    to_email: str
    first_name: str
    letter: ClientInvitation
    attempts: int
    written_at: datetime
    lease_until: datetime
    stale_at: datetime
    was_uncertain: bool

    @property
    def email(self) -> ClientInvitation:
        return self.letter.copy_for(self.id, self.generation, self.first_name)


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
    rows = [_Due(*row) for row in session.connection().execute(_next_ones(), values)]
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


class _Due(NamedTuple):
    """What is selected of an invitation that is due, and of its client."""

    id: uuid.UUID
    campaign_id: uuid.UUID
    generation: int
    attempts: int
    repeated: bool
    was_uncertain: bool
    due_at: datetime
    expires_at: datetime | None
    email: str
    email_key: str
    email_version: int
    first_name: str
    verdict: str


@functools.cache
def _next_ones() -> Executable:
    """As `_Due` has them. Names its business itself: the tenant guard does not look at statements
    on a connection."""
    return (
        select(
            Invitation.id,
            Invitation.campaign_id,
            Invitation.generation,
            Invitation.attempts,
            _MAY_HAVE_ARRIVED,
            Invitation.state == InvitationState.UNCERTAIN,
            Invitation.due_at,
            Invitation.expires_at,
            Client.email,
            Client.email_key,
            Client.email_version,
            Client.first_name,
            queries.eligibility(in_hand=True),
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
    "repeated", "email", "email_key", "email_version", "digest", "expires_at",
)  # fmt: skip


def _fill(session: Session, rows: Sequence[_Due], moment: datetime) -> list[Claimed]:
    """A claimed row holds the address it goes to, and what its link is recognised by."""
    if not rows:
        return []
    settings = settings_of(session)
    chosen = current(session).invitations
    keys = keyring(settings.secret)
    lives = timedelta(days=chosen.invite_validity_days)
    lease_until = moment + timedelta(seconds=settings.send_lease_seconds)
    stale = stale_at(moment, settings.send_lease_seconds)
    business = session.get_one(Business, business_of(session))
    campaigns = {row.campaign_id for row in rows}
    letters = {each: _letter(business, chosen, each) for each in campaigns}
    filled_in, claimed = [], []
    for row in rows:
        secret = keys.derive(Purpose.INVITATION, row.id, row.generation)
        digest, ends = keys.digest(Purpose.INVITATION, secret), row.expires_at or moment + lives
        address = (row.email, row.email_key, row.email_version)
        filled_in.append((row.id, row.repeated, *address, digest, ends))
        claimed.append(
            Claimed(
                id=row.id,
                generation=row.generation,
                to_email=row.email,
                first_name=row.first_name,
                letter=letters[row.campaign_id],
                attempts=row.attempts,
                written_at=row.due_at,
                lease_until=lease_until,
                stale_at=stale,
                was_uncertain=row.was_uncertain,
            )
        )
    bulk.update(session, Invitation, _FILLED_IN, filled_in, lease_until=lease_until)
    return claimed


def _letter(
    business: Business, chosen: InvitationSettings, campaign_id: uuid.UUID
) -> ClientInvitation:
    return ClientInvitation(
        sender_name=business.name,
        reply_to=chosen.invite_reply_to or business.email,
        message=chosen.invite_message,
        days=chosen.invite_validity_days,
        feedback_id=f"{campaign_id.hex}:{business.id.hex}:invitation:booking",
        **NOBODY,
    )


_ROW_IDS = tuple(f"row_id_{number}" for number in range(BATCH))
_HELD = and_(
    _invitation.c.id.in_([bindparam(name, type_=_invitation.c.id.type) for name in _ROW_IDS]),
    _invitation.c.lease_until == bindparam("held_until"),
)
"""Rows of one claim; one that was lost meanwhile has another lease by now. As many parameters each
time, so that a statement is compiled once and not for every batch."""

_GIVE_BACK = update(_invitation).where(_HELD).values(lease_until=None)
_BEGIN = bulk.Ready(
    update(_invitation)
    .where(
        _HELD,
        queries.is_open(),
        exists().where(
            Campaign.business_id == _invitation.c.business_id,
            Campaign.id == _invitation.c.campaign_id,
            Campaign.hold == CampaignHold.OPEN,
        ),
        exists().where(
            PreferenceSet.business_id == bindparam("of_business"), pacing.access_is_on()
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
_MARK = bulk.Ready(
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
    arrive. Who was taken back meanwhile, whose campaign is held, or whose business has moved the
    switch to NO, is not among them."""
    begun: set[uuid.UUID] = set()
    business = {"of_business": business_of(session)}
    for values in _by_lease(claimed):
        begun.update(row_id for (row_id,) in _BEGIN.execute(session, values | business))
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
        yield from _in_tens([one.id for one in held], lease_until)


def _in_tens(row_ids: Sequence[uuid.UUID], lease_until: datetime) -> Iterator[dict[str, Any]]:
    """The parameters of `_HELD`; fewer than ten name the last one again."""
    for start in range(0, len(row_ids), BATCH):
        few = row_ids[start : start + BATCH]
        named = itertools.chain(few, itertools.repeat(few[-1]))
        yield {**dict(zip(_ROW_IDS, named, strict=False)), "held_until": lease_until}


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
        news = {
            "new_state": ends,
            "new_due_at": due_at,
            "new_smtp_code": code,
            "new_reason": reason,
            "new_sent_at": moment if is_sent else None,
        }
        for held in _in_tens(ids, lease_until):
            _MARK.execute(session, held | news)
    refused = [one.id for one, outcome in outcomes if _is_bounce(outcome)]
    if refused:
        coming_back.refused(session, refused)


def _is_bounce(outcome: Outcome) -> bool:
    return outcome.stage is Stage.REFUSED and outcome.code is not None
