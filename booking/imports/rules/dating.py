"""Whether 03/04/2020 is in March or in April: other dates of the same column may tell."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from booking.imports.rules.formats import DATES, Column
from booking.imports.rules.reading import RejectedRow, Row
from booking.imports.rules.values import date_order

_SAMPLE = 2_000


def dated(
    rows: Iterable[Row | RejectedRow], columns: tuple[Column, ...], usual: str = ""
) -> tuple[Iterator[Row | RejectedRow], tuple[Column, ...]]:
    """The same rows, and the columns with the order of their dates; `usual` where nothing tells."""
    coming = iter(rows)
    sample = list(islice(coming, _SAMPLE))
    known = tuple(
        column._replace(order=_order(sample, column) or usual) if column.field in DATES else column
        for column in columns
    )
    return chain(sample, coming), known


def _order(sample: Iterable[Row | RejectedRow], column: Column) -> str:
    return date_order(row.cells[column.position] for row in sample if isinstance(row, Row))
