"""The `booking` command. Each command is loaded by name when it is called, so that `--help` is
quick and a mistake in one leaves the others usable."""

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Online booking and client accounts for businesses that care for pets.",
)
bench = typer.Typer(no_args_is_help=True, help="The project's own benchmarks.")
app.add_typer(bench, name="bench")

Slug = Annotated[str, typer.Argument(help="The business, as in its address.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Seconds = Annotated[float, typer.Option(help="How long each way runs in a round.", min=0.05)]
Rounds = Annotated[int, typer.Option(help="How often all ways are gone through.", min=1)]
Port = Annotated[int, typer.Option(help="Where the web server listens.", min=1, max=65535)]


def _run(module: str, function: str = "run", /, **arguments: Any) -> None:
    """The command's exit code: 0 done, 1 refused or failed with one clear line."""
    loaded = importlib.import_module(module)
    raise typer.Exit(getattr(loaded, function)(**arguments))


@app.command()
def up(
    demo: Annotated[
        bool, typer.Option("--demo", help="Open a demo salon where there is no business yet.")
    ] = False,
    port: Port = 8000,
    data: Annotated[Path | None, typer.Option(help="The data directory.")] = None,
) -> None:
    """Start the whole product on this machine."""
    _run("booking.commands.up", demo=demo, port=port, data=data)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Port = 8000,
) -> None:
    """The production web server, with several processes."""
    _run("booking.commands.serve", host=host, port=port)


@app.command()
def migrate() -> None:
    """Bring the database up to date."""
    _run("booking.commands.migrate")


@app.command()
def doctor() -> None:
    """Check every part of the configuration; say what is wrong and how to mend it."""
    _run("booking.commands.doctor")


@app.command("create-business")
def create_business(
    slug: Slug,
    name: Annotated[str, typer.Option(help="What people call it.")],
    timezone: Annotated[str, typer.Option(help="An IANA zone, like America/New_York.")],
    owner_email: Annotated[str, typer.Option(help="Who signs in first.")],
) -> None:
    """Open a business. The owner's password is asked for, or read from standard input."""
    _run(
        "booking.commands.create_business",
        slug=slug,
        name=name,
        timezone=timezone,
        owner_email=owner_email,
    )


@app.command("import-clients")
def import_clients(
    slug: Slug,
    file: Annotated[Path, typer.Argument(help="A client list (CSV).")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; only report.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import a client list."""
    _run("booking.commands.import_clients", slug=slug, file=file, dry_run=dry_run, as_json=as_json)


@app.command()
def invite(
    slug: Slug,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until done.")] = False,
    as_json: AsJson = False,
) -> None:
    """The envelope: e-mail login information to all active clients without an account."""
    _run(
        "booking.commands.invite",
        slug=slug,
        dry_run=dry_run,
        yes=yes,
        wait=wait,
        as_json=as_json,
    )


@app.command("read-bounce")
def read_bounce() -> None:
    """Read a bounce or a complaint from standard input: for the pipe of a mail server."""
    _run("booking.commands.read_bounce")


@bench.command("sign-in")
def bench_sign_in(seconds: Seconds = 2.0, rounds: Rounds = 3, as_json: AsJson = False) -> None:
    """Sign-ins at 1, 8 and 32 at once against the limit of the hash and the naive way."""
    _run("booking.bench.sign_in", seconds=seconds, rounds=rounds, as_json=as_json)


@bench.command("availability")
def bench_availability(
    appointments: Annotated[
        list[int] | None,
        typer.Option(
            help="How many there are in all; may be given again. [1000, 50000]", min=1_000
        ),
    ] = None,
    postgres: Annotated[
        str, typer.Option(help="A PostgreSQL server to make databases on, instead of SQLite.")
    ] = "",
    seconds: Seconds = 0.5,
    rounds: Rounds = 5,
    as_json: AsJson = False,
) -> None:
    """Free times and "my appointments" against the limit and the naive way."""
    _run(
        "booking.bench.availability",
        appointments=appointments or (1_000, 50_000),
        postgres=postgres,
        seconds=seconds,
        rounds=rounds,
        as_json=as_json,
    )


@bench.command("imports")
def bench_imports(
    rows: Annotated[int, typer.Option(help="How many people the lists have.", min=100)] = 100_000,
    postgres: Annotated[
        str, typer.Option(help="A PostgreSQL server to make databases on, instead of SQLite.")
    ] = "",
    rounds: Rounds = 1,
    as_json: AsJson = False,
) -> None:
    """A long client list, from the file to clients, against the limit and the naive way."""
    _run("booking.bench.imports", rows=rows, postgres=postgres, rounds=rounds, as_json=as_json)


@bench.command("matching")
def bench_matching(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Where clients.csv and incoming.csv are.", exists=True),
    ],
    out: Annotated[Path, typer.Option(help="Where the verdicts and the pairs go.")],
    postgres: Annotated[
        str, typer.Option(help="A PostgreSQL server to make databases on, instead of SQLite.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Verdicts on newcomers and the duplicates of a list, in the scorer's format; with times."""
    _run("booking.bench.matching", folder=folder, out=out, postgres=postgres, as_json=as_json)


@bench.command("invitations")
def bench_invitations(
    recipients: Annotated[
        int, typer.Option(help="How many are invited in a round.", min=1_000, max=1_000_000)
    ] = 10_000,
    postgres: Annotated[
        str, typer.Option(help="A PostgreSQL server to make databases on, instead of SQLite.")
    ] = "",
    rounds: Rounds = 3,
    as_json: AsJson = False,
) -> None:
    """A campaign against the limit of the wire and the naive ways."""
    _run(
        "booking.bench.invitations",
        recipients=recipients,
        postgres=postgres,
        rounds=rounds,
        as_json=as_json,
    )


@bench.command("lane")
def bench_lane(
    recipients: Annotated[
        int, typer.Option(help="How many invitations are queued.", min=1_000, max=1_000_000)
    ] = 100_000,
    postgres: Annotated[
        str, typer.Option(help="A PostgreSQL server to make databases on, instead of SQLite.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """A sign-in code's way to the mail server, alone and behind a campaign."""
    _run("booking.bench.lane", recipients=recipients, postgres=postgres, as_json=as_json)


def main() -> None:
    app()
