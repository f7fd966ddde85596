"""`booking serve` as in production: PostgreSQL, Redis, a mail server, and a proxy with TLS."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from booking import clock
from booking.accounts.emails import NoLoginHere
from booking.database import Database
from booking.mail.actions import queue
from tests import servers
from tests.databases import LICENCE_KEY, SECRET, DatabaseKind, Databases
from tests.processes import Process, folder_of_its_own, running
from tests.product import PATIENCE, Product, processes_with, wait_until
from tests.servers import Redis, SmtpSink
from tests.world import PASSWORD, World

pytestmark = pytest.mark.xdist_group("serving")

HOST = "booking.example.com"
PUBLIC = f"https://{HOST}"
FROM_PROXY = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}


@dataclass
class Served:
    product: Product
    process: Process
    database: Database
    world: World
    redis: Redis
    sink: SmtpSink

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        """As it comes through the proxy."""
        headers = {"Host": HOST, **FROM_PROXY, **given.pop("headers", {})}
        url = f"http://127.0.0.1:{self.process.port}{path}"
        return httpx.request(
            method, url, headers=headers, timeout=PATIENCE, trust_env=False, **given
        )

    def probe(self, path: str) -> httpx.Response:
        """As a load balancer or a collector beside us asks: by address, without the proxy."""
        url = f"http://127.0.0.1:{self.process.port}{path}"
        return httpx.get(url, timeout=PATIENCE, trust_env=False)

    def post(self, path: str, body: dict[str, Any], token: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.request("POST", f"/api/v1{path}", json=body, headers=headers)


@pytest.fixture(scope="module")
def served(databases: Databases) -> Iterator[Served]:
    with ExitStack() as stack:
        folder = stack.enter_context(folder_of_its_own())
        world = databases.world(DatabaseKind.POSTGRESQL)
        redis = stack.enter_context(servers.redis(private=True))
        sink = stack.enter_context(servers.smtp_sink())
        given = {
            "environment": "production",
            "public_url": PUBLIC,
            "secret_key": SECRET,
            "licence_private_key": LICENCE_KEY,
            "database_url": databases.copy(DatabaseKind.POSTGRESQL, folder),
            "broker_url": redis.url,
            "smtp_url": sink.url,
            "trusted_proxies": "127.0.0.1",
        }
        product = Product(folder, given)
        database = stack.enter_context(product.database())
        process = stack.enter_context(running(product.web_server()))
        yield Served(product, process, database, world, redis, sink)


def test_only_the_public_host_is_served(served: Served) -> None:
    assert served.request("GET", "/happy-paws").status_code == 200
    for host in ("localhost", "127.0.0.1", "evil.example", f"evil.{HOST}", f"{HOST}.evil.example"):
        answer = served.request("GET", "/happy-paws", headers={"Host": host})
        assert answer.status_code == 400, host


def test_every_answer_says_to_stay_on_tls(served: Served) -> None:
    for path in ("/happy-paws", "/nothing/here", "/api/v1/businesses/happy-paws", "/healthz"):
        answer = served.request("GET", path)
        assert "max-age=31536000" in answer.headers["Strict-Transport-Security"], path
        assert "server" not in answer.headers


def test_cookies_are_bound_to_the_host_and_to_tls(served: Served) -> None:
    owner = served.world.owner
    answer = served.request(
        "POST",
        "/manage/sign-in",
        data={"email": owner.email, "password": owner.password},
        headers={"Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 303, answer.text
    kept = answer.headers["Set-Cookie"]
    assert kept.startswith("__Host-")
    parts = {part.strip().lower() for part in kept.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= parts
    assert not any(part.startswith("domain") for part in parts)
    cookie = {"Cookie": kept.partition(";")[0]}
    assert served.request("GET", "/manage/happy-paws", headers=cookie).status_code == 200


def test_a_form_from_another_site_is_refused(served: Served) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = served.request("POST", "/manage/sign-in", data={"email": "x"}, headers=headers)
        assert answer.status_code == 403


def test_the_documentation_is_closed(served: Served) -> None:
    for path in ("/api/docs", "/api/v1/openapi.json", "/docs", "/openapi.json", "/mailbox"):
        assert served.request("GET", path).status_code == 404, path


def test_figures_are_for_a_collector_beside_us(served: Served) -> None:
    served.request("GET", "/happy-paws")
    figures = served.probe("/metrics")
    assert figures.status_code == 200
    assert "booking_requests_total" in figures.text
    assert served.request("GET", "/metrics").status_code == 404


def test_it_is_ready_and_says_which_part_is_not(served: Served) -> None:
    assert served.probe("/readyz").json() == {"database": "ok", "broker": "ok", "work": "ok"}
    served.redis.kill()
    try:
        answer = served.probe("/readyz")
        assert answer.status_code == 503
        assert answer.json()["broker"].startswith("does not answer")
        assert answer.json()["database"] == "ok"
        assert served.probe("/readyz?for=web").status_code == 200
        assert served.request("GET", "/happy-paws").status_code == 200
    finally:
        served.redis.start()
    wait_until(lambda: served.probe("/readyz").status_code == 200, "the broker to be found again")


def test_work_that_nobody_does_makes_it_unready(served: Served) -> None:
    with served.database.writing() as session:
        code = NoLoginHere(path="/happy-paws", asked_for="a sign-in code")
        row = queue(session, code, to="waiting@mail.example")
        row.due_at = clock.now() - timedelta(seconds=50)
    assert served.probe("/readyz").status_code == 200
    with served.database.writing() as session:
        session.merge(row).due_at = clock.now() - timedelta(seconds=100)
    answer = served.probe("/readyz")
    assert answer.status_code == 503
    assert answer.json()["work"].startswith("emails waiting for 10")
    assert served.probe("/readyz?for=web").status_code == 200
    with running(served.product.worker()), running(served.product.beat()):
        wait_until(lambda: served.probe("/readyz").status_code == 200, "the work to be done")
    assert served.sink.per_recipient()["waiting@mail.example"] == 1


def test_when_the_web_server_is_killed_none_of_its_processes_stays(folder: Path) -> None:
    product = Product(folder, {"web_processes": "2"})
    server = product.web_server()
    with running(server):
        family = processes_with(f"BOOKING_DATA_DIR={folder}\0")
        assert len(family) >= 3, family
        server.kill()
        wait_until(lambda: not processes_with(f"BOOKING_DATA_DIR={folder}\0"), "them to leave")


def test_b6_no_secret_is_in_the_logs_or_in_the_queue(served: Served) -> None:
    queued, secrets = _walk(served)
    secrets += [SECRET, PASSWORD]
    assert len(secrets) >= 6
    log = served.product.log("web") + served.product.log("worker")
    for secret in secrets:
        assert secret not in log + queued
    lines = served.product.log("web").splitlines()
    assert lines
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(events) == len(lines), [line for line in lines if not line.startswith("{")][:5]
    assert {"event", "level", "timestamp"} <= set(events[-1])
    routes = " ".join(event["event"] for event in events)
    assert "/i/{token}" in routes
    assert "/api/v1/staff/sessions" in routes


def _walk(served: Served) -> tuple[str, list[str]]:
    """Whatever hands out or takes a secret; gives what lay in the queue, and the secrets."""
    world = served.world
    signed_in = served.post(
        "/staff/sessions", {"email": world.owner.email, "password": world.owner.password}
    ).json()["token"]
    served.post("/businesses/happy-paws/sign-in-codes", {"email": world.jo.email})
    served.post("/businesses/happy-paws/password-resets", {"email": world.jo.email})
    feed = served.request(
        "GET",
        "/api/v1/businesses/happy-paws/me/calendar",
        headers={"Authorization": f"Bearer {world.jo.person.token}"},
    ).json()["url"]
    served.request("GET", feed.removeprefix(PUBLIC))
    invited = served.post(
        "/businesses/happy-paws/campaigns", {"client_ids": [str(world.kim.id)]}, signed_in
    )
    assert invited.status_code == 202, invited.text
    wait_until(
        lambda: "send_due_invitations" in "\n".join(served.redis.waiting()),
        "the wake-up to lie there",
    )
    queued = "\n".join(served.redis.waiting())
    wanted = {world.jo.email: 2, world.kim.email: 1}
    with running(served.product.worker()), running(served.product.beat()):
        wait_until(
            lambda: all(served.sink.per_recipient()[to] >= wanted[to] for to in wanted), "the mail"
        )
    texts = "\n".join(
        str(body.get_content())
        for message in served.sink.messages()
        if (body := message.get_body(("plain",))) is not None
    )
    links = re.findall(rf"{PUBLIC}(\S+/(?:i|reset)/[\w-]+|/i/[\w-]+)", texts)
    assert len(links) >= 2, texts
    for link in links:
        served.request("GET", link)
        served.request("POST", link, data={"password": PASSWORD})
    served.request("GET", "/i/no-such-token-but-a-secret-one")
    tokens = [link.rpartition("/")[2] for link in links]
    feed_token = feed.rpartition("/")[2].removesuffix(".ics")
    return queued, [signed_in, feed_token, *tokens, "no-such-token-but-a-secret-one"]
