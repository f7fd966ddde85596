"""The web server as a child of `booking up` or `booking serve`, which leaves with its parent."""

import gc
import importlib
import os
from typing import Any

from booking import household
from booking.commands.serve import listen


def application() -> Any:
    """What each process of `booking serve` makes for itself. All that is loaded here stays: the
    collector of garbage looks through it neither meanwhile nor ever after."""
    household.leave_with_parent()
    gc.disable()
    app = importlib.import_module("booking.main").from_environment()
    gc.freeze()
    gc.enable()
    return app


if __name__ == "__main__":
    app = application()
    household.wait_at_the_gate()  # the database is prepared meanwhile
    listen(app, host="127.0.0.1", port=int(os.environ["BOOKING_UP_PORT"]))
