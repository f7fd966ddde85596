"""`booking bench invitations`: a campaign through two worker processes into a sink that counts.

The worker's own job, with every state change committed, against messages prebuilt and pipelined
(the limit), prebuilt over `smtplib`, built by the standard library over one connection (what
Django's `send_messages` does), and `emails` as its README shows it (the naive way).
"""

import json
import smtplib
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from booking import clock
from booking.audit.actions import SYSTEM
from booking.bench import tables
from booking.bench.databases import databases
from booking.bench.mail_ways import address
from booking.bench.measuring import Sample, Series, WrongAnswer, times_the_rate
from booking.bench.report import Goal, Report, progress, show
from booking.bench.server import environment_of, settings_for
from booking.businesses.actions.opening import NewBusiness, create_business
from booking.clients.models import Client, ClientStatus
from booking.config import Settings
from booking.database import Database, new_id, set_business
from booking.invitations.actions.campaigns import invite_all
from booking.invitations.queries import preview
from booking.preferences.actions import change

PROCESSES = 2
PRODUCT, NAIVE, BUILT, PREBUILT, LIMIT = "product", "naive", "one_connection", "prebuilt", "limit"
_SAID = {
    PRODUCT: "product",
    NAIVE: "emails, as in its README",
    BUILT: "stdlib, one connection",
    PREBUILT: "smtplib, prebuilt",
    LIMIT: "prebuilt, pipelined",
}
_NAIVE_SHARE = 20
"""The naive way sends so many times fewer: a rate needs no more."""
_REQUEUE = text(
    "UPDATE invitation SET state = 'queued', attempts = 0, sent_at = NULL, lease_until = NULL,"
    " due_at = :moment"
)


def run(*, as_json: bool, recipients: int = 10_000, postgres: str = "", rounds: int = 3) -> int:
    found = {way: Series() for way in _SAID}
    peaks: dict[str, float] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="booking-bench-")))
        (url,) = stack.enter_context(databases(postgres, 1))
        port = stack.enter_context(sink())
        settings = settings_for(
            folder, database_url=url, smtp_url=f"smtp://127.0.0.1:{port}", rate_limits="off"
        )
        database = Database(settings)
        stack.callback(database.engine.dispose)
        progress(f"laying in {recipients:,} clients")
        business_id = lay_in(settings, database, recipients)
        previewed = ask_who_is_invited(database, business_id, recipients)
        pressed = press_the_envelope(database, business_id, recipients)
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}")
            for way, series in found.items():
                with database.engine.begin() as connection:
                    connection.execute(_REQUEUE, {"moment": _stored_now(database)})
                count = recipients // _NAIVE_SHARE if way == NAIVE else recipients
                sample, peak = _send(way, count, port, settings)
                series.samples.append(sample)
                peaks[_SAID[way]] = max(peaks.get(_SAID[way], 0.0), peak)
    report = _report(found, peaks, recipients, on_postgres=bool(postgres))
    report.goals += pressing(recipients, previewed, pressed)
    show(report, as_json=as_json)
    return 0


def _stored_now(database: Database) -> Any:
    moment = clock.now()
    return moment.replace(tzinfo=None) if database.engine.dialect.name == "sqlite" else moment


