"""The web server as a child of `booking up`: one process, which leaves with its parent, and which
gets ready while the database is prepared."""

import os

from booking import household
from booking.commands.serve import listen
from booking.main import from_environment

if __name__ == "__main__":
    household.leave_with_parent()
    app = from_environment()
    household.wait_at_the_gate()
    listen(app, host="127.0.0.1", port=int(os.environ["BOOKING_UP_PORT"]))
