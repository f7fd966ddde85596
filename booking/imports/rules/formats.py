"""Which column is what: the fields there are, guesses from headers, and the plan of a row.

A new word for a field is one more synonym; a new format is one more in `known_formats`.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from booking.errors import Invalid

VACCINES = range(1, 10)
MOST_VACCINES = 50

# Never kept, whatever the format: they are dropped before a row leaves the reader.
_FORBIDDEN = re.compile(
    "passwor[dt]|passwd|passphrase|passcode|kennwort|contrase[ñn]a|motdepasse|wachtwoord|senha"
    "|creditcard|debitcard|bankcard|cardno$|cardnum|card#|cardcode|cardexp|expirycard|cardholder"
    "|cardsecurity|nameoncard|kreditkart|kartennummer|prüfziffer|cartebancaire|numéro?decarte"
    "|tarjeta|cvv|cvc|securitycode|securityanswer|securityquestion|secretanswer|secretquestion"
    "|^cc(#|no$|num|exp|code|type|v2?$)|^(pwd|pw|pin|cc|card|csc|cid|ssn|iban|pan)$|socialsecurity"
)


@dataclass(frozen=True, slots=True)
class Field:
    """What a column may be mapped to: its name for people, and the most characters it takes.

    `lines`: its text may have several lines. `many`: several columns may be mapped to it.
    """

    label: str
    limit: int
    lines: bool = False
    many: bool = False


class Column(NamedTuple):
    """Where a value stands. `label` goes before it where it is kept among the notes; in the column
    `kind_at` stands what kind of value it is (mobile, home …); `order` is that of day and month.
    Of a `plain` value nothing is asked but that it is clean and not too long.
    """

    position: int
    field: str
    limit: int
    lines: bool
    label: str
    kind_at: int = -1
    order: str = ""
    exact: bool = False
    plain: bool = False


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
    "other_email": Field("Another e-mail", 10_000, many=True),
    "mobile_phone": Field("Mobile phone", 60),
    "home_phone": Field("Home phone", 60),
    "other_phone": Field("Another phone", 10_000, many=True),
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
    "notes": Field("Notes", 20_000, lines=True, many=True),
    "pets": Field("Pets, as name|breed;name|breed", 10_000),
    "pet_external_id": Field("Pet number", 100),
    "pet_name": Field("Pet's name", 100),
    "species": Field("Species", 60),
    "breed": Field("Breed", 100),
    "breed_2": Field("Second breed", 100),
    "coat": Field("Coat", 60),
    "color": Field("Colour", 60),
    "sex": Field("Pet's sex", 100),
    "altered": Field("Neutered or spayed", 100),
    "birth_date": Field("Pet's date of birth", 100),
    "weight": Field("Weight", 100),
    "weight_unit": Field("Unit of weight", 100),
    "vet_name": Field("Vet", 100),
    "vet_phone": Field("Vet's phone", 60),
    "behaviour_notes": Field("Behaviour", 20_000, lines=True, many=True),
}
# What only a known format has; nobody need choose these on the mapping screen.
INNER_FIELDS: dict[str, Field] = {
    "client_key": Field("Key of the client", 100),
    "pet_key": Field("Key of the pet", 100),
    "name_suffix": Field("Suffix of the name", 100),
    "address_text": Field("Whole address", 10_000, lines=True),
    "labels": Field("Labels", 10_000, many=True),
}
for _n in range(1, MOST_VACCINES + 1):
    _these = FIELDS if _n in VACCINES else INNER_FIELDS
    _these[f"vaccine_{_n}_name"] = Field(f"Vaccine {_n}", 100)
    _these[f"vaccine_{_n}_given_on"] = Field(f"Vaccine {_n} given on", 100)
    _these[f"vaccine_{_n}_expires_on"] = Field(f"Vaccine {_n} expires on", 100)
EVERY_FIELD = FIELDS | INNER_FIELDS
DATES = {name for name in EVERY_FIELD if name.endswith("_on")} | {"birthday", "birth_date"}
# A spreadsheet takes these for numbers and may write 6175550100.0.
NUMBERS = {"mobile_phone", "home_phone", "other_phone", "external_id", "postal_code"}
PET_FIELDS = frozenset(list(FIELDS)[list(FIELDS).index("pets") :]) | {
    name for name in INNER_FIELDS if name.startswith(("pet_", "vaccine_"))
}

_SAY_WHO = {"first_name", "last_name", "full_name", "email", "mobile_phone", "home_phone"}
_SAY_WHO |= {"other_email", "other_phone"}

# What a second column of that kind is.
_ONE_MORE = {
    "email": "other_email",
    "other_email": "other_email",
    "mobile_phone": "other_phone",
    "home_phone": "other_phone",
    "other_phone": "other_phone",
}

_SYNONYMS = {
    "external_id": "clientexternalid clientid client# clientno clientnumber customerid customerno"
    " customernumber squarecustomerid referenceid accountnumber id",
    "first_name": "clientfirstname givenname forename ownerfirstname firstnames",
    "last_name": "clientlastname familyname surname ownerlastname",
    "full_name": "name clientname customername ownername owner client",
    "email": "emailaddress clientemail mail email1 email1value primaryemail",
    "other_email": "email2 email2value email2address email3 email3value email3address otheremail"
    " secondaryemail alternateemail",
    "mobile_phone": "mobile mobilenumber cell cellphone cellphonenumber mobilephonenumber phone"
    " phonenumber primaryphone phone1value",
    "home_phone": "telephone homephonenumber landline nightphone phone2 secondaryphone phone2value",
    "other_phone": "phone3 phone3value workphone workphonenumber dayphone businessphone otherphone",
    "address_1": "address address1street street streetaddress streetaddress1 homestreet"
    " addressline1",
    "address_2": "streetaddress2 homestreet2 addressline2 address1extendedaddress apt unit suite",
    "city": "town homecity address1city suburb",
    "region": "state province county homestate address1region",
    "postal_code": "postcode zip zipcode homepostalcode address1postalcode",
    "country": "homecountry homecountry/region address1country",
    "birthday": "clientbirthday clientdateofbirth dateofbirth dob",
    "language": "preferredlanguage locale",
    "status": "clientstatus active isactive",
    "blocked": "isblocked banned blocked(yes/no)",
    "marketing_email_ok": "emailok emailokay emailsubscriptionstatus marketingconsent emailoptin",
    "sms_ok": "textok smsoptin textmessagesok",
    "invite": "sendinvite sendinvitation sendinvitation(yes/no)",
    "household": "family householdname",
    "notes": "note memo comment comments clientnotes",
    "pets": "pet animals",
    "pet_external_id": "petid patientid animalid",
    "pet_name": "petname patientname animalname dogname",
    "species": "petspecies pettype animaltype",
    "breed": "petbreed petbreed1",
    "breed_2": "petbreed2 secondarybreed",
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


def headers_digest(headers: Sequence[str]) -> str:
    """SHA-256: the same for the same column names in the same order, however they are spelled."""
    return hashlib.sha256("\n".join(map(header_key, headers)).encode()).hexdigest()


def _known_columns() -> dict[str, str]:
    known: dict[str, str] = {}
    for field, words in _SYNONYMS.items():
        known |= dict.fromkeys(words.split(), field)
    return known | {header_key(name): name for name in FIELDS}


KNOWN_COLUMNS = _known_columns()


def is_forbidden(header: str) -> bool:
    """Passwords, payment cards and numbers of the state have no place in a client list."""
    return bool(_FORBIDDEN.search(header_key(header)))


def guess_mapping(headers: Sequence[str]) -> dict[str, str | None]:
    """The likely field of each header, or None; no field is guessed twice but those of many."""
    keys = [re.sub(r"\([0-9]+\)$", "", header_key(header)) for header in headers]
    exact = {header_key(name): name for name in FIELDS}
    known = KNOWN_COLUMNS
    if not any(known.get(key) in ("pet_name", "pets") for key in keys):
        exact, known = exact | _WITHOUT_PETS, known | _WITHOUT_PETS
    guesses: dict[str, str | None] = dict.fromkeys(headers)
    taken: set[str] = set()
    for words in (exact, known):  # a field's own name goes before its synonyms
        for header, key in zip(headers, keys, strict=True):
            field = words.get(key)
            if field is None or guesses[header] is not None:
                continue
            if field in taken:
                field = _ONE_MORE.get(field)
            if field is not None:
                guesses[header] = field
                taken.add(field)
    return guesses


def plan(headers: Sequence[str], mapping: Mapping[str, str | None]) -> tuple[Column, ...]:
    """Where each value of a row goes. Raises `UnusableMapping`."""
    columns: list[Column] = []
    taken: dict[str, str] = {}
    places = {header_key(header): place for place, header in enumerate(headers)}
    exact = "client_key" in mapping.values()
    for header, field in mapping.items():
        if header not in headers:
            raise UnusableMapping.field(header, "There is no such column in the file.", "unknown")
        if field is None:
            continue
        known = EVERY_FIELD.get(field)
        if known is None:
            raise UnusableMapping.field(header, "There is no such field.", "unknown_field")
        if field in taken and not known.many:
            other = f"“{known.label}” was already given to another column."
            raise UnusableMapping.field(header, other, "taken_twice")
        taken[field] = header
        key = header_key(header)
        label = _label(header, key, field)
        kind_at = _kind_at(key, places)
        place = headers.index(header)
        plain = not (known.many or known.lines or field in DATES or field in NUMBERS)
        columns.append(
            Column(place, field, known.limit, known.lines, label, kind_at, "", exact, plain)
        )
    if not taken.keys() & _SAY_WHO:
        raise UnusableMapping("Please say which column holds the name, the e-mail or a phone.")
    return tuple(columns)


def _label(header: str, key: str, field: str) -> str:
    """What is said before a value among the notes. Nothing, where the header says no more than the
    field; and `certification_rabies_expires_at` is about `rabies`.
    """
    if KNOWN_COLUMNS.get(key) == field and (FIELDS[field].lines or field in DATES):
        return ""
    found = re.fullmatch(r"certification_(.+)_expires_at", header)
    return found[1].replace("_", " ") if found else header


def _kind_at(key: str, places: Mapping[str, int]) -> int:
    """Beside `Phone 1 - Value` stands `Phone 1 - Label`, or `Type`."""
    if not key.endswith("value"):
        return -1
    start = key.removesuffix("value")
    return places.get(f"{start}label", places.get(f"{start}type", -1))
