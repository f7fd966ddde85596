"""What a match asked about is so: two records become one, a visit or a login gets its client."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from booking.appointments.actions.attach import HasClient
from booking.appointments.models import Appointment, BookedBy
from booking.audit.actions import SYSTEM
from booking.clients.models import Client
from booking.clients.queries import clients_of, find
from booking.linking.actions.sign_up import make_account
from booking.matching.models import Match, MatchState, Origin
from booking.merges import queries
from booking.merges.actions.linking import LoginHasClient, link_match
from booking.merges.actions.moving import ChooseLogin
from booking.merges.models import Merge
from tests import make
from tests.front_door import Api
from tests.merges.merging import add, merged, undone
from tests.site import Site
from tests.times import START
from tests.world import World


def match(session: Session, client: Client, **other: Any) -> Match:
    made = Match(
        business_id=client.business_id,
        client_id=client.id,
        origin=Origin.STAFF,
        score=0.7,
        agrees=[],
        differs=[],
        state=MatchState.OPEN,
        created_at=START,
        **other,
    )
    session.add(made)
    session.flush()
    return made


def test_the_older_record_stays(site: Site) -> None:
    with site.writing() as session:
        older = make.client(session, first_name="Ann")
        newer = make.client(session, first_name="Anna", email="anna@example.com")
        asked = match(session, older, other_id=newer.id, newcomer_id=newer.id)
        done = link_match(session, asked, by=SYSTEM)
        assert isinstance(done, Merge)
        assert done.kept_id == older.id
        assert older.email == "anna@example.com"
        assert session.query(Match).count() == 0


def test_unless_only_the_newer_one_is_active(site: Site) -> None:
    with site.writing() as session:
        older = make.client(session, first_name="Ann", status="inactive")
        newer = make.client(session, first_name="Anna")
        done = link_match(session, match(session, older, other_id=newer.id), by=SYSTEM)
        assert isinstance(done, Merge)
        assert done.kept_id == newer.id


def test_two_logins_are_for_staff_to_choose(site: Site, world: World) -> None:
    with site.writing() as session:
        jo = find(session, world.jo.id)
        asked = match(session, jo, other_id=world.sam.id)
        with pytest.raises(ChooseLogin) as refused:
            link_match(session, asked, by=SYSTEM)
        assert len(refused.value.extra["logins"]) == 2
        login = world.jo.person.account_id
        assert isinstance(link_match(session, asked, by=SYSTEM, login=login), Merge)


def test_a_visit_gets_its_client(site: Site, world: World) -> None:
    with site.writing() as session:
        at = START + timedelta(days=10)
        jo, sam = find(session, world.jo.id), find(session, world.sam.id)
        visit = make.appointment(session, jo, world.salon.bath, world.salon.ana, at)
        visit.client_id, visit.booked_by = None, BookedBy.GUEST
        asked = match(session, jo, appointment_id=visit.id)
        other = match(session, sam, appointment_id=visit.id)
        assert link_match(session, asked, by=SYSTEM) is asked
        given = session.get_one(Appointment, visit.id)
        assert (given.client_id, asked.state) == (jo.id, MatchState.LINKED)
        with pytest.raises(HasClient):
            link_match(session, other, by=SYSTEM)


def test_a_login_gets_its_client(site: Site, world: World) -> None:
    with site.writing() as session:
        kim = find(session, world.kim.id)
        account = make_account(session, email="k@example.com", name="Kim", password_hash=None)
        asked = match(session, kim, account_id=account.id)
        other = match(session, find(session, world.pat.id), account_id=account.id)
        assert link_match(session, asked, by=SYSTEM) is asked
        assert clients_of(session, account.id) == [kim]
        with pytest.raises(LoginHasClient):
            link_match(session, other, by=SYSTEM)


def test_an_old_id_leads_to_the_record_it_went_into(api: Api, site: Site) -> None:
    ann, ben, cleo = (add(api.staff, first_name=name) for name in ("Ann", "Ben", "Cleo"))
    merged(api.staff, ben, ann)
    last = merged(api.staff, cleo, ben)
    assert where(site, ann) == where(site, ben) == cleo["id"]
    assert where(site, cleo) is None
    undone(api.staff, last)
    assert where(site, ann) == ben["id"]
    assert where(site, ben) is None


def where(site: Site, record: dict[str, Any]) -> str | None:
    with site.reading() as session:
        found = queries.where_is(session, uuid.UUID(record["id"]))
        return str(found) if found else None
