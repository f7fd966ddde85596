"""Every preference: its type, default, bounds and help text, and which choices exclude each other.

A preference is declared once, here. The page, the API, the history and the checks read it from
these models.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.fields import FieldInfo

from booking.fields import Line60, LongText, OptionalEmail, Paragraph

NoticeUnit = Literal["hours", "days"]
ClientField = Literal["name", "phones", "address", "language"]

_MARKUP = re.compile(r"</?[a-z!]|&#|\]\(", re.IGNORECASE)
_ADDRESS = re.compile(
    r"\b(?:[a-z][a-z0-9+.-]*:/|www\.|(?:javascript|data|vbscript):)", re.IGNORECASE
)

_CLOCK_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")


def _switch(default: bool, title: str, text: str) -> Any:
    return Field(default, title=title, description=text)


def _number(default: int, low: int, high: int, title: str, text: str) -> Any:
    return Field(default, ge=low, le=high, title=title, description=text)


def _choice(default: Any, title: str, text: str, **labels: str) -> Any:
    return Field(default, title=title, description=text, json_schema_extra={"labels": dict(labels)})


def _text(most: int, title: str, text: str) -> Any:
    return Field("", max_length=most, title=title, description=text)


class Section(BaseModel):
    """One block of the page. Strict: a text is no number, and a number is no yes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _plain(value: str) -> str:
    if _MARKUP.search(value):
        raise ValueError("Write plain text, without HTML or other markup.")
    if _ADDRESS.search(value):
        raise ValueError("Leave out web addresses: clients learn not to trust messages with links.")
    return value


class ClientSettings(Section):
    allow_client_online_account_access: bool = _switch(
        False,
        "Allow Client Online Account Access",
        "YES lets clients have a login: to see and change their appointments, contact details and "
        "pets. Moving it to NO signs every client out and holds back invitations; logins and "
        "invitations live on when it returns to YES.",
    )
    self_registration: Literal["off", "on_booking", "always"] = _choice(
        "on_booking",
        "Clients may create a login themselves",
        "Acts while client access is YES. Invitations work with every choice.",
        off="No, only by invitation",
        on_booking="While they book",
        always="At any time",
    )
    who_may_book: Literal["existing", "new", "both"] = _choice(
        "both",
        "Who may book online",
        "Judged once the person has signed in or proved the e-mail address; until then everybody "
        "counts as new.",
        existing="Existing clients only",
        new="New clients only",
        both="Everybody",
    )
    require_login_to_book: bool = _switch(
        False,
        "Sign in to book",
        "Nobody books as a guest. Needs client access at YES, or nobody could book at all.",
    )
    link_by_verified_email: Literal["off", "ask", "auto_if_unique"] = _choice(
        "auto_if_unique",
        "Linking a new login to a client record",
        "What happens when somebody proves an e-mail address that is on your client list. A typed "
        "address alone never links anything.",
        off="Never by itself: you link it",
        ask="Ask the person which record is theirs",
        auto_if_unique="Link at once where exactly one active client has the address",
    )
    client_may_edit: tuple[ClientField, ...] = _choice(
        ("name", "phones", "address", "language"),
        "What clients may change themselves",
        "A new e-mail address always has to be proved, and the old one is told.",
        name="Name",
        phones="Telephone numbers",
        address="Address",
        language="Language",
    )
    client_may_manage_pets: Literal["none", "view", "add", "edit"] = _choice(
        "edit",
        "Pets in the client's account",
        "Removing a pet only archives it: its history stays with you.",
        none="Not shown",
        view="See them",
        add="See and add",
        edit="See, add, change and archive",
    )
    show_past_appointments: bool = _switch(
        True, "Show past appointments", "Clients see their former visits in their account."
    )
    show_prices: bool = _switch(
        True, "Show prices", "Prices appear on the booking site and in the account."
    )
    session_days: int = _number(
        30, 1, 365, "Days a client stays signed in", "From 1 to 365. A sign-out ends it earlier."
    )

    @field_validator("client_may_edit", mode="before")
    @classmethod
    def _each_once(cls, value: Any) -> Any:
        if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
            return tuple(dict.fromkeys(value))
        return value


