"""vCard files (2.1, 3.0, 4.0), card by card.

A reader of our own: the library there is, vobject, gives up a whole file over one broken line,
knows neither `tel:` addresses nor birthdays without a year, and takes a minute for 100,000 cards.
"""

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from json import JSONDecodeError, loads
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import unquote

from booking.imports.rules.formats import is_forbidden
from booking.imports.rules.known_formats import VCARD
from booking.imports.rules.listing import pet_texts
from booking.imports.rules.reading import (
    Lines,
    RejectedRow,
    RowProblem,
    UnreadableFile,
)
from booking.imports.rules.records import Records
from booking.imports.rules.rows import ImportedClient, Record, read_record
from booking.imports.rules.values import clean

OURS = "X-BOOKING-"
_MOST_LINES = 5_000_000
_IGNORED = {"PHOTO", "LOGO", "SOUND", "KEY", "BEGIN", "VERSION", "PRODID", "REV", "AGENT"}
_HEAD = re.compile(r"(?:([\w-]+)\.)?([\w-]+)((?:;(?:[^\":;]|\"[^\"]*\")*)*):", re.ASCII)
_PARAMETER = re.compile(r';([^"=;]+)(?:=((?:[^";]|"[^"]*")*))?')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PART = re.compile(r"((?:[^;\\]|\\.)*)(?:;|$)", re.DOTALL)
_ITEM = re.compile(r"((?:[^,\\]|\\.)*)(?:,|$)", re.DOTALL)
_APPLE_LABEL = re.compile(r"_\$!<(.*)>!\$_")
_NO_YEAR = re.compile(r"(?:--|1604-?)([0-9]{2})-?([0-9]{2})")
_GROUPS_OF_ALL = {"myContacts", "starred"}
_NOTED = {
    "ORG": "Organisation",
    "TITLE": "Job title",
    "ROLE": "Role",
    "NICKNAME": "Nickname",
    "URL": "Website",
    "CATEGORIES": "Categories",
    "ANNIVERSARY": "Anniversary",
    "X-ANNIVERSARY": "Anniversary",
    "X-SPOUSE": "Spouse",
}
_OUR_FIELDS = {
    "UID": "client_key",
    "EMAIL": "email",
    "BDAY": "birthday",
} | {
    f"{OURS}{name}": place
    for name, place in {
        "NUMBER": "external_id",
        "LANGUAGE": "language",
        "STATUS": "status",
        "BLOCKED": "blocked",
        "MARKETING-EMAIL": "marketing_email_ok",
        "TEXTS": "sms_ok",
        "HOUSEHOLD": "household",
    }.items()
}
_ADDRESS = ("", "address_2", "address_1", "city", "region", "postal_code", "country")


class Property(NamedTuple):
    group: str
    name: str
    parameters: dict[str, str]
    value: str

    @property
    def kinds(self) -> str:
        return self.parameters.get("TYPE", "").casefold()


@dataclass(slots=True)
class _Card:
    line: int
    properties: list[Property] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    def kind(self, one: Property) -> str:
        return one.kinds.replace("voice", "").strip(", ") or self.labels.get(one.group, "")

    def all(self, name: str) -> list[Property]:
        """The preferred one first."""
        found = [one for one in self.properties if one.name == name]
        return sorted(found, key=_rank)


def _rank(one: Property) -> int:
    """PREF=1 goes before TYPE=pref, and that before the others."""
    preference = one.parameters.get("PREF", "")
    if preference.isascii() and preference.isdigit():
        return int(preference[:3])
    return 101 if "pref" in one.kinds else 102


def read_cards(file: BinaryIO, encoding: str) -> Records:
    records = Records(VCARD)
    records.clients = _clients(Lines(file, encoding, _MOST_LINES), encoding, records)
    return records


def _clients(
    lines: Lines, encoding: str, records: Records
) -> Iterator[ImportedClient | RejectedRow]:
    nothing = True
    for card in _cards(lines, encoding):
        nothing = False
        yield _client(card, records)
    if nothing:
        raise UnreadableFile("no_rows", "There is no card in this file.")


