"""Excel workbooks: what their cells say, and those that are made to hurt."""

import functools
import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest

from booking.imports.rules.files import read_file
from booking.imports.rules.reading import RejectedRow, Row, Table, UnreadableFile
from tests.front_door import Api, problem_of
from tests.imports.workbooks import BOOK, LINKS, MAIN, STYLES, packed, row, sheet, texts, workbook

NAMES = row("name", "email")
IMPORTS = "/businesses/{b}/imports"


def rows_of(data: bytes) -> list[Row | RejectedRow]:
    table = read_file(io.BytesIO(data))
    assert isinstance(table, Table)
    return list(table.rows)


def read_through(data: bytes) -> None:
    source = read_file(io.BytesIO(data))
    for _ in source.rows if isinstance(source, Table) else source.clients:
        pass


def refusal_of(data: bytes) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read_through(data)
    assert caught.value.message.endswith((".", "?"))
    return caught.value


def test_cells_say_what_the_sheet_shows() -> None:
    shared = (
        "<si><t>León</t></si><si><r><t>Shy </t></r><r><t>dog</t></r>"
        '<rPh sb="0" eb="1"><t>ignored</t></rPh></si>'
    )
    cells = (
        '<c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c><c r="C2"><v>15550100100</v></c>'
        '<c r="D2"><v>1.55501001E10</v></c><c r="E2"><v>12.5</v></c>'
        '<c r="F2" s="1"><v>31149</v></c>'
        '<c r="G2" s="2"><v>31149.5</v></c><c r="H2" s="3"><v>3</v></c><c r="I2" t="b"><v>1</v></c>'
        '<c r="J2" t="e"><v>#N/A</v></c><c r="K2" t="str"><f>A1</f><v>a_x000D_b_x0000_</v></c>'
        '<c r="L2"><v>0.30000000000000004</v></c>'
    )
    rows = row(*"abcdefghijkl") + f'<row r="2">{cells}</row>'
    (found,) = rows_of(workbook(rows, styles_xml=STYLES, sharedStrings_xml=texts(shared)))
    assert found == Row(
        2,
        (
            "León", "Shy dog", "15550100100", "15550100100", "12.5", "1985-04-12",
            "1985-04-12 12:00:00", "3", "yes", "", "a\rb", "0.3",
        ),
    )  # fmt: skip


def test_cells_left_out_are_empty_and_rows_keep_their_number() -> None:
    second = '<row r="5"><c r="B5" t="inlineStr"><is><t>b@x.org</t></is></c></row>'
    assert rows_of(workbook(NAMES + "<row/>" + second)) == [Row(5, ("", "b@x.org"))]


def test_days_may_be_counted_from_1904_and_names_may_have_a_prefix() -> None:
    book = BOOK.replace("<sheets>", '<workbookPr date1904="1"/><sheets>')
    rows = NAMES + '<row><c s="1"><v>29687</v></c></row>'
    parts = {"xl/workbook.xml": book, "xl/styles.xml": STYLES}
    whole = sheet(rows).replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:")
    whole = whole.replace("xmlns=", "xmlns:x=")
    assert rows_of(packed({**parts, "xl/worksheets/sheet1.xml": whole})) == [
        Row(2, ("1985-04-12", ""))
    ]


def test_the_first_sheet_one_can_see_is_read() -> None:
    book = BOOK.replace('r:id="r1"/>', (
        'state="hidden" r:id="r1"/><sheet name="V" sheetId="2" r:id="r2"/>'
    ))  # fmt: skip
    links = LINKS.replace("</R", '<Relationship Id="r2" Type="x" Target="/xl/other.xml"/></R')
    parts = {"xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": links}
    shown = sheet(NAMES + row("Ann", ""))
    assert rows_of(packed({**parts, "xl/other.xml": shown})) == [Row(2, ("Ann", ""))]


def test_a_cell_far_down_at_the_right_costs_nothing() -> None:
    far = '<row r="200000"><c r="XFD200000" t="inlineStr"><is><t>x</t></is></c></row>'
    tracemalloc.start()
    (found,) = rows_of(workbook(NAMES + far))
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert isinstance(found, RejectedRow)
    assert "beside the last column" in found.problems[0].message


def test_a_million_columns_are_one_refusal() -> None:
    cell = '<c t="inlineStr"><is><t>n</t></is></c>'
    assert refusal_of(workbook(f"<row>{cell * 1_000}</row>{NAMES}")).code == "too_many_columns"
    many = f"<row>{cell * 1_000_000}</row>{NAMES}"
    assert refusal_of(workbook(many)).code == "workbook_too_large"


@pytest.mark.parametrize("part", ["styles", "sharedStrings"])
def test_a_part_of_countless_elements_is_refused(part: str) -> None:
    grown = f"<x {MAIN}>{'<xf/>' * 1_000_000}</x>"
    data = workbook(NAMES + row("Ann", ""), **{f"{part}_xml": grown})
    assert refusal_of(data).code == "workbook_too_large"


