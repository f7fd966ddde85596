"""What a text is: a class with values, and its words.

A room that texts people declares a subclass of `Text`. This room never knows who writes.
"""

import abc
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from booking.config import Settings


class Text(BaseModel, abc.ABC):
    """One text to one telephone. Values are plain and small: they wait in the database as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: ClassVar[dict[str, type["Text"]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        Text.kinds[cls.__name__] = cls

    @abc.abstractmethod
    def words(self, settings: Settings) -> str:
        """All of it. Links and their secrets are derived here and never kept."""
