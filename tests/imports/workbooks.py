"""Excel workbooks made by hand, part by part, also such as no honest program writes."""

import io
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
BOOK = (
    f'<workbook {MAIN} {RELATIONS}><sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets>'
    "</workbook>"
)
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
LINKS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{KIND}/worksheet" Target="worksheets/sheet1.xml"/>'
    "</Relationships>"
)
PART = "application/vnd.openxmlformats-officedocument.spreadsheetml"
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{PART}.sheet.main+xml"/>{{}}</Types>'
)
TEXTS = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{PART}.sharedStrings+xml"/>'
STYLES = (
    f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>'
    '<numFmt numFmtId="165" formatCode="0.00&quot;d&quot;"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/>'
    "</cellXfs></styleSheet>"
)


def sheet(rows: str) -> str:
    return f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"


def row(*texts: str) -> str:
    cells = (f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>' for text in texts)
    return f"<row>{''.join(cells)}</row>"


def texts(items: str) -> str:
    """What cells of the type `s` refer to."""
    return f"<sst {MAIN}>{items}</sst>"


def workbook(rows: str, **parts: str) -> bytes:
    """`parts` by what they are called below `xl/`, with `_` for the dot: `sharedStrings_xml=…`."""
    further = {f"xl/{name.replace('_xml', '.xml')}": text for name, text in parts.items()}
    return packed({"xl/worksheets/sheet1.xml": sheet(rows), **further})


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    types = TYPES.format(TEXTS if "xl/sharedStrings.xml" in parts else "")
    book = {"xl/workbook.xml": BOOK, "xl/_rels/workbook.xml.rels": LINKS}
    whole = {"[Content_Types].xml": types, **book, **parts}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in whole.items():
            archive.writestr(name, content)
    return file.getvalue()
