"""Appointments as iCalendar (RFC 5545): the file of one e-mail, and the feed of one account.

A file of its own among the room's five, since it is a second language in which an appointment is
written, spoken by emails and by the feed alike. Pure: no session, clock or settings.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from icalendar import Calendar, Event, vCalAddress, vText

_PRODUCT = "-//Pet-care bookings//Appointments//EN"


class Method(StrEnum):
    """METHOD of RFC 5546: asks the reader's calendar to note, to strike, or just to show."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"


class Status(StrEnum):
    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Entry:
    """One appointment as a calendar shows it. `sequence` rises with every change of it."""

    id: uuid.UUID
    sequence: int
    status: Status
    starts_at: datetime
    ends_at: datetime
    changed_at: datetime
    title: str
    location: str
    description: str


@dataclass(frozen=True, slots=True)
class Party:
    """An organizer or an attendee."""

    name: str
    email: str


def invitation(
    entry: Entry, method: Method, *, organizer: Party, attendee: Party, domain: str
) -> bytes:
    """The file of one e-mail."""
    event = _event(entry, domain)
    event["organizer"] = _address(organizer)
    guest = _address(attendee)
    guest.params["PARTSTAT"] = vText("ACCEPTED")
    event.add("attendee", guest, encode=False)
    return bytes(_calendar(method, [event]).to_ical())


def feed(entries: Iterable[Entry], *, name: str, domain: str) -> bytes:
    """A calendar to subscribe to; `name` is what calendar programs call it."""
    calendar = _calendar(Method.PUBLISH, [_event(entry, domain) for entry in entries])
    calendar["x-wr-calname"] = vText(name)
    calendar.refresh_interval = timedelta(hours=1)
    calendar["refresh-interval"].params["VALUE"] = "DURATION"  # RFC 7986 gives it no default type
    return bytes(calendar.to_ical())


def _calendar(method: Method, events: list[Event]) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method.value)
    for event in events:
        calendar.add_component(event)
    return calendar


def _event(entry: Entry, domain: str) -> Event:
    event = Event()
    event.add("uid", f"{entry.id}@{domain}")
    event.add("sequence", entry.sequence)
    event.add("dtstamp", _utc(entry.changed_at))
    event.add("last-modified", _utc(entry.changed_at))
    event.add("dtstart", _utc(entry.starts_at))
    event.add("dtend", _utc(entry.ends_at))
    event.add("summary", entry.title)
    event.add("status", entry.status.value)
    event.add("transp", "TRANSPARENT" if entry.status is Status.CANCELLED else "OPAQUE")
    if entry.location:
        event.add("location", entry.location)
    if entry.description:
        event.add("description", entry.description)
    return event


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _address(party: Party) -> vCalAddress:
    address = vCalAddress(f"mailto:{party.email}")
    if party.name:
        address.params["CN"] = vText(party.name.replace('"', "'"))
    return address
