"""A server of a benchmark: `python -m booking.bench.serving MODULE:FACTORY PORT`.

It listens as `booking serve` does, in one process, and leaves when its standard input ends: when
the benchmark is gone, killed or not.
"""

import os
import sys
import threading

import uvicorn


def _leave_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_leave_with_parent, name="leash", daemon=True).start()
    uvicorn.run(
        sys.argv[1],
        factory=True,
        host="127.0.0.1",
        port=int(sys.argv[2]),
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=120,  # a blocked event loop reads a request long after it was sent
    )
