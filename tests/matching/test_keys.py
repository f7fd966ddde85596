"""Candidates come from an index, whatever the size of the list; keys follow every change."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from booking.audit.actions import SYSTEM
from booking.businesses.models import Business
from booking.clients import actions as clients
from booking.clients.models import Client, Compared
from booking.clients.queries import find, find_pet
from booking.clients.rules import PetDetails
from booking.database import Database
from booking.matching import candidates, index
from booking.matching.candidates import MOST
from booking.matching.models import ClientKey
from booking.matching.queries import counts, look_alikes, look_alikes_of_many, open_matches
from booking.matching.renewal import renew_due_keys
from booking.matching.rules.keys import LIMIT, KeyKind, keys
from booking.matching.rules.people import Person, Pet, profile
from booking.matching.rules.verdicts import Decision
from tests import make
from tests.matching.people import DANA, PET, compare, dana
from tests.site import Site
from tests.world import World

HER = Person(
    first_name=DANA["first_name"],
    last_name=DANA["last_name"],
    email=DANA["email"],
    mobile_phone=DANA["mobile_phone"],
    pets=(Pet(PET),),
)


def found(site: Site, person: Person) -> list[uuid.UUID | str]:
    with site.reading() as session:
        return [one.client_id for one in look_alikes(session, person).ranked]


def test_each_statement_of_a_look_goes_through_an_index(site: Site) -> None:
    dana(site)
    plans = []
    with site.reading() as session:
        for statement, parameters in _said(session, lambda: look_alikes(session, HER)):
            plans.append(_plan(session, statement, parameters))
    whole = "\n".join(plans)
    assert "Seq Scan" not in whole
    assert "SCAN client" not in whole
    assert "SCAN pet" not in whole
    is_sqlite = site.database.engine.dialect.name == "sqlite"
    keys_index = "client_key USING PRIMARY KEY" if is_sqlite else "pk_client_key"
    for wanted in (keys_index, "ix_client_compared", "ix_pet_client"):
        assert wanted in whole, f"{wanted}\n{whole}"


def test_a_look_takes_as_many_statements_whatever_there_is(site: Site) -> None:
    dana(site)
    with site.reading() as session:
        before = len(_said(session, lambda: look_alikes(session, HER)))
    for number in range(20):
        dana(site, email=f"dana{number}@example.com")
    with site.reading() as session:
        assert len(_said(session, lambda: look_alikes(session, HER))) == before
        several = [profile(HER)] * 10
        assert len(_said(session, lambda: look_alikes_of_many(session, several))) <= before


def _said(session: Session, do: Callable[[], object]) -> list[tuple[str, Any]]:
    """The statements it takes, with their parameters."""
    said: list[tuple[str, Any]] = []

    def note(_c: Any, _u: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    engine = session.connection().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        do()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return said


def _plan(session: Session, statement: str, parameters: Any) -> str:
    """PostgreSQL is asked as of a long list: a short one is quicker read from end to end."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(str(row[3]) for row in rows)
    connection.execute(text("SET LOCAL enable_seqscan = off"))
    rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
    return "\n".join(str(row[0]) for row in rows)


def test_a_number_that_many_names_share_brings_nobody(site: Site) -> None:
    """Found by counting; a family with one number is no crowd."""
    with site.writing() as session:
        for number in range(LIMIT + 10):
            name = f"{chr(97 + number % 26)}{chr(97 + number // 26)}zor"
            make.client(session, first_name=name, last_name=f"Q{name}", home_phone="617 555 0100")
        for name in ("Ida", "Max"):
            make.client(session, first_name=name, last_name="Berg", home_phone="617 555 0199")
    compare(site.database)
    with site.reading() as session:
        for phone, expected in (("617 555 0100", 0), ("617 555 0199", 2)):
            them = profile(Person(first_name="Uwe", last_name="Nolte", mobile_phone=phone))
            assert len(candidates.candidates_of(session, them).known) == expected
            (number,) = [key for key, kind in keys(them).items() if kind is KeyKind.PHONE]
            assert len(index.holders(session, [number])[number]) <= LIMIT


def test_many_at_once_find_whom_each_of_them_finds_alone(site: Site) -> None:
    """Those who share the most that few share, at most so many, and never their own record."""
    namesakes = [dana(site, email=f"dana{number}@example.com") for number in range(MOST + 4)]
    with site.writing() as session:
        closest = make.client(session, last_name=DANA["last_name"], email=DANA["email"]).id
    compare(site.database)
    her, stranger = profile(HER), profile(Person(first_name="Uwe", last_name="Nolte"))
    with site.reading() as session:
        several = candidates.candidates_of_many(
            session, [(her, None), (stranger, None), (her, closest), (her, namesakes[0])]
        )
        alone = candidates.candidates_of(session, her)
        without = candidates.candidates_of(session, her, without=closest)
        assert [set(dict(each.known)) for each in several[:3]] == [
            set(dict(alone.known)),
            set(),
            set(dict(without.known)),
        ]
        assert closest in dict(alone.known)
        assert len(alone.known) == len(without.known) == MOST
        assert namesakes[0] not in dict(several[3].known)
        assert several[0].shared == alone.shared == without.shared
        assert several[1].shared == {}


