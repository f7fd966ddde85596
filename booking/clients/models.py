"""Clients, their pets, and the links between clients and accounts."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import Base, Owned, OwnedPart, new_id, same_business, states


class ClientStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"


class Compared(StrEnum):
    """How far a record has been held against the rest of the list since it last changed: not at
    all, its matching keys are written, or its possible matches are known."""

    CHANGED = "changed"
    KEYED = "keyed"
    DONE = "done"


class Client(Owned, Base):
    """A person as one business knows them.

    `email` is kept as typed. `email_key` is what addresses are compared by, and null when the
    address can't be valid. `email_version` rises with every change of the address, so that what
    was mailed to the old one dies. `search_text` is what the search box looks through, `sort_name`
    what lists are sorted by; `rules` makes both.
    """

    __tablename__ = "client"
    __table_args__ = (
        UniqueConstraint("business_id", "id"),
        Index("ix_client_email", "business_id", "email_key"),
        Index("ix_client_external", "business_id", "external_id"),
        Index("ix_client_sort_name", "business_id", "sort_name", "id"),
        Index(
            "ix_client_compared",
            "business_id",
            "compared",
            postgresql_where=text("compared <> 'done'"),
            sqlite_where=text("compared <> 'done'"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    external_id: Mapped[str | None] = mapped_column(String(100))
    first_name: Mapped[str] = mapped_column(String(100), default="")
    last_name: Mapped[str] = mapped_column(String(100), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    email_key: Mapped[str | None] = mapped_column(String(254))
    email_version: Mapped[int] = mapped_column(default=0)
    mobile_phone: Mapped[str] = mapped_column(String(60), default="")
    home_phone: Mapped[str] = mapped_column(String(60), default="")
    address_1: Mapped[str] = mapped_column(String(200), default="")
    address_2: Mapped[str] = mapped_column(String(200), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    region: Mapped[str] = mapped_column(String(100), default="")
    postal_code: Mapped[str] = mapped_column(String(20), default="")
    country: Mapped[str] = mapped_column(String(60), default="")
    birthday: Mapped[date | None]
    language: Mapped[str] = mapped_column(String(35), default="")
    marketing_email_ok: Mapped[bool | None]
    sms_ok: Mapped[bool | None]
    household: Mapped[str] = mapped_column(String(100), default="")
    notes: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[ClientStatus] = mapped_column(states(ClientStatus), default=ClientStatus.ACTIVE)
    blocked: Mapped[bool] = mapped_column(default=False)
    sort_name: Mapped[str] = mapped_column(String(250), default="")
    search_text: Mapped[str] = mapped_column(Text, default="")
    compared: Mapped[Compared] = mapped_column(
        states(Compared), default=Compared.CHANGED, server_default="changed"
    )
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email or "Unnamed client"


class Pet(OwnedPart, Base):
    __tablename__ = "pet"
    __table_args__ = (
        same_business("client_id", "client", ondelete="CASCADE"),
        Index("ix_pet_client", "business_id", "client_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[uuid.UUID]
    external_id: Mapped[str | None] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(100))
    species: Mapped[str] = mapped_column(String(60), default="")
    breed: Mapped[str] = mapped_column(String(100), default="")
    coat: Mapped[str] = mapped_column(String(60), default="")
    color: Mapped[str] = mapped_column(String(60), default="")
    sex: Mapped[str] = mapped_column(String(20), default="")
    altered: Mapped[bool | None]
    birth_date: Mapped[date | None]
    weight: Mapped[str] = mapped_column(String(20), default="")
    weight_unit: Mapped[str] = mapped_column(String(10), default="")
    vet_name: Mapped[str] = mapped_column(String(100), default="")
    vet_phone: Mapped[str] = mapped_column(String(60), default="")
    behaviour_notes: Mapped[str] = mapped_column(Text, default="")
    vaccinations: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class LinkedBy(StrEnum):
    """The proof or the act that made a link."""

    INVITATION = "invitation"
    CONFIRMATION = "confirmation"
    CHOICE = "choice"
    STAFF = "staff"


class Link(Owned, Base):
    """Account ↔ client. A client has one login at most; a login may have several clients."""

    __tablename__ = "link"
    __table_args__ = (
        UniqueConstraint("business_id", "client_id"),
        same_business("client_id", "client", ondelete="CASCADE"),
        Index("ix_link_account", "business_id", "account_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[uuid.UUID]
    account_id: Mapped[uuid.UUID]
    linked_by: Mapped[LinkedBy] = mapped_column(states(LinkedBy))
    created_at: Mapped[datetime]
