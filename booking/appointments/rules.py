"""What may become of an appointment, by whom and until when. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

from booking.appointments.models import AppointmentState

State = AppointmentState
OPEN = frozenset({State.PENDING, State.CONFIRMED})


class Verb(StrEnum):
    CONFIRM = "confirm"
    DECLINE = "decline"
    EXPIRE = "expire"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    COMPLETE = "complete"
    NO_SHOW = "no_show"


class Who(StrEnum):
    """`CLIENT` is whoever the visit is for: signed in, or holding its manage link."""

    STAFF = "staff"
    CLIENT = "client"
    SYSTEM = "system"


_STAFF = frozenset({Who.STAFF})
_EITHER = frozenset({Who.STAFF, Who.CLIENT})

# Where a visit was marked wrongly, the other mark corrects it.
_MOVES: dict[tuple[State, Verb], tuple[State, frozenset[Who]]] = {
    (State.PENDING, Verb.CONFIRM): (State.CONFIRMED, _STAFF),
    (State.PENDING, Verb.DECLINE): (State.DECLINED, _STAFF),
    (State.PENDING, Verb.EXPIRE): (State.DECLINED, frozenset({Who.SYSTEM})),
    (State.PENDING, Verb.CANCEL): (State.CANCELLED, _EITHER),
    (State.PENDING, Verb.RESCHEDULE): (State.PENDING, _EITHER),
    (State.CONFIRMED, Verb.CANCEL): (State.CANCELLED, _EITHER),
    (State.CONFIRMED, Verb.RESCHEDULE): (State.CONFIRMED, _EITHER),
    (State.CONFIRMED, Verb.COMPLETE): (State.COMPLETED, _STAFF),
    (State.CONFIRMED, Verb.NO_SHOW): (State.NO_SHOW, _STAFF),
    (State.NO_SHOW, Verb.COMPLETE): (State.COMPLETED, _STAFF),
    (State.COMPLETED, Verb.NO_SHOW): (State.NO_SHOW, _STAFF),
}


def after(state: State, verb: Verb, who: Who) -> State | None:
    """The state this verb leads to, or None where it does not fit the state or the person."""
    move = _MOVES.get((state, verb))
    return move[0] if move and who in move[1] else None


def verbs_for(state: State, who: Who) -> frozenset[Verb]:
    return frozenset(verb for (at, verb), (_, by) in _MOVES.items() if at is state and who in by)


@dataclass(frozen=True, slots=True)
class Notice:
    """How long before a visit it can still be changed.

    `hours` run on the clock. `days` are judged at the business's local midnight, as people count
    them: one day's notice ends with the day before the visit.
    """

    amount: int
    unit: Literal["hours", "days"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a business lets its clients do with their visits by themselves."""

    may_cancel: bool
    cancel_notice: Notice
    may_reschedule: bool
    reschedule_notice: Notice
    reschedule_limit: int


class Because(StrEnum):
    """Why a client can't do it by themselves."""

    STATE = "state"
    STARTED = "started"
    SWITCHED_OFF = "switched_off"
    TOO_LATE = "too_late"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`latest` is the last moment for it, known whatever the verdict where there is one."""

    because: Because | None
    latest: datetime | None

    @property
    def allowed(self) -> bool:
        return self.because is None


@dataclass(frozen=True, slots=True)
class Visit:
    """What the policy has to know about an appointment."""

    state: State
    starts_at: datetime
    reschedules: int


def may_cancel(policy: Policy, visit: Visit, *, now: datetime, zone: ZoneInfo) -> Verdict:
    """Whether the client may cancel. A request nobody has confirmed can be taken back until it
    would begin, whatever the policy says."""
    if visit.state is State.PENDING:
        started = Because.STARTED if now >= visit.starts_at else None
        return Verdict(started, visit.starts_at)
    if visit.state is not State.CONFIRMED:
        return Verdict(Because.STATE, None)
    if not policy.may_cancel:
        return Verdict(Because.SWITCHED_OFF, None)
    return _in_time(policy.cancel_notice, visit, now, zone)


def may_reschedule(policy: Policy, visit: Visit, *, now: datetime, zone: ZoneInfo) -> Verdict:
    if visit.state not in OPEN:
        return Verdict(Because.STATE, None)
    if not policy.may_reschedule:
        return Verdict(Because.SWITCHED_OFF, None)
    if visit.reschedules >= policy.reschedule_limit:
        return Verdict(Because.LIMIT, None)
    return _in_time(policy.reschedule_notice, visit, now, zone)


def _in_time(notice: Notice, visit: Visit, now: datetime, zone: ZoneInfo) -> Verdict:
    latest = latest_moment(visit.starts_at, notice, zone)
    if now >= visit.starts_at:
        return Verdict(Because.STARTED, latest)
    on_the_dot = now == latest and notice.unit == "hours"
    return Verdict(None if now < latest or on_the_dot else Because.TOO_LATE, latest)


def latest_moment(starts_at: datetime, notice: Notice, zone: ZoneInfo) -> datetime:
    """When the notice runs out, in UTC; never after the start.

    Exactly so many hours before is still in time. Midnight itself belongs to the day it begins,
    and where the clocks skip midnight the day begins when they have jumped.
    """
    if notice.unit == "hours":
        return starts_at.astimezone(UTC) - timedelta(hours=notice.amount)
    day = starts_at.astimezone(zone).date() - timedelta(days=notice.amount - 1)
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    return min(midnight, starts_at.astimezone(UTC))


def hold_until(created_at: datetime, hours: int, starts_at: datetime) -> datetime:
    """When an unanswered request expires: after so many hours, and at the latest when it begins."""
    return min(created_at + timedelta(hours=hours), starts_at)
