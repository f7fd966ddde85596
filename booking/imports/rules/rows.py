"""One row to one person with their pets, or the reasons why not.

Nothing is lost: a value that can't be used where it stands is kept among the notes, with a warning.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Literal, TypeVar

from booking.imports.rules import values
from booking.imports.rules.formats import FIELDS, VACCINES, Column
from booking.imports.rules.reading import RejectedRow, Row, RowProblem
from booking.imports.rules.values import clean, clean_lines

MAX_PETS = 50
Status = Literal["active", "inactive", ""]
_Value = TypeVar("_Value")
_PET_FIELDS = frozenset(list(FIELDS)[list(FIELDS).index("pets") :])

_OWN_PET = _PET_FIELDS - {"pets"}
_NAME_LIMIT = FIELDS["pet_name"].limit
_BREED_LIMIT = FIELDS["breed"].limit


@dataclass(frozen=True, slots=True)
class Vaccination:
    name: str
    given_on: date | None
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class ImportedPet:
    name: str
    external_id: str = ""
    species: str = ""
    breed: str = ""
    coat: str = ""
    color: str = ""
    sex: str = ""
    altered: bool | None = None
    birth_date: date | None = None
    weight: str = ""
    weight_unit: str = ""
    vet_name: str = ""
    vet_phone: str = ""
    behaviour_notes: str = ""
    vaccinations: tuple[Vaccination, ...] = ()


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


@dataclass(slots=True)
class _Draft:
    """One row while it is read: `texts` are its clean, non-empty values by field."""

    line: int
    texts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    warnings: list[RowProblem] = field(default_factory=list)

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    def reject(self, name: str, code: str, message: str) -> None:
        self.problems.append(RowProblem(self.line, name, code, message))

    def keep(self, name: str, code: str, message: str) -> None:
        """The value goes to the notes instead."""
        label = FIELDS[name].label
        whose = f"{self.text('pet_name')}, " if name in _PET_FIELDS else ""
        self.notes.append(f"{whose}{label}: {self.texts.pop(name)}")
        whole = f"{label}: {message} It is kept in the notes."
        self.warnings.append(RowProblem(self.line, name, code, whole))


def read_clients(
    rows: Iterable[Row | RejectedRow], columns: tuple[Column, ...]
) -> Iterator[ImportedClient | RejectedRow]:
    """`columns` is what `formats.plan` made of the mapping."""
    for row in rows:
        yield row if isinstance(row, RejectedRow) else read_client(row, columns)


def read_client(row: Row, columns: tuple[Column, ...]) -> ImportedClient | RejectedRow:
    draft = _draft(row, columns)
    client = _client(draft)
    named = client.first_name or client.last_name
    if not (named or client.email or client.mobile_phone or client.home_phone):
        draft.reject("", "nobody", "There is no name, no e-mail and no phone in this row.")
    return RejectedRow(row.line, tuple(draft.problems)) if draft.problems else client


def _draft(row: Row, columns: tuple[Column, ...]) -> _Draft:
    draft = _Draft(row.line)
    texts, cells = draft.texts, row.cells
    for position, name, limit, lines, label in columns:
        if not (raw := cells[position]):
            continue
        text = clean_lines(raw) if lines else clean(raw)
        if not text:
            continue
        if name == "notes":
            draft.notes.append(f"{label}: {text}" if label else text)
            continue
        texts[name] = text
        if len(text) > limit:
            _too_long(draft, name)
    return draft


def _too_long(draft: _Draft, name: str) -> None:
    known = FIELDS[name]
    if name == "email":
        draft.keep(name, "too_long", "This is too long to be an address.")
    else:
        message = f"“{known.label}” may have {known.limit} characters; this row has more."
        draft.reject(name, "too_long", message)


def _client(draft: _Draft) -> ImportedClient:
    """The order matters: the notes come last, for reading the others may add to them."""
    _part_full_name(draft)
    get = draft.texts.get
    return ImportedClient(
        line=draft.line,
        external_id=get("external_id", ""),
        first_name=get("first_name", ""),
        last_name=get("last_name", ""),
        email=get("email", ""),
        mobile_phone=get("mobile_phone", ""),
        home_phone=get("home_phone", ""),
        address_1=get("address_1", ""),
        address_2=get("address_2", ""),
        city=get("city", ""),
        region=get("region", ""),
        postal_code=get("postal_code", ""),
        country=get("country", ""),
        birthday=_date(draft, "birthday"),
        language=get("language", ""),
        status=_status(draft),
        blocked=_blocked(draft),
        marketing_email_ok=_yes_no(draft, "marketing_email_ok"),
        sms_ok=_yes_no(draft, "sms_ok"),
        invite=_yes_no(draft, "invite"),
        household=get("household", ""),
        pets=_pets(draft),
        notes=_notes(draft),
        warnings=tuple(draft.warnings),
    )


def _part_full_name(draft: _Draft) -> None:
    """`Ana de León` → Ana, de León; `León, Ana` → Ana, León. Kept whole where both parts stand."""
    if not (full := draft.text("full_name")):
        return
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
        draft.texts[name] = part
        if len(part) > FIELDS[name].limit:
            _too_long(draft, name)


def _status(draft: _Draft) -> Status:
    """An unknown word rejects the row: nobody inactive may become active by a spelling."""
    word = draft.text("status").casefold()
    if not word or word in values.ACTIVE_WORDS:
        return "active" if word else ""
    if word not in values.INACTIVE_WORDS:
        message = "The status must be active or inactive (or yes or no, 1 or 0)."
        draft.reject("status", "unknown_word", message)
    return "inactive"


def _blocked(draft: _Draft) -> bool | None:
    text = draft.text("blocked")
    blocked = values.read_yes_no(text) if text else None
    if text and blocked is None:
        draft.reject("blocked", "unknown_word", "“Blocked” must be yes or no (or 1 or 0).")
    return blocked


def _yes_no(draft: _Draft, name: str) -> bool | None:
    return _read(draft, name, values.read_yes_no, "This is neither yes nor no.")


def _date(draft: _Draft, name: str) -> date | None:
    return _read(draft, name, values.read_date, "This is not one certain date (YYYY-MM-DD).")


def _read(
    draft: _Draft, name: str, read: Callable[[str], _Value | None], message: str
) -> _Value | None:
    if not (text := draft.text(name)):
        return None
    if (found := read(text)) is None:
        draft.keep(name, "not_understood", message)
    return found


def _notes(draft: _Draft) -> str:
    notes = "\n".join(draft.notes)
    if len(notes) > FIELDS["notes"].limit:
        _too_long(draft, "notes")
    return notes


def _pets(draft: _Draft) -> tuple[ImportedPet, ...]:
    pets: list[ImportedPet] = []
    if packed := draft.text("pets"):
        pets += _packed_pets(draft, packed)
    if not _OWN_PET.isdisjoint(draft.texts):
        pets += _own_pet(draft)
    if len(pets) > MAX_PETS:
        message = f"There are more than {MAX_PETS} pets in this row."
        draft.reject("pets", "too_many_pets", message)
    return tuple(pets)


def _packed_pets(draft: _Draft, packed: str) -> Iterator[ImportedPet]:
    """`name|breed;name|breed`, the breed may be missing."""
    for part in packed.split(";"):
        name, _, breed = part.partition("|")
        name, breed = name.strip(), breed.strip()
        if len(name) > _NAME_LIMIT:
            _too_long(draft, "pet_name")
        if len(breed) > _BREED_LIMIT:
            _too_long(draft, "breed")
        if name:
            yield _plain_pet(name, breed)
        elif breed:
            _nameless(draft, "pets", f"{FIELDS['breed'].label}: {breed}")


@lru_cache(10_000)
def _plain_pet(name: str, breed: str) -> ImportedPet:
    """There are many a Bella|Labrador in a long list: one frozen value serves them all."""
    return ImportedPet(name=name, breed=breed)


def _nameless(draft: _Draft, name: str, what: str) -> None:
    draft.notes.append(f"Pet without a name: {what}")
    message = "A pet without a name can't be added. What is said of it is kept in the notes."
    draft.warnings.append(RowProblem(draft.line, name, "pet_without_name", message))


def _own_pet(draft: _Draft) -> Iterator[ImportedPet]:
    """The pet of a file with one row for each pet."""
    if "pet_name" not in draft.texts:
        given = draft.texts.keys() & _OWN_PET
        told = "; ".join(f"{FIELDS[name].label}: {draft.text(name)}" for name in sorted(given))
        _nameless(draft, "pet_name", told)
        return
    text = draft.text
    sex, altered = _sex(draft)
    weight, unit = _weight(draft)
    said = _read(draft, "altered", values.read_altered, "This is neither yes nor no.")
    yield ImportedPet(
        name=text("pet_name"),
        external_id=text("pet_external_id"),
        species=text("species"),
        breed=text("breed"),
        coat=text("coat"),
        color=text("color"),
        sex=sex,
        altered=altered if said is None else said,
        birth_date=_date(draft, "birth_date"),
        weight=weight,
        weight_unit=unit,
        vet_name=text("vet_name"),
        vet_phone=text("vet_phone"),
        behaviour_notes=text("behaviour_notes"),
        vaccinations=tuple(_vaccinations(draft)),
    )


def _sex(draft: _Draft) -> tuple[str, bool | None]:
    sex, altered = values.read_sex(draft.text("sex"))
    if draft.text("sex") and not sex and altered is None:
        draft.keep("sex", "not_understood", "This is neither male nor female.")
    return sex, altered


def _weight(draft: _Draft) -> tuple[str, str]:
    stated = _read(draft, "weight_unit", values.read_unit, "This is neither kg nor lb.")
    weight = _read(draft, "weight", values.read_weight, "This is not a weight.")
    if weight is None:
        return "", ""
    number, unit = weight
    return number, unit or stated or ""


def _vaccinations(draft: _Draft) -> Iterator[Vaccination]:
    for number in VACCINES:
        start = f"vaccine_{number}"
        name = draft.text(f"{start}_name")
        given, expires = (_date(draft, f"{start}_{when}_on") for when in ("given", "expires"))
        if name or given or expires:
            yield Vaccination(name or f"Vaccine {number}", given, expires)
