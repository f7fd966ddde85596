"""What this room writes to people."""

from typing import ClassVar

from booking.mail.message import Email


class LoginEnded(Email):
    """To the owner of a login: the record it was for went into one with another login.

    `signed_out`: there was nothing else it was for, so its sessions ended.
    """

    template: ClassVar[str] = "merges/login_ended"

    first_name: str
    signed_out: bool = True

    @property
    def subject(self) -> str:
        return "Your login was ended"