@contextmanager
def sink() -> Iterator[int]:
    child = subprocess.Popen(
        [sys.executable, "-m", "booking.bench.mail_sink"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        yield int(child.stdout.readline())
    finally:
        child.stdin.close()
        child.wait(10)
        child.stdout.close()


def taken(port: int) -> int:
    with smtplib.SMTP("127.0.0.1", port) as client:
        return int(client.docmd("XCOUNT")[1])


def lay_in(settings: Settings, database: Database, recipients: int) -> uuid.UUID:
    """A business with that many clients to invite."""
    tables.create(settings)
    new = NewBusiness("bench", "Happy Paws", "America/New_York", "o@bench.example", "Olive Owner")
    allow = {"client_settings": {"allow_client_online_account_access": True}}
    with database.writing() as session:
        business_id = create_business(session, new, password_hash=None, by=SYSTEM).id
        change(session, allow, expected_version=1, by=SYSTEM)
        moment = clock.now()
        rows = [
            {
                "id": new_id(),
                "business_id": business_id,
                "first_name": ("Anna", "Zoë", "Bob", "Łukasz")[number % 4],
                "email": address(number),
                "email_key": address(number),
                "status": ClientStatus.ACTIVE,
                "created_at": moment,
                "updated_at": moment,
            }
            for number in range(recipients)
        ]
        session.execute(insert(Client), rows)
    tables.guard(settings)
    return business_id


def ask_who_is_invited(database: Database, business_id: uuid.UUID, recipients: int) -> float:
    """The count that staff see before they press; how long it took, in seconds."""
    with database.reading() as session:
        set_business(session, business_id)
        started = time.perf_counter()
        assert preview(session).recipients == recipients
    return time.perf_counter() - started


def press_the_envelope(database: Database, business_id: uuid.UUID, recipients: int) -> float:
    """All are invited; how long the press took, in seconds."""
    with database.writing() as session:
        set_business(session, business_id)
        started = time.perf_counter()
        campaign, _ = invite_all(session, by=SYSTEM)
        assert campaign.recipients == recipients
    return time.perf_counter() - started


def pressing(recipients: int, previewed: float, pressed: float) -> list[Goal]:
    """What staff wait for, the first time in a process: 200 ms for ten thousand, and two seconds at
    most for a hundred thousand."""
    within = 200 if recipients <= 10_000 else 2_000
    return [
        Goal(f"the count of {recipients:,}, ms", previewed * 1000, 300, at_most=True),
        Goal(f"pressing OK for {recipients:,}, ms", pressed * 1000, within, at_most=True),
    ]


def _send(way: str, count: int, port: int, settings: Settings) -> tuple[Sample, float]:
    """One way in one round, and its peak memory. Raises WrongAnswer where messages are missing."""
    before = taken(port)
    share = count // PROCESSES
    children = [
        subprocess.Popen(  # noqa: S603 - our own module
            [
                sys.executable,
                "-m",
                "booking.bench.mail_ways",
                way,
                *map(str, (share * n, share, port)),
            ],
            env=environment_of(settings),
            cwd=settings.data_dir,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(PROCESSES)
    ]
    for child in children:
        assert child.stdout is not None
        if child.stdout.readline() != "ready\n":
            raise WrongAnswer(f"a process of the way {way} did not start")
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    told = [json.loads(child.communicate()[0]) for child in children]
    arrived = taken(port) - before
    if arrived != share * PROCESSES:
        raise WrongAnswer(f"{way}: {arrived} messages arrived of {share * PROCESSES}")
    seconds = max(each["seconds"] for each in told)
    sample = Sample(arrived, seconds, (), sum(each["cpu"] for each in told))
    return sample, max(each["peak_mib"] or 0.0 for each in told)


def _report(
    found: dict[str, Series],
    peaks: dict[str, float],
    recipients: int,
    *,
    on_postgres: bool,
) -> Report:
    report = Report("invitations")
    for way, series in found.items():
        ratios = {
            "x_naive": times_the_rate(series, found[NAIVE]),
            "x_stdlib": times_the_rate(series, found[BUILT]),
            "x_limit": times_the_rate(series, found[LIMIT]),
        }
        report.add(series, ratios, way=_SAID[way])
    product = found[PRODUCT]
    report.goals += [
        Goal("messages, x naive", times_the_rate(product, found[NAIVE]), 12),
        Goal("messages, x stdlib over one connection", times_the_rate(product, found[BUILT]), 3),
        Goal("messages, x smtplib prebuilt (an aim)", times_the_rate(product, found[PREBUILT]), 1),
    ]
    report.peak_mib.update(peaks)
    report.notes.append(
        f"{recipients:,} recipients, {PROCESSES} worker processes each way, "
        f"{'PostgreSQL' if on_postgres else 'SQLite'}; every claim and every outcome committed, at "
        "most 10 messages of a process unmarked at a time. The naive way sends a twentieth of them."
    )
    return report
