"""What leaves as CSV, for pages and programs alike. No cell can become a formula."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from booking.audit.models import AuditEntry
from booking.imports.models import ImportRow
from booking.imports.rules.values import neutralise
from booking.invitations.listing import Line

MEDIA_TYPE = "text/csv; charset=utf-8"


def audit_csv(entries: Iterable[AuditEntry]) -> bytes:
    header = ("at", "actor_kind", "actor", "action", "record_type", "record_id", "details")
    return as_csv(
        header,
        (
            (
                entry.at.isoformat(),
                entry.actor_kind,
                entry.actor_name,
                entry.action,
                entry.record_type,
                str(entry.record_id or ""),
                json.dumps(entry.details, ensure_ascii=False) if entry.details else "",
            )
            for entry in entries
        ),
    )


def import_csv(rows: Iterable[ImportRow]) -> bytes:
    """Every row of an import with what became of it and why."""
    header = ("lines", "verdict", "first_name", "last_name", "email", "client_id", "why")
    return as_csv(
        header,
        (
            (
                " ".join(map(str, row.lines)),
                row.verdict or "",
                row.person.get("first_name", ""),
                row.person.get("last_name", ""),
                row.person.get("email", ""),
                str(row.client_id or ""),
                " ".join(problem["message"] for problem in row.problems),
            )
            for row in rows
        ),
    )


def campaign_csv(lines: Iterable[Line]) -> bytes:
    """Everybody a campaign was for, and how each invitation stands; never a link."""
    moments = ("sent_at", "opened_at", "accepted_at", "expires_at", "reminded_at")
    header = (
        "first_name", "last_name", "email", "state", "reason", *moments, "may_have_arrived_twice",
    )  # fmt: skip
    return as_csv(
        header,
        (
            (
                line.first_name,
                line.last_name,
                line.email,
                line.state,
                line.reason,
                *(_moment(getattr(line, name)) for name in moments),
                "yes" if line.repeated else "",
            )
            for line in lines
        ),
    )


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def as_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """UTF-8 with a mark, without which Excel takes it for another encoding."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    for row in rows:
        writer.writerow([neutralise(cell) for cell in row])
    return text.getvalue().encode("utf-8-sig")
