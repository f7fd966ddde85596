"""Files as they come from real life: every one of these was once somebody's client list."""

import io
from pathlib import Path

import pytest

from booking.imports.rules import formats, known_formats
from booking.imports.rules.dating import dated
from booking.imports.rules.files import read_file
from booking.imports.rules.reading import RejectedRow, Table, UnreadableFile
from booking.imports.rules.records import Records
from booking.imports.rules.rows import ImportedClient, read_clients

FILES = Path(__file__).with_name("files")


def read(data: bytes) -> list[ImportedClient | RejectedRow]:
    """With the columns of a known format, or as they are guessed."""
    source = read_file(io.BytesIO(data))
    if isinstance(source, Records):
        return list(source.clients)
    known = known_formats.recognise(source.headers)
    if known is None:
        mapping = formats.guess_mapping(source.headers)
    else:
        mapping = known_formats.mapping_of(known, source.headers)
    columns = formats.plan(source.headers, mapping)
    return list(read_clients(*dated(source.rows, columns, known.order if known else "")))


def clients(data: bytes) -> list[ImportedClient]:
    return [each for each in read(data) if isinstance(each, ImportedClient)]


def named(data: bytes) -> list[str]:
    return [f"{client.first_name} {client.last_name}".strip() for client in clients(data)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_umlauts_come_through_in_every_encoding(encoding: str, delimiter: str) -> None:
    text = "Vorname,First Name,Last Name,City\r\n,Jürgen,Groß,Köln\r\n"
    (client,) = clients(text.replace(",", delimiter).encode(encoding))
    assert (client.first_name, client.last_name, client.city) == ("Jürgen", "Groß", "Köln")


def test_excels_unicode_text_is_read() -> None:
    text = '\ufeffFirst Name\tLast Name\tNotes\r\nAna\tLeón\t"Line one\nLine ""two"""\r\n'
    (client,) = clients(text.encode("utf-16-le"))
    assert client.notes == 'Line one\nLine "two"'


def test_a_european_excel_parts_with_semicolons_and_has_commas_in_numbers() -> None:
    text = "sep=;\r\nName;Pet name;Weight;Birth date\r\nAna León;Rex;12,5 kg;29.02.2020\r\n"
    (client,) = clients(text.encode("cp1252"))
    (pet,) = client.pets
    assert (pet.weight, pet.weight_unit, str(pet.birth_date)) == ("12.5", "kg", "2020-02-29")


def test_ragged_rows_are_told_one_by_one_and_the_others_read() -> None:
    data = (
        b"name,email,city\nAnn,a@b.example,Rome\nBob,b@b.example\nCy,c@b.example,Ulm,,\nDi,d,e,f\n"
    )
    found = read(data)
    assert [each.line for each in found if isinstance(each, RejectedRow)] == [3, 5]
    assert named(data) == ["Ann", "Cy"]


def test_zeros_are_taken_out_and_never_stored() -> None:
    assert named(b"name,email\n\0A\0nn\0,a@b.example\n") == ["Ann"]
    source = read_file(io.BytesIO(b'[{"first_name": "A\\u0000nn\\ud800", "email": "\\u0000"}]'))
    assert isinstance(source, Records)
    (client,) = source.clients
    assert isinstance(client, ImportedClient)
    assert (client.first_name, client.email) == ("Ann", "")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (b" \r\n\t\r\n", "empty_file"),
        (b"name,email\r\n", "no_rows"),
        (b"name,email", "no_rows"),
        (b"x," * 1_000_000 + b"\nAnn\n", "line_too_long"),
        (b"x," * 400_000 + b"\nAnn\n", "too_many_columns"),
    ],
)
def test_a_file_with_nobody_in_it_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(data)
    assert caught.value.code == code


def test_a_file_over_32_mb_is_refused_before_it_is_read() -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(b"name\n" + b"x" * (32 * 1024 * 1024))
    assert caught.value.code == "too_large"


