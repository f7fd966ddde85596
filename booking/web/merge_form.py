"""What the page before a merge shows: what must be chosen, what comes along, what moves."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from booking.clients.models import Client
from booking.merges.queries import Line, Preview
from booking.merges.rules import ADDRESS
from booking.web.page import SentForm

FIELD = "field."
_MOVES = (
    ("appointments", "{n} appointment", "{n} appointments"),
    ("pets", "{n} pet", "{n} pets"),
    ("invitations", "{n} invitation", "{n} invitations"),
    ("imports", "{n} line of an imported list", "{n} lines of imported lists"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A detail of which one value stays. `options`: (client id, what it says, whose it is)."""

    name: str
    label: str
    options: tuple[tuple[str, str, str], ...]
    chosen: str


@dataclass(frozen=True, slots=True)
class Shown:
    """`along`: (label, text, whose) of what only one of them says, or what is put together;
    `equal`: (label, text) of what is the same on all."""

    choices: tuple[Choice, ...]
    along: tuple[tuple[str, str, str], ...]
    equal: tuple[tuple[str, str], ...]
    moves: tuple[str, ...]


def shown(preview: Preview, records: Sequence[Client], typed: Mapping[str, str]) -> Shown:
    """`typed` are the choices already made, by field."""
    names, lines = _names(records), _lines(preview)
    return Shown(
        tuple(_choice(line, names, typed) for line in lines if _is_a_choice(line)),
        tuple(_along(line, names) for line in lines if _comes_along(line)),
        tuple(
            (line.label, text) for line in lines if not line.differs and (text := say(line.value))
        ),
        tuple(_moves(preview)),
    )


def something_to_choose(preview: Preview) -> bool:
    """Two logins, or two different texts where only one can stay."""
    return preview.must_choose_login or any(map(_is_a_choice, _lines(preview)))


def chosen_fields(form: SentForm) -> dict[str, str]:
    return {
        name.removeprefix(FIELD): value
        for name, value in form.texts().items()
        if name.startswith(FIELD) and value
    }


def say(value: Any) -> str:
    """A value of a record as people read it."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Enum):
        return str(value.value).replace("_", " ").capitalize()
    if isinstance(value, date):
        return f"{value.day} {value:%b %Y}"
    return str(value)


def _lines(preview: Preview) -> list[Line]:
    """With the parts of an address as the one thing that they are."""
    parts = [line for line in preview.lines if line.name in ADDRESS]
    rest = [line for line in preview.lines if line.name not in ADDRESS]
    whole = Line(
        "address",
        "Address",
        tuple(
            (client_id, ", ".join(filter(None, (dict(part.options)[client_id] for part in parts))))
            for client_id, _ in parts[0].options
        ),
        ", ".join(filter(None, (part.value for part in parts))),
        next((part.chosen for part in parts if part.value), parts[0].chosen),
    )
    at = next((at for at, line in enumerate(rest) if line.name == "birthday"), len(rest))
    return [*rest[:at], whole, *rest[at:]]


def _is_a_choice(line: Line) -> bool:
    """Of a line made of several nothing is lost, so nothing is asked."""
    return line.chosen is not None and len(_texts(line)) > 1


def _comes_along(line: Line) -> bool:
    return line.differs and not _is_a_choice(line) and bool(say(line.value))


def _texts(line: Line) -> set[str]:
    return {text for _, value in line.options if (text := say(value))}


def _choice(line: Line, names: Mapping[uuid.UUID, str], typed: Mapping[str, str]) -> Choice:
    """What several of them say in the same words is one option."""
    options: dict[str, tuple[str, str, str]] = {}
    for client_id, value in line.options:
        if text := say(value):
            first, _, whose = options.get(text, (str(client_id), text, ""))
            options[text] = first, text, ", ".join(filter(None, (whose, names[client_id])))
    standing = options.get(say(line.value), (str(line.chosen),))[0]
    chosen = typed.get(line.name) or standing
    return Choice(FIELD + line.name, line.label, tuple(options.values()), chosen)


def _along(line: Line, names: Mapping[uuid.UUID, str]) -> tuple[str, str, str]:
    whose = f"from {names[line.chosen]}" if line.chosen else "put together"
    return line.label, say(line.value), whose


def _names(records: Sequence[Client]) -> dict[uuid.UUID, str]:
    """What each record is called here; two of one name are told apart by their numbers."""
    taken = [client.name for client in records]
    return {
        client.id: f"{client.name} ({at})" if taken.count(client.name) > 1 else client.name
        for at, client in enumerate(records, 1)
    }


def _moves(preview: Preview) -> Iterator[str]:
    for name, one, many in _MOVES:
        if count := preview.moves.get(name, 0):
            yield (one if count == 1 else many).format(n=f"{count:,}")
