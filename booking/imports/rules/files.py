"""Which kind of file it is, whatever its name says."""

import re
import zipfile
from typing import BinaryIO

from booking.imports.rules import reading
from booking.imports.rules.cards import read_cards
from booking.imports.rules.listing import read_listing
from booking.imports.rules.reading import Table, UnreadableFile, encoding_of, read_table
from booking.imports.rules.records import Records
from booking.imports.rules.unpacking import WorkbookTooLarge
from booking.imports.rules.workbook import read_workbook

_ARCHIVE = b"PK\x03\x04"
_DIRECTORY_ENTRY = b"PK\x01\x02"
_MOST_PARTS = 2_000
_CSV = "Please save or export it as CSV first"
_OTHERS = {
    b"\xd0\xcf\x11\xe0": "This is an old Excel file (.xls), or one with a password. In Excel choose"
    " File, Save As, and there “CSV UTF-8” or “Excel Workbook (.xlsx)” without a password.",
    b"%PDF": "This is a PDF: it shows a list, but no program can read it safely. Where you made it,"
    " choose Export or Download as CSV.",
    b"{\\rtf": f"This is a text document, not a list. {_CSV}.",
    b"\x1f\x8b": "This is a compressed file. Unpack it first, and send the list inside.",
    b"Rar!": "This is an archive. Unpack it first, and send the list inside.",
    b"7z\xbc\xaf": "This is an archive. Unpack it first, and send the list inside.",
    b"SQLite format 3": f"This is a database, not a list. {_CSV}.",
}
_INSIDE = (
    (
        ("Index/Document.iwa", "Index.zip", "index.xml", "index.apxl"),
        "This is a Numbers file. In Numbers choose File, Export To, CSV, and send that file.",
    ),
    (
        ("content.xml",),
        "This is an OpenDocument file. Choose File, Save As, and there “Text CSV”.",
    ),
    (
        ("xl/workbook.bin",),
        "This is a binary Excel file (.xlsb). In Excel choose File, Save As, “CSV UTF-8”.",
    ),
)
_MARKUP = re.compile(r"<(!doctype|html|\?xml|table|meta|head|body)", re.IGNORECASE)
_CARD = re.compile(r"(?:[\w-]+\.)?begin[ \t]*:[ \t]*vcard", re.IGNORECASE)
_LISTING = re.compile(r"\{\s*(\"|\}|$)|\[\s*(\{|\]|$)")


def read_file(file: BinaryIO) -> Table | Records:
    """The file must be seekable and stay open while the rows are consumed.

    Raises `UnreadableFile`, here or while they are.
    """
    _refuse_large(file)
    file.seek(0)
    start = file.read(4096)
    for mark, sentence in _OTHERS.items():
        if start.startswith(mark):
            raise UnreadableFile("not_text", sentence)
    if start.startswith(_ARCHIVE):
        return _archive(file)
    encoding = encoding_of(file)
    begin = start.decode(encoding, "ignore").replace("\0", "").lstrip("\ufeff \t\r\n")
    if _MARKUP.match(begin):
        sentence = f"This is a web page, whatever it is called, not a list. {_CSV}."
        raise UnreadableFile("not_text", sentence)
    if _CARD.match(begin):
        return read_cards(file, encoding)
    if _LISTING.match(begin):
        return read_listing(file, encoding)
    return read_table(file)


def _refuse_large(file: BinaryIO) -> None:
    if file.seek(0, 2) > reading.MAX_BYTES:
        raise reading.TooLarge


def _archive(file: BinaryIO) -> Table:
    _refuse_many_parts(file)
    try:
        names = set(zipfile.ZipFile(file).namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        # the last is what `zipfile` raises for an archive newer than itself
        sentence = f"This is a spreadsheet or an archive that can't be opened. {_CSV}."
        raise UnreadableFile("not_text", sentence) from None
    if "xl/workbook.xml" in names:
        return read_workbook(file)
    for parts, sentence in _INSIDE:
        if names.intersection(parts):
            raise UnreadableFile("not_text", sentence)
    sentence = "This is an archive. Unpack it first, and send the list inside."
    raise UnreadableFile("not_text", sentence)


def _refuse_many_parts(file: BinaryIO) -> None:
    """Counted without opening it, since `zipfile` reads the whole directory into memory."""
    file.seek(0)
    count, rest = 0, b""
    while chunk := file.read(1024 * 1024):
        count += (rest + chunk).count(_DIRECTORY_ENTRY)
        rest = chunk[-3:]
    if count > _MOST_PARTS:
        raise WorkbookTooLarge
