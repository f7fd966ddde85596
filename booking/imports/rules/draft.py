"""One person of a file while they are read: texts by field, and what was wrong with them.

Nothing is lost: a value that can't be used where it stands is kept among the notes, with a warning.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeVar

from booking import card_numbers
from booking.imports.rules import values
from booking.imports.rules.formats import DATES, EVERY_FIELD, FIELDS, NUMBERS, PET_FIELDS, Column
from booking.imports.rules.reading import Row, RowProblem
from booking.imports.rules.values import clean, clean_lines

Status = Literal["active", "inactive", ""]
_Value = TypeVar("_Value")
_SEVERAL = " ::: "  # how Google writes several values in one cell
_MAY_HAVE_SEVERAL = {"email", "mobile_phone", "home_phone"}
_MOBILE = re.compile("mobile|cell|iphone|handy|sms|text", re.IGNORECASE)
_NO_TELEPHONE = re.compile("fax|pager", re.IGNORECASE)
_OF_HOME = re.compile("home|night|landline", re.IGNORECASE)
_OF_WORK = re.compile("work|business|company|day", re.IGNORECASE)


@dataclass(slots=True)
class Draft:
    """`texts` are clean, non-empty values by field; `pets` the like for each pet of a record that
    holds several; `exact` is set for what we wrote ourselves and must come back as it was.
    """

    line: int
    exact: bool = False
    texts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    pet_notes: list[str] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    phones: list[tuple[str, str]] = field(default_factory=list)
    pets: list[dict[str, str]] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    warnings: list[RowProblem] = field(default_factory=list)

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    def reject(self, name: str, code: str, message: str) -> None:
        self.problems.append(RowProblem(self.line, name, code, message))

    def warn(self, name: str, code: str, message: str) -> None:
        self.warnings.append(RowProblem(self.line, name, code, message))

    def keep(self, name: str, code: str, message: str) -> None:
        """The value goes to the notes instead."""
        label = FIELDS[name].label
        whose = f"{self.text('pet_name')}, " if name in PET_FIELDS else ""
        self.notes.append(f"{whose}{label}: {self.texts.pop(name)}")
        self.warn(name, code, f"{label}: {message} It is kept in the notes.")

    def too_long(self, name: str) -> None:
        known = EVERY_FIELD[name]
        if name == "email":
            self.keep(name, "too_long", "This is too long to be an address.")
        else:
            message = f"“{known.label}” may have {known.limit} characters; this row has more."
            self.reject(name, "too_long", message)

    def put(self, name: str, text: str) -> None:
        self.texts[name] = text
        if len(text) > EVERY_FIELD[name].limit:
            self.too_long(name)

    def more(self, name: str, text: str, label: str, kind: str = "") -> None:
        """One of several values of a field; `label` goes before it among the notes."""
        if name == "other_email":
            self.emails += text.split(_SEVERAL)
        elif name == "other_phone":
            self.phones += [(kind or label, each) for each in text.split(_SEVERAL)]
        elif name == "labels":
            marked = [each for each in text.split(_SEVERAL) if not each.startswith("* ")]
            if marked:
                self.notes.append(f"{label}: {', '.join(marked)}")
        elif text.casefold() not in values.UNKNOWN_WORDS:
            notes = self.pet_notes if name == "behaviour_notes" else self.notes
            said = kind or label
            notes.append(f"{said}: {text}" if said else text)

    def settle(self) -> None:
        """When all is there: second e-mails and phones fill gaps and are noted else."""
        if self.emails:
            _settle_emails(self)
        if self.phones:
            _settle_phones(self)
        if suffix := self.texts.pop("name_suffix", ""):
            self.put("last_name", f"{self.text('last_name')} {suffix}".strip())
        if whole := self.texts.pop("address_text", ""):
            _settle_address(self, whole)
        if second := self.texts.pop("breed_2", ""):
            breed = self.text("breed")
            self.put("breed", f"{breed} / {second}" if breed else second)

    def yes_no(self, name: str) -> bool | None:
        if self.text(name).casefold() in values.UNKNOWN_WORDS:
            return None
        return self.read(name, values.read_yes_no, "This is neither yes nor no.")

    def date(self, name: str) -> date | None:
        return self.read(name, values.read_date, "This is not one certain date (YYYY-MM-DD).")

    def read(self, name: str, read: Callable[[str], _Value | None], message: str) -> _Value | None:
        if not (text := self.text(name)):
            return None
        if (found := read(text)) is None:
            self.keep(name, "not_understood", message)
        return found


def draft_of(row: Row, columns: tuple[Column, ...]) -> Draft:
    """`columns` is what `formats.plan` made of the mapping."""
    draft = Draft(row.line, columns[0].exact)
    if card_numbers.holds_one("\n".join(row.cells)):
        row = _without_cards(draft, row, columns)
    if draft.exact:
        _draw_exactly(draft, row, columns)
        return draft
    cells, texts = row.cells, draft.texts
    are_clean = values.are_clean(cells)
    for column in columns:
        position, name, limit, lines, label, kind_at, _, _, plain = column
        if not (raw := cells[position]):
            continue
        text = raw if are_clean else clean_lines(raw) if lines else clean(raw)
        if plain and len(text) <= limit and ":::" not in text:
            if text:
                texts[name] = text
        elif text and EVERY_FIELD[name].many:
            draft.more(name, text, label, clean(cells[kind_at]) if kind_at >= 0 else "")
        elif text:
            _take(draft, column, text)
    draft.settle()
    return draft


def _without_cards(draft: Draft, row: Row, columns: tuple[Column, ...]) -> Row:
    """Numbers of payment cards are never kept; the rest of the cell is."""
    cells = list(row.cells)
    for column in columns:
        if column.field.endswith("external_id"):
            continue
        shortest = 14 if column.field.endswith("phone") else 13
        text = card_numbers.taken_out(cells[column.position], shortest=shortest)
        if text != cells[column.position]:
            cells[column.position] = text
            label = EVERY_FIELD[column.field].label
            draft.warn(
                column.field, card_numbers.CODE, f"{label}: a payment card’s number was taken out."
            )
    return Row(row.line, tuple(cells))


def _take(draft: Draft, column: Column, text: str) -> None:
    name = column.field
    if name in DATES:
        if text in values.UNKNOWN_WORDS:
            return
        text = values.in_order(text, column.order) if column.order else text
        _name_vaccine(draft, name, column.label)
    elif name in NUMBERS:
        text = _without_marks(text)
    draft.texts[name] = text
    if ":::" in text:
        _part(draft, name, column.label)
    if len(draft.texts[name]) > column.limit:
        draft.too_long(name)


def _draw_exactly(draft: Draft, row: Row, columns: tuple[Column, ...]) -> None:
    for position, name, _, _, label, *_ in columns:
        if text := values.exact(values.read_back(row.cells[position])):
            if EVERY_FIELD[name].many:
                notes = draft.pet_notes if name == "behaviour_notes" else draft.notes
                notes.append(f"{label}: {text}" if label else text)
            else:
                draft.put(name, text)


def _name_vaccine(draft: Draft, name: str, label: str) -> None:
    """A column that tells only when names the vaccine itself: `certification_rabies_expires_at`."""
    if label and name.startswith("vaccine"):
        draft.texts.setdefault(f"{name[:9]}_name", label)


def _without_marks(text: str) -> str:
    """What spreadsheets leave on numbers that are names: 6175550100.0 and '01101."""
    text = text.removeprefix("'")
    return text[:-2] if text.endswith(".0") and text[:-2].isdigit() else text


