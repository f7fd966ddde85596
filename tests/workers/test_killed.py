"""A worker that is killed, and a broker that forgets: nobody is missed, and only the messages in
flight at a kill may come twice."""

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from booking.accounts.emails import NoLoginHere
from booking.audit.actions import SYSTEM
from booking.database import Database, set_business
from booking.invitations import queries
from booking.invitations.actions.campaigns import invite
from booking.invitations.models import Campaign
from booking.mail.actions import queue
from booking.mail.delivery import BATCH
from booking.preferences import actions as preferences
from tests import make, servers
from tests.databases import DatabaseKind, Databases
from tests.processes import running
from tests.product import Product, say, wait_until
from tests.servers import Redis, SmtpSink
from tests.smtp_sink import Event, Rules
from tests.world import World

RECIPIENTS = {"files": 200, "redis": 1_000}
KILLS = 5


@dataclass
class House:
    """The product on real servers, with a worker and its schedule to be killed."""

    product: Product
    database: Database
    world: World
    sink: SmtpSink
    redis: Redis | None
    recipients: int

    def press_the_envelope(self, count: int) -> Campaign:
        with self.database.writing() as session:
            set_business(session, self.world.salon.id)
            people = [make.client(session, email=address(number)) for number in range(count)]
            session.flush()
            return invite(session, [client.id for client in people], by=SYSTEM)

    def wait_for_messages(self, count: int) -> None:
        wait_until(lambda: len(self.sink.received()) >= count, f"{count} messages")

    def standing(self, campaign: Campaign) -> queries.Standing:
        with self.database.reading() as session:
            set_business(session, self.world.salon.id)
            return queries.standing(session, queries.campaign(session, campaign.id))


def address(number: int) -> str:
    return f"owner{number}@mail.example"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=["files", "redis"])
def house(
    request: pytest.FixtureRequest, databases: Databases, folder: Path, stack: ExitStack
) -> House:
    """SQLite and files, or PostgreSQL and Redis; a mail server in either case."""
    kind = DatabaseKind.SQLITE if request.param == "files" else DatabaseKind.POSTGRESQL
    world = databases.world(kind)
    sink = stack.enter_context(servers.smtp_sink())
    redis = None if request.param == "files" else stack.enter_context(servers.redis(private=True))
    given = {
        "database_url": databases.copy(kind, folder),
        "smtp_url": sink.url,
        "send_lease_seconds": "2",
        "secret_key": "a secret of the tests, the same in every one of them",
    }
    if redis is not None:
        given["broker_url"] = redis.url
    product = Product(folder, given)
    database = stack.enter_context(product.database())
    with database.writing() as session:
        set_business(session, world.salon.id)
        version = preferences.current(session).version
        allow = {"client_settings": {"allow_client_online_account_access": True}}
        preferences.change(session, allow, expected_version=version, by=SYSTEM)
    return House(product, database, world, sink, redis, RECIPIENTS[request.param])


def test_a_worker_killed_five_times_misses_nobody(house: House) -> None:
    chance = random.Random(54)
    campaign = house.press_the_envelope(house.recipients)
    worker = house.product.worker()
    with running(house.product.beat()), running(worker):
        for kill in range(1, KILLS + 1):
            enough = house.recipients * kill // (KILLS + 2)
            house.wait_for_messages(enough)
            time.sleep(chance.uniform(0, 0.1))
            worker.kill()
            if kill == KILLS // 2 and house.redis is not None:
                house.redis.flush()
            worker.start()
        wait_until(lambda: house.standing(campaign).open == 0, "the end of the campaign")
    assert house.standing(campaign).counts["sent"] == house.recipients
    _assert_nobody_missing_and_few_twice(house.sink, house.recipients)


def _assert_nobody_missing_and_few_twice(sink: SmtpSink, recipients: int) -> None:
    arrived = sink.per_recipient()
    assert set(arrived) == {address(number) for number in range(recipients)}
    copies = sum(arrived.values()) - recipients
    say(f"{sum(arrived.values())} messages for {recipients} recipients, {copies} of them copies")
    assert copies <= KILLS * BATCH, "more copies than messages that were in flight"
    ids = Counter(
        (event.recipients[0], event.message_id, link_in(sink, event)) for event in sink.received()
    )
    assert len(ids) == recipients, "a copy is the same message, with the same link"


def link_in(sink: SmtpSink, event: Event) -> str:
    body = sink.open(event).get_body(("plain",))
    assert body is not None
    found = re.search(r"/i/[\w-]+", str(body.get_content()))
    assert found
    return found[0]


def test_a_code_does_not_wait_behind_a_campaign(house: House) -> None:
    """Two lanes: the mail server takes its time, and hundreds of invitations are queued."""
    house.sink.set_rules(Rules(delay={"data": 0.05}))
    house.press_the_envelope(400)
    with running(house.product.beat()), running(house.product.worker()):
        house.wait_for_messages(5)
        with house.database.writing() as session:
            code = NoLoginHere(path="/happy-paws", asked_for="a sign-in code")
            queue(session, code, to="in.a.hurry@mail.example")
        wait_until(
            lambda: house.sink.per_recipient()["in.a.hurry@mail.example"], "the code", seconds=60
        )
        assert len(house.sink.received()) < 400, "it waited for the campaign"
