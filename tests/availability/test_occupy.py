"""Time given away: never twice to one member of staff, by the database's own rule."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from booking.availability import actions, queries
from booking.availability.actions import Overlap
from booking.availability.models import Busy
from tests.site import Site

NOON = datetime(2027, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _busy(site: Site) -> set[tuple[datetime, datetime]]:
    with site.reading() as session:
        rows = session.query(Busy).filter(Busy.starts_at >= NOON - 2 * HOUR).all()
        return {(row.starts_at, row.ends_at) for row in rows}


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        (NOON, NOON + HOUR),
        (NOON - HOUR, NOON + HOUR / 60),
        (NOON + HOUR / 2, NOON + 2 * HOUR),
        (NOON + HOUR / 4, NOON + HOUR / 2),
        (NOON - HOUR, NOON + 2 * HOUR),
    ],
)
def test_an_overlap_is_refused_and_the_session_goes_on(
    site: Site, starts: datetime, ends: datetime
) -> None:
    ana = site.world.salon.ana
    with site.writing() as session:
        actions.lock_calendar(session)
        actions.occupy(
            session, appointment_id=uuid.uuid4(), staff_id=ana, starts=NOON, ends=NOON + HOUR
        )
        with pytest.raises(Overlap):
            actions.occupy(
                session, appointment_id=uuid.uuid4(), staff_id=ana, starts=starts, ends=ends
            )
    assert _busy(site) == {(NOON, NOON + HOUR)}


def test_what_only_touches_does_not_overlap(site: Site) -> None:
    with site.writing() as session:
        for starts in (NOON, NOON + HOUR, NOON - HOUR):
            actions.occupy(
                session,
                appointment_id=uuid.uuid4(),
                staff_id=site.world.salon.ana,
                starts=starts,
                ends=starts + HOUR,
            )
    assert len(_busy(site)) == 3


def test_two_people_can_be_busy_at_once(site: Site) -> None:
    with site.writing() as session:
        for staff_id in (site.world.salon.ana, site.world.salon.ben):
            actions.occupy(
                session,
                appointment_id=uuid.uuid4(),
                staff_id=staff_id,
                starts=NOON,
                ends=NOON + HOUR,
            )


def test_an_appointment_moves_onto_its_own_time(site: Site) -> None:
    visit, ana = uuid.uuid4(), site.world.salon.ana
    with site.writing() as session:
        for starts in (NOON, NOON + HOUR / 2):
            actions.occupy(
                session, appointment_id=visit, staff_id=ana, starts=starts, ends=starts + HOUR
            )
    assert _busy(site) == {(NOON + HOUR / 2, NOON + HOUR * 1.5)}


def test_a_refused_move_keeps_what_was_held_before(site: Site) -> None:
    visit, ana = uuid.uuid4(), site.world.salon.ana
    with site.writing() as session:
        for appointment_id, starts in ((visit, NOON), (uuid.uuid4(), NOON + HOUR)):
            actions.occupy(
                session,
                appointment_id=appointment_id,
                staff_id=ana,
                starts=starts,
                ends=starts + HOUR,
            )
        with pytest.raises(Overlap):
            actions.occupy(
                session,
                appointment_id=visit,
                staff_id=ana,
                starts=NOON + HOUR / 2,
                ends=NOON + 2 * HOUR,
            )
    assert _busy(site) == {(NOON, NOON + HOUR), (NOON + HOUR, NOON + 2 * HOUR)}


def test_released_time_can_be_given_away_again(site: Site) -> None:
    visit, ana = uuid.uuid4(), site.world.salon.ana
    with site.writing() as session:
        for appointment_id in (visit, uuid.uuid4()):
            actions.release(session, visit)
            actions.occupy(
                session,
                appointment_id=appointment_id,
                staff_id=ana,
                starts=NOON,
                ends=NOON + HOUR,
            )
    assert len(_busy(site)) == 1


def test_with_the_guard_off_the_same_time_is_sold_twice(site: Site) -> None:
    """The positive control: it is the row that guards."""
    with site.writing() as session:
        for _ in range(2):
            actions.occupy(
                session,
                appointment_id=uuid.uuid4(),
                staff_id=site.world.salon.ana,
                starts=NOON,
                ends=NOON + HOUR,
                guarded=False,
            )
    assert not _busy(site)


def test_the_database_holds_the_rule_whoever_writes(site: Site) -> None:
    def row(starts: datetime) -> dict[str, object]:
        return {
            "business_id": site.world.salon.id,
            "appointment_id": uuid.uuid4(),
            "staff_id": site.world.salon.ana,
            "starts_at": starts,
            "ends_at": starts + HOUR,
        }

    with site.writing() as session:
        session.execute(insert(Busy), [row(NOON), row(NOON + HOUR)])
    with site.writing() as session:
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(insert(Busy), row(NOON + HOUR / 2))
        later = text("UPDATE busy SET ends_at = ends_at + 1 WHERE starts_at = :noon")
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(later, {"noon": int(NOON.timestamp())})


def test_giving_time_away_and_back_raises_the_version(site: Site) -> None:
    visit = uuid.uuid4()
    versions = []
    for act in ("look", "occupy", "release"):
        with site.writing() as session:
            if act == "occupy":
                actions.occupy(
                    session,
                    appointment_id=visit,
                    staff_id=site.world.salon.ana,
                    starts=NOON,
                    ends=NOON + HOUR,
                )
            elif act == "release":
                actions.release(session, visit)
            versions.append(queries.calendar_version(session))
    assert versions == sorted(set(versions))
