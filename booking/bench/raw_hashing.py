"""The limit of signing in: nothing but argon2 on threads of a process of its own.

`python -m booking.bench.raw_hashing THREADS SECONDS HASH` writes what it did as JSON. The password
is PASSWORD.
"""

import json
import resource
import subprocess
import sys
import threading
import time

from argon2.low_level import Type, verify_secret

from booking.bench.measuring import Sample

PASSWORD = "a benchmark is no secret"


def verify_for(threads: int, seconds: float, password_hash: str) -> tuple[Sample, float]:
    """Verifies of that hash, and the peak memory in MiB."""
    given = [str(threads), str(seconds), password_hash]
    said = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "booking.bench.raw_hashing", *given],
        stdout=subprocess.PIPE,
        check=True,
    )
    told = json.loads(said.stdout)
    return Sample(told["done"], told["seconds"], cpu_seconds=told["cpu"]), told["peak_mib"]


def _verify(until: float, password_hash: bytes, counts: list[int]) -> None:
    done = 0
    while time.perf_counter() < until:
        verify_secret(password_hash, PASSWORD.encode(), Type.ID)
        done += 1
    counts.append(done)


def _main(threads: int, seconds: float, password_hash: str) -> None:
    counts: list[int] = []
    started, before = time.perf_counter(), time.process_time()
    given = (started + seconds, password_hash.encode(), counts)
    workers = [threading.Thread(target=_verify, args=given) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = {
        "done": sum(counts),
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - before,
        "peak_mib": peak / (1024 * 1024 if sys.platform == "darwin" else 1024),
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    _main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3])
