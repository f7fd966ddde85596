"""The local mailbox, for trying the product out: in development only, and only where no mail server
is configured."""

import email.policy
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path

from fastapi import APIRouter, Request, Response
from markupsafe import Markup, escape

from booking.dependencies import settings_of
from booking.errors import NotFound
from booking.web.page import render

router = APIRouter(include_in_schema=False)

_NAME = re.compile(r"[0-9A-Za-z.T-]{1,80}\.eml")
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
_SHOWN = 100
_PARSER = BytesParser(policy=email.policy.default)


@dataclass(frozen=True, slots=True)
class Letter:
    name: str
    to: str
    sender: str
    subject: str
    at: datetime | None
    paragraphs: list[Markup]
    has_html: bool
    attachments: list[str]


@router.get("/mailbox")
def list_page(request: Request) -> Response:
    folder = _folder(request)
    names = sorted((path.name for path in folder.glob("[!.]*.eml")), reverse=True)
    letters = [_letter(folder / name) for name in names[:_SHOWN]]
    return render(request, "mailbox/list.html", letters=letters, total=len(names))


@router.get("/mailbox/{name}")
def letter_page(request: Request, name: str) -> Response:
    return render(request, "mailbox/letter.html", letter=_letter(_path(request, name)))


@router.get("/mailbox/{name}/raw")
def raw(request: Request, name: str) -> Response:
    path = _path(request, name)
    return Response(
        path.read_bytes(),
        media_type="message/rfc822",
        headers={"Content-Disposition": f'attachment; filename="{path.name}"'},
    )


def _folder(request: Request) -> Path:
    settings = settings_of(request)
    if settings.production or settings.mailbox is None:
        raise NotFound
    return settings.mailbox


def _path(request: Request, name: str) -> Path:
    path = _folder(request) / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFound
    return path


def _letter(path: Path) -> Letter:
    message = _PARSER.parsebytes(path.read_bytes())
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    text = str(body.get_content()).replace("\r\n", "\n") if body else ""
    date = message["Date"]
    return Letter(
        name=path.name,
        to=str(message["To"] or ""),
        sender=str(message["From"] or ""),
        subject=str(message["Subject"] or ""),
        at=parsedate_to_datetime(str(date)) if date else None,
        paragraphs=[linked(part) for part in re.split(r"\n\s*\n", text) if part.strip()],
        has_html=message.get_body(("html",)) is not None,
        attachments=[part.get_filename() or "unnamed" for part in message.iter_attachments()],
    )


def linked(text: str) -> Markup:
    """The text with its addresses as links, its lines as lines, and all else as it stands."""
    parts, end = [], 0
    for found in _LINK.finditer(text):
        parts += [escape(text[end : found.start()])]
        parts += [Markup('<a href="{0}">{0}</a>').format(found[0])]
        end = found.end()
    whole = Markup("").join([*parts, escape(text[end:])])
    return Markup("<br>\n").join(whole.strip().split("\n"))
