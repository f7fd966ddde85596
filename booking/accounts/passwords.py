"""Hashing passwords: argon2id, in few places at once, so that a flood of sign-ins stays a flood of
sign-ins and nothing else gets slow."""

import asyncio
import base64
import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from passlib.context import CryptContext

from booking import card_numbers
from booking.accounts import rules
from booking.config import Settings
from booking.errors import Invalid, Overloaded

_P = ParamSpec("_P")
_T = TypeVar("_T")
_holds_place: ContextVar[bool] = ContextVar("_holds_place", default=False)


@dataclass(frozen=True, slots=True)
class Verified:
    """`new_hash` is set when the right password was hashed with other parameters than today's."""

    ok: bool
    new_hash: str | None = None


def check_new(password: str, *, minimum: int, context: tuple[str, ...] = ()) -> None:
    """Raises Invalid on the field `password` when it is too short, too common or too close to
    `context`: the person's name, address, business."""
    if card_numbers.holds_one(password):
        raise Invalid.field("password", card_numbers.SENTENCE, card_numbers.CODE)
    objection = rules.password_objection(password, minimum=minimum, context=context)
    if objection is not None:
        raise Invalid(fields=(objection,))


class Hashing:
    """A few hashing places and a bounded queue before them; beyond both, Overloaded.

    Used without a database connection in hand: a hash takes some fifty milliseconds and a core.
    """

    def __init__(self, settings: Settings) -> None:
        self._context = _crypt_context(settings)
        self._dummy = _hash_of_nothing(settings)
        self._pool = ThreadPoolExecutor(settings.hashing_slots, thread_name_prefix="hashing")
        self._places = settings.hashing_slots + settings.hashing_queue
        self._taken = 0
        self._counting = threading.Lock()

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Raises Overloaded while all places are taken: entered before anything is read, so that
        a refusal costs next to nothing. What is hashed inside needs no other place."""
        self._take()
        holding = _holds_place.set(True)
        try:
            yield
        finally:
            _holds_place.reset(holding)
            self._leave()

    def expect_room(self) -> None:
        """Raises Overloaded while all places are taken, and takes none."""
        if self._taken >= self._places:
            raise Overloaded

    async def verify(self, password_hash: str | None, password: str) -> Verified:
        """For no hash (an unknown address, a login without a password) takes as long as for one."""
        return await self._run(self._verify, password_hash, password)

    async def hash(self, password: str) -> str:
        """Raises Invalid for what can't be hashed; `check_new` says more, and earlier."""
        return await self._run(self._hash, password)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        if _holds_place.get():
            return await asyncio.wrap_future(self._pool.submit(work, *args, **kwargs))
        self._take()
        future = self._pool.submit(work, *args, **kwargs)
        future.add_done_callback(lambda _: self._leave())  # also when the caller has gone away
        return await asyncio.wrap_future(future)

    def _take(self) -> None:
        with self._counting:
            self.expect_room()
            self._taken += 1

    def _leave(self) -> None:
        with self._counting:
            self._taken -= 1

    def _verify(self, password_hash: str | None, password: str) -> Verified:
        if password_hash is None or not rules.is_hashable(password):
            self._context.verify_and_update("", self._dummy)
            return Verified(ok=False)
        ok, new_hash = self._context.verify_and_update(rules.normalised(password), password_hash)
        return Verified(ok=ok, new_hash=new_hash)

    def _hash(self, password: str) -> str:
        return _hash(self._context, password)


def hash_now(settings: Settings, password: str) -> str:
    """For the command line, where nobody else waits."""
    return _hash(_crypt_context(settings), password)


def _hash(context: CryptContext, password: str) -> str:
    if not rules.is_hashable(password):
        raise Invalid.field("password", "This password can't be used.", "not_text")
    hashed: str = context.hash(rules.normalised(password))
    return hashed


def _crypt_context(settings: Settings) -> CryptContext:
    return CryptContext(
        schemes=["argon2"],
        argon2__type="ID",
        argon2__memory_cost=settings.argon2_memory_kib,
        argon2__time_cost=settings.argon2_time_cost,
        argon2__parallelism=1,
    )


def _hash_of_nothing(settings: Settings) -> str:
    """A hash that no password has, with today's cost, made without hashing anything."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (16, 32)
    )
    cost = f"m={settings.argon2_memory_kib},t={settings.argon2_time_cost},p=1"
    return f"$argon2id$v=19${cost}${salt}${digest}"
