"""The first sheet of an Excel workbook, row by row, read by openpyxl.

Only the parts a list is made of are read: what a workbook says of its author, its drawings and its
other sheets can't be in the way.
"""

import re
import warnings
import xml.parsers.expat
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import BinaryIO

from openpyxl.cell import Cell, MergedCell
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.escape import unescape
from openpyxl.utils.exceptions import CellCoordinatesException

from booking.imports.rules.reading import MAX_COLUMNS, MAX_LINES, Table, UnreadableFile, table_of
from booking.imports.rules.unpacking import DamagedWorkbook, Parts, WorkbookTooLarge

_MAX_SAID = 64 * 1024 * 1024  # characters of all cells: many may show one long shared text
_LAST_ROW = 1_048_576  # of any sheet, says Excel
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_BROKEN = (  # what openpyxl raises, which trusts a workbook to be as it should
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,  # of XML too
    TypeError,
    ValueError,  # of defusedxml too
    CellCoordinatesException,
    xml.parsers.expat.ExpatError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_workbook(file: BinaryIO) -> Table:
    """Raises `UnreadableFile`, here or while the rows are consumed."""
    # about what openpyxl leaves out, and says so, nobody here can do anything
    warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")
    return table_of(_records(file), of_sheet=True)


def _records(file: BinaryIO) -> Iterator[tuple[int, list[str] | str]]:
    """Each row that says something, with its number; a row ends with its last such cell."""
    read = said = 0
    try:
        for line, row in enumerate(_rows(file), 1):
            if read == MAX_LINES or line > _LAST_ROW:
                sentence = f"The sheet has more than {MAX_LINES:,} rows. Please split it."
                raise UnreadableFile("too_many_lines", sentence)
            if not row:
                continue
            cells = list(map(_said, row[:MAX_COLUMNS]))
            cells += filter(None, map(_said, row[MAX_COLUMNS:]))  # one too many is told as such
            while cells and not cells[-1]:
                cells.pop()
            read += 1
            said += sum(map(len, cells))
            if said > _MAX_SAID:
                raise WorkbookTooLarge
            yield line, cells
    except _BROKEN as error:
        raise DamagedWorkbook from error


def _rows(file: BinaryIO) -> Iterator[tuple[Cell | MergedCell, ...]]:
    """Of the first sheet one can see, from row 1 and without a gap."""
    parts = Parts(file)
    reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
    reader.archive = parts
    reader.read_manifest()
    parts.piece = "si"
    reader.read_strings()
    parts.piece = "row"
    reader.read_workbook()
    apply_stylesheet(parts, reader.wb)
    sheets = [each for each, part in reader.parser.find_sheets() if "chartsheet" not in part.Type]
    visible = [each for each in sheets if each.state == "visible"]
    reader.parser.sheets = (visible or sheets)[:1]
    reader.read_worksheets()
    (sheet,) = reader.wb.worksheets
    sheet.reset_dimensions()  # rows would be filled up to what it claims
    return sheet.iter_rows()


def _said(cell: Cell | MergedCell) -> str:
    """What the cell shows, or near enough; of an error nothing."""
    value = cell.value
    if value is None or cell.data_type == "e":
        return ""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", unescape(value)) if "_x" in value else value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):  # 6.17555E9 is 6175550000, and 0.30000000000000004 is 0.3
        return str(int(value)) if value.is_integer() else f"{value:.15g}"
    if isinstance(value, datetime):
        return _moment(value + timedelta(milliseconds=500))
    if isinstance(value, time):
        return value.isoformat(timespec="seconds")
    return str(value)


def _moment(value: datetime) -> str:
    whole = value.replace(microsecond=0)
    return whole.date().isoformat() if whole.time() == time.min else whole.isoformat(" ")
