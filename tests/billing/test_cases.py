"""The cases in which money is taken twice, or not at all, by careless programs: I1 to I7, I10.

The sandbox's ledger has the last word: one capture a month.
"""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from booking.billing.models import CardState, ChargeState
from booking.billing.rules.plans import STANDARD
from booking.billing.rules.standing import BillingStatus
from booking.database import Database
from tests.billing.conftest import Books
from tests.front_door import Api, problem_of
from tests.mailbox import Mailbox
from tests.processes import TOP
from tests.product import wait_until
from tests.sandbox import ANSWER_LOST, DECLINED, MASTERCARD, NO_MONEY, SLOW, Sandbox
from tests.times import Clock
from tests.world import World
from workers import jobs

PRICE = STANDARD.price_minor
EVENTS = "/billing/events/sandbox"


@pytest.mark.parametrize("fault", ["lose_answer", "lose_request", "garble"])
def test_i1_a_payment_whose_answer_was_lost_is_looked_up_and_recorded_once(
    books: Books, clock: Clock, fault: str
) -> None:
    books.give_card()
    books.choose("standard")
    books.sandbox.fault(fault)
    books.sandbox.fault("any", on="find", times=2)
    for _ in range(6):
        books.tend()
        assert len(books.sandbox.captures) <= 1
        clock.move(minutes=20)
    assert books.sandbox.captures == [PRICE]
    assert books.standing.status is BillingStatus.ACTIVE
    assert books.standing.amount_due == 0
    assert books.states.count(ChargeState.APPROVED) == 1
    assert len(books.audited("billing.paid")) == 1


def test_i1_a_request_that_comes_late_takes_nothing_any_more(books: Books, clock: Clock) -> None:
    """It was on its way for so long that another was made: the first is void by then."""
    books.give_card()
    books.choose("standard")
    books.sandbox.fault("come_late", seconds=0.4)
    books.tend()
    clock.move(minutes=10)
    books.tend()
    books.tend()
    time.sleep(0.5)
    assert [each.asked for each in books.sandbox.orders] == [1, 1]
    assert books.sandbox.captures == [PRICE]
    assert books.states == [ChargeState.VOIDED, ChargeState.APPROVED]


def test_i2_a_worker_killed_between_charge_and_commit_leaves_one_payment(
    books: Books, database: Database, clock: Clock
) -> None:
    books.give_card(SLOW)
    books.choose("standard")
    settings = database.settings
    told = {
        "database_url": settings.sqlalchemy_url,
        "data_dir": str(settings.data_dir),
        "secret_key": settings.secret_key,
        "sandbox_gateway_url": settings.sandbox_gateway_url,
        "clock_offset": str(clock.offset),
    }
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER],
        cwd=TOP,
        env={**os.environ, **{f"BOOKING_{name.upper()}": value for name, value in told.items()}},
    )
    try:
        wait_until(lambda: books.sandbox.captures, "the money to be taken")
    finally:
        worker.kill()
        worker.wait()
    assert books.states == [ChargeState.BEGUN], "it was written down before the gateway was asked"
    books.tend()
    assert books.states == [ChargeState.BEGUN], "its lease goes on"
    clock.move(seconds=settings.charge_lease_seconds + 1)
    books.tend()
    assert books.states == [ChargeState.APPROVED]
    assert books.sandbox.captures == [PRICE]
    assert books.standing.amount_due == 0


_WORKER = """
from booking import clock
from booking.config import Settings
from booking.database import Database
from workers import jobs
settings = Settings(_env_file=None)
clock.set_offset(settings.clock_offset)
jobs.tend_billing(Database(settings))
"""


def test_i3_three_schedulers_at_once_take_a_month_once(books: Books, clock: Clock) -> None:
    books.paid()
    settings = books.site.settings
    schedulers = [Database(settings) for _ in range(3)]
    try:
        for month in range(1, 4):
            clock.set(books.standing.covered_until + timedelta(seconds=1))
            start = threading.Barrier(len(schedulers))

            def tick(database: Database, start: threading.Barrier = start) -> None:
                start.wait(timeout=30)
                jobs.tend_billing(database)

            with ThreadPoolExecutor(len(schedulers)) as pool:
                list(pool.map(tick, schedulers))
            assert books.sandbox.captures == [PRICE] * (month + 1)
    finally:
        for database in schedulers:
            database.engine.dispose()
    assert [each.asked for each in books.sandbox.orders] == [1, 1, 1, 1]
    assert len(books.charges) == 4


