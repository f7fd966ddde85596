"""The parts of an Excel workbook, each measured before anybody makes anything of it.

openpyxl holds a row, and all that stands beside the rows, as a tree of some 80 bytes for every byte
of XML. A workbook of 200 KB can unpack to one row of forty million cells.
"""

import xml.parsers.expat
import zipfile
from typing import IO, BinaryIO, Literal

from booking.imports.rules.reading import UnreadableFile

_MAX_UNPACKED = 512 * 1024 * 1024
_MAX_SHEET = 192 * 1024 * 1024
_MAX_SHARED = 96 * 1024 * 1024  # of the texts that cells share
_MAX_PIECES = 1_500_000
_MAX_PART = 8 * 1024 * 1024  # of a part that is read as a whole, or of all beside its pieces
_MAX_ELEMENTS = 150_000  # of these; Excel itself ends at 65,530 links
_MAX_DEPTH = 100
_CHUNK = 256 * 1024
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
Piece = Literal["row", "si"]


class DamagedWorkbook(UnreadableFile):
    def __init__(self) -> None:
        sentence = "This workbook is damaged or no Excel workbook. Save it anew, or save the sheet"
        super().__init__("damaged_workbook", f"{sentence} as CSV.")


class WorkbookTooLarge(UnreadableFile):
    def __init__(self) -> None:
        sentence = "Unpacked, this workbook is far too large for a list of clients."
        super().__init__("workbook_too_large", sentence)


class Parts(zipfile.ZipFile):
    """What `read` gives is small as a whole, what `open` gives has small pieces.

    These are what openpyxl drops when they end, `piece` says which: a sheet's rows or shared texts.
    Sizes are judged by the archive's directory: `zipfile` gives no part more than that states.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.piece: Piece = "row"
        self._measured: set[tuple[str, Piece]] = set()
        parts = self.infolist()
        if any(part.flag_bits & 1 for part in parts):
            sentence = "This workbook is protected with a password. Save it without one."
            raise UnreadableFile("protected_workbook", sentence)
        if sum(part.file_size for part in parts) > _MAX_UNPACKED:
            raise WorkbookTooLarge
        for part in parts:
            shared = part.filename.casefold().endswith("sharedstrings.xml")
            if part.file_size > (_MAX_SHARED if shared else _MAX_SHEET):
                raise WorkbookTooLarge

    def read(self, name: str | zipfile.ZipInfo, pwd: bytes | None = None) -> bytes:
        if self._known(name).file_size > _MAX_PART:
            raise WorkbookTooLarge
        return super().read(name, pwd)

    def open(
        self,
        name: str | zipfile.ZipInfo,
        mode: Literal["r", "w"] = "r",
        pwd: bytes | None = None,
        *,
        force_zip64: bool = False,
    ) -> IO[bytes]:
        part = self._known(name)
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DamagedWorkbook
        if (part.filename, self.piece) not in self._measured:
            with super().open(part) as content:
                _Measure(self.piece).take(content)
            self._measured.add((part.filename, self.piece))
        return super().open(part, mode, pwd, force_zip64=force_zip64)

    def _known(self, name: str | zipfile.ZipInfo) -> zipfile.ZipInfo:
        return name if isinstance(name, zipfile.ZipInfo) else self.getinfo(name)


class _Measure:
    """Counts the bytes and elements that will be in memory at once."""

    def __init__(self, piece: Piece) -> None:
        self._parser = parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        self._piece = f"{_MAIN} {piece}"
        self._depth = self._elements = self._pieces = self._gone = 0
        self._began = (0, 0)

    def take(self, content: IO[bytes]) -> None:
        while chunk := content.read(_CHUNK):
            self._parser.Parse(chunk, False)
            held = self._parser.CurrentByteIndex - self._gone
            if held > _MAX_PART or self._elements > _MAX_ELEMENTS or self._pieces > _MAX_PIECES:
                raise WorkbookTooLarge
        self._parser.Parse(b"", True)

    def _doctype(self, *_given: object) -> None:
        """No workbook has one; with it come entities that grow without end."""
        raise DamagedWorkbook

    def _start(self, name: str, _given: object) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > _MAX_DEPTH:
            raise DamagedWorkbook
        if name == self._piece and self._depth <= 3:
            self._began = (self._parser.CurrentByteIndex, self._elements)

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == self._piece and self._depth < 3:
            place, elements = self._began
            self._gone += self._parser.CurrentByteIndex - place
            self._elements = elements - 1
            self._pieces += 1
