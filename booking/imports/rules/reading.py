"""From text with commas, semicolons or tabs to rows that know their line.

What can't be read is refused in one way: `UnreadableFile`.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO

from booking.errors import Invalid
from booking.imports.rules.formats import KNOWN_COLUMNS, header_key, is_forbidden
from booking.imports.rules.values import clean

MAX_BYTES = 32 * 1024 * 1024
MAX_COLUMNS = 500
MAX_HEADER = 200
MAX_LINE = 1_000_000
MAX_LINES = 1_000_000
_CHUNK = 64 * 1024
_DELIMITERS = ",;\t"


class UnreadableFile(Invalid):
    """The file as a whole can't be read: a code, one sentence, and the line where it went wrong."""

    def __init__(self, code: str, message: str, line: int | None = None) -> None:
        super().__init__(message, line=line)
        self.code = code


class TooLarge(UnreadableFile):
    def __init__(self) -> None:
        sentence = f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Please split it."
        super().__init__("too_large", sentence)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong, or worth knowing, about one line; `field` is "" where it is the whole row."""

    line: int
    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RejectedRow:
    line: int
    problems: tuple[RowProblem, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is the physical line on which the record begins, counted from 1."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` reads on in the file as it is consumed, once; it may raise `UnreadableFile`."""

    headers: tuple[str, ...]
    dropped_columns: tuple[str, ...]
    rows: Iterator[Row | RejectedRow]


class Lines:
    """The physical lines of the file with their ends; knows how many it has given."""

    def __init__(self, file: BinaryIO, encoding: str, most: int | None = None) -> None:
        self.number = 0
        self.most = most or MAX_LINES
        self.last = ""
        self.ended = False
        self._lines = self._read(file, codecs.getincrementaldecoder(encoding)())

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            self.last = next(self._lines)
        except StopIteration:
            self.ended = True
            raise
        self.number += 1
        if self.number > self.most:
            sentence = f"The file has more than {self.most:,} lines. Please split it."
            raise UnreadableFile("too_many_lines", sentence)
        return self.last

    def _read(self, file: BinaryIO, decoder: codecs.IncrementalDecoder) -> Iterator[str]:
        pending = ""
        file.seek(0)
        while chunk := file.read(_CHUNK):
            text = pending + decoder.decode(chunk).replace("\0", "")
            lines = io.StringIO(text, newline="").readlines()
            pending = lines.pop() if lines else ""  # it may go on, and `\r` may be half a line end
            yield from lines
            if len(pending) > MAX_LINE:
                line = self.number + 1
                raise UnreadableFile(
                    "line_too_long", f"Line {line} is far too long for a list of clients.", line
                )
        if pending := pending + decoder.decode(b"", True):
            yield pending


def read_table(file: BinaryIO) -> Table:
    """The header now and the rows as they are asked for. The file must be seekable and stay open.

    Columns for passwords and payment cards are gone from the headers and from every row. Wholly
    empty rows are passed over; a row that can't be read is a `RejectedRow`. Raises
    `UnreadableFile`, here or while the rows are consumed.
    """
    encoding = encoding_of(file)
    delimiter = _delimiter(list(islice(Lines(file, encoding), 10)))
    return table_of(_records(Lines(file, encoding), delimiter))


def table_of(records: Iterator[tuple[int, list[str] | str]], *, of_sheet: bool = False) -> Table:
    """Of records that begin with the header; a sentence stands for cells that can't be read.

    The rows of a sheet end with their last cell that says something, so they may be shorter.
    """
    header = next((cells for _, cells in records if not _is_preamble(cells)), [])
    if isinstance(header, str):
        raise UnreadableFile("header_quoting", f"The row of column names can't be read: {header}")
    if not any(map(str.strip, header)):
        raise UnreadableFile("empty_file", "There is nothing in this file.")
    width = len(header)
    named = _named(header)
    kept = [place for place, name in enumerate(named) if not is_forbidden(name)]
    headers = tuple(named[place] for place in kept)
    dropped = tuple(name for name in named if is_forbidden(name))
    rows = _rows(_padded(records, width) if of_sheet else records, width, kept)
    first = next(rows, None)
    if first is None:
        raise UnreadableFile("no_rows", "There are column names in this file, but no rows.")
    return Table(headers, dropped, chain([first], rows))


def _rows(
    records: Iterator[tuple[int, list[str] | str]], width: int, kept: Sequence[int]
) -> Iterator[Row | RejectedRow]:
    whole = len(kept) == width
    for line, cells in records:
        if isinstance(cells, str):
            yield RejectedRow(line, (RowProblem(line, "", "quoting", cells),))
        elif len(cells) == width or (len(cells) > width and not any(cells[width:])):
            if any(cells) and not all(map(str.isspace, filter(None, cells))):
                yield Row(line, tuple(cells[:width] if whole else [cells[at] for at in kept]))
        elif any(map(str.strip, cells)):
            yield RejectedRow(line, (_ragged(line, len(cells), width),))


