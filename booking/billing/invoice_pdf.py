"""An invoice as PDF: one plain sheet that an accountant files.

Bitstream Vera, which comes with the library and is embedded, writes the languages of Western Europe
and some beyond. A letter it has not loses its accent; what is left then becomes a question mark.
The page of the invoice shows every name as it is.
"""

import functools
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

PLAIN, BOLD = "Vera", "VeraBd"
INK, SOFT, LINE = HexColor("#26221d"), HexColor("#5f584e"), HexColor("#cfc8bd")
MARGIN = 22 * mm
_BARE = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
]
_RULED = [
    ("LINEBELOW", (0, 0), (-1, -2), 0.5, LINE),
    ("LINEABOVE", (0, -1), (-1, -1), 1, INK),
    ("TOPPADDING", (0, 0), (-1, -1), 5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands on it, ready to be read. `facts` and `lines` are (words, value)."""

    title: str
    from_lines: tuple[str, ...]
    to_lines: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, str], ...]
    total: str
    note: str
    currency: str


def draw(sheet: Sheet) -> bytes:
    """On Letter where one pays in dollars, else on A4."""
    written = io.BytesIO()
    page = LETTER if sheet.currency == "USD" else A4
    frame = Frame(
        MARGIN, MARGIN, page[0] - 2 * MARGIN, page[1] - 2 * MARGIN,
        leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
    )  # fmt: skip
    document = BaseDocTemplate(
        written, pagesize=page, title=sheet.title, author=sheet.from_lines[0], lang="en"
    )
    document.addPageTemplates(PageTemplate(frames=[frame]))
    document.build(_parts(sheet, page[0] - 2 * MARGIN))
    return written.getvalue()


def _parts(sheet: Sheet, width: float) -> list[Flowable]:
    sender, *beside = sheet.from_lines
    facts = [[_words(words, SMALL), _words(value, SMALL_RIGHT)] for words, value in sheet.facts]
    to_whom = [_words("Billed to", SMALL), *(_words(each, NORMAL) for each in sheet.to_lines)]
    return [
        _words(sender, HEAD),
        *(_words(each, SMALL) for each in beside),
        Spacer(1, 14 * mm),
        _words(sheet.title, TITLE),
        Spacer(1, 9 * mm),
        _table([[to_whom, _table(facts, (0.2, 0.25), width)]], (0.55, 0.45), width),
        Spacer(1, 12 * mm),
        _table(
            [
                [_words("Description", SMALL), _words("Amount", SMALL_RIGHT)],
                *([_words(words, NORMAL), _words(amount, RIGHT)] for words, amount in sheet.lines),
                [_words("Total", HEAD), _words(sheet.total, HEAD_RIGHT)],
            ],
            (0.75, 0.25),
            width,
            _RULED,
        ),
        Spacer(1, 9 * mm),
        _words(sheet.note, SMALL),
    ]


def _table(
    rows: Sequence[list[Any]],
    shares: tuple[float, float],
    width: float,
    ruled: Sequence[Any] = (),
) -> Table:
    table = Table(rows, colWidths=[width * share for share in shares], hAlign="LEFT")
    table.setStyle(TableStyle([*_BARE, *ruled]))
    return table


def _style(name: str, size: float, *, font: str = PLAIN, soft: bool = False) -> ParagraphStyle:
    return ParagraphStyle(
        name,
        fontName=font,
        fontSize=size,
        leading=size * 1.4,
        textColor=SOFT if soft else INK,
        alignment=TA_RIGHT if name.endswith("right") else TA_LEFT,
    )


NORMAL, RIGHT = _style("normal", 10), _style("right", 10)
SMALL, SMALL_RIGHT = _style("small", 9, soft=True), _style("small right", 9, soft=True)
HEAD, HEAD_RIGHT = _style("head", 11, font=BOLD), _style("head right", 11, font=BOLD)
TITLE = _style("title", 18, font=BOLD)


def _words(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(in_letters(text)), style)


def in_letters(text: str) -> str:
    """As far as the font goes."""
    return "".join(map(_written, unicodedata.normalize("NFC", text)))


def _written(letter: str) -> str:
    """The letter, or what comes nearest among those of the font."""
    if not letter.isprintable():
        return " "
    plain = unicodedata.normalize("NFKD", letter)[0]
    return next((each for each in (letter, plain) if ord(each) in _letters()), "?")


@functools.cache
def _letters() -> frozenset[int]:
    """Of the regular cut; the bold one has the same."""
    pdfmetrics.registerFont(TTFont(BOLD, "VeraBd.ttf"))
    regular = TTFont(PLAIN, "Vera.ttf")
    pdfmetrics.registerFont(regular)
    return frozenset(regular.face.charToGlyph)
