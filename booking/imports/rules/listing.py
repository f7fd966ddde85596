"""Clients as JSON: our own export, or a page of the API's list, one client after another.

`{"clients": [{…}, …]}`, `{"items": […]}` or the array alone. The file is never whole in memory.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from booking.imports.rules.formats import EVERY_FIELD, MOST_VACCINES, is_forbidden
from booking.imports.rules.known_formats import JSON
from booking.imports.rules.reading import (
    Lines,
    RejectedRow,
    RowProblem,
    UnreadableFile,
)
from booking.imports.rules.records import Records
from booking.imports.rules.rows import ImportedClient, Record, read_record
from booking.imports.rules.values import clean

_MOST_LINES = 5_000_000
_LONGEST = 2_000_000  # characters of one client
_SPACE = re.compile(r"[\s,]*")
_BEGIN = re.compile(r'\ufeff?\s*(?:\[|\{[^\[]*?"(?:clients|items)"\s*:\s*\[)')
_NOT_SAID = {"id", "email_valid", "account", "created_at", "updated_at", "archived_at", "pets"}
_NOT_SAID |= {"address", "vaccinations"}
_PET_NAMES = {"external_id": "pet_external_id", "name": "pet_name", "id": "pet_key"}
_DECODER = json.JSONDecoder()


def read_listing(file: BinaryIO, encoding: str) -> Records:
    records = Records(JSON)
    records.clients = _clients(Lines(file, encoding, _MOST_LINES), records)
    return records


def _clients(lines: Lines, records: Records) -> Iterator[ImportedClient | RejectedRow]:
    nothing = True
    for line, found in _objects(lines):
        nothing = False
        if isinstance(found, dict):
            yield read_record(_record(line, found, records))
        else:
            problem = RowProblem(line, "", "no_client", "This is no client, but something else.")
            yield RejectedRow(line, (problem,))
    if nothing:
        raise UnreadableFile("no_rows", "There is no client in this file.")


def _objects(lines: Lines) -> Iterator[tuple[int, Any]]:
    """Each element of the array with its number, counted from 1."""
    text, begin = "", None
    while begin is None:
        line = next(lines, None)
        if line is None or len(text) > _LONGEST:
            raise _unreadable()
        text += line
        begin = _BEGIN.match(text)
    place, number = begin.end(), 0
    while True:
        place = _end(_SPACE, text, place)
        if text.startswith("]", place):
            return
        try:
            found, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            more = "".join(_some(lines, text, place))
            if not more or len(text) - place > _LONGEST or isinstance(error, RecursionError):
                raise _unreadable(number + 1) from error
            text, place = text[place:] + more, 0
            continue
        number += 1
        yield number, found
        text, place = (text[end:], 0) if end > _LONGEST else (text, end)


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    match = pattern.match(text, place)
    return match.end() if match else place


def _some(lines: Lines, text: str, place: int) -> Iterator[str]:
    """As much again as waits already, so that a long client is not tried line by line."""
    wanted, read = max(10_000, len(text) - place), 0
    for line in lines:
        yield line
        read += len(line)
        if read >= wanted:
            return


def _unreadable(number: int | None = None) -> UnreadableFile:
    where = f" from client {number} on" if number else ""
    sentence = f"This JSON is not a list of clients as we export it{where}."
    return UnreadableFile("unknown_json", sentence)


def _record(line: int, found: Mapping[str, Any], records: Records) -> Record:
    record = Record(line, exact=True)
    address = found.get("address")
    texts = {**found, **(address if isinstance(address, dict) else {})}
    for name, value in texts.items():
        if is_forbidden(name):
            records.drop(clean(name)[:200])
        elif name == "id":
            record.texts["client_key"] = _text(value)
        elif name == "notes":
            record.notes.append(_text(value))
        elif name in EVERY_FIELD and name not in _NOT_SAID:
            record.texts[name] = _text(value)
        elif name not in _NOT_SAID and (said := clean(_text(value))):
            record.notes.append(f"{clean(name)[:200]}: {said}")
    pets = found.get("pets")
    for pet in pets if isinstance(pets, list) else []:
        if isinstance(pet, dict):
            record.pets.append(pet_texts(pet))
    return record


def pet_texts(pet: Mapping[str, Any]) -> dict[str, str]:
    """The texts of a pet by field, its vaccinations among them."""
    texts: dict[str, str] = {}
    for name, value in pet.items():
        place = _PET_NAMES.get(name, name)
        if place in EVERY_FIELD and name not in _NOT_SAID - {"id"}:
            texts[place] = _text(value)
    given = pet.get("vaccinations")
    for number, each in enumerate(given if isinstance(given, list) else [], 1):
        if isinstance(each, dict) and number <= MOST_VACCINES:
            for name in ("name", "given_on", "expires_on"):
                texts[f"vaccine_{number}_{name}"] = _text(each.get(name))
    return texts


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None or isinstance(value, (dict, list)) else str(value)
