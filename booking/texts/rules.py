"""Telephone numbers that can be texted, what a provider's answer means, and when to try again."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import phonenumbers

RETRY_AFTER_MINUTES = (1, 5, 15, 60, 240)
_STOPPED = 21610
_NOT_FOR_THIS_ONE = {401, 403, 404, 408, 425, 429}


def phone_key(typed: str) -> str | None:
    """The number in E.164, `+16175550123`; None for what can't be one. Numbers are typed with their
    country, since the service has none of its own."""
    if not typed.strip().startswith("+") or len(typed) > 40:
        return None
    try:
        number = phonenumbers.parse(typed, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number) or number.extension:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def masked(phone: str) -> str:
    """A number as its owner recognises it and a stranger doesn't: `+1 •••• 23`."""
    return f"{phone[:2]} •••• {phone[-2:]}"


class Stage(StrEnum):
    """How far one attempt came. `unreachable`: the text itself was not looked at, so it is safe to
    try again. `unknown`: it may have been sent."""

    ACCEPTED = "accepted"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`has_stopped`: the receiver told the provider that they want no more of our texts."""

    stage: Stage
    reason: str = ""
    has_stopped: bool = False


def outcome_of(status: int, code: int | None, said: str) -> Outcome:
    """What an answer of a Twilio-compatible provider means. A fault on their side may have come
    after the text had left."""
    reason = f"{status} {code or ''} {said}".replace("  ", " ").strip()[:300]
    if 200 <= status < 300:
        return Outcome(Stage.ACCEPTED, reason)
    if status >= 500:
        return Outcome(Stage.UNKNOWN, reason)
    if status in _NOT_FOR_THIS_ONE:
        return Outcome(Stage.UNREACHABLE, reason)
    return Outcome(Stage.REFUSED, reason, has_stopped=code == _STOPPED)


def wait_after(attempts: int) -> timedelta | None:
    """How long after so many attempts the next is made; None when it was the last."""
    if attempts > len(RETRY_AFTER_MINUTES):
        return None
    return timedelta(minutes=RETRY_AFTER_MINUTES[attempts - 1])