def test_a_crowd_in_another_business_is_no_crowd_here(site: Site, world: World) -> None:
    with site.writing(world.kennels) as session:
        for number in range(LIMIT + 10):
            name = f"{chr(97 + number % 26)}{chr(97 + number // 26)}zor"
            make.client(session, first_name=name, last_name=name, mobile_phone=HER.mobile_phone)
    known = dana(site)
    assert found(site, HER) == [known]


@pytest.mark.parametrize(
    ("changes", "is_found"),
    [
        ({"mobile_phone": "617 555 0111"}, True),
        ({"first_name": "Olga", "last_name": "Brandt", "mobile_phone": "", "email": ""}, False),
    ],
)
def test_keys_follow_a_change(site: Site, changes: dict[str, str], is_found: bool) -> None:
    known = dana(site)
    with site.writing() as session:
        clients.change_client(session, find(session, known), changes, by=SYSTEM)
    assert (known in found(site, HER)) is is_found, "before the worker came by"
    compare(site.database)
    assert (known in found(site, HER)) is is_found


def test_whatever_people_are_recognised_by_makes_them_due(site: Site) -> None:
    known = dana(site)

    def is_due(change: Callable[[Session, Client], object]) -> bool:
        with site.writing() as session:
            change(session, find(session, known))
        with site.reading() as session:
            due = find(session, known).compared is Compared.CHANGED
        compare(site.database)
        with site.reading() as session:
            assert find(session, known).compared is Compared.DONE
        return due

    with site.writing() as session:
        pet = make.pet(session, find(session, known), name="Tip").id
    compare(site.database)

    def change(**said: str) -> Callable[[Session, Client], object]:
        return lambda session, client: clients.change_client(session, client, said, by=SYSTEM)

    def with_pet(act: Callable[..., object], *said: object) -> Callable[[Session, Client], object]:
        return lambda session, client: act(
            session, client, find_pet(session, client, pet), *said, by=SYSTEM
        )

    assert is_due(change(last_name="Whitfeld"))
    assert is_due(change(postal_code="02119"))
    assert not is_due(change(notes="Comes by train."))
    assert is_due(with_pet(clients.change_pet, {"name": "Tipsy"}))
    assert not is_due(with_pet(clients.change_pet, {"coat": "curly"}))
    assert is_due(with_pet(clients.archive_pet))
    assert is_due(with_pet(clients.restore_pet))


def test_what_changes_while_its_keys_are_written_is_due_again(site: Site) -> None:
    """A session that read the record as due says so again, whatever happened meanwhile."""
    known = dana(site)
    with site.writing() as session:
        clients.change_client(session, find(session, known), {"city": "Salem"}, by=SYSTEM)
    with site.writing() as session:
        client = find(session, known)
        renew_due_keys(session)
        clients.add_pet(session, client, PetDetails(name="Nero"), by=SYSTEM)
    with site.reading() as session:
        assert find(session, known).compared is Compared.CHANGED


def test_a_client_who_is_gone_has_no_keys(site: Site) -> None:
    known = dana(site)
    with site.writing() as session:
        session.delete(find(session, known))
    with site.reading() as session:
        assert session.scalar(select(ClientKey).where(ClientKey.client_id == known)) is None


def test_a_number_is_read_as_it_is_dialled_where_the_business_is(
    site: Site, world: World, database: Database
) -> None:
    with site.writing(world.kennels) as session:
        business = session.get_one(Business, world.kennels.id)
        business.timezone = "Europe/Berlin"
        make.client(session, first_name="Uwe", last_name="Nolte", mobile_phone="030 901820")
    compare(database)
    with site.reading(world.kennels) as session:
        same = Person(first_name="Uwe", last_name="Nolte", mobile_phone="+49 30 901820")
        assert look_alikes(session, same).decision is not Decision.NEW


def test_what_stands_on_every_page_is_counted_from_an_index(site: Site) -> None:
    with site.reading() as session:
        said = _said(session, lambda: (counts(session), open_matches(session)))
        plans = [_plan(session, *each) for each in said]
    assert "ix_match_raised" in plans[0]
    assert "ix_match_state" in plans[1]
    assert "ix_match_" in plans[2]
