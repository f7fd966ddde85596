"""The first sheet of an Excel workbook, row by row, in bounded memory.

Read with expat straight from the archive. Of the libraries openpyxl takes forty seconds for 100,000
clients, and calamine, which is quick, makes a full grid of the sheet: two cells at opposite corners
ask it for 500 GB and end the whole server.
"""

import re
import xml.parsers.expat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import lru_cache
from posixpath import join, normpath
from typing import IO

from booking.imports.rules.reading import MAX_COLUMNS, MAX_LINES, Table, UnreadableFile, table_of

_MAX_PART = 16 * 1024 * 1024  # of styles and the like
_MAX_UNPACKED = 512 * 1024 * 1024
_MAX_SHEET = 192 * 1024 * 1024
_MAX_SAID = 64 * 1024 * 1024  # characters of all cells: many may show one long shared text
_MAX_SHARED = 96 * 1024 * 1024  # bytes of shared texts
_MAX_TEXTS = 1_500_000
_MAX_PIECES = 500  # of one cell's text, as expat hands it over: a few kilobytes each at most
_CHUNK = 256 * 1024
_DAMAGED = "This workbook is damaged or no Excel workbook. Save it anew, or save the sheet as CSV."
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_BROKEN = (
    xml.parsers.expat.ExpatError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
)
_RICH = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_BUILT_IN_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet's days have no zone
_FIRST_DAY_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
_Attributes = dict[str, str]


class WorkbookTooLarge(UnreadableFile):
    def __init__(self) -> None:
        sentence = "Unpacked, this workbook is far too large for a list of clients."
        super().__init__("workbook_too_large", sentence)


@dataclass(slots=True)
class _Book:
    """What cells refer to: the texts, and which styles show a number as a date."""

    texts: list[str] = field(default_factory=list)
    dates: list[bool] = field(default_factory=list)
    first_day: datetime = _FIRST_DAY


def read_workbook(archive: zipfile.ZipFile) -> Table:
    """Raises `UnreadableFile`, here or while the rows are consumed.

    Sizes are judged by the archive's directory: `zipfile` gives no part more than that states.
    """
    parts = archive.infolist()
    if sum(part.file_size for part in parts) > _MAX_UNPACKED:
        raise WorkbookTooLarge
    if any(part.flag_bits & 1 for part in parts):
        sentence = "This workbook is protected with a password. Save it without one."
        raise UnreadableFile("protected_workbook", sentence)
    names = {part.filename for part in parts}
    sheet, first_day = _first_sheet(archive)
    book = _Book(first_day=first_day)
    if "xl/styles.xml" in names:
        book.dates = _date_styles(archive)
    if "xl/sharedStrings.xml" in names:
        book.texts = _shared_texts(archive)
    return table_of(_records(archive, sheet, book), of_sheet=True)


def _first_sheet(archive: zipfile.ZipFile) -> tuple[str, datetime]:
    """Where the first visible sheet stands, and the day its dates are counted from."""
    sheets: list[_Attributes] = []
    first_day = [_FIRST_DAY]
    targets: dict[str, str] = {}

    def of_book(name: str, given: _Attributes) -> None:
        if name == "sheet":
            sheets.append(given)
        elif name == "workbookPr" and given.get("date1904", "0") in ("1", "true"):
            first_day[0] = _FIRST_DAY_1904

    def of_relations(name: str, given: _Attributes) -> None:
        if name == "Relationship":
            targets[given.get("Id", "")] = given.get("Target", "")

    _walk(archive, "xl/workbook.xml", _MAX_PART, start=of_book)
    _walk(archive, "xl/_rels/workbook.xml.rels", _MAX_PART, start=of_relations)
    visible = [each for each in sheets if each.get("state", "visible") == "visible"] or sheets
    relation = next(
        (value for each in visible[:1] for name, value in each.items() if name == "id"), ""
    )
    target = targets.get(relation, "worksheets/sheet1.xml")
    return normpath(join("/xl", target)).lstrip("/"), first_day[0]


