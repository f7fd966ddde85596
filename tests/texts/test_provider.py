"""Texts before a provider with Twilio's interface: what it answers decides what becomes of the row.

The provider is a small server of this file; Twilio itself cannot be reached by tests.
"""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import select

from booking.config import Settings
from booking.database import Database
from booking.notices.models import Subscription
from booking.texts import actions
from booking.texts.message import Text
from booking.texts.models import OutboundText
from booking.texts.rules import masked, phone_key
from tests.front_door import Api
from tests.times import Clock
from workers import jobs

NUMBER = "+16175550123"
PATH = "/2010-04-01/Accounts/AC1/Messages.json"


class Hello(Text):
    name: str

    def words(self, settings: Settings) -> str:
        return f"Hello {self.name}"


class Provider:
    """`answers` are given in turn, the last one for good; None hangs up without a word."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, Any]] | None] = [(201, {"sid": "SM1"})]
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                provider.asked.append((self.path, self.headers["authorization"], form))
                several = len(provider.answers) > 1
                answer = provider.answers.pop(0) if several else provider.answers[0]
                if answer is None:
                    self.close_connection = True
                    return
                said = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://AC1:s%2Fcret@127.0.0.1:{self.server.server_port}?from=%2B15550100"


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    thread = threading.Thread(target=provider.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield provider
    provider.server.shutdown()
    thread.join()
    provider.server.server_close()


@pytest.fixture
def settings(settings: Settings, provider: Provider) -> Settings:
    return settings.model_copy(update={"texts_url": provider.url})


def queued(database: Database, name: str = "Jo") -> None:
    with database.writing() as session:
        actions.queue(session, Hello(name=name), to=NUMBER)


def rows(database: Database) -> list[tuple[str, int, str]]:
    with database.reading() as session:
        found = session.scalars(select(OutboundText).order_by(OutboundText.id))
        return [(row.state.value, row.attempts, row.reason) for row in found]


def test_a_text_is_sent_once_as_twilio_has_it(database: Database, provider: Provider) -> None:
    queued(database)
    assert jobs.send_due_texts(database) == 1
    assert jobs.send_due_texts(database) == 0
    ((path, who, form),) = provider.asked
    assert path == PATH
    assert base64.b64decode(who.removeprefix("Basic ")) == b"AC1:s/cret"
    assert form == {"To": NUMBER, "From": "+15550100", "Body": "Hello Jo"}
    assert rows(database)[0][0] == "sent"


def test_what_was_not_looked_at_is_tried_again_and_the_others_wait(
    database: Database, provider: Provider, clock: Clock
) -> None:
    provider.answers = [(429, {"code": 20429, "message": "Too many"}), (201, {})]
    queued(database, "One")
    queued(database, "Two")
    assert jobs.send_due_texts(database) == 1
    assert [state for state, _, _ in rows(database)] == ["deferred", "queued"]
    assert rows(database)[0][2] == "429 20429 Too many"
    clock.move(minutes=2)
    assert jobs.send_due_texts(database) == 2
    assert [state for state, _, _ in rows(database)] == ["sent", "sent"]


@pytest.mark.parametrize(
    ("answer", "state"),
    [((500, {}), "uncertain"), (None, "uncertain"), ((400, {"code": 21211}), "failed")],
    ids=["a fault of theirs", "no answer", "refused"],
)
def test_what_may_have_left_is_not_sent_again(
    database: Database, provider: Provider, clock: Clock, answer: Any, state: str
) -> None:
    provider.answers = [answer]
    queued(database)
    jobs.send_due_texts(database)
    clock.move(days=1)
    jobs.send_due_texts(database)
    assert rows(database)[0][0] == state
    assert len(provider.asked) == 1


def test_a_worker_that_died_while_sending_leaves_it_uncertain(
    database: Database, provider: Provider, clock: Clock
) -> None:
    queued(database)
    with database.writing() as session:
        actions.claim(session)
    clock.move(minutes=10)
    jobs.send_due_texts(database)
    assert rows(database)[0][0] == "uncertain"
    assert provider.asked == []


def test_whoever_tells_the_provider_to_stop_is_no_subscriber_any_more(
    api: Api, database: Database, provider: Provider
) -> None:
    body = {"phone": NUMBER, "components": ["messaging"]}
    api.visitor.post("/notices/subscriptions", json=body)
    jobs.send_due_texts(database)
    token = provider.asked[0][2]["Body"].partition("/status/confirm/")[2].split()[0]
    api.visitor.post("/notices/subscriptions/confirm", json={"token": token})
    provider.answers = [(400, {"code": 21610, "message": "unsubscribed recipient"})]
    queued(database)
    jobs.send_due_texts(database)
    with database.reading() as session:
        assert session.scalars(select(Subscription)).one().ended_at is not None


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("+1 617 555 0123", NUMBER),
        ("+44 20 7946 0018", "+442079460018"),
        ("617 555 0123", None),
        ("+1", None),
        ("+1 617 555 0123 ext. 4", None),
        ("+" + "1" * 60, None),
        ("", None),
    ],
)
def test_numbers_are_typed_with_their_country(typed: str, key: str | None) -> None:
    assert phone_key(typed) == key


def test_a_masked_number_tells_little() -> None:
    assert masked(NUMBER) == "+1 •••• 23"


def test_waits_grow_and_end(database: Database, provider: Provider, clock: Clock) -> None:
    provider.answers = [(503, {})]
    provider.server.shutdown()
    provider.server.server_close()
    queued(database)
    for _ in range(8):
        jobs.send_due_texts(database)
        clock.move(hours=5)
    state, attempts, _ = rows(database)[0]
    assert (state, attempts) == ("failed", 6)
