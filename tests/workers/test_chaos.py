"""Everything breaks that can, while two workers write to a thousand people: killed and frozen
workers, a broker that forgets and goes away, a database that is cut off, a mail server behind a
line that drops, resets, falls silent, cuts messages off and loses the answer that matters.

Nobody is missed. Who has a copy has the same message with the same link, there are no more copies
than messages in flight when something broke, and the screen says that they may have arrived twice.
Order and moments are drawn from a seed, which a failure prints: `BOOKING_TEST_CHAOS=seed pytest …`
draws the same once more.
"""

import contextlib
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import select, update

from booking import clock, processes
from booking.invitations.models import Invitation, InvitationState
from booking.mail.delivery import BATCH
from booking.main import create_app
from tests import servers
from tests.databases import SECRET, DatabaseKind, Databases
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.forked import GROUP, Forked, forked
from tests.front_door import FrontDoor
from tests.pages import Pages
from tests.product import Product, say, wait_until
from tests.servers import Postgres, Redis, SmtpSink
from tests.site import Site
from tests.smtp_sink import Rules
from tests.workers.forked import beat, sender, worker
from tests.workers.press import Press

pytestmark = GROUP

RECIPIENTS = 1_000
KILLS = 20
LEASE_SECONDS = 5
SMTP_TIMEOUT_SECONDS = 1
ANSWER_AFTER_SECONDS = 0.015


@dataclass
class Ground:
    """A database server that may be cut off, and a mail server."""

    postgres: Postgres
    databases: Databases
    sink: SmtpSink

    @contextlib.contextmanager
    def product(self, folder: Path, **given: str) -> Iterator[tuple[Product, Site]]:
        world = self.databases.world(DatabaseKind.POSTGRESQL)
        url = self.databases.copy(DatabaseKind.POSTGRESQL, folder)
        ours = {"database_url": url, "smtp_url": self.sink.url, "secret_key": SECRET}
        product = Product(folder, ours | given)
        with product.database() as database:
            site = Site(database, world)
            site.allow_client_access(True)
            yield product, site


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with (
        servers.postgres(private=True) as postgres,
        contextlib.closing(Databases("chaos", postgres)) as databases,
        servers.smtp_sink() as sink,
    ):
        yield Ground(postgres, databases, sink)


@dataclass
class Storm:
    """The product with two workers, each with a line of its own to the mail server."""

    site: Site
    ground: Ground
    redis: Redis
    lines: list[FaultProxy]
    chance: random.Random
    workers: list[Forked] = field(default_factory=list)
    in_flight: int = 0
    """how many messages may have been on their way when something broke: the most copies"""
    _later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def kill_a_worker(self) -> None:
        self._kill(self.chance.choice(self.workers))

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
        self.ground.postgres.stop_at_once()
        self.ground.postgres.start()

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

    def blow_over(self) -> None:
        """With a last kill of both, so that only the schedule goes on."""
        for line in self.lines:
            line.heal()
        for each in self.workers:
            self._kill(each)

    def _kill(self, victim: Forked) -> None:
        victim.kill()
        victim.start()
        self.in_flight += BATCH

    def _any_line(self) -> FaultProxy:
        self.in_flight += 1
        return self.chance.choice(self.lines)

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, act))


