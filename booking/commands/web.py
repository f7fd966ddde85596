"""The web server as a child of `booking up`: one process, which leaves with its parent."""

import os

from booking import processes
from booking.commands.serve import serve

if __name__ == "__main__":
    processes.leave_with_parent()
    serve(host="127.0.0.1", port=int(os.environ["BOOKING_UP_PORT"]), processes=1)
