"""The ground of the tests themselves: the world is there, whole, and new for every test."""

from booking.clients.queries import ClientFilter, count
from tests import make
from tests.front_door import Api
from tests.site import Site
from tests.times import START, Clock
from tests.world import World


def test_a_test_begins_on_a_monday_morning(clock: Clock) -> None:
    assert abs((clock.now() - START).total_seconds()) < 5


def test_the_salon_knows_four_clients(site: Site) -> None:
    with site.reading() as session:
        assert count(session, ClientFilter()) == 4


def test_what_one_test_adds_is_gone_in_the_next(site: Site) -> None:
    with site.writing() as session:
        make.client(session)
    with site.reading() as session:
        assert count(session, ClientFilter()) == 5


def test_everybody_is_signed_in(api: Api, world: World) -> None:
    for caller in (api.owner, api.manager, api.staff, api.client, api.outsider):
        assert caller.get("/sessions").status_code == 200
    assert api.visitor.get("/sessions").status_code == 401
