"""One email to many people: rendered and cut to pieces once, then filled in for each reader.

Only for emails without attachments whose values differ in a few plain texts. What a reader gets is
the same, part for part, as `message.compose` would have made.
"""

import binascii
import functools
import html
import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr

from booking.config import Settings
from booking.mail.marks import Mark, message_id, return_path
from booking.mail.message import (
    Email,
    Envelope,
    Rendered,
    rendered_with,
)
from booking.mail.wording import display_name

_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Reader:
    """To whom one copy goes, and which copy of its row it is. `values` fills the gaps, by the names
    the letter's class gives them; `headers` are this copy's own."""

    to: str
    row_id: uuid.UUID
    edition: int
    written_at: datetime
    values: Mapping[str, str]
    headers: Mapping[str, str]


class FormLetter:
    """`gaps` are the names of the values that differ. A gap that is empty for some readers needs a
    letter of its own, since templates say things differently where a value is missing."""

    def __init__(self, email: Email, gaps: frozenset[str], settings: Settings) -> None:
        marks = {name: f"gap{secrets.token_hex(8)}" for name in sorted(gaps)}
        rendered = rendered_with(email, marks, settings)
        self._settings = settings
        self._is_tracked = email.is_tracked
        self._text = _Form(rendered.text, marks, is_html=False)
        self._html = _Form(rendered.html, marks, is_html=True)
        self._boundary = f"=_{secrets.token_hex(16)}"
        self._head = self._constant_headers(email, rendered)

    def _constant_headers(self, email: Email, rendered: Rendered) -> str:
        sender = display_name(email.sender_name) or "Booking"
        address = self._settings.mail_from
        headers = {
            "MIME-Version": "1.0",
            "Subject": _encoded(rendered.subject),
            "From": formataddr((sender, address))
            if sender.isascii()
            else f"{_encoded(sender)} <{address}>",
            "Auto-Submitted": "auto-generated",
            **email.common_headers(),
            "Content-Type": f'multipart/alternative; boundary="{self._boundary}"',
        }
        if email.reply_to:
            headers["Reply-To"] = email.reply_to
        return _header_lines(headers)

    def written_for(self, reader: Reader) -> Envelope:
        """Raises ValueError where an address or a header holds the end of a line."""
        mark = Mark(reader.row_id, reader.edition)
        own = {
            "To": reader.to,
            "Date": _date(reader.written_at),
            "Message-ID": message_id(mark, self._settings),
            **reader.headers,
        }
        parts = [self._head, _header_lines(own)]
        for kind, pieces in (("plain", self._text), ("html", self._html)):
            parts.append(
                f"\r\n--{self._boundary}\r\n"
                f"Content-Type: text/{kind}; charset=utf-8\r\n"
                "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + pieces.filled(reader.values)
            )
        parts.append(f"\r\n--{self._boundary}--\r\n")
        settings = self._settings
        sender = return_path(mark, settings) if self._is_tracked else settings.mail_from
        return Envelope(sender, reader.to, "".join(parts).encode("ascii"))


class _Form:
    """A text as it travels, encoded once; only what fills a gap is encoded for each reader.

    A soft line break (RFC 2045 §6.7, rule 5) stands on both sides of a gap: so neither text
    matters to the other's lines.
    """

    def __init__(self, text: str, marks: Mapping[str, str], *, is_html: bool) -> None:
        names = {mark: name for name, mark in marks.items()}
        gap = re.compile(f"({'|'.join(names)})") if names else re.compile("((?!))")
        pieces = gap.split(_LINE_END.sub("\r\n", text))
        between, last = pieces[:-1], pieces[-1]
        self._form = "".join(
            f"%({names[piece]})s" if piece in names else _going_on(piece).replace("%", "%%")
            for piece in between
        ) + _quoted_printable(last).replace("%", "%%")
        self._is_html = is_html

    def filled(self, values: Mapping[str, str]) -> str:
        shown = html.escape if self._is_html else str
        return self._form % {
            name: _going_on(shown(_LINE_END.sub("\r\n", value))) for name, value in values.items()
        }


def _quoted_printable(lines: str) -> str:
    """RFC 2045 §6.7, line by line; the lines end as those of mail do."""
    return binascii.b2a_qp(lines.encode(), istext=True).decode("ascii")


@functools.lru_cache(maxsize=256)
def _going_on(lines: str) -> str:
    """The same of a text that goes on in the line in which it ends. A character stands for the rest
    meanwhile: it keeps room for the soft line break, and the text's last space from being last. The
    end of a line makes `binascii` break lines as mail does."""
    coded = _quoted_printable(f"{lines}\0\r\n")[: -len("=00\r\n")]
    return coded if coded.endswith("\n") or not lines else f"{coded}=\r\n"


@functools.lru_cache(maxsize=64)
def _date(moment: datetime) -> str:
    """A campaign's letters were written at one moment."""
    return format_datetime(moment)


def _encoded(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8").encode(linesep="\r\n")


def _header_lines(headers: Mapping[str, str]) -> str:
    for name, value in headers.items():
        if _LINE_END.search(value.replace("\r\n ", "")):
            raise ValueError(f"the header {name} must be one line")
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())
