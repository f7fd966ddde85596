"""The benchmarks run to their end and say what they should; nobody judges the machine's speed."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from booking.bench.loading import Order, drive, get, post_json
from booking.bench.measuring import Sample, Series, times_as_quick, times_the_rate
from booking.bench.report import Goal


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(304 if "if-none-match" in self.headers else 200, b"x" * 100_000)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self._answer(503, body)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 503:
            self.send_header("Retry-After", "1")
        self.end_headers()
        if status != 304:
            self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_load_generator_sends_its_requests_in_turn_and_reads_whole_answers(port: int) -> None:
    requests = (get("/a"), get("/a", if_none_match='"1"'), post_json("/b", {"name": "x"}))
    seen = drive(Order(port, requests, at_once=3, seconds=30, at_most=30))
    assert [len(each) for each in seen.milliseconds] == [10, 10, 10]
    assert seen.statuses == {"200": 10, "304": 10, "503": 10}
    assert seen.retry_after == 10


def test_ways_are_compared_round_by_round() -> None:
    quick = Series([Sample(100, 1, (1.0,)), Sample(10, 1, (10.0,)), Sample(50, 1, (2.0,))])
    slow = Series([Sample(50, 1, (2.0,)), Sample(5, 1, (20.0,)), Sample(25, 1, (4.0,))])
    assert times_the_rate(quick, slow) == 2
    assert times_as_quick(quick, slow) == 2
    assert quick.rate == 50
    assert quick.p50 == 2
    assert quick.p99 == 10


def test_a_goal_is_met_from_its_own_side() -> None:
    assert Goal("ratio", 0.96, 0.95).met
    assert not Goal("ratio", 0.94, 0.95).met
    assert Goal("milliseconds", 2.9, 3, at_most=True).met
    assert not Goal("milliseconds", 3.1, 3, at_most=True).met


@pytest.mark.parametrize(
    ("benchmark", "ways"),
    [
        (["availability", "--appointments", "1000"], {"free times", "my appointments"}),
        (["sign-in"], {"product", "naive", "limit"}),
    ],
)
def test_a_benchmark_runs_and_reports_as_json(
    benchmark: list[str], ways: set[str], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", "from booking.cli import main; main()", "bench", *benchmark]
    shortly = ["--seconds", "0.05", "--rounds", "1", "--json"]
    done = subprocess.run([*command, *shortly], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert ways <= {row["way"] for row in told["rows"]}
    assert all(row["per_second"] > 0 for row in told["rows"])
    assert told["goals"]
    assert told["peak_memory_mib"]
    assert list(tmp_path.iterdir()) == []
