"""The two kinds on which the whole walk is gone, each with a salon that is open."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from booking.businesses.queries import by_slug
from booking.database import Database, set_business
from tests import servers
from tests.databases import SECRET, DatabaseKind, Databases
from tests.product import Product
from tests.up import house
from tests.world import PASSWORD

SLUG = "the-walk"
OWNER = "olga.owner@mail.example"


@dataclass
class Salon:
    kind: str
    url: str
    product: Product
    database: Database
    inbox: Callable[[], list[EmailMessage]]
    """everything that was delivered so far"""

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        with self.database.writing() as session:
            business = by_slug(session, SLUG)
            assert business is not None
            set_business(session, business.id)
            yield session


@pytest.fixture(params=["embedded", "servers"])
def salon(request: pytest.FixtureRequest, folder: Path, databases: Databases) -> Iterator[Salon]:
    """`booking up` alone; or PostgreSQL, Redis and a mail server, with `booking serve`, a worker
    and its schedule."""
    kind = _embedded(folder) if request.param == "embedded" else _on_servers(folder, databases)
    with kind as salon:
        yield salon


def open_business(product: Product) -> None:
    product.done("migrate")
    details = ["--name", "The Walk", "--timezone", "America/New_York", "--owner-email", OWNER]
    product.done("create-business", SLUG, *details, typed=f"{PASSWORD}\n")


@contextlib.contextmanager
def _embedded(folder: Path) -> Iterator[Salon]:
    with house(folder) as up:
        open_business(up.product)
        up.start()
        with up.product.database() as database:
            yield Salon("embedded", up.url, up.product, database, up.mail)
        assert up.end(signal.SIGTERM) == 0
        assert up.children == {}


@contextlib.contextmanager
def _on_servers(folder: Path, databases: Databases) -> Iterator[Salon]:
    with servers.redis(private=True) as redis, servers.smtp_sink() as sink:
        given = {
            "database_url": databases.empty(DatabaseKind.POSTGRESQL, folder),
            "broker_url": redis.url,
            "smtp_url": sink.url,
            "secret_key": SECRET,
            "public_url": "http://localhost:8000",
        }
        product = Product(folder, given)
        open_business(product)
        with product.serving() as url, product.working(), product.database() as database:
            yield Salon("servers", url, product, database, sink.messages)
