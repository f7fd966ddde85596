"""`booking bench availability`: free times and "my appointments", however much has been booked.

The product over HTTP, against the bare driver with our own rules and no framework (the limit) and
against the ORM with a query for each member of staff and day (the naive way). "My appointments"
against an endpoint of the same server that only finds out who asks.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from booking.bench import salon
from booking.bench.databases import databases
from booking.bench.loading import Order, get
from booking.bench.measuring import (
    Series,
    WrongAnswer,
    measure,
    ratio,
    times_as_quick,
    times_the_rate,
)
from booking.bench.naive_free_times import WORKLOAD
from booking.bench.report import Goal, Report, progress, show
from booking.bench.salon import Workload
from booking.bench.server import PRODUCT, Server, environment_of, running, settings_for

SIZES = (1_000, 50_000)
MANY = 16
FULL, UNCHANGED, NAIVE, LIMIT = "free times", "free times, 304", "free times, naive", "… limit"
MINE, CONSTANT = "my appointments", "signed-in constant"


class _Place:
    """A database of one size, the servers on it, and what was measured there."""

    def __init__(self, workload: Workload, servers: dict[str, Server]) -> None:
        self.workload = workload
        self.servers = servers
        self.alone = {w: Series() for w in (FULL, UNCHANGED, NAIVE, LIMIT, MINE, CONSTANT)}
        self.crowd = {w: Series() for w in (FULL, LIMIT, MINE, CONSTANT)}
        self._requests = self._prepare()

    def measure(self, seconds: float) -> None:
        """One round of all ways, each right after the other."""
        for at_once, ways in ((1, self.alone), (MANY, self.crowd)):
            for way, series in ways.items():
                server, request = self._requests[way]
                order = Order(server.port, (request,), at_once, seconds)
                expect = 304 if way == UNCHANGED else 200
                series.samples.append(measure(server, order, expect=expect))

    def _prepare(self) -> dict[str, tuple[Server, str]]:
        """The server and request of each way; raises WrongAnswer where the ways don't agree."""
        asked = self.workload
        product, naive, limit = (self.servers[n] for n in ("product", "naive", "limit"))
        path = f"/api/v1/businesses/{asked.slug}"
        full = f"{path}/availability?service={asked.service_id}&from={asked.first}&to={asked.last}"
        by_naive = f"/availability?first={asked.first}&last={asked.last}"
        answer, headers = product.ask(full)
        for server, its_path in ((naive, by_naive), (limit, "/")):
            if _slots(server.ask(its_path)[0]) != _slots(answer):
                raise WrongAnswer(f"{its_path} and {full} have different free times")
        signed_in = {"Authorization": f"Bearer {asked.client_token}"}
        mine, constant = f"{path}/me/appointments", f"{path}/me/constant"
        if len(product.ask(mine, **signed_in)[0]["items"]) != salon.TO_COME:
            raise WrongAnswer(f"{mine} has not the {salon.TO_COME} visits to come")
        return {
            FULL: (product, get(full)),
            UNCHANGED: (product, get(full, if_none_match=headers["etag"])),
            NAIVE: (naive, get(by_naive)),
            LIMIT: (limit, get("/")),
            MINE: (product, get(mine, **signed_in)),
            CONSTANT: (product, get(constant, **signed_in)),
        }


def run(
    *,
    as_json: bool,
    appointments: Sequence[int] = SIZES,
    postgres: str = "",
    seconds: float = 0.5,
    rounds: int = 5,
) -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="booking-bench-")))
        urls = stack.enter_context(databases(postgres, len(appointments)))
        places = [
            stack.enter_context(_place(folder / str(number), url, size))
            for number, (url, size) in enumerate(zip(urls, sorted(appointments), strict=True))
        ]
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}")
            for place in places:
                place.measure(seconds)
        report = _report(places, on_postgres=bool(postgres))
    show(report, as_json=as_json)
    return 0


@contextmanager
def _place(folder: Path, url: str, size: int) -> Iterator[_Place]:
    progress(f"laying in {size:,} appointments")
    folder.mkdir()
    settings = settings_for(folder, database_url=url)
    workload = salon.build(settings, size)
    environment = {**environment_of(settings), WORKLOAD: json.dumps(workload.as_dict())}
    apps = {
        "product": (PRODUCT, environment),
        "naive": ("booking.bench.naive_free_times:create_app", environment),
        "limit": ("booking.bench.limit_free_times:create_app", environment),
    }
    with running(folder, apps) as servers:
        yield _Place(workload, servers)


def _slots(answer: Any) -> set[tuple[datetime, frozenset[str]]]:
    return {
        (datetime.fromisoformat(slot["starts_at"]), frozenset(slot["staff"]))
        for day in answer["days"]
        for slot in day["slots"]
    }


def _report(places: Sequence[_Place], *, on_postgres: bool) -> Report:
    report = Report("availability")
    for place in places:
        _rows(report, place)
        size = f"{place.workload.appointments:,}"
        for name, server in place.servers.items():
            report.peak_mib[f"{name} at {size}"] = server.peak_mib()
    for place in places:
        _goals(report, place, on_postgres=on_postgres)
    small, large = places[0], places[-1]
    if small is not large:
        sizes = f"{large.workload.appointments:,} : {small.workload.appointments:,}"
        grown = ratio(large.alone[FULL], small.alone[FULL], lambda sample: sample.p50)
        report.goals.append(Goal(f"p50 of free times at {sizes}", grown, 1.15, at_most=True))
    report.notes.append(
        f"{salon.STAFF} staff, Monday to Friday 9-18, {salon.VISIT_MINUTES} minutes on a step of "
        f"{salon.STEP_MINUTES}, {salon.DAYS} days, {salon.BOOKED:.0%} booked; "
        f"{'PostgreSQL' if on_postgres else 'SQLite'}. The limit of my appointments is the "
        "constant. The asynchronous ORM is not among the ways: it needs packages that the "
        "product does not."
    )
    return report


def _rows(report: Report, place: _Place) -> None:
    for at_once, ways in ((1, place.alone), (MANY, place.crowd)):
        for way, series in ways.items():
            other = CONSTANT if way in (MINE, CONSTANT) else LIMIT
            ratios = {
                "x_limit": times_the_rate(series, ways[other]),
                "x_naive": (
                    times_as_quick(series, ways[NAIVE])
                    if NAIVE in ways and way in (FULL, UNCHANGED, NAIVE, LIMIT)
                    else None
                ),
            }
            size = place.workload.appointments
            report.add(series, ratios, way=way, among=size, at_once=at_once)


def _goals(report: Report, place: _Place, *, on_postgres: bool) -> None:
    size = f"at {place.workload.appointments:,}"
    full, crowd = place.alone[FULL], place.crowd
    if not on_postgres:
        report.goals.append(Goal(f"{size}: free times, p50 ms", full.p50 or 0, 3, at_most=True))
    report.goals += [
        Goal(f"{size}: free times, x naive", times_as_quick(full, place.alone[NAIVE]), 25),
        Goal(f"{size}: 304, x full answer", times_as_quick(place.alone[UNCHANGED], full), 5),
        Goal(f"{size}: mine, x constant", times_the_rate(crowd[MINE], crowd[CONSTANT]), 0.5),
    ]