def test_what_the_sheet_claims_to_be_is_not_believed() -> None:
    claimed = '<dimension ref="A2:XFD1048576"/><sheetData>'
    whole = sheet(NAMES + row("Ann", "")).replace("<sheetData>", claimed)
    assert rows_of(packed({"xl/worksheets/sheet1.xml": whole})) == [Row(2, ("Ann", ""))]


def test_a_row_beyond_the_end_of_every_sheet_is_refused() -> None:
    far = '<row r="99999999999"><c t="inlineStr"><is><t>x</t></is></c></row>'
    assert refusal_of(workbook(NAMES + far)).code == "too_many_lines"


def test_a_sheet_that_unpacks_to_gigabytes_is_refused_unread() -> None:
    data = bytearray(workbook(NAMES + row("Ann", "")))
    place = data.rindex(b"xl/worksheets/sheet1.xml") - 46 + 24  # its size in the directory
    data[place : place + 4] = struct.pack("<I", 3 * 1024**3)
    assert refusal_of(bytes(data)).code == "workbook_too_large"


def test_a_sheet_that_is_larger_than_it_says_is_refused() -> None:
    data = bytearray(workbook(NAMES + row("Ann", "") * 5_000))
    place = data.rindex(b"xl/worksheets/sheet1.xml") - 46 + 24
    data[place : place + 4] = struct.pack("<I", 200)
    assert refusal_of(bytes(data)).code == "damaged_workbook"


def test_texts_that_grow_in_unpacking_are_refused() -> None:
    shared = texts("<si><t/></si>" * 1_600_000)
    rows = NAMES + row("Ann", "")
    assert refusal_of(workbook(rows, sharedStrings_xml=shared)).code == "workbook_too_large"


def test_one_long_text_in_every_cell_is_refused() -> None:
    shared = texts(f"<si><t>{'x' * 20_000}</t></si>")
    cell = '<c t="s"><v>0</v></c>'
    rows = NAMES + f"<row>{cell}{cell}</row>" * 10_000
    assert refusal_of(workbook(rows, sharedStrings_xml=shared)).code == "workbook_too_large"


def test_entities_are_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + sheet(NAMES + row("&b;", ""))
    parts = {"xl/worksheets/sheet1.xml": bomb}
    assert refusal_of(packed(parts)).code == "damaged_workbook"


def test_an_archive_of_countless_parts_is_refused() -> None:
    parts = {f"xl/{number}": "" for number in range(3_000)}
    assert refusal_of(packed(parts)).code == "workbook_too_large"


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"x")
    return file.getvalue()


@functools.cache
def bomb() -> bytes:
    return workbook(NAMES + " " * 300_000_000)


OTHERS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "xls": (lambda: b"\xd0\xcf\x11\xe0" + b"\0" * 600, "not_text", "CSV UTF-8"),
    "pdf": (lambda: b"%PDF-1.7 \0\0", "not_text", "Export or Download as CSV"),
    "numbers": (lambda: zipped("Index/Document.iwa"), "not_text", "Export To, CSV"),
    "ods": (lambda: zipped("content.xml"), "not_text", "Text CSV"),
    "xlsb": (lambda: zipped("xl/workbook.bin"), "not_text", "CSV UTF-8"),
    "zip": (lambda: zipped("list.csv"), "not_text", "Unpack it"),
    "broken": (lambda: b"PK\x03\x04 a workbook", "not_text", "CSV"),
    "html": (lambda: b"<html><table><tr><td>name</td></tr></table>", "not_text", "web page"),
    "empty": (lambda: workbook(""), "empty_file", "nothing"),
    "header only": (lambda: workbook(NAMES), "no_rows", "no rows"),
    "no sheet": (lambda: packed({}), "damaged_workbook", "damaged"),
    "bad xml": (
        lambda: packed({"xl/worksheets/sheet1.xml": "<worksheet"}),
        "damaged_workbook",
        "damaged",
    ),
    "bomb": (bomb, "workbook_too_large", "far too large"),
    "empty json": (lambda: b"[]", "no_rows", "no client"),
    "other json": (lambda: b'{"a": 1}', "unknown_json", "JSON"),
    "deep json": (lambda: b'[{"a":' * 50_000, "unknown_json", "JSON"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_list_is_refused_with_advice(kind: str) -> None:
    made, code, advice = OTHERS[kind]
    refusal = refusal_of(made())
    assert refusal.code == code
    assert advice in refusal.message


@pytest.mark.parametrize("kind", ["xls", "bomb", "deep json", "broken", "header only"])
def test_a_refusal_is_one_clear_answer(api: Api, kind: str) -> None:
    made, code, advice = OTHERS[kind]
    answer = api.staff.post(IMPORTS, files={"file": ("list.xlsx", made(), "application/zip")})
    problem = problem_of(answer, 422)
    assert problem["code"] == code
    assert advice in problem["detail"]


def test_a_damaged_workbook_never_breaks_anything() -> None:
    whole = workbook(NAMES + row("Ann", "a@x.org") * 50, styles_xml=STYLES)
    for place in range(0, len(whole), 7):
        data = bytearray(whole)
        data[place] ^= 0xFF
        try:
            rows_of(bytes(data))
        except UnreadableFile:
            continue
