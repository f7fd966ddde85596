"""`booking bench lane`: how long a sign-in code takes to the mail server while a campaign is sent.

The product as it runs: a web server that is asked for codes, a Celery worker with its schedule, a
mail server that counts. First with nothing else to send, then behind a whole campaign.
"""

import http.client
import json
import smtplib
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from booking.bench import invitations
from booking.bench.databases import databases
from booking.bench.measuring import Sample, Series, WrongAnswer, times_as_quick
from booking.bench.report import Goal, Report, progress, show
from booking.bench.server import PRODUCT, Server, environment_of, running, settings_for
from booking.config import Settings
from booking.database import Database, set_business
from booking.household import Household
from booking.linking.actions.sign_up import make_account

IN_A_HURRY = "jo@hurry.example"
WITHIN_MS = 2_000
_PATIENCE_SECONDS = 60.0
_QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
_CELERY = ("celery", "-A", "workers.app", "--quiet")


def run(*, as_json: bool, recipients: int = 100_000, postgres: str = "", codes: int = 20) -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="booking-bench-")))
        (url,) = stack.enter_context(databases(postgres, 1))
        sink = stack.enter_context(invitations.sink())
        settings = settings_for(
            folder, database_url=url, smtp_url=f"smtp://127.0.0.1:{sink}", rate_limits="off"
        )
        database = Database(settings)
        stack.callback(database.engine.dispose)
        progress(f"laying in {recipients:,} clients")
        business_id = invitations.lay_in(settings, database, recipients)
        with database.writing() as session:
            set_business(session, business_id)
            make_account(session, email=IN_A_HURRY, name="Jo", password_hash=None)
        servers = running(folder, {"product": (PRODUCT, environment_of(settings))})
        server = stack.enter_context(servers)["product"]
        stack.enter_context(_worker(settings))
        _ask(server, sink, 1)  # the first waits until the worker has started
        progress("codes alone")
        alone = _ask(server, sink, codes)
        previewed = invitations.ask_who_is_invited(database, business_id, recipients)
        pressed = invitations.press_the_envelope(database, business_id, recipients)
        progress("codes behind the campaign")
        _wait_for(sink, "XCOUNT", codes + 2)
        before = invitations.taken(sink)
        behind = _ask(server, sink, codes)
        left = recipients + 2 * codes + 1 - invitations.taken(sink)
        if left <= 0:
            raise WrongAnswer("the campaign was over before the codes were: invite more")
        sent = invitations.taken(sink) - before - codes
    report = _report(alone, behind, recipients, sent, on_postgres=bool(postgres))
    report.goals += invitations.pressing(recipients, previewed, pressed)
    show(report, as_json=as_json)
    return 0


@contextmanager
def _worker(settings: Settings) -> Iterator[None]:
    """A worker and the schedule, as `booking up` starts them."""
    house = Household(environment_of(settings))
    house.open_gate()
    try:
        house.start("worker", [*_CELERY, "worker", "--loglevel", "ERROR", *_QUIET])
        house.start("schedule", [*_CELERY, "beat", "--loglevel", "ERROR", "--pidfile="])
        yield
    finally:
        house.stop()


def _ask(server: Server, sink: int, codes: int) -> Series:
    """One code after the other: from the request to the mail server, in milliseconds."""
    times: list[float] = []
    for _ in range(codes):
        known = _told(sink, "XHURRY")
        started = time.perf_counter()
        _ask_for_a_code(server)
        _wait_for(sink, "XHURRY", known + 1)
        times.append((time.perf_counter() - started) * 1_000)
    return Series([Sample(codes, sum(times) / 1_000, tuple(times))])


def _ask_for_a_code(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_PATIENCE_SECONDS)
    body = json.dumps({"email": IN_A_HURRY})
    path = "/api/v1/businesses/bench/sign-in-codes"
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 202:
        raise WrongAnswer(f"asking for a code was answered with {answer.status}")


def _told(sink: int, command: str) -> int:
    with smtplib.SMTP("127.0.0.1", sink) as client:
        return int(client.docmd(command)[1])


def _wait_for(sink: int, command: str, number: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with smtplib.SMTP("127.0.0.1", sink) as client:
        while int(client.docmd(command)[1]) < number:
            if time.monotonic() > deadline:
                raise WrongAnswer(f"nothing came within {_PATIENCE_SECONDS:.0f} s")
            time.sleep(0.005)


def _report(
    alone: Series, behind: Series, recipients: int, sent: int, *, on_postgres: bool
) -> Report:
    report = Report("lane")
    queued = f"behind {recipients:,} invitations"
    for way, series in (("alone", alone), (queued, behind)):
        ratios = {"p99_ms": series.p99, "x_alone": 1 / times_as_quick(series, alone)}
        report.add(series, ratios, way=way)
    goal = f"the slowest code {queued}, ms"
    slowest = max(behind.samples[0].milliseconds)
    report.goals.append(Goal(goal, slowest, WITHIN_MS, at_most=True))
    report.notes.append(
        f"From asking over HTTP to the mail server's answer, {len(behind.samples[0].milliseconds)} "
        f"codes one after the other; {sent:,} invitations left meanwhile. One worker process, "
        f"{'PostgreSQL' if on_postgres else 'SQLite and files as the broker'}."
    )
    return report
