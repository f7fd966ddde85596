"""Every list we know without asking: a small file of each, made to its header list."""

from pathlib import Path
from typing import Any

import pytest

from tests.front_door import Api
from tests.imports.test_apply import apply
from tests.site import Site

FILES = Path(__file__).with_name("files")
IMPORTS = "/businesses/{b}/imports"
HOME = {"address_1": "1 Elm St", "city": "Springfield", "region": "MA", "postal_code": "01101"}
ANA = {"first_name": "Ana", "last_name": "León", "email": "ana.leon@example.net"}
MOBILE = {"mobile_phone": "555 010 0100"}
PHONES = MOBILE | {"home_phone": "555 010 0101"}
BORN = {"birthday": "1985-04-12"}

KNOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "template.csv": ("booking", ANA | MOBILE | HOME | BORN | {"sms_ok": True, "external_id": "7"}),
    "flat_list.csv": ("flat_list", ANA | PHONES | HOME | {"external_id": "7"}),
    "google.csv": (
        "google",
        ANA
        | HOME
        | BORN
        | {"last_name": "León Jr.", "address_1": "1 Elm St Apt 2"}
        | {"mobile_phone": "+1 555-010-0100", "home_phone": "(555) 010-0101"},
    ),
    "google_old.csv": (
        "google_old",
        ANA | HOME | BORN | {"mobile_phone": "+1 555-010-0100", "home_phone": "+1 555-010-0101"},
    ),
    "outlook_long.csv": ("outlook", ANA | PHONES | HOME | {"birthday": "1985-04-25"}),
    "outlook_short.csv": ("outlook", ANA | PHONES | HOME | {"birthday": "1985-04-25"}),
    "square.csv": (
        "square",
        ANA
        | HOME
        | {"mobile_phone": "+15550100100", "address_2": "Apt 2", "external_id": "SQ0001"}
        | {"birthday": "1985-04-05", "marketing_email_ok": False},
    ),
    "square_uk.csv": ("square", ANA | {"postal_code": "SW1A 1AA", "marketing_email_ok": True}),
    "fresha.csv": ("fresha", ANA | BORN | {"home_phone": "5550100101", "external_id": "101"}),
    "mindbody.csv": ("mindbody", ANA | PHONES | HOME | {"birthday": "1985-04-25"}),
    "mindbody_members.csv": ("mindbody_members", ANA | BORN | {"status": "active"}),
    "daysmart_appointments.csv": (
        "daysmart_appointments",
        ANA | PHONES | HOME | {"address_2": "Apt 2", "birthday": "1985-04-05"},
    ),
    "Clients.txt": ("daysmart_tables", ANA | PHONES | HOME | {"external_id": "17"}),
    "daysmart.xlsx": ("daysmart_tables", ANA | BORN | {"mobile_phone": "15550100100"}),
    "daysmart_legacy.csv": ("daysmart_legacy", ANA | PHONES | HOME | {"birthday": "1985-04-05"}),
    "barkpass.csv": ("barkpass", ANA | MOBILE | HOME),
    "vcard21.vcf": ("vcard", ANA | PHONES | HOME | BORN | {"country": "USA"}),
    "vcard3.vcf": ("vcard", ANA | PHONES | HOME | {"address_1": "1 Elm St, rear"}),
    "vcard4.vcf": (
        "vcard",
        ANA | HOME | {"last_name": "León Jr.", "mobile_phone": "+1-555-010-0100", "language": "es"},
    ),
}
DROPPED = {
    "daysmart_appointments.csv": [
        "Password", "CC Exp Month", "CC Exp Year", "Card Code", "Name on Card",
    ],
    "daysmart.xlsx": ["CVV"],
    "vcard21.vcf": ["X-PASSWORD"],
    "vcard3.vcf": ["Card number"],
}  # fmt: skip


def imported(api: Api, site: Site, name: str) -> dict[str, Any]:
    content = (FILES / name).read_bytes()
    answer = api.staff.post(IMPORTS, files={"file": (name, content, "application/octet-stream")})
    assert answer.status_code == 202, answer.text
    apply(site)
    done: dict[str, Any] = api.staff.get(f"{IMPORTS}/{answer.json()['id']}").json()
    return done


def ana(api: Api) -> dict[str, Any]:
    found = api.staff.get("/businesses/{b}/clients", params={"q": "ana leon"}).json()["items"]
    assert len(found) == 1
    client: dict[str, Any] = found[0]
    address: dict[str, Any] = client["address"]
    return client | address


