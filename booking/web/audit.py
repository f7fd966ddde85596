"""Who did what to which record, for owners and managers."""

import uuid
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.audit import queries
from booking.audit.models import AuditEntry
from booking.audit.queries import AuditFilter
from booking.exports import MEDIA_TYPE, audit_csv
from booking.web.page import render
from booking.web.visitor import ManagerReads, Visitor

router = APIRouter(include_in_schema=False)

_PAGE = 50
KINDS = (
    ("", "Everything"),
    ("client", "Clients"),
    ("pet", "Pets"),
    ("appointment", "Appointments"),
    ("invitation", "Invitations"),
    ("campaign", "Campaigns"),
    ("import", "Imports"),
    ("match", "Matches"),
    ("merge", "Merges"),
    ("preferences", "Booking Preferences"),
    ("member", "Members"),
    ("registration", "Registrations"),
    ("service", "Services"),
    ("staff", "Staff"),
    ("business", "The business"),
    ("account", "Logins"),
)
_VERBS = {
    "appointment.linked": "Visit given to a client",
    "appointment.unlinked": "Visit taken from a client",
    "client.created": "Client added",
    "client.changed": "Client changed",
    "client.linked": "Login linked",
    "client.unlinked": "Login taken away",
    "client.merged": "Records merged",
    "merge.undone": "Merge undone",
    "match.linked": "Match linked",
    "match.rejected": "Not the same person",
    "match.household": "Same household",
    "match.reopened": "Match asked again",
    "scan.started": "Whole list looked through",
    "pet.created": "Pet added",
    "pet.changed": "Pet changed",
    "pet.archived": "Pet put away",
    "pet.restored": "Pet brought back",
    "import.uploaded": "List uploaded",
    "import.mapped": "Columns chosen",
    "import.begun": "Import begun",
    "import.applied": "Import done",
    "import.undone": "Import undone",
    "registration.created": "Program registered",
    "registration.repeated": "Program registered again",
    "registration.renamed": "Computer renamed",
    "registration.released": "Computer released",
    "registration.revoked": "Computer revoked",
    "serial_number.issued": "Serial number issued",
}
# Details that say something to people; the others are for programs and stand in the export.
_TOLD = ("name", "file_name", "fields", "old_email", "new_email", "linked_by", "rows", "reason")


@router.get("/manage/{slug}/audit")
def audit_page(visitor: ManagerReads, request: Request) -> Response:
    asked = _asked(request)
    wanted = _wanted(visitor, asked, request.query_params.get("before", ""))
    found = queries.entries(visitor.session, wanted, _PAGE + 1)
    shown = found[:_PAGE]
    query = urlencode({name: value for name, value in asked.items() if value})
    return render(
        request,
        "audit/list.html",
        visitor=visitor,
        entries=[(entry, said(entry), _record_path(visitor, entry)) for entry in shown],
        asked=asked,
        kinds=KINDS,
        query=query,
        later=wanted.before_id is not None,
        next_before=shown[-1].id if len(found) > _PAGE else None,
    )


@router.get("/manage/{slug}/audit.csv")
def export(visitor: ManagerReads, request: Request) -> Response:
    wanted = _wanted(visitor, _asked(request), "")
    return Response(
        audit_csv(queries.every_entry(visitor.session, wanted)),
        media_type=MEDIA_TYPE,
        headers={
            "Content-Disposition": 'attachment; filename="audit.csv"',
            "Cache-Control": "no-store",
        },
    )


def said(entry: AuditEntry) -> tuple[str, str]:
    """What was done, and its details, in words."""
    title = _VERBS.get(entry.action) or _spaced(entry.action).capitalize()
    told = []
    for name in _TOLD:
        value = entry.details.get(name)
        if value:
            words = ", ".join(map(_spaced, value)) if isinstance(value, list) else str(value)
            told.append(f"{_spaced(name).capitalize()}: {words}")
    if merged := entry.details.get("merged"):
        told.append(f"Went into it: {', '.join(each['name'] for each in merged)}")
    return title, ". ".join(told)


def _spaced(name: object) -> str:
    return str(name).replace(".", " ").replace("_", " ")


def _record_path(visitor: Visitor, entry: AuditEntry) -> str | None:
    """Where the record can be looked at."""
    home = f"/manage/{visitor.business.slug}"
    if entry.record_type in ("pet", "match") and entry.details.get("client_id"):
        return f"{home}/clients/{entry.details['client_id']}"
    rooms = {"client": "clients", "import": "imports", "appointment": "appointments"}
    room = rooms.get(entry.record_type)
    return f"{home}/{room}/{entry.record_id}" if room and entry.record_id else None


def _asked(request: Request) -> dict[str, str]:
    return {
        name: "".join(c for c in request.query_params.get(name, "")[:60] if c.isprintable())
        for name in ("kind", "record", "since", "until")
    }


def _wanted(visitor: Visitor, asked: dict[str, str], before: str) -> AuditFilter:
    """What can't be understood is left out: a link that was cut short still shows a page."""
    zone = visitor.business.timezone
    return AuditFilter(
        action=asked["kind"],
        record_id=_id(asked["record"]),
        since=_midnight(asked["since"], zone, 0),
        until=_midnight(asked["until"], zone, 1),
        before_id=_id(before),
    )


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _midnight(text: str, zone: str, days_later: int) -> datetime | None:
    try:
        day = date.fromisoformat(text) + timedelta(days=days_later)
        return clock.to_utc(datetime.combine(day, datetime.min.time()), zone)
    except (ValueError, OverflowError):
        return None
