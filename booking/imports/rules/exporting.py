"""Clients as text that an import reads back as it was: our template, JSON, and vCard 4.

A person is `(client, pets)`: what is said of them by field, left out where nothing is; `id` tells
them apart, so that two clients of one name and address stay two.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from booking.imports.rules.cards import OURS
from booking.imports.rules.formats import TEMPLATE_HEADER
from booking.imports.rules.values import neutralise

Said = Mapping[str, Any]
Person = tuple[Said, list[dict[str, Any]]]
ADDRESS = ("address_1", "address_2", "city", "region", "postal_code", "country")
_VACCINE = ("name", "given_on", "expires_on")
_KEYS = ("blocked", "client_key", "pet_key")
_OF_CLIENT = {"client_external_id": "external_id", "client_key": "id"}
_OF_PET = {"pet_external_id": "external_id", "pet_name": "name", "pet_key": "id"}
_PET_COLUMNS = TEMPLATE_HEADER[TEMPLATE_HEADER.index("pet_external_id") :]
_FOLD = 74  # octets of a line, its end and the space of a fold not counted


def template(people: Iterable[Person]) -> Iterator[str]:
    """CSV: a row for each pet, with as many columns for vaccines as the most vaccinated has."""
    rows: list[tuple[int, str]] = []
    for client, pets in people:
        of_client = [
            _cell(client, _OF_CLIENT.get(name, name))
            for name in TEMPLATE_HEADER[: -len(_PET_COLUMNS)]
        ]
        for pet in pets or [{}]:
            rows.append(_template_row(client, of_client, pet))
    most = max((vaccines for vaccines, _ in rows), default=1)
    further = [f"vaccine_{n}_{part}" for n in range(2, most + 1) for part in _VACCINE]
    yield f"{_line([*TEMPLATE_HEADER, *_KEYS, *further])}\r\n"
    for vaccines, row in rows:
        yield row + "," * ((most - vaccines) * len(_VACCINE)) + "\r\n"


def _template_row(client: Said, of_client: list[str], pet: Said) -> tuple[int, str]:
    given = pet.get("vaccinations") or [{}]
    vaccines = [_cell(each, part) for each in given for part in _VACCINE]
    of_pet = [_cell(pet, _OF_PET.get(name, name)) for name in _PET_COLUMNS[: -len(_VACCINE)]]
    keys = [_cell(client, "blocked"), _cell(client, "id"), _cell(pet, "id")]
    cells = [*of_client, *of_pet, *vaccines[: len(_VACCINE)], *keys, *vaccines[len(_VACCINE) :]]
    return len(given), _line(cells)


def _cell(said: Said, name: str) -> str:
    value = said.get(name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else neutralise(str(value))


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().removesuffix("\r\n")


def listing(people: Iterable[Person]) -> Iterator[str]:
    """JSON with a client on each line, in the form in which the API shows one."""
    yield '{"format": "booking.clients", "version": 1, "clients": ['
    end = "\n"
    for client, pets in people:
        address = {name: client[name] for name in ADDRESS if name in client}
        told = {name: value for name, value in client.items() if name not in address}
        told |= {"address": address} if address else {}
        yield end + json.dumps({**told, "pets": pets}, ensure_ascii=False, default=str)
        end = ",\n"
    yield "\n]}\n"


def cards(people: Iterable[Person]) -> Iterator[str]:
    """vCard 4.0 (RFC 6350). What it has no place for stands in properties of our own."""
    for client, pets in people:
        yield "".join(map(_folded, _card(client, pets)))


def _card(client: Said, pets: list[dict[str, Any]]) -> Iterator[str]:
    def text(name: str) -> str:
        return _escaped(_plain(client.get(name)))

    name = " ".join(filter(None, (text("first_name"), text("last_name"))))
    yield from ("BEGIN:VCARD", "VERSION:4.0", f"{OURS}VERSION:1", f"UID:urn:uuid:{client['id']}")
    yield f"FN:{name or text('email') or text('mobile_phone') or text('home_phone')}"
    yield f"N:{text('last_name')};{text('first_name')};;;"
    for name, start in _STANDARD.items():
        if name in client:
            yield f"{start}:{text(name)}"
    if any(name in client for name in ADDRESS):
        rest = ";".join(map(text, ("city", "region", "postal_code", "country")))
        yield f"ADR;TYPE=home:;{text('address_2')};{text('address_1')};{rest}"
    if isinstance(client.get("birthday"), date):
        yield f"BDAY:{client['birthday']:%Y%m%d}"
    for pet in pets:
        yield f"{OURS}PET:{_escaped(json.dumps(pet, ensure_ascii=False, default=str))}"
    yield "END:VCARD"


_STANDARD = {
    "email": "EMAIL",
    "mobile_phone": "TEL;VALUE=text;TYPE=cell",
    "home_phone": "TEL;VALUE=text;TYPE=home",
    "notes": "NOTE",
    "external_id": f"{OURS}NUMBER",
    "language": f"{OURS}LANGUAGE",
    "status": f"{OURS}STATUS",
    "blocked": f"{OURS}BLOCKED",
    "marketing_email_ok": f"{OURS}MARKETING-EMAIL",
    "sms_ok": f"{OURS}TEXTS",
    "household": f"{OURS}HOUSEHOLD",
}


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> str:
    """In lines of 75 octets, no character divided."""
    if len(line) <= _FOLD and line.isascii():
        return f"{line}\r\n"
    parts, part, size = [], "", 0
    for letter in line:
        octets = len(letter.encode())
        if size + octets > _FOLD:
            parts.append(part)
            part, size = "", 0
        part, size = part + letter, size + octets
    return "\r\n ".join([*parts, part]) + "\r\n"
