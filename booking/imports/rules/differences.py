"""What a file adds to a client who is known already, and what it may not change.

A value that stands here is never emptied. A row with the client's own number brings its contact
details up to date; a row that was recognised by e-mail and name only fills gaps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from booking.accounts.rules import email_key
from booking.imports.rules.formats import FIELDS
from booking.imports.rules.pets import ImportedPet
from booking.imports.rules.reading import RowProblem
from booking.imports.rules.rows import ImportedClient

_JUDGED = {"line", "email", "status", "blocked", "marketing_email_ok", "sms_ok", "invite", "notes"}
_JUDGED |= {"pets", "warnings", "name", "behaviour_notes", "vaccinations"}
_PLAIN = [each.name for each in fields(ImportedClient) if each.name not in _JUDGED]
_PET_PLAIN = [each.name for each in fields(ImportedPet) if each.name not in _JUDGED]
_PET_LABELS = {"external_id": "pet_external_id"}
_NOTES_LIMIT = 20_000


@dataclass(slots=True)
class Differences:
    """What to change, and what was left as it is, with the reason."""

    changes: dict[str, Any] = field(default_factory=dict)
    kept: list[RowProblem] = field(default_factory=list)


def squeezed(text: str) -> str:
    return text.casefold().replace(" ", "")


def is_somebody_else(known: Mapping[str, Any], said: ImportedClient) -> bool:
    """The number is the same and nothing else is: another list counted its clients anew."""
    names = _words(f"{known['first_name']} {known['last_name']}")
    told = _words(f"{said.first_name} {said.last_name}")
    if not names or not told or names & told:
        return False
    key = email_key(said.email) if said.email else None
    phones = {_digits(str(known[name])) for name in ("mobile_phone", "home_phone")} - {""}
    same_phone = phones & {_digits(said.mobile_phone), _digits(said.home_phone)}
    return not same_phone and (key is None or key != known["email_key"])


def _words(name: str) -> set[str]:
    return set(name.casefold().replace("-", " ").replace(".", " ").split())


def client_differences(
    known: Mapping[str, Any], said: ImportedClient, *, same_number: bool, has_login: bool
) -> Differences:
    """`known` holds the client's values by name, with `email_key` and `status`."""
    found = Differences()
    _plain(found, known, said, _PLAIN, replace=same_number)
    _email(found, known, said, replace=same_number, has_login=has_login)
    _status(found, known, said, replace=same_number and not has_login)
    if said.blocked and not known["blocked"]:
        found.changes["blocked"] = True
    for name in ("marketing_email_ok", "sms_ok"):
        _consent(found, known, said, name)
    _notes(found, known, "notes", said.notes)
    return found


def _plain(
    found: Differences,
    known: Mapping[str, Any],
    said: ImportedClient | ImportedPet,
    names: Sequence[str],
    *,
    replace: bool,
    line: int | None = None,
) -> None:
    for name in names:
        old, told = known[name], getattr(said, name)
        if told in ("", None) or _same(name, old, told):
            continue
        if old in ("", None) or replace:
            found.changes[name] = told
        else:
            label = _PET_LABELS.get(name, name) if isinstance(said, ImportedPet) else name
            at = said.line if isinstance(said, ImportedClient) else line or 0
            _keep(found, at, label, "the file says something else; what stood here was kept.")


def _same(name: str, old: object, told: object) -> bool:
    if isinstance(old, str) and isinstance(told, str):
        if name.endswith("phone") and _digits(old) and _digits(told):
            return _digits(old) == _digits(told)
        return squeezed(old) == squeezed(told) if name != "external_id" else old == told
    return old == told


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _keep(found: Differences, line: int, name: str, message: str, code: str = "kept") -> None:
    found.kept.append(RowProblem(line, name, code, f"{FIELDS[name].label}: {message}"))


def _email(
    found: Differences,
    known: Mapping[str, Any],
    said: ImportedClient,
    *,
    replace: bool,
    has_login: bool,
) -> None:
    old, told = known["email"], said.email
    if not told or squeezed(old) == squeezed(told):
        return
    key = email_key(told)
    if key is not None and key == known["email_key"]:
        return
    if has_login:
        message = "this client has a login; change the address on the client's own page."
        _keep(found, said.line, "email", message, "has_login")
    elif not old or (replace and key is not None):
        found.changes["email"] = told
    elif key is None:
        _keep(found, said.line, "email", "this is no address; what stood here was kept.")
    else:
        _keep(found, said.line, "email", "the file says something else; ours was kept.")


def _status(
    found: Differences, known: Mapping[str, Any], said: ImportedClient, *, replace: bool
) -> None:
    if said.status == known["status"]:
        return
    if said.status == "inactive" and replace:
        found.changes["status"] = "inactive"
    else:
        message = f"this client is {known['status']} here and stays so."
        _keep(found, said.line, "status", message)


def _consent(found: Differences, known: Mapping[str, Any], said: ImportedClient, name: str) -> None:
    """A no always counts; a yes never undoes one."""
    told = getattr(said, name)
    if told is None or told == known[name]:
        return
    if known[name] is False:
        _keep(found, said.line, name, "this client said no here; that was kept.")
    else:
        found.changes[name] = told


def _notes(found: Differences, known: Mapping[str, Any], name: str, told: str) -> None:
    """Lines that do not stand here yet go below the others."""
    there = known[name].split("\n") if known[name] else []
    missing = [line for line in told.split("\n") if line and line not in there]
    whole = "\n".join([*there, *missing])
    if missing and len(whole) <= _NOTES_LIMIT:
        found.changes[name] = whole


def same_pet(pets: Sequence[Mapping[str, Any]], said: ImportedPet) -> int | None:
    """Which of these it is: by its number, else by name and breed, a breed unknown fitting any."""
    if said.external_id:
        for place, pet in enumerate(pets):
            if pet["external_id"] == said.external_id:
                return place
    fitting = [
        place
        for place, pet in enumerate(pets)
        if squeezed(pet["name"]) == squeezed(said.name)
        and not (said.external_id and pet["external_id"])
    ]
    for place in fitting:
        if squeezed(pets[place]["breed"]) == squeezed(said.breed):
            return place
    unknown = [place for place in fitting if not said.breed or not pets[place]["breed"]]
    return unknown[0] if unknown else None


def pet_differences(known: Mapping[str, Any], said: ImportedPet, line: int) -> Differences:
    found = Differences()
    same_number = bool(said.external_id) and known["external_id"] == said.external_id
    _plain(found, known, said, _PET_PLAIN, replace=same_number, line=line)
    _notes(found, known, "behaviour_notes", said.behaviour_notes)
    there = {(each["name"], each["given_on"], each["expires_on"]) for each in known["vaccinations"]}
    missing = [
        each
        for each in vaccinations(said)
        if (each["name"], each["given_on"], each["expires_on"]) not in there
    ]
    if missing:
        found.changes["vaccinations"] = [*known["vaccinations"], *missing]
    return found


def vaccinations(pet: ImportedPet) -> list[dict[str, Any]]:
    """As they are kept: dates as text."""
    return [
        {name: value if value is None else str(value) for name, value in asdict(each).items()}
        for each in pet.vaccinations
    ]
