"""The reference client by itself: what it keeps, whom it trusts, and that it knows no room."""

import re
from pathlib import Path

import pytest

import booking
from booking.errors import Invalid
from booking.licensing.models import Registration
from booking.program.desk import Desk, NotRegistered, WrongNumber
from booking.program.keeping import FILE, Unreadable
from booking.program.licence import Ended
from booking.program.server import Server, Unreachable
from booking.serial_numbers import Kind, SerialNumber
from tests.processes import free_port
from tests.times import START, Clock

TOP = Path(booking.__file__).parent


@pytest.mark.parametrize(
    "address",
    [
        "http://booking.example.com",
        "http://127.0.0.1.evil.example",
        "https://user:secret@booking.example.com",
        "booking.example.com",
        "ftp://localhost",
        "https://[",
        "",
    ],
)
def test_a_password_is_sent_to_nobody_in_the_open(address: str) -> None:
    with pytest.raises(Invalid, match="https"):
        Server(address)


def test_a_server_that_is_away_is_told_as_that() -> None:
    with pytest.raises(Unreachable, match="online"):
        Server(f"http://127.0.0.1:{free_port()}/").keys()


def test_a_temporary_number_counts_to_its_last_day(folder: Path, clock: Clock) -> None:
    desk = Desk(folder)
    with pytest.raises(NotRegistered):
        desk.expect_usable()
    number = SerialNumber(Kind.TEMPORARY, START.date(), 7)
    desk.type_number(f" {str(number).lower()} ")
    Desk(folder).expect_usable()
    clock.move(days=1)
    for use in (Desk(folder).expect_usable, lambda: desk.type_number(str(number))):
        with pytest.raises(Ended, match="1 March 2027"):
            use()
    for wrong in (str(number)[:-1], str(SerialNumber(Kind.REGISTERED, START.date(), 7))):
        with pytest.raises(WrongNumber):
            desk.type_number(wrong)


def test_what_is_kept_is_for_its_user_alone_and_named_when_it_can_not_be_read(
    folder: Path, clock: Clock
) -> None:
    desk = Desk(folder)
    desk.type_number(str(SerialNumber(Kind.TEMPORARY, START.date(), 7)))
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    assert Desk(folder).kept.installation_id == desk.kept.installation_id
    (folder / FILE).write_text("{")
    with pytest.raises(Unreadable, match=FILE):
        Desk(folder)


def test_the_program_knows_no_room() -> None:
    """What others build theirs from stands on the public API alone."""
    rooms = {path.parent.name for path in TOP.glob("*/models.py")}
    assert Registration.__module__.split(".")[1] in rooms
    client = [*(TOP / "program").glob("*.py"), TOP / "commands" / "register.py"]
    imported = {name for path in client for name in re.findall(r"booking\.(\w+)", path.read_text())}
    assert not imported & rooms