FAULTS = (
    *[Storm.kill_a_worker] * (KILLS - 2),
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
def storm(ground: Ground, folder: Path) -> Iterator[Storm]:
    seed = int(os.environ.get("BOOKING_TEST_CHAOS") or random.randrange(1_000_000))
    say(f"BOOKING_TEST_CHAOS={seed}")
    with ExitStack() as stack:
        redis = stack.enter_context(servers.redis(private=True))
        port = ground.sink.process.port
        lines = [stack.enter_context(fault_proxy(port)) for _ in range(2)]
        product, site = stack.enter_context(
            ground.product(
                folder,
                broker_url=redis.url,
                send_lease_seconds=str(LEASE_SECONDS),
                smtp_timeout_seconds=str(SMTP_TIMEOUT_SECONDS),
            )
        )
        storm = Storm(site, ground, redis, lines, random.Random(seed))
        stack.enter_context(forked(beat(product)))
        for line, name in zip(lines, ("one", "two"), strict=True):
            line.delay(ANSWER_AFTER_SECONDS)
            beside = Product(folder, product.given | {"smtp_url": line.url})
            storm.workers.append(stack.enter_context(forked(worker(beside, name))))
        yield storm


def test_nobody_is_missed_whatever_breaks(storm: Storm, portal: BlockingPortal) -> None:
    press = Press(storm.site, storm.ground.sink, RECIPIENTS)
    faults = list(FAULTS)
    storm.chance.shuffle(faults)
    caller = Celery("caller", set_as_current=False)
    caller.conf.update(processes.broker_options(storm.site.settings))
    for number, fault in enumerate(faults, start=1):
        wait_for_some(storm, press, RECIPIENTS * number // (len(faults) + 3), caller)
        say(f"after {press.arrived} messages: {fault.__name__}")
        fault(storm)
    storm.blow_over()
    wait_until(lambda: is_over(press), "the end of the campaign")
    nobody_is_missing_and_few_have_copies(press, storm.in_flight)
    the_screen_says_the_same(storm, press, portal)


def wait_for_some(storm: Storm, press: Press, enough: int, caller: Celery) -> None:
    """Until so many have arrived, and for three seconds at most. Whoever is idle is told that work
    is due, as any press of the envelope would."""
    give_up = time.monotonic() + storm.chance.uniform(1, 3)
    while press.arrived < enough and time.monotonic() < give_up:
        with contextlib.suppress(OperationalError):
            caller.send_task("send_due_invitations", queue="bulk", expires=5, retry=False)
        storm.pass_time()


def is_over(press: Press) -> bool:
    """Whoever was put off until later by a fault is due at once: nobody waits for minutes here."""
    with press.site.writing() as session:
        session.execute(
            update(Invitation)
            .where(Invitation.state == InvitationState.DEFERRED)
            .values(due_at=clock.now())
        )
    return not press.standing.open


def nobody_is_missing_and_few_have_copies(press: Press, in_flight: int) -> None:
    assert min(press.copies) == 1
    copies = press.arrived - RECIPIENTS
    say(f"{copies} copies, of {in_flight} messages that may have been in flight")
    assert copies <= in_flight
    twice = {to for to, number in zip(press.addresses, press.copies, strict=True) if number > 1}
    assert twice
    for address in twice:
        assert len(press.bodies_of(address)) == 1, "the same message, with the same link"
    with press.site.reading() as session:
        known = set(session.scalars(select(Invitation.email).where(Invitation.repeated)))
    assert twice <= known


def the_screen_says_the_same(storm: Storm, press: Press, portal: BlockingPortal) -> None:
    app = create_app(storm.site.settings)
    app.state.database.engine.dispose()
    app.state.database = storm.site.database
    pages = Pages(FrontDoor(app, portal), storm.site.world)
    page = pages.owner.get(f"/manage/happy-paws/campaigns/{press.campaign.id}")
    people = len([number for number in press.copies if number])
    assert page.says(f"Finished {people:,} of {people:,}")
    assert page.says(f"Delivered {people:,} 100 %")
    assert page.says(f"Sent, not accepted yet {people:,}")
    assert page.says(f"{press.standing.repeated:,} may have arrived twice")


def test_g5_a_database_that_is_cut_off_and_back_costs_nobody_a_copy(
    ground: Ground, folder: Path
) -> None:
    """Nothing is sent that was not claimed and committed, and what was sent in the meantime is
    written down afterwards."""
    ground.sink.set_rules(Rules(delay={"data": 0.05}))
    with ground.product(folder) as (product, site):
        press = Press(site, ground.sink, 3 * BATCH)
        with forked(sender(product.settings)):
            press.wait_for(3)
            ground.postgres.stop_at_once()
            before = press.arrived
            time.sleep(1)
            assert press.arrived <= before + BATCH
            ground.postgres.start()
            press.wait_for_the_end()
    assert press.copies == [1] * press.count
