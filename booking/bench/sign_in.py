"""`booking bench sign-in`: how many people can sign in, and how quick the rest stays meanwhile.

The product over HTTP, against nothing but argon2 on as many threads with the same parameters (the
limit) and against 64 MiB, t=3, p=4 hashed in the event loop (the naive way).
"""

import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from booking.accounts.passwords import hash_now
from booking.audit.actions import SYSTEM
from booking.bench import raw_hashing, tables
from booking.bench.loading import Loader, Order, get, load, post_json
from booking.bench.measuring import Series, check, measure, times_the_rate
from booking.bench.naive_sign_in import EMAIL
from booking.bench.raw_hashing import PASSWORD
from booking.bench.report import Goal, Report, progress, show
from booking.bench.server import PRODUCT, Server, environment_of, running, settings_for
from booking.businesses.actions.opening import NewBusiness, create_business
from booking.config import Settings
from booking.database import Database

AT_ONCE = (1, 8, 32)
PROBED_AT = 8
_PROBE_EVERY_SECONDS = 0.01
_PATH = "/api/v1/staff/sessions"
_RIGHT = post_json(_PATH, {"email": EMAIL, "password": PASSWORD})
_WRONG = post_json(_PATH, {"email": EMAIL, "password": PASSWORD + "?"})
_UNKNOWN = post_json(_PATH, {"email": "nobody@bench.example", "password": PASSWORD})
_NAIVE = post_json("/sessions", {"email": EMAIL, "password": PASSWORD})
_ALIVE = get("/healthz")


@dataclass(slots=True)
class _Found:
    """All that is measured, by way and by how many sign in at once."""

    product: dict[int, Series] = field(default_factory=lambda: {n: Series() for n in AT_ONCE})
    naive: dict[int, Series] = field(default_factory=lambda: {n: Series() for n in AT_ONCE})
    limit: dict[int, Series] = field(default_factory=lambda: {n: Series() for n in AT_ONCE})
    alive_beside_product: Series = field(default_factory=Series)
    alive_beside_naive: Series = field(default_factory=Series)
    wrong: list[float] = field(default_factory=list)
    unknown: list[float] = field(default_factory=list)
    limit_peak_mib: float = 0.0


def run(*, as_json: bool, seconds: float = 2.0, rounds: int = 3) -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="booking-bench-")))
        settings = settings_for(folder)
        password_hash = hash_now(settings, PASSWORD)
        _open_business(settings, password_hash)
        environment = environment_of(settings)
        apps = {
            "product": (PRODUCT, environment),
            "naive": ("booking.bench.naive_sign_in:create_app", environment),
        }
        servers = stack.enter_context(running(folder, apps))
        found = _Found()
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}")
            _round(found, servers, settings, password_hash, seconds)
        report = _report(found, settings)
        report.peak_mib["product"] = servers["product"].peak_mib()
        report.peak_mib["naive"] = servers["naive"].peak_mib()
        report.peak_mib["limit"] = found.limit_peak_mib
        report.notes.append(_flood(servers["product"], settings))
        report.peak_mib["product after a flood"] = servers["product"].peak_mib()
    show(report, as_json=as_json)
    return 0


def _open_business(settings: Settings, password_hash: str) -> None:
    tables.create(settings)
    tables.guard(settings)
    database = Database(settings)
    new = NewBusiness("bench", "Bench", "America/New_York", EMAIL, "Olive Owner")
    with database.writing() as session:
        create_business(session, new, password_hash=password_hash, by=SYSTEM)
    database.engine.dispose()


def _round(
    found: _Found, servers: dict[str, Server], settings: Settings, hashed: str, seconds: float
) -> None:
    product, naive = servers["product"], servers["naive"]
    for at_once in AT_ONCE:
        order = Order(product.port, (_RIGHT,), at_once, seconds)
        found.product[at_once].samples.append(measure(product, order, expect=201))
        order = Order(naive.port, (_NAIVE,), at_once, seconds)
        found.naive[at_once].samples.append(measure(naive, order, expect=201))
        threads = min(at_once, settings.hashing_slots)
        sample, peak = raw_hashing.verify_for(threads, seconds, hashed)
        found.limit[at_once].samples.append(sample)
        found.limit_peak_mib = max(found.limit_peak_mib, peak)
    _probe(found.alive_beside_product, product, _RIGHT, seconds)
    _probe(found.alive_beside_naive, naive, _NAIVE, seconds)
    seen = load(Order(product.port, (_WRONG, _UNKNOWN), 1, max(seconds, 1)))
    check(seen, 401)
    found.wrong += seen.milliseconds[0]
    found.unknown += seen.milliseconds[1]


def _probe(series: Series, server: Server, sign_in: str, seconds: float) -> None:
    """How long a trivial endpoint takes while others sign in."""
    crowd = Loader(Order(server.port, (sign_in,), PROBED_AT, seconds + 0.5))
    crowd.begin()
    probe = Order(server.port, (_ALIVE,), seconds=seconds, pause=_PROBE_EVERY_SECONDS)
    series.samples.append(measure(server, probe, expect=200))
    check(crowd.seen(), 201)


def _flood(server: Server, settings: Settings) -> str:
    """More than slots and queue hold, all at once."""
    many = (settings.hashing_slots + settings.hashing_queue) * 3 // 2
    seen = load(Order(server.port, (_RIGHT,), many, seconds=60, at_most=many))
    return (
        f"{many} sign-ins at once, {settings.hashing_slots} slots and a queue of "
        f"{settings.hashing_queue}: {seen.statuses.get('201', 0)} signed in, "
        f"{seen.statuses.get('503', 0)} got 503, {seen.retry_after} of these with Retry-After."
    )


def _report(found: _Found, settings: Settings) -> Report:
    report = Report("sign-in")
    for at_once in AT_ONCE:
        product, naive, limit = (w[at_once] for w in (found.product, found.naive, found.limit))
        ways = (("product", product), ("naive", naive), ("limit", limit))
        for way, series in ways:
            ratios = {
                "x_limit": times_the_rate(series, limit),
                "x_naive": times_the_rate(series, naive),
            }
            report.add(series, ratios, way=way, at_once=at_once)
    wrong, unknown = statistics.median(found.wrong), statistics.median(found.unknown)
    calm, stuck = found.alive_beside_product.p99, found.alive_beside_naive.p99
    report.goals += [
        Goal(
            f"{n} at once: sign-ins, x limit",
            times_the_rate(found.product[n], found.limit[n]),
            0.95,
        )
        for n in AT_ONCE[1:]
    ]
    report.goals += [
        Goal(f"p99 of /healthz with {PROBED_AT} signing in, ms", calm, 15, at_most=True),
        Goal("… naive way's p99 : product's", stuck / calm, 30),
        Goal(
            "unknown address, off the known one's median by", abs(unknown / wrong - 1), 0.05, True
        ),
    ]
    report.notes += [
        (
            f"Product and limit hash with {settings.argon2_memory_kib} KiB, "
            f"t={settings.argon2_time_cost}, p=1 on {settings.hashing_slots} threads; "
            "the naive way with 65536 KiB, t=3, p=4 in the event loop."
        ),
        (
            f"p99 of /healthz meanwhile: product {calm:.1f} ms, naive {stuck:.0f} ms; "
            f"wrong password {wrong:.1f} ms, unknown address {unknown:.1f} ms (medians)."
        ),
    ]
    return report
