"""`booking import-clients`: a client list, with a progress bar, and a report of every row."""

import uuid
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress as Bar
from sqlalchemy.orm import Session

from booking.commands import configured, place, talk
from booking.database import Database
from booking.errors import Refusal
from booking.imports import queries
from booking.imports.actions import applying, staging, undoing
from booking.imports.actions.preparing import Preparer
from booking.imports.models import DUE, Import, ImportState, Verdict


def run(*, slug: str, file: Path, dry_run: bool, as_json: bool) -> int:
    try:
        database = place.database(configured.settings())
        with file.open("rb") as opened, place.writing(database, slug) as session:
            row = staging.stage(
                session, opened, file_name=file.name, dry_run=dry_run, by=place.COMMAND
            )
            if row.state is ImportState.NEEDS_MAPPING:
                return _ask_for_mapping(session, row)
        _apply(database, slug, row)
        with place.writing(database, slug) as session:
            return _report(session, row.id, as_json)
    except OSError as error:
        return talk.refuse(f"{file}: {error.strerror}")
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))


def _ask_for_mapping(session: Session, row: Import) -> int:
    session.rollback()
    return talk.refuse(
        "the column names of this file are not known here; import it on the Clients screen, where "
        f"you can say what each means: {', '.join(row.headers[:12])}"
    )


def _apply(database: Database, slug: str, row: Import) -> None:
    """The worker may take chunks of it too; whoever is quicker, each row is applied once. What is
    to be undone before is undone here and now."""
    apply_next = partial(applying.apply_next_chunk, of_this_business=True)
    undo_next = partial(undoing.undo_next_chunk, of_this_business=True)
    with Bar(console=Console(stderr=True), transient=True) as bar, Preparer() as preparer:
        task = bar.add_task("Importing", total=row.people)
        is_due = True
        while is_due:
            with place.writing(database, slug) as session:
                progress = apply_next(session, preparer=preparer)
                if progress is None:
                    undo_next(session)
                is_due = queries.find(session, row.id).state in DUE
            if progress and progress.import_id == row.id:
                bar.update(task, completed=progress.done)


def _report(session: Session, import_id: uuid.UUID, as_json: bool) -> int:
    row = queries.find(session, import_id)
    counts = {verdict.value: number for verdict, number in queries.counts(session, row.id).items()}
    lines = [
        _line(staged)
        for staged in queries.whole_report(session, row.id)
        if as_json or staged.problems
    ]
    failed = row.state is ImportState.FAILED
    if as_json:
        summary = {"id": row.id, "state": row.state, "format": row.format, "rows": row.rows}
        talk.say_json({**summary, "dry_run": row.dry_run, **counts, "report": lines})
    else:
        for line in lines:
            where = ", ".join(str(number) for number in line["lines"])
            for problem in line["problems"]:
                talk.say(f"line {where}: {line['verdict']}: {problem['message']}")
        if row.dropped_columns:
            talk.say(f"Left out for safety: {', '.join(row.dropped_columns)}")
        verb = "would be" if row.dry_run else "were"
        words = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
        talk.say(f"{row.rows} rows {verb} read: {words}.")
    return talk.refuse(row.reason) if failed else talk.DONE


def _line(staged: Any) -> dict[str, Any]:
    verdict: Verdict | None = staged.verdict
    return {
        "lines": staged.lines,
        "verdict": verdict.value if verdict else None,
        "client_id": staged.client_id,
        "problems": staged.problems,
    }
