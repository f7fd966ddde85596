"""What an installation keeps in its data directory: who it is, and what it was given.

One file, readable by its user alone, replaced as a whole: a power cut leaves the old or the new.
"""

import os
import socket
import tempfile
import uuid
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from booking.errors import Conflict
from booking.program.licence import Keys

FILE = "registration.json"


class Unreadable(Conflict):
    code = "file_not_readable"


class Registration(BaseModel):
    """The last answer of the server, and what is needed to ask it again."""

    model_config = ConfigDict(frozen=True)

    server: str
    username: str
    id: uuid.UUID
    registration_token: str
    serial_number: str
    licence: str
    keys: Keys
    next_check_at: datetime


class Kept(BaseModel):
    """`typed_number`: a temporary serial number, of a program that is not registered."""

    model_config = ConfigDict(frozen=True)

    installation_id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    machine_name: str = Field(default_factory=lambda: socket.gethostname()[:60] or "computer")
    registration: Registration | None = None
    typed_number: str = ""


def load(folder: Path) -> Kept:
    """A new installation where nothing is kept yet. Raises Unreadable."""
    path = folder / FILE
    try:
        return Kept.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Kept()
    except (OSError, ValidationError) as error:
        raise Unreadable(f"{path} can't be read. Remove it, then register again.") from error


def save(folder: Path, kept: Kept) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=folder)  # of mode 600
    with os.fdopen(descriptor, "w") as file:
        file.write(kept.model_dump_json(indent=2))
        file.flush()
        os.fsync(file.fileno())
    Path(unfinished).replace(folder / FILE)
