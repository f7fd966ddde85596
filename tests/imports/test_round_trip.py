"""What leaves as a file comes back as it was: clients and pets, whatever is written in them."""

import io
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.clients.rules import ClientDetails, PetDetails
from booking.imports.rules import exporting, formats, known_formats
from booking.imports.rules.files import read_file
from booking.imports.rules.grouping import group
from booking.imports.rules.records import Records
from booking.imports.rules.rows import ImportedClient, read_clients
from booking.imports.rules.values import clean, neutralise, read_back

WRITERS = {"csv": exporting.template, "json": exporting.listing, "vcard": exporting.cards}

# Any text that a form or the API would take: one line, or with line ends.
AWKWARD = st.sampled_from(
    ["=1+1", "'=x", "''+1", "-", "@a", "\\n", "\\,;", "a ::: b", "5.0", "unknown"]
)
LINE = (
    st.text(
        st.characters(
            exclude_categories=["Cs", "Cc"], exclude_characters="\u202a\u202b\u202c\u202d\u202e"
        ),
        max_size=15,
    )
    | AWKWARD
)
TEXT = st.lists(LINE, max_size=3).map("\n".join)
DAY = st.dates(date(1900, 1, 1), date(2199, 12, 31))
VACCINATION = st.fixed_dictionaries(
    {"name": LINE.map("V{}".format), "given_on": st.none() | DAY, "expires_on": st.none() | DAY}
)
PET = st.fixed_dictionaries(
    {"name": LINE},
    optional={
        "external_id": LINE, "species": LINE, "breed": LINE, "sex": LINE, "color": LINE,
        "altered": st.booleans(), "birth_date": DAY, "weight": LINE,
        "weight_unit": st.sampled_from(["kg", "lb"]), "vet_phone": LINE, "behaviour_notes": TEXT,
        "vaccinations": st.lists(VACCINATION, max_size=3),
    },
)  # fmt: skip
CLIENT = st.fixed_dictionaries(
    {"first_name": LINE, "last_name": LINE, "status": st.sampled_from(["active", "inactive"])},
    optional={
        "external_id": LINE, "email": LINE, "mobile_phone": LINE, "home_phone": LINE,
        "address_1": LINE, "address_2": LINE, "city": LINE, "region": LINE, "country": LINE,
        "postal_code": LINE, "birthday": DAY, "language": LINE, "marketing_email_ok": st.booleans(),
        "sms_ok": st.booleans(), "household": LINE, "notes": TEXT, "blocked": st.just(True),
    },
)  # fmt: skip


def as_kept(given: dict[str, Any], kind: type[ClientDetails | PetDetails]) -> dict[str, Any]:
    """As the database has it after the front door: cleaned, what says nothing left out."""
    kept = kind(**given).model_dump(mode="json" if kind is PetDetails else "python")
    return {name: value for name, value in kept.items() if value not in (None, "", [])}


@st.composite
def people(draw: st.DrawFn) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each with a name, for nobody without one is let in; but two may have the same."""
    found = []
    for number in range(draw(st.integers(1, 4))):
        client = as_kept(draw(CLIENT) | {"first_name": f"A{draw(LINE)}"}, ClientDetails)
        pets = [
            {
                "id": UUID(int=100 * number + place),
                **as_kept(pet | {"name": f"B{pet['name']}"}, PetDetails),
            }
            for place, pet in enumerate(draw(st.lists(PET, max_size=3)))
        ]
        found.append(({"id": UUID(int=10**6 + number), **client}, pets))
    return found


def read(data: bytes) -> Iterator[ImportedClient]:
    source = read_file(io.BytesIO(data))
    if isinstance(source, Records):
        found = list(source.clients)
    else:
        known = known_formats.recognise(source.headers)
        assert known is not None
        mapping = known_formats.mapping_of(known, source.headers)
        found = list(read_clients(source.rows, formats.plan(source.headers, mapping)))
    clients = [each for each in found if isinstance(each, ImportedClient)]
    assert len(clients) == len(found), found
    for person in group(clients):
        assert not person.warnings
        yield person.client


def told(record: Any, names: Any) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in names}
    return {name: value for name, value in values.items() if value not in (None, "", ())}


def plain(client: ImportedClient) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    pets = []
    for pet in client.pets:
        values = told(pet, PetDetails.model_fields)
        if "birth_date" in values:
            values["birth_date"] = str(values["birth_date"])
        if "vaccinations" in values:
            values["vaccinations"] = [
                {
                    "name": each.name,
                    "given_on": each.given_on and str(each.given_on),
                    "expires_on": each.expires_on and str(each.expires_on),
                }
                for each in values["vaccinations"]
            ]
        pets.append(values)
    return {"blocked": False} | told(client, ClientDetails.model_fields), pets


def without_ids(person: tuple[dict[str, Any], list[dict[str, Any]]]) -> Any:
    client, pets = person
    for record in (client, *pets):
        record.pop("id")
    return client, pets


@pytest.mark.parametrize("kind", WRITERS)
@settings(max_examples=40, deadline=None)
@given(people())
def test_clients_and_pets_come_back_as_they_left(
    kind: str, given: list[tuple[dict[str, Any], list[dict[str, Any]]]]
) -> None:
    written = "".join(WRITERS[kind](given)).encode()
    came_back = [plain(client) for client in read(written)]
    assert came_back == [without_ids(person) for person in given]


@given(st.text() | AWKWARD)
def test_every_cell_is_read_back_as_it_was(text: str) -> None:
    assert read_back(neutralise(text)) == text


@pytest.mark.parametrize("start", "=+-@\t\r")
def test_no_cell_becomes_a_formula(start: str) -> None:
    assert neutralise(f"{start}1+1") == f"'{start}1+1"
    assert clean(neutralise(f"{start}1")) == clean(f"{start}1")