def _date_styles(archive: zipfile.ZipFile) -> list[bool]:
    """For each style of a cell whether it shows a number as a date."""
    own: set[int] = set()
    styles: list[bool] = []
    inside = [False]

    def start(name: str, given: _Attributes) -> None:
        if name == "numFmt" and _shows_date(given.get("formatCode", "")):
            own.add(_number(given.get("numFmtId")))
        elif name == "cellXfs":
            inside[0] = True
        elif name == "xf" and inside[0]:
            number = _number(given.get("numFmtId"))
            styles.append(number in own or number in _BUILT_IN_DATES)

    def end(name: str) -> None:
        if name == "cellXfs":
            inside[0] = False

    _walk(archive, "xl/styles.xml", _MAX_PART, start=start, end=end)
    return styles


def _shows_date(code: str) -> bool:
    return any(letter in "dmyhs" for letter in _RICH.sub("", code.casefold()).split(";")[0])


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else -1


class _Texts:
    """Collects the texts that cells share. How a Japanese name is pronounced is no part of it."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.pieces: list[str] = []
        self.reading = self.aside = False

    def start(self, name: str, _given: _Attributes) -> None:
        if name == "si":
            self.pieces.clear()
        elif name == "t":
            self.reading = not self.aside
        elif name == "rPh":
            self.aside = True

    def end(self, name: str) -> None:
        if name == "si":
            self.found.append(_unescaped("".join(self.pieces)))
            if len(self.found) > _MAX_TEXTS:
                raise WorkbookTooLarge
        elif name == "t":
            self.reading = False
        elif name == "rPh":
            self.aside = False

    def text(self, data: str) -> None:
        if self.reading and len(self.pieces) < _MAX_PIECES:
            self.pieces.append(data)


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    texts = _Texts()
    part = "xl/sharedStrings.xml"
    _walk(archive, part, _MAX_SHARED, start=texts.start, end=texts.end, text=texts.text)
    return texts.found


def _walk(
    archive: zipfile.ZipFile,
    part: str,
    limit: int,
    *,
    start: Callable[[str, _Attributes], None] | None = None,
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    for _ in _walked(_parser(start, end, text), _part(archive, part, limit)):
        pass


def _part(archive: zipfile.ZipFile, name: str, limit: int) -> IO[bytes]:
    try:
        known = archive.getinfo(name)
    except KeyError as error:
        raise UnreadableFile("damaged_workbook", _DAMAGED) from error
    if known.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableFile("damaged_workbook", _DAMAGED)
    if known.file_size > limit:
        raise WorkbookTooLarge
    try:
        return archive.open(known)
    except (zipfile.BadZipFile, RuntimeError, OSError, ValueError) as error:
        raise UnreadableFile("damaged_workbook", _DAMAGED) from error


def _parser(
    start: Callable[[str, _Attributes], None] | None,
    end: Callable[[str], None] | None,
    text: Callable[[str], None] | None,
) -> xml.parsers.expat.XMLParserType:
    """Names without their name space, which writers abbreviate as they like."""
    parser = xml.parsers.expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    if start is not None:
        begun = start

        def local(name: str, given: _Attributes) -> None:
            short = {key.rpartition(":")[2]: value for key, value in given.items()}
            begun(name.rpartition(":")[2], short)

        parser.StartElementHandler = local
    if end is not None:
        ended = end
        parser.EndElementHandler = lambda name: ended(name.rpartition(":")[2])
    if text is not None:
        parser.CharacterDataHandler = text
    return parser


def _refuse_doctype(*_given: object) -> None:
    """No workbook has one; with it come entities that grow without end."""
    raise UnreadableFile("damaged_workbook", _DAMAGED)


def _walked(parser: xml.parsers.expat.XMLParserType, part: IO[bytes]) -> Iterator[None]:
    """Gives back control after every piece."""
    with part:
        try:
            while chunk := part.read(_CHUNK):
                parser.Parse(chunk, False)
                yield
            parser.Parse(b"", True)
        except _BROKEN as error:
            raise UnreadableFile("damaged_workbook", _DAMAGED) from error
    yield


def _records(
    archive: zipfile.ZipFile, sheet: str, book: _Book
) -> Iterator[tuple[int, list[str] | str]]:
    """Each row with its number; cells that are left out are empty."""
    reader = _Sheet(book)
    parser = xml.parsers.expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    read = 0
    for _ in _walked(parser, _part(archive, sheet, _MAX_SHEET)):
        rows, reader.rows = reader.rows, []
        read += len(rows)
        if read > MAX_LINES:
            sentence = f"The sheet has more than {MAX_LINES:,} rows. Please split it."
            raise UnreadableFile("too_many_lines", sentence)
        if reader.said > _MAX_SAID:
            raise WorkbookTooLarge
        yield from rows


class _Sheet:
    """Collects the rows of a sheet as expat comes upon them."""

    __slots__ = (
        "book",
        "cells",
        "kind",
        "line",
        "pieces",
        "place",
        "prefix",
        "reading",
        "rows",
        "said",
        "style",
    )

    def __init__(self, book: _Book) -> None:
        self.book = book
        self.rows: list[tuple[int, list[str] | str]] = []
        self.cells: list[str] = []
        self.pieces: list[str] = []
        self.line = self.said = 0
        self.place = -1
        self.kind = self.style = self.prefix = ""
        self.reading = False

    def start(self, name: str, given: _Attributes) -> None:
        name = name.removeprefix(self.prefix)
        if name == "c":
            self.place = _column(given["r"]) if "r" in given else self.place + 1
            self.kind = given.get("t", "n")
            self.style = given.get("s", "")
            self.pieces.clear()
        elif name in ("v", "t"):
            self.reading = True
        elif name == "row":
            self.line = max(self.line + 1, _number(given.get("r")))
            self.place = -1
            self.cells = []
        elif name.endswith(":worksheet"):
            self.prefix = name.removesuffix("worksheet")

    def text(self, data: str) -> None:
        if self.reading and len(self.pieces) < _MAX_PIECES:
            self.pieces.append(data)

    def end(self, name: str) -> None:
        name = name.removeprefix(self.prefix)
        if name in ("v", "t"):
            self.reading = False
        elif name == "c":
            if self.pieces:
                self._take("".join(self.pieces))
        elif name == "row":
            self.rows.append((self.line, self.cells))
        elif name == "rPh":
            self.pieces.clear()

    def _take(self, raw: str) -> None:
        cells, place = self.cells, min(self.place, MAX_COLUMNS)  # one too many is told as such
        while len(cells) <= place:
            cells.append("")
        cells[place] = text = _value(raw, self.kind, self.style, self.book)
        self.said += len(text)


@lru_cache(2_000)
def _letters(letters: str) -> int:
    """`A` is 0, `AA` is 26."""
    number = 0
    for letter in letters[:4].upper():
        number = number * 26 + ord(letter) - 64
    return max(number - 1, 0)


def _column(reference: str) -> int:
    return _letters(reference.rstrip("0123456789"))


def _value(raw: str, kind: str, style: str, book: _Book) -> str:
    """What the cell shows, or near enough; of an error nothing."""
    if kind == "s":
        number = _number(raw)
        return book.texts[number] if 0 <= number < len(book.texts) else ""
    if kind in ("inlineStr", "str", "d"):
        return _unescaped(raw)
    if kind == "b":
        return "yes" if raw == "1" else "no"
    if kind == "e":
        return ""
    number = _number(style)
    if 0 <= number < len(book.dates) and book.dates[number]:
        return _moment(raw, book.first_day)
    return raw if raw.isdigit() else _plain_number(raw)


def _plain_number(raw: str) -> str:
    """6.175550100E9 is 6175550100, and 0.30000000000000004 is 0.3."""
    try:
        number = float(raw)
    except ValueError:
        return _unescaped(raw)
    if abs(number) >= 1e21 or number != number:
        return _unescaped(raw)
    return str(int(number)) if number.is_integer() else f"{number:.15g}"


def _moment(raw: str, first_day: datetime) -> str:
    try:
        moment = first_day + timedelta(days=float(raw))
    except (ValueError, OverflowError):
        return _unescaped(raw)
    moment = (moment + timedelta(milliseconds=500)).replace(microsecond=0)
    whole = moment.time() == time.min
    return moment.date().isoformat() if whole else moment.isoformat(" ")


def _unescaped(text: str) -> str:
    """`_x000D_` is how a workbook writes what XML can't hold. Half characters and NUL go."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return "" if code == 0 or 0xD800 <= code <= 0xDFFF else chr(code)
