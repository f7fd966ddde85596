"""The client list as a file, with the filters of the list's page."""

from fastapi import APIRouter, Request, Response

from booking.clients.models import ClientStatus
from booking.clients.queries import ClientFilter
from booking.exports import ClientFormat, export_clients
from booking.web.visitor import MemberReads

router = APIRouter(include_in_schema=False, tags=["clients"])

_STATUSES = {status.value: status for status in ClientStatus}
_FORMATS = {kind.value: kind for kind in ClientFormat}
_YES_NO = {"yes": True, "no": False}


@router.get("/manage/{slug}/clients/export")
def export(visitor: MemberReads, request: Request) -> Response:
    asked = {name: text[:200] for name, text in request.query_params.items()}
    wanted = ClientFilter(
        q="".join(letter for letter in asked.get("q", "") if letter.isprintable()).strip(),
        status=_STATUSES.get(asked.get("status", "")),
        has_account=_YES_NO.get(asked.get("login", "")),
        email_problem=True if asked.get("email") == "problem" else None,
    )
    kind = _FORMATS.get(asked.get("format", ""), ClientFormat.CSV)
    file = export_clients(visitor.session, wanted, kind)
    return Response(file.content, media_type=file.media_type, headers=file.headers)