def _cards(lines: Lines, encoding: str) -> Iterator[_Card]:
    card: _Card | None = None
    for number, text in _unfolded(lines):
        begin = text[:40].replace(" ", "").upper()
        if begin.endswith("BEGIN:VCARD"):
            if card is not None:
                yield card
            card = _Card(number)
        elif begin.startswith("END:VCARD"):
            if card is not None:
                yield card
            card = None
        elif card is not None and (one := _property(text, encoding)):
            if one.name == "X-ABLABEL":
                card.labels[one.group] = _APPLE_LABEL.sub(r"\1", one.value)
            else:
                card.properties.append(one)
    if card is not None:
        yield card


def _unfolded(lines: Lines) -> Iterator[tuple[int, str]]:
    """Logical lines: one goes on in the next if that begins with a space, or if it is
    quoted-printable and ends with `=`.
    """
    number, parts, soft, ignored = 0, [""], False, False
    for line in lines:
        text = line.rstrip("\r\n")
        if soft or text[:1] in (" ", "\t"):
            if not ignored:
                parts.append(text if soft else text[1:])
                parts[-2] = parts[-2].removesuffix("=") if soft else parts[-2]
        else:
            if parts[0]:
                yield number, "".join(parts)
            number, parts = lines.number, [text]
            ignored = text[:5].upper() in ("PHOTO", "SOUND") or text[:4].upper() in ("LOGO", "KEY;")
        quoted = "QUOTED-PRINTABLE" in parts[0][:200].upper()
        soft = quoted and text.endswith("=") and not ignored
    if parts[0]:
        yield number, "".join(parts)


def _property(text: str, encoding: str) -> Property | None:
    head = _HEAD.match(text)
    if head is None:
        return None
    name = head[2].upper()
    if name in _IGNORED:
        return None
    parameters: dict[str, str] = {}
    for key, value in _PARAMETER.findall(head[3] or ""):
        upper = key.strip().upper()
        if not value and upper not in ("PREF", "TYPE"):  # 2.1 names no TYPE: `TEL;CELL:`
            upper, value = ("ENCODING", key) if upper in _ENCODINGS else ("TYPE", key)
        value = value.replace('"', "")
        parameters[upper] = f"{parameters[upper]},{value}" if upper in parameters else value
    value = _decoded(text[head.end() :], parameters, encoding)
    return Property(head[1] or "", name, parameters, value)


_ENCODINGS = {"QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT"}


