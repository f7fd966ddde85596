"""The tenant guard: what belongs to a business can't be asked for without one, nor be another's."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Executable, delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from booking import metadata
from booking.businesses.models import Business
from booking.clients.models import Client, Pet
from booking.database import (
    Base,
    ChangedMeanwhile,
    Database,
    Owned,
    TenantMissing,
    across_businesses,
    business_of,
    new_id,
    same_business,
    set_business,
)
from tests.site import Site
from tests.times import START
from tests.world import World

assert metadata.MODELS
OWNED: list[Any] = [
    mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, Owned)
]
_other = aliased(Client)
STATEMENTS: dict[str, Executable] = {
    "a count": select(func.count()).select_from(Client),
    "an alias": select(_other.id),
    "a subquery": select(select(Client.id).subquery()),
    "an exists": select(Business.id).where(exists().where(Client.id.is_not(None))),
    "an update": update(Client).values(notes=""),
    "a delete": delete(Client),
    "a union": select(Client.id).union(select(Pet.id)),
}


def test_nothing_owned_is_read_without_a_business(database: Database) -> None:
    with database.reading() as session:
        for owned in OWNED:
            with pytest.raises(TenantMissing):
                session.scalars(select(owned)).first()


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_no_statement_gets_around_it(database: Database, statement: Executable) -> None:
    with database.reading() as session, pytest.raises(TenantMissing):
        session.execute(statement)


def test_a_session_sees_its_own_business_only(site: Site, world: World) -> None:
    with site.reading(world.kennels) as session:
        for owned in OWNED:
            owners = {row.business_id for row in session.scalars(select(owned))}
            assert owners <= {world.kennels.id}, owned.__name__
        assert session.scalars(select(Client.id)).all() == [world.max.id]
        assert session.scalars(select(_other.id)).all() == [world.max.id]
        assert session.get(Client, world.jo.id) is None
        assert session.get(Client, world.max.id) is not None


@pytest.mark.parametrize("verb", [delete(Pet), update(Pet).values(name="Mine now")])
def test_changes_in_bulk_stay_within_the_business(
    site: Site, world: World, verb: Executable
) -> None:
    with site.writing(world.kennels) as session:
        session.execute(verb)
    with site.reading() as session:
        assert set(session.scalars(select(Pet.name))) == {"Rex", "Mia", "Bella", "Fluffy"}


def test_a_row_cant_point_into_another_business(site: Site, world: World) -> None:
    for business in (world.salon, world.kennels):
        with pytest.raises(ChangedMeanwhile), site.writing(business) as session:
            session.add(_pet(business_of(session), _of_the_other(world, business_of(session))))


def test_a_row_cant_be_moved_into_another_business(site: Site, world: World) -> None:
    with pytest.raises(ChangedMeanwhile):
        _move(site, world.jo.pet_ids[0], world.kennels.id)


def test_every_foreign_key_between_owned_tables_names_the_business() -> None:
    tables = {owned.__table__ for owned in OWNED}
    loose = [
        f"{table.name}.{'+'.join(key.column_keys)} → {key.referred_table.name}"
        for table in tables
        for key in table.foreign_key_constraints
        if key.referred_table in tables and "business_id" not in key.column_keys
    ]
    assert loose == []


def test_same_business_makes_such_a_key() -> None:
    key = same_business("client_id", "client")
    assert [element.target_fullname for element in key.elements] == [
        "client.business_id",
        "client.id",
    ]


def test_a_session_never_changes_its_business(database: Database, world: World) -> None:
    with database.reading() as session:
        set_business(session, world.salon.id)
        set_business(session, world.salon.id)
        with pytest.raises(TenantMissing):
            set_business(session, world.kennels.id)
        assert business_of(session) == world.salon.id


def test_no_business_is_none(database: Database) -> None:
    with database.reading() as session, pytest.raises(TenantMissing):
        business_of(session)


def test_looking_across_businesses_ends_with_its_block(database: Database, world: World) -> None:
    with database.reading() as session:
        with across_businesses(session):
            with across_businesses(session):
                pass
            assert _all_clients(session) == 5
        with pytest.raises(TenantMissing):
            _all_clients(session)


@pytest.mark.parametrize("way", [Database.reading, Database.writing])
def test_the_next_session_begins_without_a_business(
    database: Database, world: World, way: Callable[..., Any]
) -> None:
    with way(database) as session:
        set_business(session, world.salon.id)
    with way(database) as session, pytest.raises(TenantMissing):
        _all_clients(session)


def _move(site: Site, pet_id: uuid.UUID, business_id: uuid.UUID) -> None:
    with site.writing() as session:
        session.get_one(Pet, pet_id).business_id = business_id


def _all_clients(session: Session) -> int:
    return session.scalars(select(func.count()).select_from(Client)).one()


def _of_the_other(world: World, business_id: uuid.UUID) -> uuid.UUID:
    return world.max.id if business_id == world.salon.id else world.jo.id


def _pet(business_id: uuid.UUID, client_id: uuid.UUID) -> Pet:
    return Pet(
        id=new_id(), business_id=business_id, client_id=client_id, name="Cuckoo", created_at=START
    )
