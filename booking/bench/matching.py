"""`booking bench matching DIR --out OUT`: the product's own matching on a labelled list.

The clients of DIR/clients.csv become clients of a business in a database of the product; each row
of DIR/incoming.csv is held against them, as a sign-up or a row of an import is, and joins nobody.
OUT gets the verdicts and the pairs of the finder; DIR's truth is for whoever scores them.
"""

import csv
import gc
import itertools
import math
import resource
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text, update
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts.rules import email_key
from booking.audit.actions import SYSTEM
from booking.bench import tables
from booking.bench.databases import databases
from booking.bench.report import Goal, Report, progress, show
from booking.bench.server import settings_for
from booking.bulk import no_collecting
from booking.businesses.actions.opening import NewBusiness, create_business
from booking.clients.models import Client, ClientStatus, Compared
from booking.clients.models import Pet as KeptPet
from booking.database import Database, new_id, set_business
from booking.matching import profiles, queries, renewal
from booking.matching.rules import finder
from booking.matching.rules.people import Person, Pet
from booking.matching.rules.verdicts import Decision, Verdict

_CHUNK = 2_000
_GOAL_SIZE = 100_000
_LARGE = 50_000
_FIELDS = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "mobile_phone": "mobile",
    "home_phone": "home_phone",
    "address_1": "street",
    "city": "city",
    "region": "state",
    "postal_code": "postcode",
}

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Figures:
    """What was measured. `matches` are the milliseconds of each; `cpu`, how many we worked."""

    clients: int
    keys: int
    key_seconds: float
    matches: list[float]
    cpu: list[float]
    decisions: dict[str, int]
    finder_seconds: float
    pairs: int


def run(*, folder: Path, out: Path, as_json: bool, postgres: str = "") -> int:
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="booking-bench-")))
        (url,) = stack.enter_context(databases(postgres, 1))
        settings = settings_for(place, database_url=url)
        tables.create(settings)
        database = Database(settings)
        stack.callback(database.engine.dispose)
        figures = _measure(database, folder, out)
    show(_report(figures, on_postgres=bool(postgres)), as_json=as_json)
    return 0


def _measure(database: Database, folder: Path, out: Path) -> _Figures:
    progress("laying in the clients")
    salon, numbers = _lay_in(database, _rows(folder / "clients.csv"))
    progress("writing their keys")
    started = time.perf_counter()
    keys = _write_keys(database, salon)
    key_seconds = time.perf_counter() - started
    progress("deciding about those who come")
    matches, cpu, decisions = _decide(
        database, salon, numbers, _rows(folder / "incoming.csv"), out / "incoming.csv"
    )
    progress("looking through the whole list")
    started = time.perf_counter()
    pairs = _find(database, salon, numbers, out / "duplicates.csv")
    finder_seconds = time.perf_counter() - started
    return _Figures(len(numbers), keys, key_seconds, matches, cpu, decisions, finder_seconds, pairs)


