"""What is written about an appointment, to the client and to the owners."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from booking.appointments import ical
from booking.appointments.ical import Entry, Method, Party, Status
from booking.config import Settings
from booking.mail.message import Attachment, Email, Links, say_when
from booking.mail.wording import ShownName, ShownText
from booking.tokens import Purpose


class VisitSheet(BaseModel):
    """An appointment as it stood when the email was written.

    `manage_generation` is null where the client has a login and needs no manage link.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    appointment_id: uuid.UUID
    sequence: int
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    timezone: str
    slug: str
    business_name: ShownName
    business_email: str
    business_phone: ShownText
    business_address: ShownText
    service_name: ShownName
    staff_name: ShownName
    pets: tuple[ShownName, ...]
    price: str
    first_name: ShownName
    last_name: ShownName
    email: str
    mobile_phone: ShownText
    note: ShownText
    manage_generation: int | None
    policy_text: ShownText

    @property
    def when(self) -> str:
        return say_when(self.starts_at, self.timezone)

    def url(self, links: Links) -> str:
        """Where the client sees it: by the manage link, or in their account."""
        if self.manage_generation is None:
            return links.url(f"/{self.slug}/account")
        secret = links.secret(Purpose.MANAGE_BOOKING, self.appointment_id, self.manage_generation)
        return links.url(f"/{self.slug}/booking/{secret}")

    def calendar_file(self, method: Method, settings: Settings) -> Attachment:
        cancelled = method is Method.CANCEL
        entry = Entry(
            id=self.appointment_id,
            sequence=self.sequence,
            status=Status.CANCELLED if cancelled else Status.CONFIRMED,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            changed_at=self.changed_at,
            title=title_of(self.service_name, self.pets, self.business_name),
            location=self.business_address,
            description=f"With {self.staff_name}",
        )
        content = ical.invitation(
            entry,
            method,
            organizer=Party(self.business_name, self.business_email or settings.mail_from),
            attendee=Party(f"{self.first_name} {self.last_name}".strip(), self.email),
            domain=domain_of(settings),
        )
        name = "cancelled.ics" if cancelled else "visit.ics"
        return Attachment(name, f"text/calendar; method={method.value}; charset=utf-8", content)


def title_of(service_name: str, pets: tuple[str, ...], business_name: str) -> str:
    """How a calendar calls the visit: `Bath and brush for Bruno at Paws`."""
    whose = f" for {', '.join(pets)}" if pets else ""
    return f"{service_name}{whose} at {business_name}"


def domain_of(settings: Settings) -> str:
    """The right-hand side of every UID; it must not change while appointments live."""
    return urlsplit(settings.public_url).hostname or "localhost"


class _AboutVisit(BaseModel):
    visit: VisitSheet

    def context(self, links: Links) -> dict[str, Any]:
        return {"when": self.visit.when, "visit_url": self.visit.url(links)}


class _Claimable(_AboutVisit):
    """With the proof that shows a guest's visit among their others; null where nothing is to be
    proved."""

    claim_id: uuid.UUID | None

    def context(self, links: Links) -> dict[str, Any]:
        claim_url = None
        if self.claim_id is not None:
            secret = links.secret(Purpose.BOOKING_CLAIM, self.claim_id)
            claim_url = links.url(f"/{self.visit.slug}/confirm/{secret}")
        return {**super().context(links), "claim_url": claim_url}


class BookingConfirmed(_Claimable, Email):
    template: ClassVar[str] = "appointments/booking_confirmed"

    @property
    def subject(self) -> str:
        return f"Your visit on {self.visit.when} is booked"

    def attachments(self, settings: Settings) -> list[Attachment]:
        return [self.visit.calendar_file(Method.REQUEST, settings)]


class BookingRequested(_Claimable, Email):
    template: ClassVar[str] = "appointments/booking_requested"

    @property
    def subject(self) -> str:
        return f"Your request for {self.visit.when} has arrived"


class BookingMoved(_AboutVisit, Email):
    template: ClassVar[str] = "appointments/booking_moved"
    earlier: datetime

    @property
    def subject(self) -> str:
        return f"Your visit has moved to {self.visit.when}"

    def context(self, links: Links) -> dict[str, Any]:
        earlier = say_when(self.earlier, self.visit.timezone)
        return {**super().context(links), "earlier_when": earlier}

    def attachments(self, settings: Settings) -> list[Attachment]:
        return [self.visit.calendar_file(Method.REQUEST, settings)]


class _CalledOff(_AboutVisit):
    """`in_calendar`: an earlier email has put the visit into the client's calendar."""

    in_calendar: bool
    reason: ShownText = ""

    def context(self, links: Links) -> dict[str, Any]:
        book_url = links.url(f"/{self.visit.slug}/book")
        return {**super().context(links), "book_url": book_url}

    def attachments(self, settings: Settings) -> list[Attachment]:
        if not self.in_calendar:
            return []
        return [self.visit.calendar_file(Method.CANCEL, settings)]


class BookingDeclined(_CalledOff, Email):
    template: ClassVar[str] = "appointments/booking_declined"

    @property
    def subject(self) -> str:
        return f"Your request for {self.visit.when} could not be accepted"


class BookingCancelled(_CalledOff, Email):
    """`by_client`: they cancelled it themselves, and only need it in writing."""

    template: ClassVar[str] = "appointments/booking_cancelled"
    by_client: bool

    @property
    def subject(self) -> str:
        return f"Your visit on {self.visit.when} is cancelled"


class PendingExpired(_CalledOff, Email):
    template: ClassVar[str] = "appointments/pending_expired"

    @property
    def subject(self) -> str:
        return f"Your request for {self.visit.when} was not answered in time"


class NewBooking(_AboutVisit, Email):
    """To the owners: a visit was booked or asked for online, or its client changed it."""

    template: ClassVar[str] = "appointments/new_booking"
    news: Literal["booked", "waits", "moved", "cancelled"]

    @property
    def subject(self) -> str:
        match self.news:
            case "waits":
                return f"A booking for {self.visit.when} waits for your decision"
            case "moved":
                return f"A client has moved a visit to {self.visit.when}"
            case "cancelled":
                return f"A client has cancelled the visit on {self.visit.when}"
            case _:
                return f"New booking for {self.visit.when}"

    def context(self, links: Links) -> dict[str, Any]:
        path = f"/manage/{self.visit.slug}/appointments/{self.visit.appointment_id}"
        return {"when": self.visit.when, "visit_url": links.url(path)}
