"""`booking bench imports`: a long client list, from the file to clients.

The product, into an empty list, again, and into that list with people who may be in it already;
the naive way, which looks each row up by its e-mail, adds it and commits (on a slice); and the
limit: the clients alone, handed to the driver in one go.
"""

import csv
import itertools
import resource
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking import bulk, clock
from booking.accounts.rules import email_key
from booking.audit.actions import SYSTEM
from booking.bench import lists, tables
from booking.bench.databases import databases
from booking.bench.measuring import Sample, Series, times_the_rate
from booking.bench.report import Goal, Report, progress, show
from booking.bench.server import settings_for
from booking.businesses.actions.opening import NewBusiness, create_business
from booking.clients.models import Client
from booking.database import Database, new_id, set_business
from booking.imports.actions import applying, staging
from booking.imports.actions.preparing import Preparer
from booking.matching.actions.comparing import KEYS_AT_ONCE
from booking.matching.renewal import renew_due_keys

EMPTY, AGAIN, MATCHING = "into an empty list", "the same file again", "into a list as long"
KEYS, OTHER_KEYS = "keys of the first list, by the worker", "keys of the other list, by the worker"
NAIVE, LIMIT = "naive, by e-mail", "limit: clients alone"
WAYS = (EMPTY, KEYS, AGAIN, MATCHING, OTHER_KEYS, NAIVE, LIMIT)
_SLICE = 1_000
_GOAL_SIZE = 100_000
_SAID = ("first_name", "last_name", "email", "mobile_phone", "address_1", "city", "region")


@dataclass(frozen=True, slots=True)
class _Place:
    """A database with one business in it."""

    database: Database
    business_id: uuid.UUID

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with self.database.writing() as session:
            set_business(session, self.business_id)
            yield session


def run(*, as_json: bool, rows: int = _GOAL_SIZE, postgres: str = "", rounds: int = 1) -> int:
    series = {way: Series() for way in WAYS}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="booking-bench-")))
        first, other = folder / "first.csv", folder / "other.csv"
        lists.write_first(first, rows)
        lists.write_other(other, rows)
        urls = stack.enter_context(databases(postgres, 3 * rounds))
        for number in range(rounds):
            places = [
                stack.enter_context(_place(folder / f"{number}-{each}", urls[3 * number + each]))
                for each in range(3)
            ]
            _round(places, first, other, series)
        report = _report(series, rows, on_postgres=bool(postgres))
    show(report, as_json=as_json)
    return 0


def _round(places: Sequence[_Place], first: Path, other: Path, series: dict[str, Series]) -> None:
    product, naive, limit = places
    works: dict[str, Callable[[], int]] = {
        LIMIT: lambda: _hand_over(limit, first),
        EMPTY: lambda: _import(product, first),
        KEYS: lambda: _write_keys(product),
        NAIVE: lambda: _one_by_one(naive, first),
        AGAIN: lambda: _import(product, first),
        MATCHING: lambda: _import(product, other),
        OTHER_KEYS: lambda: _write_keys(product),
    }
    for way, work in works.items():
        progress(way)
        series[way].samples.append(_timed(work))


def _timed(work: Callable[[], int]) -> Sample:
    started, spent = time.perf_counter(), time.process_time()
    done = work()
    return Sample(done, time.perf_counter() - started, (), time.process_time() - spent)


@contextmanager
def _place(folder: Path, url: str) -> Iterator[_Place]:
    folder.mkdir()
    settings = settings_for(folder, database_url=url)
    tables.create(settings)
    database = Database(settings)
    with database.writing() as session:
        new = NewBusiness("bench", "Bench", "America/Chicago", "o@bench.example", "Owner")
        business = create_business(session, new, password_hash=None, by=SYSTEM)
    yield _Place(database, business.id)
    database.engine.dispose()


def _import(place: _Place, file: Path) -> int:
    """As the upload and the worker do it."""
    with place.writing() as session, file.open("rb") as opened:
        row = staging.stage(session, opened, file_name=file.name, dry_run=False, by=SYSTEM)
    apply_next = partial(applying.apply_next_chunk, of_this_business=True)
    with Preparer() as preparer:
        while True:
            with place.writing() as session:
                if apply_next(session, preparer=preparer) is None:
                    return row.people


def _write_keys(place: _Place) -> int:
    """As the worker does it after a list into an empty business."""
    written = 0
    while True:
        with place.writing() as session:
            some = renew_due_keys(session, most=KEYS_AT_ONCE)
        if not some:
            return written
        written += some


def _one_by_one(place: _Place, file: Path) -> int:
    lines = list(itertools.islice(_lines(file), _SLICE))
    for line in lines:
        with place.writing() as session:
            key = email_key(line["email"]) if line["email"] else None
            known = session.scalar(select(Client).where(Client.email_key == key).limit(1))
            if known is None:
                session.add(_client(line, key, place.business_id))
    return len(lines)


def _client(line: dict[str, str], key: str | None, business_id: uuid.UUID) -> Client:
    moment = clock.now()
    said = {name: line[name] for name in _SAID}
    return Client(
        business_id=business_id, email_key=key, created_at=moment, updated_at=moment, **said
    )


def _hand_over(place: _Place, file: Path) -> int:
    rows = [(new_id(), *(line[name] for name in _SAID)) for line in _lines(file)]
    moment = clock.now()
    same: dict[str, Any] = dict.fromkeys(
        ("home_phone", "address_2", "postal_code", "country", "language", "household", "notes"), ""
    )
    same |= {"email_version": 0, "status": "active", "blocked": False, "sort_name": ""}
    same |= {"search_text": "", "created_at": moment, "updated_at": moment}
    with place.writing() as session:
        bulk.insert(session, Client, ["id", *_SAID], rows, **same)
    return len(rows)


def _lines(file: Path) -> Iterator[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as opened:
        yield from csv.DictReader(opened)


def _report(series: dict[str, Series], rows: int, *, on_postgres: bool) -> Report:
    report = Report("imports")
    for way, each in series.items():
        ratios: dict[str, float | None] = {
            "x_naive": times_the_rate(each, series[NAIVE]),
            "x_limit": times_the_rate(each, series[LIMIT]),
        }
        report.add(each, ratios, way=way)
    seconds = {way: _GOAL_SIZE / each.rate for way, each in series.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report.peak_mib["importing"] = peak
    report.goals += [
        Goal(f"{_GOAL_SIZE:,} {EMPTY}, s", seconds[EMPTY], 10, at_most=True),
        Goal(f"{EMPTY}, x naive", times_the_rate(series[EMPTY], series[NAIVE]), 40),
        Goal(f"{_GOAL_SIZE:,} {MATCHING}, s", seconds[MATCHING], 60, at_most=True),
        Goal(f"{AGAIN}, of the first time", seconds[AGAIN] / seconds[EMPTY], 0.5, at_most=True),
        Goal("peak memory, MiB", peak, 512, at_most=True),
    ]
    report.notes.append(
        f"{rows:,} people with a pet each, {'PostgreSQL' if on_postgres else 'SQLite'}; reading,"
        " staging and applying together. What people are recognised by is written by the worker"
        " afterwards. Of ten people of the other list four are"
        f" there already. The naive way was given {_SLICE:,} rows."
    )
    return report