def _decoded(value: str, parameters: dict[str, str], encoding: str) -> str:
    charset = parameters.get("CHARSET", "")
    if parameters.get("ENCODING", "").upper() == "QUOTED-PRINTABLE":
        data = quopri.decodestring(value.encode("utf-8"))
    elif charset and encoding == "cp1252":
        data = value.encode("cp1252", "replace")
    else:
        return value
    for known in (charset or "utf-8", "utf-8"):
        try:
            return data.decode(known)
        except (LookupError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def _client(card: _Card, records: Records) -> ImportedClient | RejectedRow:
    kept = []
    for one in card.properties:
        label = card.labels.get(one.group, "")
        if is_forbidden(one.name.removeprefix("X-")) or is_forbidden(label):
            records.drop(clean(one.name if is_forbidden(one.name.removeprefix("X-")) else label))
        else:
            kept.append(one)
    card.properties = kept
    kinds = [one.value.casefold() for name in _KINDS for one in card.all(name)]
    if "group" in kinds:
        message = "This card is a list of other cards, not a person."
        return RejectedRow(card.line, (RowProblem(card.line, "", "no_person", message),))
    if any(one.name == f"{OURS}VERSION" for one in kept):
        return read_record(_our_record(card))
    return read_record(_record(card))


_KINDS = ("KIND", "X-ADDRESSBOOKSERVER-KIND")


def _record(card: _Card) -> Record:
    record = Record(card.line)
    _read_name(card, record)
    for one in card.all("EMAIL"):
        record.emails.append(_plain(one.value).removeprefix("mailto:"))
    for one in card.all("TEL"):
        record.phones.append((card.kind(one), _phone(one.value)))
    _read_addresses(card, record)
    for one in card.all("BDAY")[:1]:
        _read_birthday(one, record)
    for one in card.all("LANG")[:1]:
        record.texts["language"] = _plain(one.value)[:35]
    record.notes += [_plain(one.value) for one in card.all("NOTE")]
    for one in card.properties:
        if one.name in _NOTED:
            said = [clean(_plain(item)) for part in _parts(one.value) for item in _items(part)]
            value = ", ".join(each for each in said if each and each not in _GROUPS_OF_ALL)
            record.notes.append(f"{_NOTED[one.name]}: {value}" if value else "")
    return record


def _our_record(card: _Card) -> Record:
    """A card that we wrote: every text as it was."""
    record = Record(card.line, exact=True)
    for one in card.properties:
        text = _plain(one.value)
        if one.name == "NOTE":
            record.notes.append(text)
        elif one.name == f"{OURS}PET":
            _read_our_pet(text, record)
        elif one.name == "N":
            family, given = [*map(_plain, _parts(one.value)), "", ""][:2]
            record.texts |= {"last_name": family, "first_name": given}
        elif one.name == "ADR":
            record.texts |= _address(one)
        elif one.name == "TEL":
            record.texts["mobile_phone" if "cell" in one.kinds else "home_phone"] = text
        elif name := _OUR_FIELDS.get(one.name):
            record.texts[name] = text
    return record


def _read_our_pet(value: str, record: Record) -> None:
    try:
        pet: Any = loads(value)
    except (JSONDecodeError, RecursionError, ValueError):
        pet = None
    if isinstance(pet, dict):
        record.pets.append(pet_texts(pet))
    else:
        record.notes.append(value)


def _read_name(card: _Card, record: Record) -> None:
    for one in card.all("N")[:1]:
        family, given, middle, _, suffix = [*map(_joined, _parts(one.value)), *[""] * 5][:5]
        record.texts |= {"last_name": family, "first_name": given, "name_suffix": suffix}
        record.notes.append(f"Middle name: {middle}" if middle.strip() else "")
    if not (record.texts.get("last_name") or record.texts.get("first_name")):
        for one in card.all("FN")[:1]:
            record.texts["full_name"] = _plain(one.value)


def _read_addresses(card: _Card, record: Record) -> None:
    """The home address, or the first there is; others are noted."""
    found = card.all("ADR")
    found.sort(key=lambda one: "home" not in card.kind(one))
    for place, one in enumerate(found):
        texts = _address(one)
        if not texts and one.parameters.get("LABEL"):
            texts = {"address_text": _plain(one.parameters["LABEL"])}
        if place == 0:
            record.texts |= texts
        elif texts:
            kind = card.kind(one)
            whole = ", ".join(map(clean, texts.values()))
            record.notes.append(f"Address ({kind}): {whole}" if kind else f"Address: {whole}")


def _address(one: Property) -> dict[str, str]:
    parts = [*map(_joined, _parts(one.value)), *[""] * 7][:7]
    texts = {name: part for name, part in zip(_ADDRESS, parts, strict=True) if name and part}
    if parts[0]:
        texts["address_2"] = f"PO Box {parts[0]} {texts.get('address_2', '')}".strip()
    return texts


def _read_birthday(one: Property, record: Record) -> None:
    value = _plain(one.value).strip()
    if match := _NO_YEAR.fullmatch(value):
        record.notes.append(f"Birthday, without a year: {match[1]}-{match[2]}")
    else:
        record.texts["birthday"] = re.sub(r"T.*", "", value) if value[:4].isdigit() else value


def _phone(value: str) -> str:
    number = _plain(value).strip()
    if number.casefold().startswith("tel:"):
        number, *extras = unquote(number[4:]).split(";")
        for extra in extras:
            if extra.casefold().startswith("ext="):
                number += f" x{extra[4:]}"
    return number


def _parts(value: str) -> list[str]:
    """Between the semicolons, still escaped."""
    return _split(_PART, value)


def _items(part: str) -> list[str]:
    """Between the commas, still escaped."""
    return _split(_ITEM, part)


def _joined(part: str) -> str:
    """The values of a part as one text."""
    return " ".join(filter(None, map(_plain, _items(part))))


def _split(pattern: re.Pattern[str], value: str) -> list[str]:
    found = pattern.findall(value)
    return (
        found[:-1] if len(found) > 1 and not found[-1] and not value.endswith((";", ",")) else found
    )


def _plain(value: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