def _rows(file: Path) -> Iterator[Row]:
    with file.open(newline="", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def _lay_in(database: Database, rows: Iterable[Row]) -> tuple[uuid.UUID, dict[uuid.UUID, str]]:
    """The business, and the list's own number of each client."""
    with database.writing() as session:
        new = NewBusiness("bench", "Bench", "America/New_York", "o@bench.example", "Owner")
        salon = create_business(session, new, password_hash=None, by=SYSTEM).id
    numbers: dict[uuid.UUID, str] = {}
    for part in _chunks(rows):
        with _writing(database, salon) as session:
            clients = {new_id(): row for row in part}
            session.execute(
                insert(Client), [_client(salon, one, row) for one, row in clients.items()]
            )
            pets = [
                _pet(salon, one, pet) for one, row in clients.items() for pet in _pets(row["pets"])
            ]
            if pets:
                session.execute(insert(KeptPet), pets)
        numbers |= {one: row["client_id"] for one, row in clients.items()}
    return salon, numbers


def _client(salon: uuid.UUID, client_id: uuid.UUID, row: Row) -> dict[str, Any]:
    said = {name: row[column] for name, column in _FIELDS.items()}
    active = row["status"] == ClientStatus.ACTIVE
    return {
        **said,
        "id": client_id,
        "business_id": salon,
        "external_id": row["client_id"],
        "email_key": email_key(said["email"]) if said["email"] else None,
        "status": ClientStatus.ACTIVE if active else ClientStatus.INACTIVE,
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }


def _pet(salon: uuid.UUID, client_id: uuid.UUID, pet: Pet) -> dict[str, Any]:
    return {
        "id": new_id(),
        "business_id": salon,
        "client_id": client_id,
        "name": pet.name[:100],
        "breed": pet.breed[:100],
        "created_at": clock.now(),
    }


def _pets(cell: str) -> list[Pet]:
    """`name|breed;name|breed`"""
    pairs = (each.partition("|") for each in cell.split(";") if each)
    return [Pet(name, breed) for name, _, breed in pairs]


def _person(row: Row) -> Person:
    said = {name: row[column] for name, column in _FIELDS.items()}
    return Person(**said, pets=tuple(_pets(row["pets"])))


def _write_keys(database: Database, salon: uuid.UUID) -> int:
    """As the worker does it; and tidied up, as a database in service is by itself: what was laid
    in is on the disk, and nothing is left to write while we measure (a superuser may ask for
    that)."""
    while True:
        with _writing(database, salon) as session:
            if not renewal.renew_due_keys(session, most=_CHUNK):
                break
    with _writing(database, salon) as session:
        session.execute(update(Client).values(compared=Compared.DONE))
        session.flush()
        count = session.scalar(text("SELECT count(*) FROM client_key")) or 0
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if database.engine.dialect.name == "sqlite":
            connection.execute(text("ANALYZE"))
        else:
            connection.execute(text("VACUUM ANALYZE"))
            if connection.scalar(
                text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            ):
                connection.execute(text("CHECKPOINT"))
    return count


def _decide(
    database: Database,
    salon: uuid.UUID,
    numbers: Mapping[uuid.UUID, str],
    rows: Iterable[Row],
    file: Path,
) -> tuple[list[float], list[float], dict[str, int]]:
    """The milliseconds of each, those of CPU among them, and how often each decision was taken. The
    list that the benchmark itself holds is kept out of what the collector of garbage goes over."""
    gc.freeze()
    took: list[float] = []
    cpu: list[float] = []
    decisions = dict.fromkeys(Decision, 0)
    with _reading(database, salon) as session, file.open("w", newline="", encoding="utf-8") as out:
        written = csv.writer(out)
        written.writerow(("incoming_id", "decision", "client_id", "candidates"))
        for row in rows:
            person = _person(row)
            worked, started = time.process_time(), time.perf_counter()
            verdict = queries.look_alikes(session, person)
            took.append((time.perf_counter() - started) * 1000)
            cpu.append((time.process_time() - worked) * 1000)
            decisions[verdict.decision] += 1
            written.writerow((row["incoming_id"], *_told(verdict, numbers)))
    return took, cpu, {str(decision): count for decision, count in decisions.items()}


def _told(verdict: Verdict, numbers: Mapping[uuid.UUID, str]) -> tuple[str, str, str]:
    linked = numbers[_id(verdict.client_id)] if verdict.client_id else ""
    is_open = verdict.decision is Decision.REVIEW
    ranked = [numbers[_id(one.client_id)] for one in verdict.ranked] if is_open else []
    return verdict.decision, linked, ";".join(ranked)


def _id(known: uuid.UUID | str) -> uuid.UUID:
    assert isinstance(known, uuid.UUID)
    return known


def _find(
    database: Database, salon: uuid.UUID, numbers: Mapping[uuid.UUID, str], file: Path
) -> int:
    """As a scan does it, but each pair is written down, however unlikely. How many there were."""
    with no_collecting():
        found = list(finder.pairs(_people(database, salon)))
    found.sort(key=lambda pair: -pair[2].score)
    with file.open("w", newline="", encoding="utf-8") as out:
        written = csv.writer(out)
        written.writerow(("client_id_a", "client_id_b", "score"))
        for one, other, comparison in found:
            names = numbers[_id(one)], numbers[_id(other)]
            written.writerow((*names, f"{comparison.score:.6f}"))
    return len(found)


def _people(database: Database, salon: uuid.UUID) -> Iterator[tuple[uuid.UUID, Any]]:
    after: uuid.UUID | None = None
    while True:
        with _reading(database, salon) as session:
            page = profiles.page(session, after, _CHUNK)
        if not page:
            return
        yield from page.items()
        after = max(page)


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while part := list(itertools.islice(left, _CHUNK)):
        yield part


@contextmanager
def _writing(database: Database, salon: uuid.UUID) -> Iterator[Session]:
    with database.writing() as session:
        set_business(session, salon)
        yield session


@contextmanager
def _reading(database: Database, salon: uuid.UUID) -> Iterator[Session]:
    with database.reading() as session:
        set_business(session, salon)
        yield session


def _report(figures: _Figures, *, on_postgres: bool) -> Report:
    report = Report("matching")
    took, cpu = sorted(figures.matches), sorted(figures.cpu)
    at_99 = math.ceil(len(took) * 0.99) - 1
    p99 = took[at_99]
    report.rows.append(
        {
            "clients": figures.clients,
            "keys": figures.keys,
            "keys_seconds": figures.key_seconds,
            "p50_ms": statistics.median(took),
            "p99_ms": p99,
            "cpu_p99": cpu[at_99],
            "finder_seconds": figures.finder_seconds,
            "pairs": figures.pairs,
            **figures.decisions,
        }
    )
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report.peak_mib["all of it"] = mebibytes
    report.goals.append(Goal("one match, p99 ms", p99, 5, at_most=True))
    if figures.clients >= _LARGE:
        seconds = figures.finder_seconds * _GOAL_SIZE / figures.clients
        report.goals += [
            Goal(f"finder, seconds for {_GOAL_SIZE:,}", seconds, 30, at_most=True),
            Goal("memory, MiB", mebibytes, 1024, at_most=True),
        ]
    report.notes.append(
        f"{len(took):,} came, {'PostgreSQL' if on_postgres else 'SQLite'}; one match is all of it: "
        "normal form, keys, candidates, verdict. The finder reads the list from the database."
    )
    return report