class InvitationSettings(Section):
    invite_validity_days: int = _number(
        14, 1, 60, "Days an invitation lives", "From 1 to 60. Afterwards its link opens nothing."
    )
    invite_resend_min_hours: int = _number(
        24,
        1,
        720,
        "Hours between two invitations to one client",
        "From 1 to 720. A client invited more recently is skipped.",
    )
    invite_max_per_client: int = _number(
        3, 1, 10, "Most invitations to one client", "From 1 to 10, over all time."
    )
    invite_reply_to: OptionalEmail = _text(
        254,
        "Replies go to",
        "An e-mail address. Left empty: the address of the business.",
    )
    invite_message: LongText = _text(
        2_000,
        "Your own words in the invitation",
        "Plain text, at most 2,000 characters. Stands above the button.",
    )

    invite_batch_per_minute: int = _number(
        0,
        0,
        100_000,
        "Most invitations a minute",
        "From 1 to 100,000; 0 sets no limit. For mail servers that refuse a flood.",
    )
    invite_quiet_from: Line60 = _text(
        5,
        "Quiet hours begin",
        "Like 21:00, on your clock. Left empty: invitations leave at any hour. What waits goes on "
        "by itself when the quiet hours end.",
    )
    invite_quiet_until: Line60 = _text(
        5, "Quiet hours end", "Like 08:00; an earlier time than they begin means the next day."
    )
    invite_reminder_days: int = _number(
        0,
        0,
        59,
        "Days until a reminder",
        "From 1 to 59, and fewer than an invitation lives; 0 sends none. One second e-mail, with "
        "the same link, to those who have not accepted.",
    )

    @field_validator("invite_reply_to")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            return value and validate_email(value, check_deliverability=False).original
        except EmailNotValidError:
            raise ValueError("Type an address like name@example.com, or leave it empty.") from None

    @field_validator("invite_quiet_from", "invite_quiet_until")
    @classmethod
    def _clock_time(cls, value: str) -> str:
        if value and not _CLOCK_TIME.fullmatch(value):
            raise ValueError("Type a time like 21:00, or leave it empty.")
        return value

    @field_validator("invite_message")
    @classmethod
    def _plain_message(cls, value: str) -> str:
        return _plain(value)


class BookingWindow(Section):
    online_booking_enabled: bool = _switch(
        True, "Online booking", "NO shows the message below in place of free times."
    )
    disabled_message: Paragraph = _text(
        500,
        "Message while online booking is off",
        "Plain text, at most 500 characters. Say how to reach you instead.",
    )
    lead_time_minutes: int = _number(
        120,
        0,
        43_200,
        "Shortest notice for a booking, in minutes",
        "From 0 to 43,200 (30 days). With 120, the earliest time on offer is in two hours.",
    )
    furthest_days: int = _number(
        90,
        1,
        730,
        "How many days ahead clients may book",
        "From 1 to 730; further than the shortest notice.",
    )
    slot_interval_minutes: Literal[5, 10, 15, 20, 30, 60] = _choice(
        15,
        "A visit can start every",
        "Counted from midnight: with 15 minutes at 9:00, 9:15, 9:30 …",
        **{str(n): f"{n} minutes" for n in (5, 10, 15, 20, 30, 60)},
    )
    buffer_before: int = _number(
        0, 0, 240, "Minutes kept free before a visit", "Where a service has no own. From 0 to 240."
    )
    buffer_after: int = _number(
        0, 0, 240, "Minutes kept free after a visit", "Where a service has no own. From 0 to 240."
    )
    max_open_bookings_per_client: int = _number(
        5,
        0,
        100,
        "Most open bookings of one client",
        "From 1 to 100; 0 sets no limit. Counts visits still to come that were booked online.",
    )

    @field_validator("disabled_message")
    @classmethod
    def _plain_message(cls, value: str) -> str:
        return _plain(value)


