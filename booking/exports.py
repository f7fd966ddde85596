"""What leaves as a file, for pages and programs alike. No cell can become a formula."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from booking.audit.models import AuditEntry
from booking.clients import queries as clients
from booking.clients.models import Client, Pet
from booking.clients.queries import After, ClientFilter
from booking.clients.rules import ClientDetails, PetDetails
from booking.imports.models import ImportRow
from booking.imports.rules import exporting
from booking.imports.rules.values import neutralise
from booking.invitations.listing import Line

MEDIA_TYPE = "text/csv; charset=utf-8"
_PAGE = 1_000


class ClientFormat(StrEnum):
    CSV = "csv"
    JSON = "json"
    VCARD = "vcard"


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    media_type: str
    name: str

    @property
    def headers(self) -> dict[str, str]:
        disposition = f'attachment; filename="{self.name}"'
        return {"Content-Disposition": disposition, "Cache-Control": "no-store"}


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


def export_clients(session: Session, wanted: ClientFilter, kind: ClientFormat) -> File:
    """All that fit, with their pets but for those put away, as an import reads them back."""
    people = _people(session, wanted)
    match kind:
        case ClientFormat.CSV:
            content = "".join(exporting.template(people)).encode("utf-8-sig")
            return File(content, MEDIA_TYPE, "clients.csv")
        case ClientFormat.JSON:
            content = "".join(exporting.listing(people)).encode()
            return File(content, "application/json", "clients.json")
        case ClientFormat.VCARD:
            content = "".join(exporting.cards(people)).encode()
            return File(content, "text/vcard; charset=utf-8", "clients.vcf")


_CLIENT = ("id", *ClientDetails.model_fields)
_PET = ("id", *PetDetails.model_fields)


def _people(session: Session, wanted: ClientFilter) -> Iterator[exporting.Person]:
    """A page of clients at a time is in memory."""
    after: After | None = None
    while found := clients.search(session, wanted, after=after, limit=_PAGE):
        pets = clients.pets_of(session, [client.id for client in found])
        for client in found:
            yield _said(client, _CLIENT), [_said(pet, _PET) for pet in pets[client.id]]
        after = After(found[-1].sort_name, found[-1].id)


def _said(record: Client | Pet, names: Sequence[str]) -> dict[str, Any]:
    """What it says by name; a no is a word too."""
    values = {name: getattr(record, name) for name in names}
    return {name: value for name, value in values.items() if value not in (None, "", [])}
