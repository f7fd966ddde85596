"""The only clock, and the only conversions between UTC and a business's own zone."""

import functools
import zoneinfo
from datetime import UTC, datetime, timedelta

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


def to_local(moment: datetime, zone_name: str) -> datetime:
    return moment.astimezone(zone(zone_name))


def to_utc(local: datetime, zone_name: str) -> datetime:
    """A wall-clock time as an instant; in a DST gap the time after it, in a fold the first one.

    That is the meaning PEP 495 gives `fold=0`.
    """
    return local.replace(tzinfo=zone(zone_name)).astimezone(UTC)
