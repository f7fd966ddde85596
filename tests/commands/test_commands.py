"""The other commands, as a person at a terminal or a script runs them."""

import json
from pathlib import Path
from typing import Any

import pytest

from booking.audit.actions import SYSTEM
from booking.database import set_business
from booking.preferences import actions as preferences
from tests import servers
from tests.databases import SECRET, DatabaseKind, Databases
from tests.forked import GROUP
from tests.processes import free_port, running
from tests.product import Product, program
from tests.world import PASSWORD, World

pytestmark = GROUP

HEADER = "client_external_id,first_name,last_name,email,mobile_phone,notes,status,pet_name,breed"
PEOPLE = f"{HEADER}\n" + "".join(
    f"{number},Person{number},New,person{number}@mail.example,,,active,,\n" for number in range(3)
)
WRONG = "9,Too,Few\n"


@pytest.fixture
def world(databases: Databases) -> World:
    """What a command says does not depend on the kind of database."""
    return databases.world(DatabaseKind.SQLITE)


@pytest.fixture
def product(databases: Databases, world: World, folder: Path) -> Product:
    """With the world in it."""
    url = databases.copy(DatabaseKind.SQLITE, folder)
    return Product(folder, {"database_url": url, "secret_key": SECRET})


@pytest.fixture
def bare(folder: Path) -> Product:
    """Nothing there yet."""
    return Product(folder)


def refused(product: Product, *arguments: str, typed: str = "") -> str:
    """The one line on standard error of a command that must be refused."""
    ran = product.command(*arguments, typed=typed)
    assert ran.returncode == 1, f"{ran.returncode}: {ran.stdout}{ran.stderr}"
    lines = ran.stderr.splitlines()
    assert len(lines) == 1, ran.stderr
    assert lines[0].startswith("booking: ")
    return lines[0].removeprefix("booking: ")


def switch(product: Product, world: World, *, allow: bool) -> None:
    with product.database() as database, database.writing() as session:
        set_business(session, world.salon.id)
        preferences.change(
            session,
            {"client_settings": {"allow_client_online_account_access": allow}},
            expected_version=preferences.current(session).version,
            by=SYSTEM,
        )


def opening(slug: str = "pink-poodle", zone: str = "Europe/Vienna") -> list[str]:
    given = ["--name", "Pink Poodle", "--timezone", zone, "--owner-email", "pia@mail.example"]
    return ["create-business", slug, *given]


def test_help_names_every_command(bare: Product) -> None:
    said = bare.done("--help")
    for command in ("up", "serve", "migrate", "doctor", "create-business", "register"):
        assert command in said


def test_wrong_usage_exits_with_two(bare: Product) -> None:
    assert bare.command("no-such-command").returncode == 2
    assert bare.command("create-business", "pink-poodle").returncode == 2
    assert bare.command("serve", "--port", "soon").returncode == 2


def test_a_setting_that_cannot_be_read_is_refused_in_one_line(bare: Product) -> None:
    bare.given["web_threads"] = "many"
    assert "BOOKING_WEB_THREADS" in refused(bare, "migrate")


def test_a_business_is_opened_on_a_new_database_and_its_owner_signs_in(bare: Product) -> None:
    bare.done("migrate")
    bare.done("migrate")
    said = bare.done(*opening(), typed=f"{PASSWORD}\n")
    assert said == "Pink Poodle is open: http://localhost:8000/manage/pink-poodle\n"
    assert "address already" in refused(bare, *opening(), typed=f"{PASSWORD}\n")
    second = opening("pink-poodle-two")
    bare.done(*second)  # the owner has a login by now, and is not asked for a password


def test_what_a_business_may_not_be_is_refused(product: Product) -> None:
    assert "password: " in refused(product, *opening(), typed="short\n")
    assert "password: " in refused(product, *opening(), typed="pink-poodle-2026\n")
    assert "password: " in refused(product, *opening(), typed="")
    assert "timezone: " in refused(product, *opening(zone="Mars/Base"), typed=f"{PASSWORD}\n")
    assert "slug: " in refused(product, *opening("Pink Poodle"), typed=f"{PASSWORD}\n")


