"""What we write to the owners of a business about the program."""

from datetime import date
from typing import Any, ClassVar

from booking.mail.message import Email, Links
from booking.mail.wording import ShownName


class TemporaryNumber(Email):
    """Each month, as long as no program is registered. `last_day` is the last it counts on."""

    template: ClassVar[str] = "licensing/temporary_number"
    slug: str
    business_name: ShownName
    number: str
    last_day: date

    @property
    def subject(self) -> str:
        return "Your temporary serial number"

    def context(self, links: Links) -> dict[str, Any]:
        return {
            "url": links.url(f"/manage/{self.slug}/registration"),
            "until": f"{self.last_day.day} {self.last_day:%B %Y}",
        }


class ProgramRegistered(Email):
    """Somebody with an owner's password has registered a program."""

    template: ClassVar[str] = "licensing/program_registered"
    slug: str
    business_name: ShownName
    machine_name: ShownName
    registered_by: ShownName

    @property
    def subject(self) -> str:
        return "The program was registered on a computer"

    def context(self, links: Links) -> dict[str, Any]:
        return {"url": links.url(f"/manage/{self.slug}/registration")}
