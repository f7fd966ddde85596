"""What we write to somebody who signs up, and to the owners when somebody has."""

import uuid
from typing import Any, ClassVar

from booking.mail.message import Email, Links
from booking.mail.wording import ShownName
from booking.tokens import Purpose


class ConfirmSignUp(Email):
    """To an address that somebody typed: its owner alone can open the link or read the code."""

    template: ClassVar[str] = "linking/confirm_sign_up"
    proof_id: uuid.UUID
    slug: str
    hours: int

    @property
    def subject(self) -> str:
        return "Confirm your e-mail address"

    def context(self, links: Links) -> dict[str, Any]:
        secret = links.secret(Purpose.SIGN_UP, self.proof_id)
        return {
            "url": links.url(f"/{self.slug}/sign-up/confirm/{secret}"),
            "code": links.code(Purpose.SIGN_UP, self.proof_id),
        }


class AlreadyHasLogin(Email):
    """To an address with a login, when somebody signs up with it once more."""

    template: ClassVar[str] = "linking/already_has_login"
    slug: str

    @property
    def subject(self) -> str:
        return "You already have a login"

    def context(self, links: Links) -> dict[str, Any]:
        return {
            "url": links.url(f"/{self.slug}/sign-in"),
            "forgot_url": links.url(f"/{self.slug}/forgot"),
        }


class NewAccount(Email):
    """To the owners of a business that wants to know."""

    template: ClassVar[str] = "linking/new_account"
    slug: str
    name: ShownName
    email: str
    client_id: uuid.UUID | None

    @property
    def subject(self) -> str:
        return "A client has a new login"

    def context(self, links: Links) -> dict[str, Any]:
        record = f"/{self.client_id}" if self.client_id else ""
        return {"url": links.url(f"/manage/{self.slug}/clients{record}")}
