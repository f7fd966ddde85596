"""Which column is what: the fields there are, the formats we know, and guesses for all others.

A new format is one more `Format` in `FORMATS`; a new word for a field is one more synonym.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from booking.errors import Invalid

VACCINES = range(1, 10)

# Never kept, whatever the format: they are dropped before a row leaves the reader.
_FORBIDDEN = re.compile(
    "passwor[dt]|passwd|passphrase|passcode|kennwort|contraseña|motdepasse|creditcard|debitcard"
    "|cardno$|cardnum|card#|cardcode|cardexp|cardholder|nameoncard|kreditkart|cvv|cvc|securitycode"
    "|^cc(#|no$|num|exp|code|type)|^(pwd|pin|cc|card|csc|ssn|iban|pan)$|socialsecurity"
)


@dataclass(frozen=True, slots=True)
class Field:
    """What a column may be mapped to: its name for people, and the most characters it takes."""

    label: str
    limit: int
    lines: bool = False


@dataclass(frozen=True, slots=True)
class Format:
    """`columns` is normalised header → field; a file with all of `required` is of this format."""

    name: str
    label: str
    columns: Mapping[str, str]
    required: frozenset[str]


class Column(NamedTuple):
    """Where a value stands. `label` goes before it where it is kept among the notes."""

    position: int
    field: str
    limit: int
    lines: bool
    label: str


class UnusableMapping(Invalid):
    """What was chosen on the mapping screen can't be used; `fields` names the header."""

    code = "unusable_mapping"
    message = "These columns can't be read that way."


TEMPLATE_LINE = (
    "client_external_id,first_name,last_name,email,mobile_phone,home_phone,address_1,address_2,city,"
    "region,postal_code,country,birthday,language,status,marketing_email_ok,sms_ok,notes,household,"
    "invite,pet_external_id,pet_name,species,breed,coat,color,sex,altered,birth_date,weight,"
    "weight_unit,vet_name,vet_phone,behaviour_notes,vaccine_1_name,vaccine_1_given_on,"
    "vaccine_1_expires_on"
)
TEMPLATE_HEADER = tuple(TEMPLATE_LINE.split(","))

FIELDS: dict[str, Field] = {
    "external_id": Field("Client number", 100),
    "first_name": Field("First name", 100),
    "last_name": Field("Last name", 100),
    "full_name": Field("Full name", 200),
    "email": Field("E-mail", 254),
    "mobile_phone": Field("Mobile phone", 60),
    "home_phone": Field("Home phone", 60),
    "address_1": Field("Address", 200),
    "address_2": Field("Address, second line", 200),
    "city": Field("City", 100),
    "region": Field("State or region", 100),
    "postal_code": Field("Postal code", 20),
    "country": Field("Country", 60),
    "birthday": Field("Birthday", 100),
    "language": Field("Language", 35),
    "status": Field("Status", 100),
    "blocked": Field("Blocked", 100),
    "marketing_email_ok": Field("Marketing e-mail allowed", 100),
    "sms_ok": Field("Text messages allowed", 100),
    "invite": Field("Invite", 100),
    "household": Field("Household", 100),
    "notes": Field("Notes", 10_000, lines=True),
    "pets": Field("Pets, as name|breed;name|breed", 10_000),
    "pet_external_id": Field("Pet number", 100),
    "pet_name": Field("Pet's name", 100),
    "species": Field("Species", 60),
    "breed": Field("Breed", 100),
    "coat": Field("Coat", 60),
    "color": Field("Colour", 60),
    "sex": Field("Pet's sex", 100),
    "altered": Field("Neutered or spayed", 100),
    "birth_date": Field("Pet's date of birth", 100),
    "weight": Field("Weight", 100),
    "weight_unit": Field("Unit of weight", 100),
    "vet_name": Field("Vet", 100),
    "vet_phone": Field("Vet's phone", 60),
    "behaviour_notes": Field("Behaviour", 10_000, lines=True),
}
for _n in VACCINES:
    FIELDS[f"vaccine_{_n}_name"] = Field(f"Vaccine {_n}", 100)
    FIELDS[f"vaccine_{_n}_given_on"] = Field(f"Vaccine {_n} given on", 100)
    FIELDS[f"vaccine_{_n}_expires_on"] = Field(f"Vaccine {_n} expires on", 100)

_SAY_WHO = {"first_name", "last_name", "full_name", "email", "mobile_phone", "home_phone"}

