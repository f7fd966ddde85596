"""Everything breaks that can, while two workers write to a thousand people: killed and frozen
workers, a broker that forgets and goes away, a database that is cut off, a mail server behind a line
that drops, resets, falls silent, cuts messages off and loses the answer that matters.

Nobody is missed. Who has a copy has the same message with the same link, there are no more copies
than messages in flight when something broke, and the screen says of each that it may have arrived
twice. The order and the moments are drawn from a seed, which a failure prints; to see the same once
more: `BOOKING_TEST_CHAOS=seed pytest …`.
"""

import contextlib
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import select, update

from booking import clock, processes
from booking.audit.actions import SYSTEM
from booking.database import Database, set_business
from booking.invitations import queries
from booking.invitations.actions.campaigns import invite
from booking.invitations.models import Campaign, Invitation, InvitationState
from booking.mail.delivery import BATCH
from booking.main import create_app
from booking.preferences import actions as preferences
from tests import make, servers
from tests.databases import SECRET, DatabaseKind, Databases
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.front_door import FrontDoor
from tests.pages import Pages
from tests.product import Product, say, wait_until
from tests.servers import Postgres, Redis, SmtpSink
from tests.smtp_sink import Event
from tests.workers.forked import Forked, beat, forked, worker
from tests.world import World

RECIPIENTS = 1_000
KILLS = 20
LEASE_SECONDS = 5
SMTP_TIMEOUT_SECONDS = 1
ANSWER_AFTER_SECONDS = 0.015


@dataclass
class Storm:
    """The product with two workers, each with a line of its own to the mail server."""

    product: Product
    database: Database
    world: World
    postgres: Postgres
    redis: Redis
    sink: SmtpSink
    lines: list[FaultProxy]
    chance: random.Random
    workers: list[Forked] = field(default_factory=list)
    in_flight: int = 0
    """how many messages may have been on their way when something broke: the most copies"""
    _later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def kill_a_worker(self) -> None:
        victim = self.chance.choice(self.workers)
        victim.kill()
        victim.start()
        self.in_flight += BATCH

    def freeze_a_worker(self) -> None:
        """For longer than its lease: somebody else takes over, and then it wakes up."""
        victim = self.chance.choice(self.workers)
        victim.freeze()
        self._in(LEASE_SECONDS * 1.5, victim.thaw)
        self.in_flight += BATCH

    def forget_the_queue(self) -> None:
        self.redis.flush()

    def restart_the_broker(self) -> None:
        self.redis.kill()
        self.redis.start()

    def cut_off_the_database(self) -> None:
        self.postgres.stop_at_once()
        self.postgres.start()

    def drop_the_line(self) -> None:
        self._any_line().drop()

    def reset_the_line(self) -> None:
        self._any_line().reset()

    def cut_a_message_off(self) -> None:
        self._any_line().cut_after(self.chance.randrange(20_000))

    def lose_the_answer(self) -> None:
        self._any_line().swallow_the_250()

    def silence_the_line(self) -> None:
        line = self._any_line()
        line.black_hole()
        self._in(SMTP_TIMEOUT_SECONDS * 2, line.heal)

    def pass_time(self) -> None:
        """A moment; what was put off happens when it is time."""
        time.sleep(0.1)
        for when, act in list(self._later):
            if when < time.monotonic():
                self._later.remove((when, act))
                act()

    def over(self) -> None:
        for line in self.lines:
            line.heal()
        for each in self.workers:
            each.kill()
            each.start()
            self.in_flight += BATCH
        self._later.clear()

    def _any_line(self) -> FaultProxy:
        self.in_flight += 1
        return self.chance.choice(self.lines)

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, act))


FAULTS = (
    *[Storm.kill_a_worker] * KILLS,
    Storm.freeze_a_worker,
    Storm.forget_the_queue,
    Storm.restart_the_broker,
    Storm.cut_off_the_database,
    Storm.drop_the_line,
    Storm.reset_the_line,
    *[Storm.cut_a_message_off] * 2,
    *[Storm.lose_the_answer] * 2,
    Storm.silence_the_line,
)


@pytest.fixture
def seed() -> int:
    seed = int(os.environ.get("BOOKING_TEST_CHAOS") or random.randrange(1_000_000))
    say(f"BOOKING_TEST_CHAOS={seed}")
    return seed


