"""One look through a whole list: begun, taken on by one worker, followed, finished."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from booking import clock, wakeup
from booking.audit.actions import SYSTEM, Actor, record
from booking.businesses.models import Business
from booking.clients.models import Client, Compared
from booking.database import across_businesses, business_of, lock, new_id, set_business
from booking.matching.models import Match, MatchState, Origin, Scan, ScanState
from booking.matching.profiles import NOT_DONE

JOB = "scan_due_lists"
_DUE = (ScanState.QUEUED, ScanState.RUNNING)
_SILENT = timedelta(minutes=5)
"""so long without a sign, whoever was at it is taken for dead; a busy machine is silent for one"""


class Overtaken(Exception):
    """Another worker took this scan for abandoned and began anew."""


def start_scan(session: Session, *, by: Actor) -> Scan:
    """The whole list will be looked through; where that is under way already, it goes on."""
    lock(session, session.get_one(Business, business_of(session)))
    under_way = session.scalar(select(Scan).where(Scan.state.in_(_DUE)).limit(1))
    if under_way is not None:
        return under_way
    scan = Scan(
        id=new_id(),
        business_id=business_of(session),
        total=session.scalar(select(func.count()).select_from(Client)) or 0,
        created_by_name=by.name[:200],
        created_at=clock.now(),
    )
    session.add(scan)
    session.flush()
    if by is not SYSTEM:
        record(session, "scan.started", scan, by=by)
    wakeup.after_commit(session, JOB)
    return scan


def take_on(session: Session) -> Scan | None:
    """The scan that has waited longest, or one whose worker has fallen silent, which begins anew.

    The session works for its business from here on. All who wait to be compared are part of it, so
    they are done with; whoever changes from now on is compared by himself.
    """
    moment = clock.now()
    abandoned = and_(Scan.state == ScanState.RUNNING, Scan.beat_at < moment - _SILENT)
    query = (
        select(Scan)
        .where(or_(Scan.state == ScanState.QUEUED, abandoned))
        .order_by(Scan.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with across_businesses(session):
        scan = session.scalar(query)
    if scan is None:
        return None
    set_business(session, scan.business_id)
    scan.state, scan.beat_at = ScanState.RUNNING, moment
    scan.done = scan.found = 0
    scan.total = session.scalar(select(func.count()).select_from(Client)) or 0
    session.execute(
        update(Client)
        .where(Client.compared == Compared.KEYED, NOT_DONE)
        .values(compared=Compared.DONE)
        .execution_options(synchronize_session=False)
    )
    return scan


def note(session: Session, scan: Scan, done: int, found: int) -> None:
    """How far it is. Raises Overtaken where it is another's by now."""
    moment = clock.now()
    _mine(session, scan, done=done, found=found, beat_at=moment)
    scan.beat_at = moment


def finish(session: Session, scan: Scan, found: int) -> None:
    moment = clock.now()
    values = {"state": ScanState.DONE, "done": scan.total, "found": found}
    _mine(session, scan, **values, beat_at=moment, finished_at=moment)


def hand_back(session: Session, scan: Scan) -> None:
    """The worker is asked to end: the next one need not wait for silence."""
    _mine(session, scan, state=ScanState.QUEUED)


def _mine(session: Session, scan: Scan, **values: object) -> None:
    changed = session.execute(
        update(Scan)
        .where(Scan.id == scan.id, Scan.state == ScanState.RUNNING, Scan.beat_at == scan.beat_at)
        .values(**values)
        .execution_options(synchronize_session=False)
        .returning(Scan.id)
    )
    if changed.first() is None:
        raise Overtaken


def withdraw_unseen(session: Session, match_ids: Sequence[uuid.UUID]) -> None:
    """Pairs of the list that are still open and that the whole look did not find alike."""
    session.execute(
        delete(Match)
        .where(
            Match.id.in_(match_ids),
            Match.state == MatchState.OPEN,
            Match.origin == Origin.LIST,
        )
        .execution_options(synchronize_session=False)
    )