def test_i4_events_are_harmless_twice_out_of_order_forged_or_stale(
    books: Books, api: Api, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = books.sandbox
    books.give_card(ANSWER_LOST)
    books.choose("standard")
    books.tend()
    [charge] = books.charges
    assert books.states == [ChargeState.BEGUN]
    forged = sandbox.event(charge.order_id, secret="somebody else's secret, as long as it may be")
    stale = sandbox.event(charge.order_id, age=11 * 60)
    body, _ = sandbox.event(charge.order_id)
    unsigned: tuple[bytes, dict[str, str]] = (body, {})
    altered = (body.replace(b"evt_1", b"evt_2"), sandbox.event(charge.order_id)[1])
    caplog.set_level(logging.WARNING)
    for content, headers in (forged, stale, unsigned, altered):
        answer = api.visitor.post(EVENTS, content=content, headers=headers)
        assert problem_of(answer, 400)["code"] == "event_refused"
    assert len([each for each in caplog.messages if "was refused" in each]) == 4
    assert books.states == [ChargeState.BEGUN]

    body, headers = sandbox.event(charge.order_id)
    answers = [api.visitor.post(EVENTS, content=body, headers=headers) for _ in range(3)]
    assert [each.json()["taken"] for each in answers] == [True, False, False]
    assert books.states == [ChargeState.APPROVED]
    older, headers = sandbox.event(charge.order_id, name="evt_0", age=300)
    assert api.visitor.post(EVENTS, content=older, headers=headers).json() == {"taken": True}
    stranger, headers = sandbox.event("bkofnobodyatalla1", name="evt_9")
    assert api.visitor.post(EVENTS, content=stranger, headers=headers).json() == {"taken": True}
    assert api.visitor.post("/billing/events/stripe", content=body).status_code == 404
    clock.move(hours=2)
    books.tend()
    assert sandbox.captures == [PRICE]
    assert len(books.audited("billing.paid")) == 1


@pytest.mark.parametrize("number", [NO_MONEY, DECLINED])
def test_i5_a_temporary_refusal_is_tried_again_and_a_final_one_is_told(
    books: Books, clock: Clock, mailbox: Mailbox, world: World, number: str
) -> None:
    """Both are answered with 200: what counts is what it says."""
    books.give_card(number)
    books.choose("standard")
    began = clock.now()
    for day in (0, 2, 3, 7, 10, 14, 15):
        clock.set(began + timedelta(days=day, minutes=1))
        books.tend()
    asked = [charge.created_at - began for charge in books.charges]
    days = [0, 3, 7, 14] if number == NO_MONEY else [0]
    assert [round(each / timedelta(days=1)) for each in asked] == days
    assert books.sandbox.captures == []
    told = [mail.subject for mail in mailbox.to(world.owner.email)]
    assert told.count("Your payment could not be taken") == 4, "the owner is told on every day"
    assert told.count("Your site is read-only until the payment is made") == 1
    assert books.standing.is_read_only


def test_i6_a_card_replaced_while_a_try_waits_is_the_one_that_is_asked(
    books: Books, clock: Clock
) -> None:
    books.paid()
    before = books.cards[0]
    clock.set(books.standing.covered_until - timedelta(seconds=2))
    assert books.give_card(MASTERCARD).status_code == 200
    clock.move(minutes=1)
    books.tend()
    assert books.sandbox.captures == [PRICE, PRICE]
    first, second = (each.card for each in books.sandbox.orders)
    assert first != second
    assert books.sandbox.ledger.forgotten() == [first], "the old one is deleted at the gateway"
    [old, new] = books.cards
    assert (old.id, old.state, old.sealed) == (before.id, CardState.FORGOTTEN, "")
    assert (new.brand, new.state) == ("Mastercard", CardState.LIVE)


@pytest.mark.parametrize("fault", ["other_amount", "other_currency", "other_payer"])
def test_i7_what_does_not_fit_is_not_paid_and_raises_an_alert(
    books: Books, clock: Clock, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    books.give_card()
    books.choose("standard")
    books.sandbox.fault(fault)
    books.tend()
    assert books.states == [ChargeState.MISMATCHED]
    assert books.standing.status is BillingStatus.PAST_DUE
    assert books.standing.amount_due == PRICE
    [alert] = books.audited("billing.alert")
    named = fault.removeprefix("other_")
    assert named in alert.details["found"]
    assert [each for each in caplog.records if each.levelname == "ERROR" and named in each.message]
    clock.move(days=8)
    books.tend()
    assert len(books.charges) == 1, "nothing more is taken until somebody has looked"


@pytest.mark.parametrize("days", [40, -40])
def test_i10_an_outage_or_a_jump_of_the_clock_over_the_date_takes_one_month(
    books: Books, clock: Clock, days: int
) -> None:
    books.paid()
    end = books.standing.covered_until
    clock.move(days=days)
    for _ in range(3):
        books.tend()
    clock.move(days=-days)
    for _ in range(3):
        books.tend()
    assert books.sandbox.captures == [PRICE] * (2 if days > 0 else 1)
    if days > 0:
        assert books.standing.covered_until > end + timedelta(days=28)
    else:
        assert books.standing.covered_until == end
        clock.set(end + timedelta(minutes=1))
        books.tend()
        assert books.sandbox.captures == [PRICE, PRICE]
    assert books.standing.status is BillingStatus.ACTIVE
    assert not books.standing.is_read_only


def test_nothing_of_a_card_is_where_it_does_not_belong(
    books: Books, caplog: pytest.LogCaptureFixture, sandbox: Sandbox
) -> None:
    """The reference could be spent with our credentials: it is in no row and no line of the log."""
    caplog.set_level(logging.DEBUG)
    books.paid()
    [card] = books.cards
    [order] = sandbox.orders
    assert order.card not in json.dumps([card.sealed, *caplog.messages])
    assert card.last4 == "4242"