class StaffAndConfirmation(Section):
    staff_choice: Literal["required", "optional", "hidden"] = _choice(
        "optional",
        "Choosing a member of staff",
        "Whether clients say who should look after their pet.",
        required="Clients must choose",
        optional="Clients may choose, or take anyone",
        hidden="Clients don't see who is free",
    )
    staff_order: Literal["manual", "first_available", "alphabetical"] = _choice(
        "manual",
        "Order of staff",
        "In which order staff are listed, and who gets a visit booked with anyone.",
        manual="As on the Staff page",
        first_available="Whoever is free first",
        alphabetical="By name",
    )
    confirmation_mode: Literal["instant", "approve"] = _choice(
        "instant",
        "Confirming bookings",
        "A booking that waits for you is shown under Today.",
        instant="Confirmed at once",
        approve="You confirm each one",
    )
    pending_holds_slot: bool = _switch(
        True,
        "A waiting booking holds its time",
        "NO lets others book the same time until you confirm one of them.",
    )
    pending_expiry_hours: int = _number(
        24,
        1,
        168,
        "Hours until a waiting booking lapses",
        "From 1 to 168. Then its time is free again, and the client is told.",
    )


class CancelAndReschedule(Section):
    client_may_cancel: bool = _switch(
        True, "Clients may cancel", "In their account, or by the link in their e-mail."
    )
    client_may_reschedule: bool = _switch(
        True, "Clients may move a visit", "To another free time, in the same ways."
    )
    cancel_notice: int = _number(
        24, 0, 336, "Latest moment to cancel", "0 to 336 hours, or 0 to 14 days, before the visit."
    )
    cancel_notice_unit: NoticeUnit = _choice(
        "hours",
        "… counted in",
        "Days are counted in whole days of your calendar, from midnight.",
        hours="Hours",
        days="Days",
    )
    reschedule_notice: int = _number(
        24, 0, 336, "Latest moment to move", "0 to 336 hours, or 0 to 14 days, before the visit."
    )
    reschedule_notice_unit: NoticeUnit = _choice(
        "hours",
        "… counted in",
        "Days are counted in whole days of your calendar, from midnight.",
        hours="Hours",
        days="Days",
    )
    reschedule_limit: int = _number(
        3, 0, 20, "How often one visit may be moved", "From 0 to 20, by the client."
    )
    cancel_reason: Literal["off", "optional", "required"] = _choice(
        "optional",
        "Asking why",
        "Whether clients say why they cancel.",
        off="Not asked",
        optional="Asked, may stay empty",
        required="Must be answered",
    )
    policy_text: LongText = _text(
        5_000,
        "Cancellation policy",
        "At most 5,000 characters. Shown before booking; each booking keeps the version it was "
        "made under.",
    )


class Messages(Section):
    notify_owner_new_account: bool = _switch(
        True, "Tell owners of new logins", "An e-mail when a client creates a login."
    )
    notify_owner_new_booking: bool = _switch(
        True, "Tell owners of new bookings", "An e-mail when somebody books online."
    )


class Preferences(BaseModel):
    """Everything a business has chosen. `version` rises by one with each save."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    client_settings: ClientSettings = Field(default=ClientSettings(), title="Client Settings")
    invitations: InvitationSettings = Field(default=InvitationSettings(), title="Invitations")
    booking_window: BookingWindow = Field(default=BookingWindow(), title="Booking window")
    staff_and_confirmation: StaffAndConfirmation = Field(
        default=StaffAndConfirmation(), title="Staff and confirmation"
    )
    cancel_and_reschedule: CancelAndReschedule = Field(
        default=CancelAndReschedule(), title="Cancel and reschedule"
    )
    messages: Messages = Field(default=Messages(), title="Messages")


SECTIONS: dict[str, type[Section]] = {
    name: type(info.default)
    for name, info in Preferences.model_fields.items()
    if isinstance(info.default, Section)
}


def fields() -> Iterator[tuple[str, FieldInfo]]:
    """Every preference as (path, declaration), in the order of the page."""
    for section, model in SECTIONS.items():
        for name, info in model.model_fields.items():
            yield f"{section}.{name}", info


def value_of(preferences: Preferences, path: str) -> Any:
    """The value at `section.name`."""
    section, _, name = path.partition(".")
    return getattr(getattr(preferences, section), name)
