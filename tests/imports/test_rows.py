"""From rows to people: what a cell says, who belongs together, and what is kept in the notes."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.imports.rules.formats import (
    FIELDS,
    TEMPLATE_HEADER,
    guess_mapping,
    plan,
)
from booking.imports.rules.grouping import ImportedPerson, group
from booking.imports.rules.known_formats import mapping_of, recognise
from booking.imports.rules.pets import ImportedPet
from booking.imports.rules.reading import RejectedRow, Row, read_table
from booking.imports.rules.rows import ImportedClient, read_client, read_clients
from booking.imports.rules.values import clean, neutralise, read_date, read_sex, read_weight

SLICE = Path(__file__).with_name("slice.csv").read_bytes()


def results_of(text: str) -> list[ImportedClient | RejectedRow]:
    table = read_table(io.BytesIO(text.encode()))
    return list(read_clients(table.rows, plan(table.headers, guess_mapping(table.headers))))


def clients_of(text: str) -> list[ImportedClient]:
    found = results_of(text)
    clients = [row for row in found if isinstance(row, ImportedClient)]
    assert len(clients) == len(found), found
    return clients


def rejections_of(text: str) -> list[tuple[int, str, str]]:
    rejected = [row for row in results_of(text) if isinstance(row, RejectedRow)]
    return [(each.line, each.field, each.code) for row in rejected for each in row.problems]


def people_of(text: str) -> list[ImportedPerson]:
    return list(group(clients_of(text)))


def codes(person: ImportedPerson) -> list[tuple[int, str, str]]:
    return [(warning.line, warning.field, warning.code) for warning in person.warnings]


def template(*rows: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, TEMPLATE_HEADER, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@given(
    st.lists(st.sampled_from([*FIELDS, "Favourite colour"]), min_size=1, max_size=9, unique=True),
    st.data(),
)
def test_any_cells_give_a_client_or_reasons(names: Sequence[str], data: st.DataObject) -> None:
    cells = data.draw(st.tuples(*(st.text(max_size=120) for _ in names)))
    headers = ["email", *(name for name in names if name != "email")]
    found = read_client(Row(2, ("", *cells)), plan(headers, guess_mapping(headers)))
    if isinstance(found, RejectedRow):
        assert all(problem.line == 2 and problem.message for problem in found.problems)
    else:
        assert next(iter(group([found]))).lines == (2,)
        assert "\0" not in repr(found)


def test_values_are_trimmed_and_cleaned() -> None:
    assert clean("  Ann\u00a0 \t Marie\x00\x07\u200b ") == "Ann Marie"
    assert clean("Zoe\u0308") == "Zoë"
    assert clean("\ud800x") == "x"


@pytest.mark.parametrize("cell", ["=1+1", "+1 351", "-x", "@a"])
def test_neutralised_cells_are_read_back(cell: str) -> None:
    assert neutralise(cell) == f"'{cell}"
    assert clean(neutralise(cell)) == cell


def test_neutralising_leaves_other_cells_alone() -> None:
    assert [neutralise(cell) for cell in ("\tx", "\rx", "Ann", "'s Jacob", "")] == [
        "'\tx",
        "'\rx",
        "Ann",
        "'s Jacob",
        "",
    ]
    assert clean("'s Jacob") == "'s Jacob"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2020-02-29", date(2020, 2, 29)),
        ("2020-02-29 00:00:00", date(2020, 2, 29)),
        ("12/25/2020", date(2020, 12, 25)),
        ("25.12.2020", date(2020, 12, 25)),
        ("07/07/2020", date(2020, 7, 7)),
        ("03/04/2020", None),
        ("2021-02-29", None),
        ("13/13/2020", None),
        ("0001-01-01", None),
        ("٢٠٢٠-٠١-٠١", None),
        ("soon", None),
    ],
)
def test_a_date_is_read_where_it_is_certain(text: str, found: date | None) -> None:
    assert read_date(text) == found


def test_pets_sex_and_weight_are_read_in_the_words_people_use() -> None:
    assert read_sex("Female - Spayed") == ("female", True)
    assert read_sex("M") == ("male", None)
    assert read_sex("dragon") == ("", None)
    assert read_weight("12,5 Kg.") == ("12.5", "kg")
    assert read_weight("heavy") is None


def test_an_uncertain_date_goes_to_the_notes_with_a_warning() -> None:
    (client,) = clients_of("name,birthday,notes\nAnn,03/04/2020,Shy\n")
    assert client.birthday is None
    assert client.notes == "Shy\nBirthday: 03/04/2020"
    assert [(each.field, each.code) for each in client.warnings] == [("birthday", "not_understood")]
    assert "2020" not in client.warnings[0].message


@pytest.mark.parametrize(
    ("word", "status"),
    [("Active", "active"), ("YES", "active"), ("1", "active"), ("no", "inactive"), ("", "")],
)
def test_the_status_is_read_in_many_words(word: str, status: str) -> None:
    assert clients_of(f"name,status\nAnn,{word}\n")[0].status == status


def test_an_unknown_status_rejects_the_row_and_does_not_echo_it() -> None:
    (found,) = results_of("name,status\nAnn,gone\n")
    assert isinstance(found, RejectedRow)
    assert (found.problems[0].field, found.problems[0].code) == ("status", "unknown_word")
    assert "gone" not in found.problems[0].message
    assert "inactive" in found.problems[0].message


def test_nobody_and_too_much_are_rejected_by_line_and_field() -> None:
    text = f"first_name,email,phone,city\n,,,Rome\n{'x' * 101},,,\nAnn,,,{'y' * 101}\n,,555,\n"
    assert rejections_of(text) == [
        (2, "", "nobody"),
        (3, "first_name", "too_long"),
        (4, "city", "too_long"),
    ]


def test_an_email_is_kept_as_typed_whatever_it_is() -> None:
    assert clients_of("name,email\nAnn, <A@b.example>; \n")[0].email == "<A@b.example>;"
    (client,) = clients_of(f"name,email\nAnn,{'x' * 300}\n")
    assert client.email == ""
    assert "x" * 300 in client.notes
    assert client.warnings


def test_consent_is_never_guessed() -> None:
    (client,) = clients_of("name,sms_ok,marketing_email_ok\nAnn,perhaps,no\n")
    assert (client.sms_ok, client.marketing_email_ok) == (None, False)
    assert client.notes == "Text messages allowed: perhaps"


def test_packed_pets_are_parted_and_a_nameless_one_is_kept_in_the_notes() -> None:
    (client,) = clients_of("name,pets\nAnn,Rex|Lab; Mia| ;|Poodle;\n")
    assert client.pets == (ImportedPet("Rex", breed="Lab"), ImportedPet("Mia"))
    assert client.notes == "Pet without a name: Breed: Poodle"


def test_rows_of_one_external_id_make_one_client_with_all_pets() -> None:
    ann = {"client_external_id": "7", "first_name": "Ann", "notes": "Shy"}
    rabies = {"vaccine_1_name": "Rabies", "vaccine_1_expires_on": "2026-01-31"}
    (person,) = people_of(
        template(
            ann | {"pet_name": "Rex", "breed": "Lab"},
            ann | {"pet_name": "Mia", "email": "a@b.example"},
            ann | {"pet_name": " rex", "breed": "LAB", "sex": "m"} | rabies,
        )
    )
    assert person.lines == (2, 3, 4)
    assert not person.warnings
    assert (person.client.email, person.client.notes) == ("a@b.example", "Shy")
    assert [(pet.name, pet.sex) for pet in person.client.pets] == [("Rex", "male"), ("Mia", "")]
    assert person.client.pets[0].vaccinations[0].expires_on == date(2026, 1, 31)
    assert person.client.status == "active"


def test_rows_without_an_id_go_by_email_and_name_together() -> None:
    people = people_of(
        "name,email\nAnn Lee,A@b.example\nBob Lee,a@b.example\nann  LEE,a@B.example\n"
    )
    assert [person.lines for person in people] == [(2, 4), (3,)]


def test_different_external_ids_stay_different_clients() -> None:
    text = "id,name,email\n1,Ann,a@b.example\n2,Ann,a@b.example\n,Ann,a@b.example\n"
    first, second = people_of(text)
    assert (first.lines, second.lines) == ((2, 4), (3,))
    assert codes(first) == [(4, "", "several_clients")]


def test_a_row_without_an_id_may_come_before_its_owner() -> None:
    (person,) = people_of("id,name,email\n,Ann,a@b.example\n9,Ann,a@b.example\n")
    assert (person.lines, person.client.external_id) == ((2, 3), "9")


def test_conflicts_are_told_by_line_and_the_careful_word_wins() -> None:
    header = "id,first_name,phone,status,sms_ok\n"
    (person,) = people_of(header + "1,Ann,555-12,active,yes\n1,Anna,55 512,no,no\n")
    assert codes(person) == [
        (3, "first_name", "different_name"),
        (3, "status", "conflict"),
        (3, "sms_ok", "conflict"),
    ]
    assert (person.client.first_name, person.client.status) == ("Ann", "inactive")
    assert person.client.sms_ok is False


def test_nobody_of_the_slice_is_lost() -> None:
    table = read_table(io.BytesIO(SLICE))
    known = recognise(table.headers)
    assert known is not None
    found = list(read_clients(table.rows, plan(table.headers, mapping_of(known, table.headers))))
    people = list(group(row for row in found if isinstance(row, ImportedClient)))
    written = list(csv.DictReader(io.StringIO(SLICE.decode(), newline="")))
    assert len(people) == len(found) == len(written) == 400
    for person, row in zip(people, written, strict=True):
        assert person.client.external_id == row["client_id"]
        assert person.client.email == row["email"].strip()
        assert person.client.status == row["status"]
        assert person.client.last_name == clean(row["last_name"])
