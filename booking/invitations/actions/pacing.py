"""How much may leave now, and whether what waits should have left long ago."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, cast, func, select, union_all
from sqlalchemy.orm import Session

from booking import clock
from booking.audit.actions import Actor, record
from booking.businesses.models import Business
from booking.invitations import rules
from booking.invitations.models import Campaign, CampaignHold, Invitation
from booking.invitations.queries import is_open
from booking.invitations.rules import Allowance, Left, Pace
from booking.preferences.actions import current, loaded
from booking.preferences.models import PreferenceSet
from booking.preferences.rules import InvitationSettings

_SWITCH = ("client_settings", "allow_client_online_account_access")
MOVES_WITHIN = timedelta(minutes=1)


def set_daily_cap(session: Session, business: Business, most: int | None, *, by: Actor) -> None:
    """By the operators of the service: how many invitations may leave in a day of the business's
    own zone. None, as every business has it at first, sets no cap."""
    business.invitations_per_day = most
    record(session, "business.invitations_capped", business, by=by, per_day=most)


def pace_of(chosen: InvitationSettings, per_day: int | None, zone: str) -> Pace:
    return Pace(
        per_minute=chosen.invite_batch_per_minute,
        per_day=per_day,
        quiet_from=rules.clock_time(chosen.invite_quiet_from),
        quiet_until=rules.clock_time(chosen.invite_quiet_until),
        zone=zone,
    )


def may_leave_now(session: Session, business: Business, wanted: int) -> int:
    """How many of so many may be claimed. Nothing more is asked of the database while no pace and
    no cap is set; else workers count one after another, and one that would have to wait for another
    claims nothing this time."""
    pace = _pace_here(session, business)
    if pace.is_free:
        return wanted
    turn = select(Business.id).where(Business.id == business.id)
    if session.scalar(turn.with_for_update(key_share=True, skip_locked=True)) is None:
        return 0
    moment = clock.now()
    return rules.allowance(pace, _left(session, business.id, pace, moment), moment, wanted).most


def allowance_now(session: Session, business: Business) -> Allowance:
    """For people who look: whether something may leave now, and else why not and until when."""
    pace = _pace_here(session, business)
    moment = clock.now()
    if pace.is_free:
        return Allowance(1)
    return rules.allowance(pace, _left(session, business.id, pace, moment), moment, 1)


def _pace_here(session: Session, business: Business) -> Pace:
    chosen = current(session).invitations
    return pace_of(chosen, business.invitations_per_day, business.timezone)


def _left(session: Session, business_id: uuid.UUID, pace: Pace, moment: datetime) -> Left:
    a_minute_ago, a_slice_ago = moment - timedelta(minutes=1), moment - rules.SLICE
    midnight = rules.day_began(pace, moment)
    since = a_minute_ago if pace.per_day is None else min(midnight, a_minute_ago)
    left = union_all(
        *(
            select(column.label("at")).where(
                Invitation.business_id == business_id, column.is_not(None), column > since
            )
            for column in (Invitation.sent_at, Invitation.reminded_at)
        )
    ).subquery()
    found = session.execute(
        select(
            *(
                func.count().filter(left.c.at > bound)
                for bound in (a_slice_ago, a_minute_ago, midnight)
            ),
            select(func.count())
            .where(
                Invitation.business_id == business_id,
                is_open(),
                Invitation.lease_until > moment,
            )
            .scalar_subquery(),
        )
    ).one()
    on_their_way = found[3]
    return Left(*(number + on_their_way for number in found[:3]))


def stuck_since(session: Session, business: Business) -> datetime | None:
    """Invitations of this business are due and could leave, and nothing has moved since then, for a
    minute at least: whatever the worker processes look like."""
    found = session.execute(_waiting().where(Invitation.business_id == business.id)).one_or_none()
    since = None if found is None else _held_up_since(session, found)
    return since if since is not None and clock.now() - since >= MOVES_WITHIN else None


def oldest_due(session: Session) -> datetime | None:
    """Since when the invitation that has waited longest could have left, in all businesses that
    may send: neither what a pace or quiet hours hold back, nor a long queue that moves, is late.

    The caller looks across businesses.
    """
    moments = [_held_up_since(session, row) for row in session.execute(_waiting())]
    return min((moment for moment in moments if moment is not None), default=None)


def _waiting() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Invitation.business_id,
            func.min(Invitation.due_at).label("due_at"),
            func.max(Campaign.resumed_at).label("resumed_at"),
            Business.timezone,
            Business.invitations_per_day,
        )
        .join(
            Campaign,
            (Campaign.id == Invitation.campaign_id)
            & (Campaign.business_id == Invitation.business_id),
        )
        .join(Business, Business.id == Invitation.business_id)
        .join(PreferenceSet, PreferenceSet.business_id == Invitation.business_id)
        .where(_is_due(), Campaign.hold == CampaignHold.OPEN, access_is_on())
        .group_by(Invitation.business_id, Business.timezone, Business.invitations_per_day)
    )


def access_is_on() -> ColumnElement[bool]:
    """The switch of a business, as SQL over `PreferenceSet`."""
    is_on: ColumnElement[bool] = PreferenceSet.chosen[_SWITCH].as_boolean()
    return is_on


def _is_due() -> ColumnElement[bool]:
    """Whether a worker has it in hand or not: one that claims and does nothing is no excuse."""
    return is_open() & (Invitation.due_at <= clock.now())


def _held_up_since(session: Session, row: Row[Any]) -> datetime | None:
    moment = clock.now()
    kept = session.execute(
        select(PreferenceSet.version, cast(PreferenceSet.chosen, Text)).where(
            PreferenceSet.business_id == row.business_id
        )
    ).one()
    pace = pace_of(loaded(*kept).invitations, row.invitations_per_day, row.timezone)
    last = session.scalar(
        select(func.max(Invitation.sent_at)).where(
            Invitation.business_id == row.business_id, Invitation.sent_at.is_not(None)
        )
    )
    free = None
    if not pace.is_free:
        left = _left(session, row.business_id, pace, moment)
        if not rules.allowance(pace, left, moment, 1).most:
            return None
        free = rules.free_since(pace, last, moment)
    return max(each for each in (row.due_at, row.resumed_at, last, free) if each is not None)