_SYNONYMS = {
    "external_id": "clientexternalid clientid client# clientno clientnumber customerid"
    " squarecustomerid referenceid accountnumber id",
    "first_name": "clientfirstname givenname forename ownerfirstname",
    "last_name": "clientlastname familyname surname ownerlastname",
    "full_name": "name clientname customername ownername owner client",
    "email": "emailaddress clientemail mail email1 email1value primaryemail",
    "mobile_phone": "mobile mobilenumber cell cellphone cellphonenumber mobilephonenumber phone"
    " phonenumber primaryphone phone1value",
    "home_phone": "telephone homephonenumber landline nightphone phone2 secondaryphone phone2value",
    "address_1": "address address1street street streetaddress streetaddress1 homestreet"
    " addressline1",
    "address_2": "streetaddress2 homestreet2 addressline2 apt unit suite",
    "city": "town homecity address1city suburb",
    "region": "state province county homestate address1region",
    "postal_code": "postcode zip zipcode homepostalcode address1postalcode",
    "country": "homecountry homecountry/region address1country",
    "birthday": "clientbirthday clientdateofbirth dateofbirth dob",
    "language": "preferredlanguage locale",
    "status": "clientstatus active isactive",
    "blocked": "isblocked banned blocked(yes/no)",
    "marketing_email_ok": "emailok emailsubscriptionstatus marketingconsent emailoptin",
    "sms_ok": "textok smsoptin textmessagesok",
    "invite": "sendinvite sendinvitation sendinvitation(yes/no)",
    "household": "family householdname",
    "notes": "note memo comment comments clientnotes",
    "pets": "pet animals",
    "pet_external_id": "petid patientid animalid",
    "pet_name": "petname patientname animalname dogname",
    "species": "petspecies pettype animaltype",
    "breed": "petbreed petbreed1",
    "coat": "coattype petcoat",
    "color": "colour petcolor petcolour coatcolor",
    "sex": "petsex petgender",
    "altered": "petaltered neutered spayed fixed spayed/neutered",
    "birth_date": "petbirthday petbirthdate petdob petdateofbirth",
    "weight": "petweight",
    "weight_unit": "petweightunit",
    "vet_name": "vet veterinarian vetclinic petvet",
    "vet_phone": "vetphonenumber vetclinicphone",
    "behaviour_notes": "behaviour behavior behaviornotes petnotes temperament",
}

# What a word means in a list that has no pets in it: then a birth date is the person's own.
_WITHOUT_PETS = {"birthdate": "birthday"}


def header_key(header: str) -> str:
    """What headers are compared by: `﻿E-Mail_Address. ` is `emailaddress`."""
    text = unicodedata.normalize("NFC", header.replace("\ufeff", "")).casefold()
    return re.sub(r"[\s_.-]+", "", text)


def _known_columns() -> dict[str, str]:
    known: dict[str, str] = {}
    for field, words in _SYNONYMS.items():
        known |= dict.fromkeys(words.split(), field)
    return known | {header_key(name): name for name in FIELDS}


KNOWN_COLUMNS = _known_columns()

FORMATS: tuple[Format, ...] = (
    Format(
        "booking",
        "Our own template: one row for each pet",
        {header_key(name): name for name in FIELDS if name not in ("external_id", "full_name")}
        | {"clientexternalid": "external_id"},
        frozenset({"clientexternalid", "firstname", "lastname", "email", "petname"}),
    ),
    Format(
        "flat_list",
        "A flat list: one row for each client, all pets in one cell",
        {
            "clientid": "external_id",
            "firstname": "first_name",
            "lastname": "last_name",
            "email": "email",
            "mobile": "mobile_phone",
            "homephone": "home_phone",
            "street": "address_1",
            "city": "city",
            "state": "region",
            "postcode": "postal_code",
            "pets": "pets",
            "status": "status",
        },
        frozenset({"clientid", "firstname", "lastname", "email", "pets"}),
    ),
)


def is_forbidden(header: str) -> bool:
    """Passwords, payment cards and numbers of the state have no place in a client list."""
    return bool(_FORBIDDEN.search(header_key(header)))


def recognise(headers: Sequence[str]) -> Format | None:
    """The known format that asks for most of these headers, if there is one."""
    keys = {header_key(header) for header in headers}
    fitting = [known for known in FORMATS if known.required <= keys]
    return max(fitting, key=lambda known: len(known.required), default=None)


def mapping_of(known: Format, headers: Sequence[str]) -> dict[str, str | None]:
    """The format's mapping for this file. A column it does not know goes to the notes, labelled."""
    return {header: known.columns.get(header_key(header), "notes") for header in headers}


def guess_mapping(headers: Sequence[str]) -> dict[str, str | None]:
    """The likely field of each header, or None; no field is guessed twice."""
    keys = [header_key(header) for header in headers]
    exact = {header_key(name): name for name in FIELDS}
    known = KNOWN_COLUMNS
    if not any(known.get(key) in ("pet_name", "pets") for key in keys):
        exact, known = exact | _WITHOUT_PETS, known | _WITHOUT_PETS
    guesses: dict[str, str | None] = dict.fromkeys(headers)
    taken: set[str] = set()
    for words in (exact, known):  # a field's own name goes before its synonyms
        for header, key in zip(headers, keys, strict=True):
            field = words.get(key)
            if field is not None and field not in taken and guesses[header] is None:
                guesses[header] = field
                taken.add(field)
    return guesses


def plan(headers: Sequence[str], mapping: Mapping[str, str | None]) -> tuple[Column, ...]:
    """Where each value of a row goes. Raises `UnusableMapping`."""
    columns: list[Column] = []
    taken: dict[str, str] = {}
    for header, field in mapping.items():
        if header not in headers:
            raise UnusableMapping.field(header, "There is no such column in the file.", "unknown")
        if field is None:
            continue
        if field not in FIELDS:
            raise UnusableMapping.field(header, "There is no such field.", "unknown_field")
        if field in taken and field != "notes":
            other = f"“{FIELDS[field].label}” was already given to another column."
            raise UnusableMapping.field(header, other, "taken_twice")
        taken[field] = header
        own = KNOWN_COLUMNS.get(header_key(header)) == "notes"
        label = header if field == "notes" and not own else ""
        known = FIELDS[field]
        columns.append(Column(headers.index(header), field, known.limit, known.lines, label))
    if not taken.keys() & _SAY_WHO:
        raise UnusableMapping("Please say which column holds the name, the e-mail or a phone.")
    return tuple(columns)
