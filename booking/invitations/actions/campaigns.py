"""Pressing the envelope, and holding a campaign back."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.orm import Session

from booking import clock, wakeup
from booking.audit.actions import Actor, record
from booking.businesses.models import Business
from booking.clients.models import Client
from booking.database import business_of, lock, new_id
from booking.errors import Conflict, Invalid, NotFound
from booking.invitations import queries
from booking.invitations.models import (
    BounceAlarm,
    Campaign,
    CampaignHold,
    Invitation,
    InvitationState,
)
from booking.linking.actions.entry import ClientAccessOff
from booking.preferences.actions import current

EVERYONE = "active_without_account"
CHOSEN = "chosen"
WAKE = "send_due_invitations"
CANCELLED, CANCELLED_IN_FLIGHT = "cancelled", "cancelled_in_flight"


SWITCHED_OFF = (
    "Allow Client Online Account Access is switched to NO. Move it to YES under "
    "Booking Preferences, Client Settings."
)


class CampaignOver(Conflict):
    code = "campaign_over"
    message = "This campaign is finished or cancelled."


def check_access(session: Session) -> None:
    """Raises ClientAccessOff, in words for staff, while the switch is at NO."""
    if not current(session).client_settings.allow_client_online_account_access:
        raise ClientAccessOff(SWITCHED_OFF)


def invite_all(session: Session, *, by: Actor) -> tuple[Campaign, bool]:
    """Invite everyone active who has no account. While such a campaign still has somebody to write
    to, pressing again gives that one, and False."""
    check_access(session)
    lock(session, session.get_one(Business, business_of(session)))
    going_on = queries.open_campaign(session, EVERYONE)
    if going_on is not None:
        return going_on, False
    return _start(session, EVERYONE, None, by), True


def invite(session: Session, client_ids: Collection[uuid.UUID], *, by: Actor) -> Campaign:
    """Invite those clients, as far as they may be invited. Raises NotFound for a stranger's id."""
    check_access(session)
    if not client_ids:
        raise Invalid.field("client_ids", "Choose at least one client.")
    wanted = set(client_ids)
    lock(session, session.get_one(Business, business_of(session)))
    if _known(session, sorted(wanted)) != len(wanted):
        raise NotFound
    return _start(session, CHOSEN, sorted(wanted), by)


def _known(session: Session, client_ids: Sequence[uuid.UUID]) -> int:
    query = select(func.count()).select_from(Client)
    return session.scalars(query.where(queries.among(session, client_ids))).one()


def _start(
    session: Session, audience: str, client_ids: Sequence[uuid.UUID] | None, by: Actor
) -> Campaign:
    made = Campaign(
        id=new_id(),
        business_id=business_of(session),
        audience=audience,
        hold=CampaignHold.OPEN,
        recipients=0,
        skipped={},
        created_by=by.id,
        created_by_name=by.name,
        created_at=clock.now(),
    )
    session.add(made)
    session.flush()
    made.recipients = _queue(session, made, client_ids)
    made.skipped = _left_out(session, made, client_ids)
    record(session, "campaign.started", made, by=by, recipients=made.recipients)
    wakeup.after_commit(session, WAKE)
    return made


def _queue(session: Session, made: Campaign, client_ids: Sequence[uuid.UUID] | None) -> int:
    """One INSERT … SELECT of narrow rows; all else is written when a row is claimed. Returns how
    many. It names its business throughout: the tenant guard does not look at a statement on a
    connection, and whoever pressed does not wait while it compiles what would be said twice."""
    queries.make_room(session)
    chosen = select(Client.id, Client.sort_name).where(
        Client.business_id == made.business_id,
        queries.eligibility(of_many=True) == queries.ELIGIBLE,
    )
    if client_ids is not None:
        chosen = chosen.where(queries.among(session, client_ids))
    held = _holding(chosen).subquery()
    place = func.row_number().over(order_by=(held.c.sort_name, held.c.id))
    invited = select(held.c.id, place.label("place")).subquery()
    rows = select(
        _row_id(session, made.created_at, invited.c.place),
        literal(made.business_id),
        literal(made.id),
        invited.c.id,
        literal(InvitationState.QUEUED.value),
        literal(made.created_at, Invitation.due_at.type),
        literal(0),
        literal(0),
        literal(""),
    )
    columns = (
        "id", "business_id", "campaign_id", "client_id", "state", "due_at", "generation",
        "attempts", "reason",
    )  # fmt: skip
    statement = insert(Invitation).from_select(columns, rows, include_defaults=False)
    counting = statement.execution_options(preserve_rowcount=True)
    return session.connection().execute(counting, queries.parameters(session)).rowcount


