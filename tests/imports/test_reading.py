"""From bytes to people: what is read, what is refused, and in which words."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.errors import Refusal
from booking.imports.rules import reading
from booking.imports.rules.formats import (
    TEMPLATE_HEADER,
    UnusableMapping,
    guess_mapping,
    header_key,
    plan,
)
from booking.imports.rules.known_formats import mapping_of, recognise
from booking.imports.rules.reading import RejectedRow, Row, UnreadableFile, read_table
from booking.imports.rules.rows import ImportedClient, read_client

SLICE = Path(__file__).with_name("slice.csv").read_bytes()
SAFE_CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20)


def rows_of(text: str | bytes) -> list[Row | RejectedRow]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_table(io.BytesIO(data)).rows)


def refusal_of(data: str | bytes) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        rows_of(data)
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_encoding_delimiter_and_line_end_is_read(
    encoding: str, delimiter: str, end: str
) -> None:
    text = f"First Name{delimiter}E-Mail{end}Zoë{delimiter}z@a.example{end}"
    table = read_table(io.BytesIO(text.encode(encoding)))
    assert table.headers == ("First Name", "E-Mail")
    assert list(table.rows) == [Row(2, ("Zoë", "z@a.example"))]


def test_big_endian_utf16_is_read() -> None:
    assert rows_of(b"\xfe\xff" + "Name\nZoë\n".encode("utf-16-be")) == [Row(2, ("Zoë",))]


def test_the_line_is_the_physical_one_on_which_a_record_begins() -> None:
    text = '\r\nname,notes\r\nAnn,"one\r\ntwo"\r\n\r\n,\r\nBob,three\r\n'
    assert rows_of(text) == [Row(3, ("Ann", "one\r\ntwo")), Row(7, ("Bob", "three"))]


def test_a_line_that_stands_across_two_chunks_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_CHUNK", 1)
    assert rows_of("name,city\r\nZoë,Rome\r\nBob,Bern")[1] == Row(3, ("Bob", "Bern"))


def test_ragged_rows_are_rejected_and_the_others_are_read() -> None:
    few, many, good, padded = rows_of("name,city\nAnn\nBob,Bern,x\nCy,Rome\nDi,Ulm,,\n")
    assert isinstance(few, RejectedRow)
    assert few.problems[0].code == "too_few_cells"
    assert isinstance(many, RejectedRow)
    assert many.problems[0].code == "too_many_cells"
    assert good == Row(4, ("Cy", "Rome"))
    assert padded == Row(5, ("Di", "Ulm"))


def test_wrong_quotation_marks_cost_their_own_row_alone() -> None:
    bad, good = rows_of('name,city\n"Ann"x,Bern\nCy,Rome\n')
    assert isinstance(bad, RejectedRow)
    assert (bad.line, bad.problems[0].code) == (2, "quoting")
    assert good == Row(3, ("Cy", "Rome"))


def test_lines_left_out_by_wrong_quotation_marks_are_named() -> None:
    bad, good = rows_of('name,city\n"Ann,Bern\nBo,Ulm\n"Cy",Rome\nDi,Linz\n')
    assert isinstance(bad, RejectedRow)
    assert "Lines 2 to 4" in bad.problems[0].message
    assert good == Row(5, ("Di", "Linz"))


def test_an_over_long_cell_costs_its_own_row_alone() -> None:
    bad, good = rows_of(f"name,city\nAnn,{'x' * 200_000}\nCy,Rome\n")
    assert isinstance(bad, RejectedRow)
    assert bad.line == 2
    assert good == Row(3, ("Cy", "Rome"))


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("empty_file", b""),
        ("empty_file", b"\xef\xbb\xbf"),
        ("empty_file", b" \r\n,,\r\n"),
        ("no_rows", b"name,email\r\n"),
        ("no_rows", b"name,email\r\n,\r\n\r\n"),
        ("unclosed_quote", b'name,city\nAnn,"Bern\nBob,Ulm\n'),
        ("unclosed_quote", b'name,city\nAnn,"Bern\n' + b"Bob,Ulm\n" * 40_000),
        ("header_quoting", b'"name"x,city\nAnn,Bern\n'),
        ("header_too_long", b"x" * 300 + b"\nAnn\n"),
        ("too_many_columns", b"a," * 400_000 + b"\nAnn\n"),
        ("line_too_long", b"a," * 1_000_000 + b"\nAnn\n"),
        ("line_too_long", b"name\n" + b"x" * 2_000_000),
        ("not_text", bytes(range(256)) + b"\0" * 400),
        ("encoding", b"name\n\x81\x8d\n"),
        ("encoding", b"\xff\xfen\0a\0m\0e\0\n\0\x00\xd8\n\0"),
        ("damaged_utf8", "name\nZoë\nJosé\nAnaïs\n".encode() + b"Fran\xe7ois\n"),
    ],
)
def test_a_file_that_can_not_be_read_is_refused_with_a_reason(code: str, data: bytes) -> None:
    refused = refusal_of(data)
    assert refused.code == code
    assert refused.message.endswith((".", "?"))
    assert len(refused.message) < 300
    assert isinstance(refused, Refusal)


def test_a_file_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    assert refusal_of("name\n" + "Ann\n" * 50).code == "too_large"


def test_a_file_of_too_many_lines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINES", 100)
    assert len(rows_of("name\n" + "Ann\n" * 99)) == 99
    assert refusal_of("name\n" + "\n" * 100).code == "too_many_lines"


def test_a_row_with_a_million_cells_is_one_rejected_row() -> None:
    bad, good = rows_of("name,city\n" + "x," * 400_000 + "\nCy,Rome\n")
    assert isinstance(bad, RejectedRow)
    assert good == Row(3, ("Cy", "Rome"))


def test_two_columns_of_one_name_are_both_kept() -> None:
    table = read_table(io.BytesIO(b"Phone,name,phone,PHONE\n1,Ann,2,3\n"))
    assert table.headers == ("Phone", "name", "phone (2)", "PHONE (3)")
    assert guess_mapping(table.headers)["phone (2)"] == "other_phone"


def test_excels_statement_of_the_delimiter_is_followed() -> None:
    table = read_table(io.BytesIO(b"sep=;\r\nname, city;email\r\nAnn, Bern;a@b.example\r\n"))
    assert table.headers == ("name, city", "email")
    assert list(table.rows) == [Row(3, ("Ann, Bern", "a@b.example"))]


def test_passwords_and_cards_leave_nothing_behind() -> None:
    header = "Name,Pass-Word,CC Exp Month,Card Code,CVV,Card Number,Gift card,Pin Code,E-mail"
    table = read_table(
        io.BytesIO(f"{header}\nAnn,s3cret,12,999,321,4111,g,p,a@b.example\n".encode())
    )
    assert table.dropped_columns == ("Pass-Word", "CC Exp Month", "Card Code", "CVV", "Card Number")
    assert table.headers == ("Name", "Gift card", "Pin Code", "E-mail")
    assert list(table.rows) == [Row(2, ("Ann", "g", "p", "a@b.example"))]


@given(st.binary(max_size=300) | st.text('ab,;\t"\r\n\0é', max_size=80).map(str.encode))
def test_any_bytes_give_rows_or_a_refusal(data: bytes) -> None:
    try:
        table = read_table(io.BytesIO(data))
        rows = list(table.rows)
    except UnreadableFile:
        return
    for row in rows:
        if isinstance(row, Row):
            assert len(row.cells) == len(table.headers)
            assert "\0" not in "".join(row.cells)


@given(st.lists(st.tuples(SAFE_CELL, SAFE_CELL), min_size=1, max_size=5))
def test_what_the_csv_module_writes_is_read_back(pairs: list[tuple[str, str]]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("name", "city"), *pairs])
    written = [pair for pair in pairs if "".join(pair).strip()]
    rows = rows_of(out.getvalue() + "last,row\n")
    assert [row.cells for row in rows if isinstance(row, Row)] == [*written, ("last", "row")]


def test_our_template_and_the_flat_list_are_recognised_by_their_headers() -> None:
    shouted = [name.upper().replace("_", " - ") for name in TEMPLATE_HEADER]
    for headers, name in (
        (shouted, "booking"),
        (SLICE.split(b"\r\n")[0].decode().split(","), "flat_list"),
    ):
        known = recognise(headers)
        assert known is not None
        assert known.name == name
        assert "notes" not in set(mapping_of(known, headers).values()) - {None} or name == "booking"
    assert recognise(["First Name", "Email"]) is None


def test_a_column_the_format_does_not_know_is_kept_in_the_notes() -> None:
    headers = ["client_id", "first_name", "last_name", "email", "pets", "Gate code"]
    known = recognise(headers)
    assert known is not None
    row = Row(2, ("C1", "Ann", "", "", "", "12"))
    client = read_client(row, plan(headers, mapping_of(known, headers)))
    assert isinstance(client, ImportedClient)
    assert client.notes == "Gate code: 12"


def test_headers_of_others_are_guessed_and_no_field_twice() -> None:
    guess = guess_mapping(
        ["Surname", "E-mail 1 - Value", "Phone", "Cell", "Zip", "Shoe size", "email"]
    )
    assert guess == {
        "Surname": "last_name",
        "E-mail 1 - Value": "other_email",
        "Phone": "mobile_phone",
        "Cell": "other_phone",
        "Zip": "postal_code",
        "Shoe size": None,
        "email": "email",
    }


@pytest.mark.parametrize(
    "mapping",
    [{"A": "first_name", "B": "first_name"}, {"A": "wings"}, {"C": "email"}, {"A": "city"}],
)
def test_a_mapping_that_makes_no_sense_is_refused(mapping: dict[str, str | None]) -> None:
    with pytest.raises(UnusableMapping):
        plan(["A", "B"], mapping)


OTHERS = ["Birth Date", "Phone", "Cell", "?"]


@given(st.lists(st.sampled_from([*TEMPLATE_HEADER, *OTHERS]), unique_by=header_key))
def test_every_guess_can_be_used_as_it_is(headers: list[str]) -> None:
    assert plan(["Surname", *headers], guess_mapping(["Surname", *headers]))


def test_a_birth_date_is_the_persons_own_where_there_are_no_pets() -> None:
    assert guess_mapping(["Name", "Birth Date"])["Birth Date"] == "birthday"
    assert guess_mapping(["Name", "Pet Name", "Birth Date"])["Birth Date"] == "birth_date"
