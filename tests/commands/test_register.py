"""The reference client, in processes of its own, against a running server: a program's life."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from booking.billing.rules.standing import BillingStatus
from booking.main import create_app
from tests.databases import DatabaseKind
from tests.licensing.programs import stand
from tests.live import LiveServer, serve
from tests.mailbox import Mailbox
from tests.product import Product
from tests.site import Site
from tests.times import START, Clock
from tests.world import PASSWORD
from workers.jobs import send_temporary_numbers

pytestmark = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], indirect=True)
OWNER = "olivia.owner@example.com"
FILE = "registration.json"
Register = Callable[..., CompletedProcess[str]]


@pytest.fixture
def desk(folder: Path) -> Path:
    """The data directory of the program, on the desk of a groomer."""
    found = folder / "desk"
    found.mkdir()
    return found


@pytest.fixture
def register(desk: Path, clock: Clock) -> Register:
    """`booking register …` there, at the time of the test."""

    def run(*options: str, typed: str = "") -> CompletedProcess[str]:
        program = Product(desk, {"clock_offset": str(clock.offset)})
        return program.command("register", *options, typed=typed)

    return run


@contextmanager
def server(site: Site, clock: Clock) -> Iterator[LiveServer]:
    """Until it is away; a fixture would stay to the end."""
    app = create_app(site.settings)
    app.state.database.engine.dispose()
    app.state.database = site.database
    clock.set_again()
    with serve(app) as live:
        yield live


def done(ran: CompletedProcess[str]) -> str:
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def refused(ran: CompletedProcess[str]) -> str:
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert len(ran.stderr.splitlines()) == 1, ran.stderr
    return ran.stderr.removeprefix("booking: ")


def number_in(said: str) -> str:
    """The last one shown."""
    return str(re.findall(r"Serial number +(\S{19})$", said, re.MULTILINE)[-1])


def test_a_program_registers_renews_is_past_due_and_lives_without_a_server(
    register: Register, desk: Path, site: Site, clock: Clock
) -> None:
    paid_until = START + timedelta(days=20)
    stand(site, BillingStatus.ACTIVE, paid_until)
    with server(site, clock) as live:
        at = ("--server", live.url, "--username", OWNER)
        assert "do not fit together" in refused(register(*at, typed="wrong\n"))
        first = number_in(done(register(*at, typed=f"{PASSWORD}\n")))
        assert (desk / FILE).stat().st_mode & 0o777 == 0o600
        assert PASSWORD not in (desk / FILE).read_text()

        clock.move(days=21)
        stand(site, BillingStatus.ACTIVE, paid_until + timedelta(days=31))
        second = number_in(done(register("--status")))
        assert second != first
        clock.move(days=31)
        stand(site, BillingStatus.PAST_DUE, paid_until + timedelta(days=31))
        said = done(register("--status"))
        assert "Not renewed" in said
        assert number_in(said) == second
        assert "http://localhost:8000/manage/happy-paws/billing" in refused(register("--renew"))
        stand(site, BillingStatus.ACTIVE, paid_until + timedelta(days=62))
        third = number_in(done(register("--renew")))
        assert third not in (first, second)

    clock.move(days=30)
    said = done(register("--status"))
    assert "can't be reached" in said
    assert number_in(said) == third
    clock.move(days=16)
    assert "The licence ended on" in refused(register("--status"))
    kept = json.loads((desk / FILE).read_text())
    kept["registration"]["licence"] = kept["registration"]["licence"][:-6] + "AAAAAA"
    (desk / FILE).write_text(json.dumps(kept))
    assert "was changed" in refused(register("--status"))


def test_the_dialog_registers_and_releases_and_takes_a_temporary_number(
    register: Register, site: Site, clock: Clock, mailbox: Mailbox
) -> None:
    assert register("--server", "https://booking.example.com").returncode == 2
    send_temporary_numbers(site.database)
    [line] = [line for line in mailbox.latest(OWNER).text.splitlines() if line.startswith("    ")]
    typed = line.strip().lower().replace("-", " ")
    wrong = typed.replace(typed[-1], "3" if typed[-1] != "3" else "4", 1)
    assert "not a serial number" in refused(register(typed=f"1\n2\n{wrong}\n"))
    assert number_in(done(register(typed=f"1\n2\n{typed}\n"))) == line.strip()

    with server(site, clock) as live:
        login = f"{live.url}\n{OWNER}\nwrong\n1\n\n{PASSWORD}\n1\n"
        said = done(register(typed=f"1\n1\n{login}"))
        steps = ["Registration Info", "Update Registration", "Register with User", "do not fit"]
        assert [step for step in steps if step not in said] == []
        assert said.index("Temporary") < said.index("This computer is registered.")
        assert number_in(said[said.index("This computer is") :]).startswith("R")
        assert "Its seat is free" in done(register("--release"))
        assert "not registered" in refused(register("--renew"))
