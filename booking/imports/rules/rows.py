"""One row, or one record, to one person with their pets, or the reasons why not."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from booking.imports.rules import values
from booking.imports.rules.draft import Draft, Status, draft_of
from booking.imports.rules.formats import EVERY_FIELD, FIELDS, Column
from booking.imports.rules.pets import ImportedPet, pets_of
from booking.imports.rules.reading import RejectedRow, Row, RowProblem

_PLAIN = {"external_id", "first_name", "last_name", "email", "mobile_phone", "home_phone"}
_PLAIN |= {"address_1", "address_2", "city", "region", "postal_code", "country"}
_PLAIN |= {"language", "household"}
_CONSENTS = ("marketing_email_ok", "sms_ok", "invite")


@dataclass(frozen=True, slots=True)
class ImportedClient:
    """What the file says of one person. "" and None mean that it does not say.

    `email` is as typed and may not be an address; `sex` and `status` come in our words.
    """

    line: int
    external_id: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    mobile_phone: str = ""
    home_phone: str = ""
    address_1: str = ""
    address_2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    birthday: date | None = None
    language: str = ""
    status: Status = ""
    blocked: bool | None = None
    marketing_email_ok: bool | None = None
    sms_ok: bool | None = None
    invite: bool | None = None
    household: str = ""
    notes: str = ""
    pets: tuple[ImportedPet, ...] = ()
    warnings: tuple[RowProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyedClient(ImportedClient):
    """A client of our own export: rows of one key are one client, and those of two are two."""

    key: str = ""


@dataclass(slots=True)
class Record:
    """One person of a file that is no table: texts by field, and those of each pet.

    `emails` and `phones` (kind, number) are further ones; `exact` as in `Draft`.
    """

    line: int
    texts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    phones: list[tuple[str, str]] = field(default_factory=list)
    pets: list[dict[str, str]] = field(default_factory=list)
    exact: bool = False


def read_clients(
    rows: Iterable[Row | RejectedRow], columns: tuple[Column, ...]
) -> Iterator[ImportedClient | RejectedRow]:
    """`columns` is what `formats.plan` made of the mapping."""
    for row in rows:
        yield row if isinstance(row, RejectedRow) else read_client(row, columns)


def read_client(row: Row, columns: tuple[Column, ...]) -> ImportedClient | RejectedRow:
    return _read(draft_of(row, columns))


def read_record(record: Record) -> ImportedClient | RejectedRow:
    draft = Draft(record.line, record.exact)
    draft.texts = _clean_texts(draft, record.texts)
    for note in record.notes:
        if text := values.exact(note) if record.exact else values.clean_lines(note):
            draft.notes.append(text)
    for texts in record.pets:
        draft.pets.append(_clean_texts(draft, texts))
    draft.emails = [text for email in record.emails if (text := values.clean(email))]
    draft.phones = [
        (kind, text) for kind, number in record.phones if (text := values.clean(number))
    ]
    draft.settle()
    return _read(draft)


def _clean_texts(draft: Draft, texts: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, raw in texts.items():
        known = EVERY_FIELD[name]
        if draft.exact:
            text = values.exact(raw)
        else:
            text = values.clean_lines(raw) if known.lines else values.clean(raw)
        if not text:
            continue
        found[name] = text
        if len(text) > known.limit:
            draft.texts = found
            draft.too_long(name)
    return found


def _read(draft: Draft) -> ImportedClient | RejectedRow:
    client = _client(draft)
    named = client.first_name or client.last_name
    if not (named or client.email or client.mobile_phone or client.home_phone):
        draft.reject("", "nobody", "There is no name, no e-mail and no phone in this row.")
    return RejectedRow(draft.line, tuple(draft.problems)) if draft.problems else client


def _client(draft: Draft) -> ImportedClient:
    """The order matters: the notes come last, for reading the others may add to them."""
    texts = draft.texts
    if "full_name" in texts:
        _part_full_name(draft)
    key = texts.pop("client_key", "")
    said: dict[str, Any] = {name: text for name, text in texts.items() if name in _PLAIN}
    if "birthday" in texts:
        said["birthday"] = draft.date("birthday")
    if "status" in texts:
        said["status"] = _status(draft)
    if "blocked" in texts:
        said["blocked"] = _blocked(draft)
    for name in _CONSENTS:
        if name in texts:
            said[name] = draft.yes_no(name)
    said["pets"] = pets_of(draft)
    said["notes"] = _notes(draft)
    said["warnings"] = tuple(draft.warnings)
    if key:
        return KeyedClient(line=draft.line, key=key, **said)
    return ImportedClient(line=draft.line, **said)


def _part_full_name(draft: Draft) -> None:
    """`Ana de León` → Ana, de León; `León, Ana` → Ana, León. Kept whole where both parts stand."""
    full = draft.text("full_name")
    if draft.text("first_name") or draft.text("last_name"):
        whole = f"{draft.text('first_name')} {draft.text('last_name')}".strip()
        if full.casefold() != whole.casefold():
            draft.notes.append(f"{FIELDS['full_name'].label}: {full}")
        return
    if "," in full:
        last, first = (part.strip() for part in full.split(",", 1))
    else:
        first, _, last = full.partition(" ")
    for name, part in (("first_name", first), ("last_name", last)):
        draft.put(name, part)


def _status(draft: Draft) -> Status:
    """An unknown word rejects the row: nobody inactive may become active by a spelling."""
    word = draft.text("status").casefold()
    if word in values.ACTIVE_WORDS:
        return "active"
    if word not in values.INACTIVE_WORDS:
        message = "The status must be active or inactive (or yes or no, 1 or 0)."
        draft.reject("status", "unknown_word", message)
    return "inactive"


def _blocked(draft: Draft) -> bool | None:
    blocked = values.read_yes_no(draft.text("blocked"))
    if blocked is None:
        draft.reject("blocked", "unknown_word", "“Blocked” must be yes or no (or 1 or 0).")
    return blocked


def _notes(draft: Draft) -> str:
    notes = "\n".join(draft.notes)
    if len(notes) > FIELDS["notes"].limit:
        draft.too_long("notes")
    return notes
