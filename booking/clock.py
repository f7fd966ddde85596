"""The only clock, and the only conversions between UTC and a business's own zone."""

import functools
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources

_offset = timedelta(0)


def set_offset(seconds: int) -> None:
    """Shift every later `now()`; the setting CLOCK_OFFSET, which production refuses."""
    global _offset
    _offset = timedelta(seconds=seconds)


def now() -> datetime:
    return datetime.now(UTC) + _offset


@functools.cache
def zone(name: str) -> zoneinfo.ZoneInfo:
    """The IANA zone of that name. Raises ValueError for anything else."""
    if name not in zone_names():
        raise ValueError(f"{name!r} is not an IANA time zone")
    return zoneinfo.ZoneInfo(name)


@functools.cache
def zone_names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


@functools.cache
def country_of(name: str) -> str | None:
    """The country (ISO 3166, two letters) in which people keep that zone; None for `UTC` and such.

    Read off the zone database: `zone.tab`, and for other names of a zone the links of `tzdata.zi`.
    """
    tables = resources.files("tzdata.zoneinfo")
    countries = {row[2]: row[0] for row in _rows(tables.joinpath("zone.tab").read_text())}
    if name not in countries:
        rows = _rows(tables.joinpath("tzdata.zi").read_text())
        name = next((row[1] for row in rows if row[0] == "L" and row[2] == name), name)
    return countries.get(name)


def _rows(table: str) -> Iterator[list[str]]:
    return (line.split() for line in table.splitlines() if line and not line.startswith("#"))


def to_local(moment: datetime, zone_name: str) -> datetime:
    return moment.astimezone(zone(zone_name))


def to_utc(local: datetime, zone_name: str) -> datetime:
    """A wall-clock time as an instant; in a DST gap the time after it, in a fold the first one.

    That is the meaning PEP 495 gives `fold=0`.
    """
    return local.replace(tzinfo=zone(zone_name)).astimezone(UTC)
