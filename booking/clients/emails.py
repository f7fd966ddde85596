"""What this room writes to people."""

from typing import ClassVar

from booking.mail.message import Email
from booking.mail.wording import ShownName


class ContactEmailChanged(Email):
    """To the address a client had until now: the business changed where it writes to."""

    template: ClassVar[str] = "clients/contact_email_changed"

    first_name: ShownName

    @property
    def subject(self) -> str:
        return "Your contact e-mail was changed"