def test_telephones_lose_what_spreadsheets_left_on_them() -> None:
    header = "First Name,Email Address,Phone Number,Creation Source,Square Customer ID\n"
    rows = "Ann,,'+15550100100,,1\nBob,,\"'5550100200\",,2\nCy,,5550100300.0,,3.0\n"
    found = clients((header + rows).encode())
    assert [client.mobile_phone for client in found] == ["+15550100100", "5550100200", "5550100300"]
    assert found[2].external_id == "3"


def test_other_dates_of_the_column_tell_the_order_of_day_and_month() -> None:
    rows = "".join(f"P{day},{day:02}/05/2020\n" for day in (3, 13, 14, 15, 4))
    found = clients(f"name,birthday\n{rows}".encode())
    assert [str(client.birthday) for client in found] == [
        f"2020-05-{day:02}" for day in (3, 13, 14, 15, 4)
    ]
    (alone,) = clients(b"name,birthday\nAnn,03/05/2020\n")
    assert alone.birthday is None
    assert alone.notes == "Birthday: 03/05/2020"


@pytest.mark.parametrize(
    "text", ["1985-04-12", "19850412", "12 Apr 1985", "April 12, 1985", "12-apr-1985", "1985/04/12"]
)
def test_a_birthday_is_read_in_many_shapes(text: str) -> None:
    (client,) = clients(f'name,birthday\nAnn,"{text}"\n'.encode())
    assert str(client.birthday) == "1985-04-12"


def test_a_broken_card_costs_itself_alone() -> None:
    data = (
        b"BEGIN:VCARD\nVERSION:3.0\nN:One;Ann\nEND:VCARD\n\n"
        b"BEGIN:VCARD\nVERSION:3.0\nnonsense\nFN:\nEND:VCARD\n"
        b"begin:vcard\nversion:2.1\nn;charset=iso-8859-1;encoding=quoted-printable:Gro=DF;J=FCrgen\n"
        b"BEGIN:VCARD\nVERSION:4.0\nFN:No End\n"
    )
    assert named(data) == ["Ann One", "Jürgen Groß", "No End"]
    assert [each.line for each in read(data) if isinstance(each, RejectedRow)] == [6]


def test_json_of_the_api_is_read_and_secrets_in_it_are_dropped() -> None:
    data = b"""{"items": [{"id": "1", "first_name": "Ann", "address": {"city": "Rome"},
        "password": "hunter2", "pets": [{"name": "Rex", "vaccinations": [{"name": "Rabies"}]}]},
        7], "next_cursor": null}"""
    source = read_file(io.BytesIO(data))
    assert isinstance(source, Records)
    ann, seven = source.clients
    assert source.dropped == ["password"]
    assert isinstance(ann, ImportedClient)
    assert (ann.first_name, ann.city, ann.pets[0].vaccinations[0].name) == ("Ann", "Rome", "Rabies")
    assert "hunter2" not in repr(ann)
    assert isinstance(seven, RejectedRow)


@pytest.mark.parametrize("name", sorted(path.name for path in FILES.iterdir()))
def test_no_secret_of_any_file_gets_past_the_reader(name: str) -> None:
    source = read_file(io.BytesIO((FILES / name).read_bytes()))
    rows = list(source.rows if isinstance(source, Table) else source.clients)
    assert not any(secret in repr(rows) for secret in ("hunter2", "'999'", "4111", "ANA LEON"))


@pytest.mark.parametrize(
    "header",
    [
        "Password", "pass-word", "Passwort", "Credit Card Number", "Card #", "CC Exp Year", "CVV2",
        "Security Code", "Name on Card", "Kreditkarte", "Kartennummer", "Mot de passe", "PIN",
    ],
)  # fmt: skip
def test_secrets_are_known_by_many_names(header: str) -> None:
    table = read_file(io.BytesIO(f"Name,{header}\nAnn,s3cret\n".encode()))
    assert isinstance(table, Table)
    assert table.dropped_columns == (header,)
    assert "s3cret" not in repr(list(table.rows))
