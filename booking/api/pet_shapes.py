"""What may be said of a pet, by its owner and by staff alike."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from booking.clients.rules import Line20, PastDate, Vaccination
from booking.fields import Line60, Line100, PhoneText


class MyPetPatch(BaseModel):
    """A merge patch: what is not named stays, null empties. `archived: true` puts a pet away."""

    model_config = ConfigDict(extra="forbid")

    name: Line100 | None = None
    species: Line60 | None = None
    breed: Line100 | None = None
    coat: Line60 | None = None
    color: Line60 | None = None
    sex: Line20 | None = None
    altered: bool | None = None
    birth_date: PastDate | None = None
    weight: Line20 | None = None
    weight_unit: Literal["", "kg", "lb"] | None = None
    vet_name: Line100 | None = None
    vet_phone: PhoneText | None = None
    vaccinations: Annotated[list[Vaccination], Field(max_length=50)] | None = None
    archived: Literal[True] | None = None
