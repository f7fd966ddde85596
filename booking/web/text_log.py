"""Texts that would have been sent, for trying the product out: in development only, and only where
no provider of texts is configured."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from booking.dependencies import settings_of
from booking.errors import NotFound
from booking.web.mailbox import linked
from booking.web.page import render

router = APIRouter(include_in_schema=False)

_SHOWN = 100
_NAME = re.compile(r"(\d{8}T\d{6})\.\d+-[0-9a-f]{8}\.txt")


@dataclass(frozen=True, slots=True)
class KeptText:
    to: str
    words: Markup
    at: datetime | None


@router.get("/mailbox/texts")
def list_page(request: Request) -> Response:
    settings = settings_of(request)
    if settings.production or settings.text_log is None:
        raise NotFound
    paths = sorted(settings.text_log.glob("[!.]*.txt"), reverse=True)
    found = [_read(path) for path in paths[:_SHOWN]]
    return render(request, "mailbox/texts.html", texts=found, total=len(paths))


def _read(path: Path) -> KeptText:
    to, _, words = path.read_text().partition("\n\n")
    name = _NAME.fullmatch(path.name)
    at = datetime.strptime(name[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if name else None
    return KeptText(to.removeprefix("To: "), linked(words), at)