@pytest.mark.parametrize("name", KNOWN)
def test_a_list_of_a_known_program_comes_in_without_a_question(
    api: Api, site: Site, name: str
) -> None:
    done = imported(api, site, name)
    known, expected = KNOWN[name]
    assert (done["format"], done["state"]) == (known, "done")
    assert done["format_label"]
    assert done["dropped_columns"] == DROPPED.get(name, [])
    client = ana(api)
    assert {field: client[field] for field in expected} == expected
    assert "Shy" in client["notes"] or name in NOT_SHY


NOT_SHY = {
    "barkpass.csv", "flat_list.csv", "google.csv", "mindbody_members.csv", "outlook_short.csv",
    "square_uk.csv",
}  # fmt: skip


def test_barkpass_rows_of_one_owner_are_one_client_with_two_pets(api: Api, site: Site) -> None:
    imported(api, site, "barkpass.csv")
    rex, mia = ana(api)["pets"]
    assert (rex["name"], rex["breed"], rex["sex"]) == ("Rex", "Labrador / Poodle", "male")
    assert (rex["altered"], rex["weight"], rex["weight_unit"]) == (True, "30", "lb")
    assert [(each["name"], each["expires_on"]) for each in rex["vaccinations"]] == [
        ("rabies", "2027-05-01"),
        ("distemper", "2026-01-31"),
    ]
    assert rex["behaviour_notes"] == "tag_number: 12\ncustom_pet_microchip: 985-1"
    assert (mia["name"], mia["sex"], mia["altered"]) == ("Mia", "female", True)


def test_what_has_no_place_stands_in_the_notes(api: Api, site: Site) -> None:
    imported(api, site, "google.csv")
    assert ana(api)["notes"].split("\n") == [
        'Likes "early"',
        "visits",
        "Labels: Dogs",
        "Anniversary: 2010-05-01",
        "Another e-mail: ana@work.example",
        "Another e-mail: third@example.net",
        "Phone (Mobile): +1 555-010-0102",
    ]


def test_two_cards_of_one_person_are_one_client_and_a_group_is_none(api: Api, site: Site) -> None:
    done = imported(api, site, "vcard3.vcf")
    assert (done["rows"], done["new"], done["rejected"]) == (3, 1, 1)
    notes = ana(api)["notes"]
    assert "long note that is folded at seventy-five characters" in notes
    assert "Birthday, without a year: 04-12" in notes
    assert "Second card of the same person" in notes
    assert "4111" not in notes


def test_an_old_card_says_it_in_quoted_printable(api: Api, site: Site) -> None:
    done = imported(api, site, "vcard21.vcf")
    assert (done["rows"], done["new"]) == (2, 2)
    assert ana(api)["notes"] == "Shy\nLikes early visits\nPhone (work,fax): 555 010 0999"


def test_somebody_blocked_elsewhere_is_blocked_here(api: Api, site: Site) -> None:
    imported(api, site, "fresha.csv")
    found = api.staff.get("/businesses/{b}/clients", params={"q": "bo ek"}).json()["items"]
    assert [client["blocked"] for client in found] == [True]


def test_what_was_said_of_the_columns_is_remembered(api: Api, site: Site) -> None:
    def uploaded(header: str) -> dict[str, Any]:
        file = ("k.csv", f"{header}\nEva;eva@example.net;7\n".encode(), "text/csv")
        made = api.staff.post(IMPORTS, files={"file": file}).json()
        found: dict[str, Any] = api.staff.get(f"{IMPORTS}/{made['id']}").json()
        return found

    first = uploaded("Vorname;Post;Nr")
    assert (first["state"], first["remembered"]) == ("needs_mapping", False)
    assert first["preview"] == [["Eva", "eva@example.net", "7"]]
    chosen = {"Vorname": "first_name", "Post": "email", "Nr": "external_id"}
    path = f"{IMPORTS}/{first['id']}/mapping"
    read = api.staff.post(f"{path}/preview", json={"mapping": chosen}).json()["items"]
    assert read[0]["client"] == {
        "external_id": "7", "first_name": "Eva", "email": "eva@example.net",
    }  # fmt: skip
    assert api.staff.post(path, json={"mapping": chosen}).status_code == 200
    again = uploaded("VORNAME;Post ;nr.")
    assert (again["state"], again["remembered"]) == ("needs_mapping", True)
    assert list(again["mapping"].values()) == ["first_name", "email", "external_id"]
    assert uploaded("Vorname;Nr;Post")["remembered"] is False