@pytest.fixture
def storm(folder: Path, seed: int) -> Iterator[Storm]:
    with ExitStack() as stack:
        postgres = stack.enter_context(servers.postgres(private=True))
        databases = stack.enter_context(contextlib.closing(Databases("chaos", postgres)))
        redis = stack.enter_context(servers.redis(private=True))
        sink = stack.enter_context(servers.smtp_sink())
        lines = [stack.enter_context(fault_proxy(sink.process.port)) for _ in range(2)]
        world = databases.world(DatabaseKind.POSTGRESQL)
        given = {
            "database_url": databases.copy(DatabaseKind.POSTGRESQL, folder),
            "broker_url": redis.url,
            "smtp_url": sink.url,
            "send_lease_seconds": str(LEASE_SECONDS),
            "smtp_timeout_seconds": str(SMTP_TIMEOUT_SECONDS),
            "secret_key": SECRET,
        }
        product = Product(folder, given)
        database = stack.enter_context(product.database())
        chance = random.Random(seed)
        storm = Storm(product, database, world, postgres, redis, sink, lines, chance)
        stack.enter_context(forked(beat(product)))
        for line, name in zip(lines, ("one", "two"), strict=True):
            line.delay(ANSWER_AFTER_SECONDS)
            beside = Product(folder, given | {"smtp_url": line.url})
            storm.workers.append(stack.enter_context(forked(worker(beside, name))))
        yield storm


def test_nobody_is_missed_whatever_breaks(storm: Storm, portal: BlockingPortal) -> None:
    campaign = press_the_envelope(storm)
    faults = list(FAULTS)
    storm.chance.shuffle(faults)
    caller = Celery("caller", set_as_current=False)
    caller.conf.update(processes.broker_options(storm.product.settings))
    for number, fault in enumerate(faults):
        wait_for_some(storm, RECIPIENTS * (number + 1) // (len(faults) + 4), caller)
        say(f"{time.monotonic():.1f} {len(storm.sink.received())} {fault.__name__}")
        fault(storm)
    storm.over()
    wait_until(partial(is_over, storm, campaign), "the end of the campaign")
    nobody_is_missing_and_few_have_copies(storm)
    who_has_a_copy_is_known(storm)
    app = create_app(storm.product.settings)
    the_screen_says_the_same(storm, campaign, Pages(FrontDoor(app, portal), storm.world))


def press_the_envelope(storm: Storm) -> Campaign:
    with storm.database.writing() as session:
        set_business(session, storm.world.salon.id)
        version = preferences.current(session).version
        allow = {"client_settings": {"allow_client_online_account_access": True}}
        preferences.change(session, allow, expected_version=version, by=SYSTEM)
        people = [make.client(session, email=address(number)) for number in range(RECIPIENTS)]
        session.flush()
        return invite(session, [client.id for client in people], by=SYSTEM)


def address(number: int) -> str:
    return f"owner{number}@mail.example"


def wait_for_some(storm: Storm, enough: int, caller: Celery) -> None:
    """Until so many have arrived, and for three seconds at most. Whoever is idle is told that work
    is due, as any press of the envelope would."""
    give_up = time.monotonic() + storm.chance.uniform(1, 3)
    while len(storm.sink.received()) < enough and time.monotonic() < give_up:
        with contextlib.suppress(OperationalError):
            caller.send_task("send_due_invitations", queue="bulk", expires=5, retry=False)
        storm.pass_time()


def is_over(storm: Storm, campaign: Campaign) -> bool:
    """Who was put off until later by a fault is due at once: nobody waits for minutes here."""
    with storm.database.writing() as session:
        set_business(session, storm.world.salon.id)
        session.execute(
            update(Invitation)
            .where(Invitation.state == InvitationState.DEFERRED)
            .values(due_at=clock.now())
        )
        return queries.standing(session, queries.campaign(session, campaign.id)).open == 0


def nobody_is_missing_and_few_have_copies(storm: Storm) -> None:
    arrived = storm.sink.per_recipient()
    assert set(arrived) == {address(number) for number in range(RECIPIENTS)}
    copies = sum(arrived.values()) - RECIPIENTS
    say(f"{copies} copies of {storm.in_flight} messages that may have been in flight")
    assert copies <= storm.in_flight
    known_by = Counter(
        (event.recipients[0], event.message_id, link_in(storm.sink, event))
        for event in storm.sink.received()
    )
    assert len(known_by) == RECIPIENTS, "a copy is the same message, with the same link"
    assert len(storm.sink.per_message_id()) == RECIPIENTS


def link_in(sink: SmtpSink, event: Event) -> str:
    body = sink.open(event).get_body(("plain",))
    assert body is not None
    found = re.search(r"/i/[\w-]+", str(body.get_content()))
    assert found
    return found[0]


def who_has_a_copy_is_known(storm: Storm) -> None:
    with storm.database.reading() as session:
        set_business(session, storm.world.salon.id)
        known = set(session.scalars(select(Invitation.email).where(Invitation.repeated)))
    twice = {to for to, copies in storm.sink.per_recipient().items() if copies > 1}
    assert twice
    assert twice <= known


def the_screen_says_the_same(storm: Storm, campaign: Campaign, pages: Pages) -> None:
    page = pages.owner.get(f"/manage/happy-paws/campaigns/{campaign.id}")
    say(page.text)
    assert page.says("Finished")