def _padded(
    records: Iterator[tuple[int, list[str] | str]], width: int
) -> Iterator[tuple[int, list[str] | str]]:
    for line, cells in records:
        if isinstance(cells, str):
            yield line, cells
        elif len(cells) > width and any(cells[width:]):
            yield line, "There is something beside the last column that has a name."
        else:
            yield line, [*cells, *[""] * (width - len(cells))]


def _ragged(line: int, found: int, width: int) -> RowProblem:
    if found > width:
        code, advice = "too_many_cells", "Is a text with a comma missing its quotation marks?"
    else:
        code, advice = "too_few_cells", "Is a cell missing, or broken over two lines?"
    return RowProblem(line, "", code, f"There are {found} cells for {width} columns. {advice}")


def _records(lines: Lines, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Each record with the line it begins on; a sentence in place of cells that can't be read."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.number + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, _trouble(lines, line, str(error))


def _trouble(lines: Lines, begun: int, error: str) -> str:
    """Why a record can't be read; refuses the file if nobody knows where the next one begins."""
    several = lines.number > begun
    too_long = error.startswith("field larger")
    if lines.ended or (too_long and (several or lines.last.count('"') % 2)):
        sentence = f"A quotation mark that opens on line {begun} is not closed."
        raise UnreadableFile("unclosed_quote", sentence, begun)
    if too_long:
        return "One of the cells is far too long."
    if several:
        return (
            f"Lines {begun} to {lines.number} were left out:"
            f" the quotation marks from line {begun} on don't fit together."
        )
    return "The quotation marks on this line don't fit together."


def _is_preamble(cells: Sequence[str]) -> bool:
    """Empty lines before the header, and Excel's `sep=;`."""
    if isinstance(cells, str):
        return False
    return not any(map(str.strip, cells)) or cells[0].casefold().startswith("sep=")


def _named(header: Sequence[str]) -> list[str]:
    """The column names made clean; those without one are called by their number."""
    if len(header) > MAX_COLUMNS:
        sentence = (
            f"There are more than {MAX_COLUMNS} columns. Please leave out what is not needed."
        )
        raise UnreadableFile("too_many_columns", sentence)
    names = [clean(name) or f"Column {place}" for place, name in enumerate(header, 1)]
    if max(map(len, names)) > MAX_HEADER:
        sentence = f"A column's name is longer than {MAX_HEADER} characters. Is the header missing?"
        raise UnreadableFile("header_too_long", sentence)
    return _apart(names)


def _apart(names: Sequence[str]) -> list[str]:
    """A second `Phone` is called `Phone (2)`: both are kept, and nobody need mend the file."""
    seen: set[str] = set()
    found: list[str] = []
    for name in names:
        number, called = 1, name
        while header_key(called) in seen:
            number += 1
            called = f"{name} ({number})"
        seen.add(header_key(called))
        found.append(called)
    return found


def _delimiter(sample: Sequence[str]) -> str:
    """What parts the header into most names we know; failing that, into most cells."""
    start = next((line for line in sample if line.strip()), "")
    if stated := re.match(r"\W?sep=([,;\t])", start, re.IGNORECASE):
        return stated[1]

    def score(delimiter: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([start], delimiter=delimiter))
        except csv.Error:
            return 0, 0
        return sum(header_key(cell) in KNOWN_COLUMNS for cell in cells), len(cells)

    return max(_DELIMITERS, key=score)


def encoding_of(file: BinaryIO) -> str:
    """UTF-16 by its mark or its zeros, UTF-8 if all of it is, else Windows-1252.

    Reads the whole file once.
    """
    file.seek(0)
    start = file.read(_CHUNK)
    for encoding in _candidates(start):
        if _decodes(file, encoding):
            if encoding == "cp1252":
                _refuse_damaged_utf8(file)
            return encoding
    raise UnreadableFile("encoding", "The characters of this file can't be read. Save it as UTF-8.")


def _candidates(start: bytes) -> tuple[str, ...]:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    if start.startswith(codecs.BOM_UTF8):
        return ("utf-8-sig",)
    for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if zeros.count(0) * 10 > len(zeros) * 8 and start.count(0) < len(start) * 0.6:
            return (encoding,)
    if start.count(0) * 5 > len(start):
        sentence = "This is not a list as text, or its encoding is unknown. Save it as UTF-8 CSV."
        raise UnreadableFile("not_text", sentence)
    return ("utf-8", "cp1252")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    size = 0
    file.seek(0)
    while chunk := file.read(_CHUNK):
        size += len(chunk)
        if size > MAX_BYTES:
            raise TooLarge
        yield chunk


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in _chunks(file):
            decoder.decode(chunk)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_damaged_utf8(file: BinaryIO) -> None:
    """A few broken bytes in UTF-8 must not turn every accent of the file into two wrong letters."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    good = broken = 0
    for chunk in _chunks(file):
        if not chunk.isascii():
            text = decoder.decode(chunk)
            bad = text.count("\ufffd")
            broken += bad
            good += sum(map((127).__lt__, map(ord, text))) - bad
    if good > broken:
        sentence = "The file is UTF-8 with broken characters in it. Please save it anew as UTF-8."
        raise UnreadableFile("damaged_utf8", sentence)
