"""Faults at a known moment, with the processes they happen to: G2, G3, G4, G17; and the two lanes.
`test_chaos.py` has G5, and all of them at once at moments that nobody knows.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from booking.accounts.emails import NoLoginHere
from booking.config import Settings
from booking.mail.actions import queue
from booking.mail.delivery import BATCH
from tests import servers
from tests.databases import SECRET, DatabaseKind, Databases
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.forked import GROUP, forked
from tests.processes import folder_of_its_own
from tests.product import Product, wait_until
from tests.servers import Redis, SmtpSink
from tests.site import Site
from tests.smtp_sink import Rules
from tests.workers.forked import beat, sender, worker
from tests.workers.press import Press

pytestmark = GROUP

SLOWLY = Rules(delay={"data": 0.05})
ON_POSTGRESQL = pytest.mark.parametrize(
    "database_kind", [DatabaseKind.POSTGRESQL], indirect=True, ids=str
)


@pytest.fixture(scope="module")
def shared_sink() -> Iterator[SmtpSink]:
    with servers.smtp_sink() as sink:
        yield sink


@pytest.fixture
def sink(shared_sink: SmtpSink) -> SmtpSink:
    shared_sink.set_rules(Rules())
    return shared_sink


@pytest.fixture
def line(sink: SmtpSink) -> Iterator[FaultProxy]:
    with fault_proxy(sink.process.port) as line:
        yield line


@pytest.fixture
def settings(settings: Settings, line: FaultProxy) -> Settings:
    return settings.model_copy(update={"smtp_url": line.url, "send_lease_seconds": 2})


def test_g2_killed_between_the_250_and_the_commit_it_comes_twice_and_the_screen_knows(
    site: Site, sink: SmtpSink, line: FaultProxy
) -> None:
    press = Press(site, sink, BATCH + 2)
    line.swallow_the_250()
    with forked(sender(site.settings)) as killed:
        wait_until(lambda: line.swallowed, "a message that arrived, to the knowledge of nobody")
        killed.kill()
        killed.start()
        press.wait_for_the_end()
    assert sorted(press.copies) == [1] * (BATCH + 1) + [2]
    twice = press.addresses[press.copies.index(2)]
    assert len(press.bodies_of(twice)) == 1, "the same message, with the same link"
    assert press.standing.repeated == BATCH, "those of which nobody can say more"
    assert press.standing.counts["sent"] == BATCH + 2


@ON_POSTGRESQL
def test_g3_killed_before_the_message_itself_it_comes_once(site: Site, sink: SmtpSink) -> None:
    press = Press(site, sink, 5)
    sink.set_rules(Rules(delay={"rcpt": 60}))
    with forked(sender(site.settings)) as killed:
        wait_until(lambda: press.standing.counts["sending"], "the first to be begun")
        time.sleep(0.2)
        killed.kill()
        sink.set_rules(Rules())
        killed.start()
        press.wait_for_the_end()
    assert press.copies == [1] * 5


@ON_POSTGRESQL
def test_g17_another_process_takes_over_from_one_that_does_nothing(
    site: Site, sink: SmtpSink
) -> None:
    press = Press(site, sink, 3 * BATCH)
    sink.set_rules(SLOWLY)
    with forked(sender(site.settings)) as frozen, forked(sender(site.settings)):
        press.wait_for(3)
        frozen.freeze()
        press.wait_for_the_end()
        frozen.thaw()
        time.sleep(0.5)
    assert min(press.copies) == 1
    assert press.arrived <= press.count + BATCH
    assert press.standing.counts["sent"] == press.count


@dataclass
class Installation:
    site: Site
    redis: Redis


@pytest.fixture(scope="module")
def installation(databases: Databases, shared_sink: SmtpSink) -> Iterator[Installation]:
    """A worker and its schedule, and a broker that may be killed."""
    with ExitStack() as stack:
        folder = stack.enter_context(folder_of_its_own())
        redis = stack.enter_context(servers.redis(private=True))
        given = {
            "database_url": databases.copy(DatabaseKind.SQLITE, folder),
            "broker_url": redis.url,
            "smtp_url": shared_sink.url,
            "secret_key": SECRET,
        }
        product = Product(folder, given)
        database = stack.enter_context(product.database())
        site = Site(database, databases.world(DatabaseKind.SQLITE))
        site.allow_client_access(True)
        stack.enter_context(forked(beat(product)))
        stack.enter_context(forked(worker(product, "one")))
        yield Installation(site, redis)


def test_a_code_does_not_wait_behind_a_campaign(installation: Installation, sink: SmtpSink) -> None:
    """Two lanes: the mail server takes its time, and many invitations are queued."""
    sink.set_rules(Rules(delay={"data": 0.1}))
    press = Press(installation.site, sink, 120)
    press.wait_for(2)
    with installation.site.writing() as session:
        code = NoLoginHere(path="/happy-paws", asked_for="a sign-in code")
        queue(session, code, to="in.a.hurry@mail.example")
    wait_until(lambda: sink.per_recipient()["in.a.hurry@mail.example"], "the code")
    assert press.arrived < press.count, "it waited for the campaign"
    sink.set_rules(Rules())
    press.wait_for_the_end()


def test_g4_a_broker_that_forgets_and_goes_away_loses_nothing(
    installation: Installation, sink: SmtpSink
) -> None:
    """What is being sent is sent without it; what was pressed meanwhile is found afterwards."""
    sink.set_rules(SLOWLY)
    press = Press(installation.site, sink, 3 * BATCH)
    press.wait_for(3)
    installation.redis.flush()
    installation.redis.kill()
    press.wait_for_the_end()
    meanwhile = Press(installation.site, sink, 5)
    installation.redis.start()
    meanwhile.wait_for_the_end()
    installation.redis.flush()
    last = Press(installation.site, sink, 5)
    last.wait_for_the_end()
    for each in (press, meanwhile, last):
        assert each.copies == [1] * each.count