def _part(draft: Draft, name: str, label: str) -> None:
    """`one ::: two`: the first stays, the others go where others of their kind go."""
    first, *others = draft.texts[name].split(_SEVERAL)
    draft.texts[name] = first
    for other in others:
        if name in _MAY_HAVE_SEVERAL:
            draft.more("other_email" if name == "email" else "other_phone", other, label)
        else:
            draft.notes.append(f"{label}: {other}")


def _settle_emails(draft: Draft) -> None:
    for email in draft.emails:
        if not draft.text("email"):
            draft.put("email", email)
        elif email.casefold() != draft.texts["email"].casefold():
            draft.notes.append(f"Another e-mail: {email}")


def _settle_phones(draft: Draft) -> None:
    """First each to the place of its kind, then the others where there is room; a fax nowhere."""
    waiting: list[tuple[str, str]] = []
    for kind, number in draft.phones:
        place = "mobile_phone" if _MOBILE.search(kind) else "home_phone"
        own = _MOBILE.search(kind) or _OF_HOME.search(kind)
        if own and not _NO_TELEPHONE.search(kind) and not draft.text(place):
            draft.put(place, number)
        else:
            waiting.append((kind, number))
    for kind, number in waiting:
        known = {_digits(draft.text("mobile_phone")), _digits(draft.text("home_phone"))}
        if _digits(number) in known:
            continue
        if place := _place_of(draft, kind):
            draft.put(place, number)
        else:
            draft.notes.append(f"Phone ({kind}): {number}" if kind else f"Phone: {number}")


def _place_of(draft: Draft, kind: str) -> str:
    if _NO_TELEPHONE.search(kind):
        return ""
    wanted = ("home_phone",) if _OF_WORK.search(kind) else ("mobile_phone", "home_phone")
    return next((name for name in wanted if not draft.text(name)), "")


def _settle_address(draft: Draft, whole: str) -> None:
    if draft.text("address_1") or draft.text("city"):
        return
    draft.put("address_1", ", ".join(whole.split("\n")))


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))
