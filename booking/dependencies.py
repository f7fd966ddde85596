"""What web and api share: transactions as FastAPI dependencies, and who is really calling."""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from booking.config import Settings
from booking.database import Database, is_writing


def _reading(request: Request) -> Iterator[Session]:
    with database_of(request).reading() as session:
        yield session


def _writing(request: Request) -> Iterator[Session]:
    """Committed before the answer leaves: with FastAPI's default scope a commit that fails would
    still give the client its 200."""
    with database_of(request).writing() as session:
        yield session


Reading = Annotated[Session, Depends(_reading, scope="function")]
Writing = Annotated[Session, Depends(_writing, scope="function")]


@contextmanager
def writable(request: Request, session: Session) -> Iterator[Session]:
    """This session where it may write; else a short transaction of its own beside it."""
    if is_writing(session):
        yield session
        return
    with database_of(request).writing() as own:
        yield own


def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def client_ip(request: Request) -> str:
    """The caller's address. X-Forwarded-For counts only as far as our own proxies wrote it: read
    from the right, past trusted addresses, to the first that is not ours."""
    peer = request.client.host if request.client else "unknown"
    trusted = settings_of(request).trusted_proxies
    if not _is_trusted(peer, trusted):
        return peer
    hops = [hop.strip() for hop in request.headers.get("x-forwarded-for", "").split(",")]
    for hop in reversed([hop for hop in hops if hop]):
        if not _is_trusted(hop, trusted):
            return hop[:64]
    return peer


def _is_trusted(address: str, trusted: tuple[str, ...]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in ipaddress.ip_network(network, strict=False) for network in trusted)
