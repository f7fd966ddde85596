"""A save: a JSON merge patch (RFC 7396) laid over what was chosen, and why it may be refused."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from booking.errors import FieldError, Invalid
from booking.preferences.rules import SECTIONS, Preferences, Section, fields, value_of

_MINUTES_A_DAY = 1_440
_MOST_NOTICE = {"hours": 336, "days": 14}
_LIKE_A_KEY = re.compile(r"[a-z][a-z_]{0,59}")
_WHOLE = "Enter a whole number."
_SENTENCES = {
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "bool_type": "Choose YES or NO.",
    "string_type": "Enter a text.",
    "tuple_type": "Give a list.",
    "literal_error": "Choose one of the values on offer.",
}


class Change(NamedTuple):
    """One preference of one save; `field` is a path like `booking_window.furthest_days`."""

    field: str
    old: Any
    new: Any


def typed(chosen: Mapping[str, Any], version: int) -> Preferences:
    """What is kept, laid over the defaults. A preference that no longer exists is passed over."""
    sections = {
        name: model.model_validate(
            {key: given for key, given in chosen.get(name, {}).items() if key in model.model_fields}
        )
        for name, model in SECTIONS.items()
    }
    return Preferences(version=version, **sections)


def merged(now: Preferences, patch: Mapping[str, Any]) -> Preferences:
    """The preferences after that patch; null returns a preference or a section to its default.

    Raises Invalid with a path for each fault. The version stays: saving raises it.
    """
    errors: list[FieldError] = []
    sections: dict[str, Section] = {}
    for key, given in patch.items():
        if key in SECTIONS:
            section, faults = _section(key, getattr(now, key), given)
            errors += faults
            sections[key] = section
        elif key != "version" or given != now.version:
            errors.append(FieldError(_path(key), "unknown", "There is no such section."))
    then = now.model_copy(update=sections)
    errors = errors or _contradictions(then, {change.field for change in changes(now, then)})
    if errors:
        raise Invalid(fields=tuple(errors))
    return then


def changes(before: Preferences, after: Preferences) -> list[Change]:
    """What differs, as JSON values, in the order of the page."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [
        Change(f"{section}.{name}", old[section][name], new[section][name])
        for section, model in SECTIONS.items()
        for name in model.model_fields
        if old[section][name] != new[section][name]
    ]


def chosen(preferences: Preferences) -> dict[str, dict[str, Any]]:
    """Only what differs from the defaults: so that a better default reaches who never chose."""
    found: dict[str, dict[str, Any]] = {}
    for change in changes(Preferences(), preferences):
        section, _, name = change.field.partition(".")
        found.setdefault(section, {})[name] = change.new
    return found


def _section(name: str, now: Section, given: Any) -> tuple[Section, list[FieldError]]:
    model = SECTIONS[name]
    if given is None:
        return model(), []
    if not isinstance(given, Mapping):
        return now, [FieldError(name, "object", "Give an object of preferences.")]
    unknown = [key for key in given if key not in model.model_fields]
    faults = [FieldError(_path(name, key), "unknown", _NO_SUCH) for key in unknown]
    values = now.model_dump() | {key: given[key] for key in given if key not in unknown}
    kept = {key: value for key, value in values.items() if value is not None}
    try:
        return model.model_validate(kept), faults
    except ValidationError as refused:
        details = refused.errors(include_url=False, include_input=False)
        return now, faults + _once(_fault(name, model, each) for each in details)


_NO_SUCH = "There is no such preference."


def _once(faults: Iterable[FieldError]) -> list[FieldError]:
    """One for each field: a list of wrong values would tell the same of each."""
    return list({fault.field: fault for fault in faults}.values())


def _fault(section: str, model: type[Section], detail: ErrorDetails) -> FieldError:
    name = str(detail["loc"][0])
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in ("greater_than_equal", "less_than_equal"):
        extra = model.model_fields[name].metadata
        low = next(each.ge for each in extra if hasattr(each, "ge"))
        high = next(each.le for each in extra if hasattr(each, "le"))
        message = f"Enter a number from {low:,} to {high:,}."
    elif kind == "string_too_long":
        message = f"Use at most {context['max_length']:,} characters."
    elif kind == "value_error":
        message = str(context["error"])
    else:
        message = _SENTENCES.get(kind, detail["msg"])
    return FieldError(_path(section, name), kind, message)


def _path(*keys: str) -> str:
    """A path of known shape only: what was sent is never echoed."""
    return ".".join(key for key in keys if _LIKE_A_KEY.fullmatch(key))


def _contradictions(then: Preferences, changed: set[str]) -> list[FieldError]:
    """Preferences that exclude each other, told beside the one that was just changed."""
    errors: list[FieldError] = []
    access, window = then.client_settings, then.booking_window
    if access.require_login_to_book and not access.allow_client_online_account_access:
        errors.append(
            FieldError(
                "client_settings.require_login_to_book",
                "needs_client_access",
                "While Allow Client Online Account Access is NO, nobody can sign in, so nobody "
                "could book. Set this to NO, or client access to YES.",
            )
        )
    if window.furthest_days * _MINUTES_A_DAY <= window.lead_time_minutes:
        path = "booking_window.furthest_days"
        if path not in changed:
            path = "booking_window.lead_time_minutes"
        errors.append(
            FieldError(
                path,
                "no_time_left",
                "No time could be booked: the shortest notice must end before the furthest day.",
            )
        )
    errors += _of_invitations(then, changed)
    for act in ("cancel", "reschedule"):
        path = f"cancel_and_reschedule.{act}_notice"
        most = _MOST_NOTICE[unit := value_of(then, f"{path}_unit")]
        if value_of(then, path) > most:
            errors.append(FieldError(path, "out_of_range", f"Enter from 0 to {most} {unit}."))
    return errors


def _of_invitations(then: Preferences, changed: set[str]) -> list[FieldError]:
    chosen, errors = then.invitations, list[FieldError]()
    if chosen.invite_reminder_days >= chosen.invite_validity_days:
        path = "invitations.invite_reminder_days"
        if path not in changed:
            path = "invitations.invite_validity_days"
        message = "The reminder must leave before the link of the invitation runs out."
        errors.append(FieldError(path, "reminder_too_late", message))
    if bool(chosen.invite_quiet_from) != bool(chosen.invite_quiet_until):
        missing = "until" if chosen.invite_quiet_from else "from"
        message = "Quiet hours need a beginning and an end. Fill in both, or neither."
        errors.append(FieldError(f"invitations.invite_quiet_{missing}", "half", message))
    elif chosen.invite_quiet_from and chosen.invite_quiet_from == chosen.invite_quiet_until:
        message = "Quiet hours must end at another time than they begin."
        errors.append(FieldError("invitations.invite_quiet_until", "all_day", message))
    return errors


def paths() -> list[str]:
    """Every preference, in the order of the page."""
    return [path for path, _ in fields()]
