"""A file of whole people instead of rows and columns."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from booking.imports.rules.reading import RejectedRow
from booking.imports.rules.rows import ImportedClient

_MOST_DROPPED = 100


@dataclass(slots=True)
class Records:
    """`clients` reads on in the file as it is consumed, once; it may raise `UnreadableFile`.

    `dropped` names what was forbidden, as far as the file has been read.
    """

    format: str
    clients: Iterator[ImportedClient | RejectedRow] = field(default_factory=lambda: iter(()))
    dropped: list[str] = field(default_factory=list)

    def drop(self, name: str) -> None:
        if name not in self.dropped and len(self.dropped) < _MOST_DROPPED:
            self.dropped.append(name)
