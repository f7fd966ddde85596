"""How often may this be tried? Counted in Redis where there is one, else in this process."""

import logging
import time
from enum import StrEnum, auto

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from booking.config import Settings
from booking.errors import TooOften

_log = logging.getLogger(__name__)


class Limit(StrEnum):
    """What is limited: `address` is an e-mail address, `ip` the client's.

    They slow an attacker and never lock an owner out: a reset or a code has a limit of its own.
    """

    SIGN_IN_IP = auto()
    SIGN_IN_ADDRESS = auto()
    CODE_IP = auto()
    SIGN_UP_IP = auto()
    BOOKING_IP = auto()
    MAIL_IP = auto()
    MAIL_ADDRESS = auto()
    TOKEN_IP = auto()
    ANSWER_IP = auto()


_RATES: dict[Limit, RateLimitItem] = {
    Limit.SIGN_IN_IP: parse("30/minute"),
    Limit.SIGN_IN_ADDRESS: parse("10/5 minutes"),
    Limit.CODE_IP: parse("30/minute"),
    Limit.SIGN_UP_IP: parse("20/minute"),
    Limit.BOOKING_IP: parse("60/minute"),
    Limit.MAIL_IP: parse("20/minute"),
    Limit.MAIL_ADDRESS: parse("6/hour"),
    Limit.TOKEN_IP: parse("120/minute"),
    Limit.ANSWER_IP: parse("20/hour"),
}


class Limiter:
    """Counts tries. When Redis is gone each process counts for itself: neither open nor closed."""

    def __init__(self, settings: Settings) -> None:
        self._on = settings.rate_limits == "on"
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared = self._own
        if settings.broker_url.startswith("redis"):
            storage = storage_from_string(
                settings.broker_url,
                wrap_exceptions=True,
                socket_timeout=1,
                socket_connect_timeout=1,
            )
            assert isinstance(storage, Storage)
            self._shared = MovingWindowRateLimiter(storage)

    def hit(self, limit: Limit, key: str) -> None:
        """Raises TooOften, with the seconds to wait, when this try is one too many."""
        if not self._on:
            return
        strategy = self._shared
        try:
            allowed = strategy.hit(_RATES[limit], limit.value, key)
        except StorageError:
            _log.warning("the shared limiter is gone; this process counts alone")
            strategy = self._own
            allowed = strategy.hit(_RATES[limit], limit.value, key)
        if not allowed:
            reset_at, _ = strategy.get_window_stats(_RATES[limit], limit.value, key)
            raise TooOften(retry_after=max(1, int(reset_at - time.time()) + 1))

    def allows(self, limit: Limit, key: str) -> bool:
        """The same, for what is dropped in silence (a mail nobody may learn of)."""
        try:
            self.hit(limit, key)
        except TooOften:
            return False
        return True
