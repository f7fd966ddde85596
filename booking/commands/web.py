"""The web server as a child of `booking up` or `booking serve`, which leaves with its parent."""

import os

from fastapi import FastAPI

from booking import household
from booking.commands.serve import listen
from booking.main import from_environment


def application() -> FastAPI:
    """What each process of `booking serve` makes for itself."""
    household.leave_with_parent()
    return from_environment()


if __name__ == "__main__":
    app = application()
    household.wait_at_the_gate()  # the database is prepared meanwhile
    listen(app, host="127.0.0.1", port=int(os.environ["BOOKING_UP_PORT"]))
