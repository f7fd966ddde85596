"""What is sent and answered about appointments."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from booking.accounts.rules import email_key
from booking.appointments.models import Appointment, AppointmentState, BookedBy
from booking.fields import EmailText, Line60, Line100, Paragraph, Password, PhoneText, Required100


class Named(BaseModel):
    id: uuid.UUID
    name: str


class PersonOut(BaseModel):
    """The client's record, where `id` is given; else what a guest typed."""

    id: uuid.UUID | None
    first_name: str
    last_name: str
    email: str
    mobile_phone: str


class PetOut(BaseModel):
    id: uuid.UUID | None
    name: str
    species: str
    breed: str


class AppointmentOut(BaseModel):
    id: uuid.UUID
    state: AppointmentState
    starts_at: datetime
    ends_at: datetime
    service: Named
    staff: Named
    price_minor: int | None
    currency: str
    pets: list[PetOut]
    note: str
    client: PersonOut
    booked_by: BookedBy
    reason: str
    hold_expires_at: datetime | None
    reschedules: int
    created_at: datetime


class Diary(BaseModel):
    items: list[AppointmentOut]
    next_cursor: str | None


class AccountState(BaseModel):
    state: str


class BookedOut(BaseModel):
    """`manage_token` opens `/{slug}/booking/{token}`; only a guest gets one."""

    id: uuid.UUID
    state: AppointmentState
    starts_at: datetime
    ends_at: datetime
    service: Named
    staff: Named
    price_minor: int | None
    currency: str
    manage_token: str | None = None
    account: AccountState | None = None
    sign_up_token: str | None = None


class PersonIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    first_name: Required100
    last_name: Line100 = ""
    email: EmailText
    mobile_phone: PhoneText = ""

    @field_validator("email")
    @classmethod
    def _address(cls, value: str) -> str:
        if email_key(value) is None:
            raise ValueError("Type an address like name@example.com.")
        return value


class PetIn(BaseModel):
    """One of the client's pets by `id`, or any by its name."""

    model_config = ConfigDict(extra="forbid")

    id: uuid.UUID | None = None
    name: Line100 = ""
    species: Line60 = ""
    breed: Line100 = ""

    @model_validator(mode="after")
    def _named(self) -> "PetIn":
        if self.id is None and not self.name:
            raise ValueError("Give the pet's name.")
        return self


class NewLogin(BaseModel):
    model_config = ConfigDict(extra="forbid")

    password: Password


class BookingIn(BaseModel):
    """`client` from a guest; `client_id` from staff, and from a client with several records."""

    model_config = ConfigDict(extra="forbid")

    service_id: uuid.UUID
    staff_id: uuid.UUID | None = None
    starts_at: AwareDatetime
    client: PersonIn | None = None
    client_id: uuid.UUID | None = None
    pets: Annotated[list[PetIn], Field(max_length=10)] = []
    note: Paragraph = ""
    create_account: NewLogin | None = None


class DiaryIn(BaseModel):
    """Which part of the diary; all of it where nothing is said."""

    from_: Annotated[str | None, Field(alias="from", max_length=40)] = None
    to: Annotated[str | None, Field(max_length=40)] = None
    staff: uuid.UUID | None = None
    state: list[AppointmentState] = []


class ReasonIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[Paragraph, Field(max_length=500)] = ""


class MoveIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    starts_at: AwareDatetime
    staff_id: uuid.UUID | None = None


def shown(row: Appointment, staff: dict[uuid.UUID, str]) -> AppointmentOut:
    return AppointmentOut(
        id=row.id,
        state=row.state,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        service=Named(id=row.service_id, name=row.service_name),
        staff=Named(id=row.staff_id, name=staff[row.staff_id]),
        price_minor=row.price_minor,
        currency=row.currency,
        pets=[PetOut.model_validate(pet) for pet in row.pets],
        note=row.note,
        client=PersonOut(
            id=row.client_id,
            first_name=row.first_name,
            last_name=row.last_name,
            email=row.email,
            mobile_phone=row.mobile_phone,
        ),
        booked_by=row.booked_by,
        reason=row.reason,
        hold_expires_at=row.hold_expires_at,
        reschedules=row.reschedules,
        created_at=row.created_at,
    )
