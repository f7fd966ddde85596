"""What we write to a person about their login."""

import uuid
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from booking.mail.message import Email, Links
from booking.tokens import Purpose


@dataclass(frozen=True, slots=True)
class Place:
    """Where a login belongs: the service itself (staff), or one business (its clients).

    `path` is where its pages begin: `/manage`, or `/{slug}`.
    """

    business_id: uuid.UUID | None
    name: str
    path: str
    reply_to: str = ""


SERVICE = Place(business_id=None, name="Pet-care bookings", path="/manage")


class SignInCode(Email):
    template: ClassVar[str] = "accounts/sign_in_code"
    proof_id: uuid.UUID
    minutes: int

    @property
    def subject(self) -> str:
        return "Your sign-in code"

    def context(self, links: Links) -> dict[str, Any]:
        return {"code": links.code(Purpose.SIGN_IN_CODE, self.proof_id)}


class PasswordReset(Email):
    template: ClassVar[str] = "accounts/password_reset"
    proof_id: uuid.UUID
    path: str
    minutes: int

    @property
    def subject(self) -> str:
        return "Choose a new password"

    def context(self, links: Links) -> dict[str, Any]:
        secret = links.secret(Purpose.PASSWORD_RESET, self.proof_id)
        return {"url": links.url(f"{self.path}/reset/{secret}")}


class NoLoginHere(Email):
    """To an address without a login: silence would tell which addresses have one."""

    template: ClassVar[str] = "accounts/no_login_here"
    path: str
    asked_for: Literal["a new password", "a sign-in code"]

    @property
    def subject(self) -> str:
        return "There is no login with this address"

    def context(self, links: Links) -> dict[str, Any]:
        return {"url": links.url(self.path), "for_staff": self.path == SERVICE.path}


class PasswordChanged(Email):
    template: ClassVar[str] = "accounts/password_changed"
    path: str

    @property
    def subject(self) -> str:
        return "Your password was changed"

    def context(self, links: Links) -> dict[str, Any]:
        return {"url": links.url(f"{self.path}/forgot")}


class EmailChangeProof(Email):
    """To the new address: nothing changes until its owner agrees."""

    template: ClassVar[str] = "accounts/email_change_proof"
    proof_id: uuid.UUID
    path: str
    minutes: int

    @property
    def subject(self) -> str:
        return "Confirm your new e-mail address"

    def context(self, links: Links) -> dict[str, Any]:
        secret = links.secret(Purpose.EMAIL_CHANGE, self.proof_id)
        return {
            "url": links.url(f"{self.path}/email/{secret}"),
            "code": links.code(Purpose.EMAIL_CHANGE, self.proof_id),
        }


class EmailChanged(Email):
    """To the old address. `new_address` is masked: this mailbox may no longer be theirs."""

    template: ClassVar[str] = "accounts/email_changed"
    new_address: str

    @property
    def subject(self) -> str:
        return "Your e-mail address was changed"

    def context(self, links: Links) -> dict[str, Any]:
        return {"url": links.url("/help")}


class SecondFactorChanged(Email):
    template: ClassVar[str] = "accounts/second_factor_changed"
    path: str
    is_on: bool

    @property
    def subject(self) -> str:
        return f"Signing in with a second step is now {'on' if self.is_on else 'off'}"

    def context(self, links: Links) -> dict[str, Any]:
        return {"url": links.url(f"{self.path}/forgot")}
