"""The client list as a file, for staff."""

from typing import Annotated

from fastapi import Query, Response

from booking.api.caller import StaffReads
from booking.api.resource import resource
from booking.clients.models import ClientStatus
from booking.clients.queries import ClientFilter
from booking.exports import ClientFormat, export_clients
from booking.fields import Line200

router = resource("/businesses/{slug}/clients", tag="clients")


@router.get("/export", response_class=Response)
def export(
    caller: StaffReads,
    kind: Annotated[ClientFormat, Query(alias="format")] = ClientFormat.CSV,
    q: Annotated[Line200, Query(description="as for the list")] = "",
    status: ClientStatus | None = None,
    has_account: bool | None = None,
) -> Response:
    """Our template as CSV, JSON, or vCard 4.0; an import reads each of them back as it was."""
    wanted = ClientFilter(q=q, status=status, has_account=has_account)
    file = export_clients(caller.session, wanted, kind)
    return Response(file.content, media_type=file.media_type, headers=file.headers)
