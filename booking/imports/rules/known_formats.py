"""The lists other programs write: how each is recognised and where its columns go.

What a format does not name goes to the notes with the column's name before it, so nothing is lost.
The headers are those of files people shared; see the tests for one small file of each.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from booking.imports.rules.formats import (
    EVERY_FIELD,
    VACCINES,
    guess_mapping,
    header_key,
)

VCARD = "vcard"
JSON = "json"


@dataclass(frozen=True, slots=True)
class Format:
    """`columns` is normalised header → field, None for one that says nothing about a client; a file
    with all of `required` is of this format. `patterns` are for columns that come in numbers;
    `order` is that of day and month in its dates.
    """

    name: str
    label: str
    columns: Mapping[str, str | None]
    required: frozenset[str]
    patterns: tuple[tuple[str, str | None], ...] = ()
    order: str = ""
    guessing: bool = False

    def field_of(self, key: str) -> str | None:
        if key in self.columns:
            return self.columns[key]
        for pattern, name in self.patterns:
            if re.fullmatch(pattern, key):
                return name
        return "notes"


def _columns(**words: str) -> dict[str, str | None]:
    """Field → its headers, as they are compared; `ignored` names those left out."""
    found: dict[str, str | None] = {}
    for name, headers in words.items():
        found |= dict.fromkeys(headers.split(), None if name == "ignored" else name)
    return found


def _needs(headers: str) -> frozenset[str]:
    return frozenset(headers.split())


_TEMPLATE = {header_key(name): name for name in EVERY_FIELD if name not in ("external_id",)}
_GOOGLE = _columns(
    first_name="firstname givenname",
    last_name="lastname familyname",
    full_name="name",
    name_suffix="namesuffix",
    birthday="birthday",
    notes="notes",
    labels="labels groupmembership",
    email="email1value",
    address_text="address1formatted",
    address_1="address1street",
    address_2="address1extendedaddress",
    city="address1city",
    region="address1region",
    postal_code="address1postalcode",
    country="address1country",
    ignored="photo fileas initials shortname sensitivity priority mileage directoryserver"
    " billinginformation subject",
)
_GOOGLE_NUMBERED: tuple[tuple[str, str | None], ...] = (
    (r"email\d+value", "other_email"),
    (r"phone\d+value", "other_phone"),
    (r".*\d+(label|type)", None),
)

FORMATS: tuple[Format, ...] = (
    Format(
        "booking",
        "Our own template",
        {**_TEMPLATE, "clientexternalid": "external_id"},
        _needs("clientexternalid firstname lastname email petname"),
    ),
    Format(
        "flat_list",
        "A flat list with all pets in one cell",
        _columns(
            external_id="clientid",
            first_name="firstname",
            last_name="lastname",
            email="email",
            mobile_phone="mobile",
            home_phone="homephone",
            address_1="street",
            city="city",
            region="state",
            postal_code="postcode",
            pets="pets",
            status="status",
        ),
        _needs("clientid firstname lastname email pets"),
    ),
    Format(
        "google",
        "Google Contacts",
        _GOOGLE,
        _needs("firstname lastname phoneticfirstname fileas labels"),
        _GOOGLE_NUMBERED,
    ),
    Format(
        "google_old",
        "Google Contacts (older)",
        _GOOGLE,
        _needs("givenname familyname yominame groupmembership"),
        _GOOGLE_NUMBERED,
    ),
    Format(
        "outlook",
        "Outlook",
        _columns(
            first_name="firstname",
            last_name="lastname",
            name_suffix="suffix",
            email="emailaddress",
            other_email="email2address email3address",
            mobile_phone="mobilephone",
            home_phone="homephone",
            other_phone="primaryphone homephone2 companymainphone businessphone businessphone2"
            " carphone otherphone",
            address_text="homeaddress",
            address_1="homestreet",
            address_2="homestreet2",
            city="homecity",
            region="homestate",
            postal_code="homepostalcode",
            country="homecountry homecountry/region",
            birthday="birthday",
            notes="notes",
            ignored="initials internetfreebusy sensitivity priority private account emailtype"
            " emaildisplayname email2type email2displayname email3type email3displayname"
            " businessaddress otheraddress",
        ),
        _needs("firstname lastname emailaddress homephone businessphone mobilephone jobtitle"),
    ),
    Format(
        "square",
        "Square",
        _columns(
            external_id="squarecustomerid",
            first_name="firstname",
            last_name="lastname surname",
            email="emailaddress",
            mobile_phone="phonenumber",
            address_1="streetaddress1",
            address_2="streetaddress2",
            city="city",
            region="state",
            postal_code="postalcode postcode",
            birthday="birthday",
            marketing_email_ok="emailsubscriptionstatus",
            notes="memo",
        ),
        _needs("firstname emailaddress phonenumber creationsource squarecustomerid"),
        order="mdy",
    ),
    Format(
        "fresha",
        "Fresha",
        _columns(
            external_id="clientid",
            first_name="firstname",
            last_name="lastname",
            email="email",
            mobile_phone="mobilenumber",
            home_phone="telephone",
            birthday="dateofbirth",
            city="city",
            notes="note",
            blocked="blocked(yes/no) blocked",
        ),
        _needs("firstname email mobilenumber telephone blocked(yes/no)"),
    ),
    Format(
        "mindbody",
        "Mindbody",
        _columns(
            external_id="clientid",
            first_name="firstname",
            last_name="lastname",
            email="email",
            mobile_phone="mobilephone",
            home_phone="homephone",
            birthday="birthdate",
            address_1="street",
            city="city",
            region="state",
            postal_code="postalcode",
            country="country",
            notes="notes",
        ),
        _needs("firstname lastname email birthdate liabilitywaiver"),
    ),
    Format(
        "mindbody_members",
        "Mindbody (members)",
        _columns(
            email="clientemail",
            first_name="firstname",
            last_name="lastname",
            birthday="dob",
            status="status",
        ),
        _needs("clientemail firstname lastname dob membershiptype"),
    ),
    Format(
        "daysmart_appointments",
        "DaySmart Appointments",
        _columns(
            first_name="firstname",
            last_name="lastname",
            address_1="address1",
            address_2="address2",
            city="city",
            region="state",
            postal_code="zip",
            other_phone="dayphone",
            home_phone="nightphone",
            mobile_phone="cellphone",
            email="email",
            marketing_email_ok="emailokay",
            birthday="birthdate",
            notes="notes",
            status="status",
            ignored="login allowtologinin allowtologin",
        ),
        _needs("firstname lastname dayphone nightphone cellphone"),
        order="mdy",
    ),
    Format(
        "daysmart_tables",
        "123Pet or DaySmart (Clients table)",
        _columns(first_name="firstname", last_name="lastname", external_id="clientid"),
        _needs("clientid firstname lastname"),
        order="mdy",
        guessing=True,
    ),
    Format(
        "daysmart_legacy",
        "123Pet or DaySmart (older list)",
        _columns(
            full_name="name",
            address_1="address",
            city="city",
            region="state",
            postal_code="zip",
            home_phone="homephonenumber",
            other_phone="workphonenumber",
            mobile_phone="cellphonenumber",
            email="emailaddress",
            birthday="birthday",
            notes="comment",
        ),
        _needs("name homephonenumber workphonenumber cellphonenumber"),
        order="mdy",
    ),
    Format(
        "barkpass",
        "Barkpass",
        _columns(
            email="email",
            full_name="name",
            address_1="address1",
            address_2="address2",
            city="city",
            region="state",
            postal_code="zip",
            mobile_phone="phone",
            pet_name="petname",
            species="pettype",
            breed="petbreed1",
            breed_2="petbreed2",
            color="petcolor",
            sex="petsex",
            altered="petaltered",
            weight="petweight",
            birth_date="petbirthday",
            behaviour_notes="passexpiresat passname tagnumber tagprefix",
        ),
        _needs("email name petname pettype petbreed1"),
        (("custompet.*", "behaviour_notes"), ("certification.+expiresat", "vaccine")),
        order="mdy",
    ),
)

_LABELS = {known.name: known.label for known in FORMATS} | {VCARD: "vCard", JSON: "Our own export"}


def label_of(name: str | None) -> str:
    """What a format is called for people; "" where there is none."""
    return _LABELS.get(name or "", "")


def recognise(headers: Sequence[str]) -> Format | None:
    """The known format that asks for most of these headers, if there is one."""
    keys = {header_key(header) for header in headers}
    fitting = [known for known in FORMATS if known.required <= keys]
    return max(fitting, key=lambda known: len(known.required), default=None)


def mapping_of(known: Format, headers: Sequence[str]) -> dict[str, str | None]:
    """The format's mapping for this file. A column it does not know goes to the notes, labelled."""
    guesses = guess_mapping(headers) if known.guessing else {}
    mapping: dict[str, str | None] = {}
    vaccines = iter(VACCINES)
    taken: set[str | None] = set()
    for header in headers:
        name = guesses.get(header) or known.field_of(header_key(header))
        if name == "vaccine":
            number = next(vaccines, None)
            name = f"vaccine_{number}_expires_on" if number else "behaviour_notes"
        if name in taken and name is not None and not EVERY_FIELD[name].many:
            name = "notes"
        taken.add(name)
        mapping[header] = name
    return mapping