def test_a_client_list_is_imported_with_a_report(product: Product) -> None:
    (product.folder / "list.csv").write_text(PEOPLE + WRONG)
    said = product.done("import-clients", "happy-paws", "list.csv", "--dry-run", "--json")
    tried: dict[str, Any] = json.loads(said)
    assert (tried["rows"], tried["new"], tried["rejected"]) == (4, 3, 1)
    assert tried["dry_run"] is True
    said = product.done("import-clients", "happy-paws", "list.csv")
    assert "line 5: rejected: " in said
    assert said.endswith("4 rows were read: 3 new, 0 matched, 0 updated, 0 review, 1 rejected.\n")
    again = json.loads(product.done("import-clients", "happy-paws", "list.csv", "--json"))
    assert (again["new"], again["matched"], again["rejected"]) == (0, 3, 1)
    assert [line["lines"] for line in again["report"]] == [[2], [3], [4], [5]]


def test_a_list_that_cannot_be_imported_is_refused(product: Product) -> None:
    (product.folder / "list.csv").write_text(PEOPLE)
    (product.folder / "odd.csv").write_text("colour,size\nred,9\n")
    (product.folder / "empty.csv").write_text("")
    assert "no business" in refused(product, "import-clients", "nobody", "list.csv")
    assert "missing.csv" in refused(product, "import-clients", "happy-paws", "missing.csv")
    assert "colour" in refused(product, "import-clients", "happy-paws", "odd.csv")
    assert refused(product, "import-clients", "happy-paws", "empty.csv")


def test_the_envelope_waits_for_the_switch(product: Product, world: World) -> None:
    switch(product, world, allow=False)
    assert "switched to NO" in refused(product, "invite", "happy-paws", "--yes")


def test_the_envelope_counts_asks_and_sends(product: Product) -> None:
    preview = json.loads(product.done("invite", "happy-paws", "--dry-run", "--json"))
    assert preview["recipients"] == 1
    assert (preview["skipped"]["has_account"], preview["skipped"]["no_email"]) == (2, 1)
    asked = product.command("invite", "happy-paws", typed="n\n")
    assert asked.returncode == 1
    assert asked.stdout.startswith("1 client will receive the e-mail.\n")
    assert "nothing was sent" in asked.stderr
    with running(product.worker()), running(product.beat()):
        said = product.done("invite", "happy-paws", "--yes", "--wait", "--json")
    done = json.loads(said)
    assert (done["state"], done["recipients"], done["counts"]["sent"]) == ("finished", 1, 1)
    assert len(list((product.folder / "mailbox").glob("*.eml"))) == 1


def test_the_doctor_finds_nothing_where_all_is_well(product: Product) -> None:
    product.given.pop("database_url")
    product.done("migrate")
    said = product.done("doctor")
    assert said.endswith("All is well.\n")
    assert said.count("✓") == 12


@pytest.mark.parametrize(
    ("setting", "value", "part"),
    [
        ("database_url", "postgresql+psycopg://nobody@127.0.0.1:{port}/none", "Database"),
        ("database_url", "sqlite:///{folder}/not-migrated.sqlite3", "Migrations"),
        ("broker_url", "redis://127.0.0.1:{port}/0", "Broker"),
        ("smtp_url", "smtp://127.0.0.1:{port}", "Mail"),
        ("dkim_key", "nowhere.pem", "Mail signatures"),
        ("bounce_imap_url", "imap://u:p@127.0.0.1:{port}/INBOX", "Bounces"),
        ("data_dir", "/proc/nowhere", "Data directory"),
        ("environment", "production", "Settings"),
    ],
)
def test_the_doctor_names_the_part_that_is_broken(
    bare: Product, setting: str, value: str, part: str
) -> None:
    bare.given |= {"database_url": f"sqlite:///{bare.folder}/good.sqlite3", "secret_key": SECRET}
    bare.done("migrate")
    bare.given[setting] = value.format(port=free_port(), folder=bare.folder)
    ran = bare.command("doctor")
    assert ran.returncode == 1
    assert f"✗ {part}: " in ran.stdout
    assert part in ran.stderr


def test_the_doctor_tries_the_login_of_the_mail_server(product: Product) -> None:
    product.given.pop("database_url")
    product.done("migrate")
    with servers.smtp_sink("--user", "us", "--password", "right") as sink:
        product.given["smtp_url"] = sink.url.replace("smtp://", "smtp://us:wrong@")
        ran = product.command("doctor")
        assert ran.returncode == 1
        assert "✗ Mail: " in ran.stdout
        product.given["smtp_url"] = sink.url.replace("smtp://", "smtp://us:right@")
        product.done("doctor")


def test_the_program_is_installed() -> None:
    assert Path(program("booking")).exists()