def _holding(chosen: Select[uuid.UUID, str]) -> Select[uuid.UUID, str]:
    """As a foreign key would: who removes one of these waits, and then finds them invited."""
    return chosen.order_by(Client.id).with_for_update(of=Client, read=True, key_share=True)


def _left_out(
    session: Session, made: Campaign, client_ids: Sequence[uuid.UUID] | None
) -> dict[str, int]:
    """Why the others are not in it. The rows just written change nothing for these others, so the
    rule need not be asked of everybody once more."""
    whom = queries.asked_of(session, client_ids)
    everybody = session.scalar(select(func.count()).select_from(Client).where(*whom))
    if everybody == made.recipients:
        return dict.fromkeys(queries.REASONS, 0)
    invited = select(Invitation.client_id).where(
        Invitation.business_id == made.business_id, Invitation.campaign_id == made.id
    )
    counts = queries.counted(session, [*whom, Client.id.not_in(invited)])
    return {reason: counts[reason] for reason in queries.REASONS}


def _row_id(
    session: Session, moment: datetime, place: ColumnElement[int]
) -> ColumnElement[uuid.UUID]:
    """A UUIDv7 made by the database: 48 bits of time, then the place in the list as a counter (RFC
    9562 §6.2, method 1), then chance. So rows sort by client name and are sent in that order."""
    time_part = f"{int(moment.timestamp() * 1000):012x}"
    high, low = place.bitwise_rshift(16), place.bitwise_and(0xFFFF)
    counter = high.bitwise_lshift(20) + low + 0x7_0008_0000
    if session.get_bind().dialect.name == "sqlite":
        bits = func.random().bitwise_and(0xFFF_FFFF_FFFF)
        return func.printf(f"{time_part}%09x%011x", counter, bits)
    chance = cast(func.random() * 0x3FF_FFFF_FFFF, BigInteger) + 0x400_0000_0000
    return cast(func.concat(time_part, func.to_hex(counter), func.to_hex(chance)), UuidType())


def pause(session: Session, found: Campaign, *, by: Actor) -> None:
    _hold(session, found, CampaignHold.PAUSED, by, f"Paused by {by.name}.")


def resume(session: Session, found: Campaign, *, by: Actor) -> None:
    """Also says that somebody has looked at the bounces: they pause this campaign no more."""
    check_access(session)
    _hold(session, found, CampaignHold.OPEN, by, "")
    found.resumed_at = clock.now()
    if found.bounce_alarm is BounceAlarm.RAISED:
        found.bounce_alarm = BounceAlarm.CHECKED
    wakeup.after_commit(session, WAKE)


def cancel(session: Session, found: Campaign, *, by: Actor) -> None:
    """Whoever was not written to yet will not be; what is on its way arrives."""
    _hold(session, found, CampaignHold.CANCELLED, by, "")
    _settle(session, Invitation.campaign_id == found.id)


def settle(session: Session) -> None:
    """What was in hand when a campaign was held, and whose worker died since: in a cancelled one
    the row is skipped, in a paused one it is uncertain. The caller looks across businesses."""
    paused = select(Campaign.id).where(Campaign.hold == CampaignHold.PAUSED)
    session.execute(
        update(Invitation)
        .where(Invitation.campaign_id.in_(paused), _was_left_behind())
        .values(state=InvitationState.UNCERTAIN, lease_until=None)
        .execution_options(synchronize_session=False)
    )
    cancelled = select(Campaign.id).where(Campaign.hold == CampaignHold.CANCELLED)
    _settle(session, Invitation.campaign_id.in_(cancelled))


def _settle(session: Session, which: ColumnElement[bool]) -> None:
    unsent = Invitation.state.in_([InvitationState.QUEUED, InvitationState.DEFERRED])
    doubtful = or_(Invitation.state == InvitationState.UNCERTAIN, _was_left_behind())
    for rows, reason in ((unsent, CANCELLED), (doubtful, CANCELLED_IN_FLIGHT)):
        session.execute(
            update(Invitation)
            .where(which, rows)
            .values(state=InvitationState.SKIPPED, reason=reason, lease_until=None)
            .execution_options(synchronize_session=False)
        )


def _was_left_behind() -> ColumnElement[bool]:
    is_over = or_(Invitation.lease_until.is_(None), Invitation.lease_until < clock.now())
    return and_(Invitation.state == InvitationState.SENDING, is_over)


def _hold(session: Session, found: Campaign, hold: CampaignHold, by: Actor, because: str) -> None:
    lock(session, found)
    if found.hold is hold:
        return
    if queries.standing(session, found).state in {"finished", "cancelled"}:
        raise CampaignOver
    found.hold = hold
    found.paused_because = because
    record(session, f"campaign.{hold.value}", found, by=by)
