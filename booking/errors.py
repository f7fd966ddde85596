"""Refusals: the ways a verb says no. What they mean in HTTP is decided in `web` and `api`."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    field: str
    code: str
    message: str


class Refusal(Exception):
    """A no that people and programs can read.

    `code` is stable and for programs; `message` is one plain sentence for people; `fields` says
    which inputs to mend; `extra` holds what a program may want besides (e.g. the nearest times).
    """

    code = "refused"
    message = "That is not possible."

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: tuple[FieldError, ...] = (),
        **extra: Any,
    ) -> None:
        self.message = message or self.message
        self.fields = fields
        self.extra = extra
        super().__init__(self.message)


class NotFound(Refusal):
    code = "not_found"
    message = "There is nothing here."


class NotAllowed(Refusal):
    code = "not_allowed"
    message = "You may not do that."


class PaymentNeeded(Refusal):
    code = "payment_needed"
    message = "Something is to be paid first."


class Conflict(Refusal):
    code = "conflict"
    message = "That does not fit with what is there."


class Invalid(Refusal):
    """What was typed can't be used; `fields` names each place."""

    code = "invalid"
    message = "Please check what you typed."

    @classmethod
    def field(cls, field: str, message: str, code: str = "invalid") -> "Invalid":
        return cls(fields=(FieldError(field, code, message),))


class Expired(Refusal):
    """Something that could be used once, and no longer."""

    code = "expired"
    message = "This link is no longer valid."


class TooOften(Refusal):
    code = "too_often"
    message = "That was tried too often. Please wait a little."

    def __init__(self, retry_after: int, message: str | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(Refusal):
    """Not now, and by intention; `retry_after` says in how many seconds."""

    code = "unavailable"
    message = "That is not possible at the moment."
    retry_after: int


class Overloaded(Refusal):
    code = "overloaded"
    message = "We are very busy just now. Please try again in a moment."
    retry_after = 2


class SignInNeeded(Refusal):
    code = "sign_in_needed"
    message = "Please sign in."
