"""`booking register`: the reference client of the registration service, as a dialog or by options.

Registration Info › Update Registration › Register with User › username and password › OK
"""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from booking import clock
from booking.commands import configured, talk
from booking.errors import Refusal
from booking.program.desk import Desk, Login, NotRegistered
from booking.program.licence import say_day
from booking.program.server import Refused, Server, Unreachable

_ASKS_AGAIN = {"wrong_credentials", "second_factor_needed"}
_TRIES = 3


def run(
    *, server: str, username: str, business: str, status: bool, renew: bool, release: bool
) -> int:
    _expect_usage(server, username, [status, renew, release])
    try:
        settings = configured.settings()
        desk = Desk(settings.data_dir)
        if status:
            return _status(desk)
        if renew:
            return _renew(desk)
        if release:
            return _release(desk)
        if server:
            return _register(desk, Login(server, username, _password(), business=business))
        return _dialog(desk)
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))


def _expect_usage(server: str, username: str, acts: list[bool]) -> None:
    """Raises typer.BadParameter: exit code 2."""
    if bool(server) != bool(username):
        raise typer.BadParameter("--server and --username belong together")
    if sum(acts) + bool(server) > 1:
        raise typer.BadParameter("choose one of registering, --status, --renew and --release")


@contextmanager
def _progress(words: str) -> Iterator[None]:
    """A line that moves while somebody waits; nothing where nobody watches."""
    with Console(stderr=True).status(words):
        yield


def _register(desk: Desk, login: Login) -> int:
    """Once more with a code, or for a business, where the server asks for either."""
    try:
        with _progress(f"Registering at {Server(login.server).name} …"):
            desk.register(login)
    except Refused as refusal:
        if refusal.code == "second_factor_needed" and not login.code:
            return _register(desk, login.with_code(_typed("Code of your authenticator app")))
        if refusal.code == "business_needed" and not login.business:
            return _register(desk, login.of_business(_chosen_business(refusal)))
        raise
    talk.say("This computer is registered.")
    _say(desk)
    return talk.DONE


def _renew(desk: Desk) -> int:
    with _progress(f"Asking {Server(desk.registration.server).name} …"):
        desk.renew()
    _say(desk)
    return talk.DONE


def _release(desk: Desk) -> int:
    with _progress(f"Telling {Server(desk.registration.server).name} …"):
        desk.release()
    talk.say("This computer is released. Its seat is free.")
    return talk.DONE


def _status(desk: Desk) -> int:
    """What a program does at each start: renew when due, and go on as long as the licence counts,
    whatever came of that."""
    _renew_when_due(desk)
    _say(desk)
    desk.expect_usable()
    return talk.DONE


def _renew_when_due(desk: Desk) -> None:
    if not desk.renewal_is_due:
        return
    try:
        with _progress(f"Asking {Server(desk.registration.server).name} …"):
            desk.renew()
    except (Refused, Unreachable) as refusal:
        talk.say(f"Not renewed: {refusal.message}")


def _say(desk: Desk) -> None:
    for name, value in _facts(desk):
        talk.say(f"  {name:<14} {value}")


def _facts(desk: Desk) -> list[tuple[str, str]]:
    """Nothing that is not verified is shown as a licence. Raises Forged."""
    computer = ("Computer", desk.kept.machine_name)
    if desk.kept.registration is not None:
        licence = desk.licence
        ended = licence.valid_until <= clock.now()
        return [
            computer,
            ("Status", "Ended" if ended else "Registered"),
            ("Business", licence.business),
            ("Serial number", licence.serial_number),
            ("Paid until", say_day(licence.paid_until)),
            ("Licence until", say_day(licence.valid_until)),
            ("Asks again", say_day(desk.registration.next_check_at)),
        ]
    try:
        number = desk.typed_number
    except NotRegistered:
        return [computer, ("Status", "Not registered")]
    last = number.last_day
    return [
        computer,
        ("Status", "Temporary serial number"),
        ("Serial number", str(number)),
        ("Counts until", f"{last.day} {last:%B %Y}"),
    ]


def _dialog(desk: Desk) -> int:
    """Registration Info, as the program shows it."""
    talk.say("Registration Info")
    _renew_when_due(desk)
    _say(desk)
    if _choice("Update Registration", "Close") == 2:
        return talk.DONE
    talk.say("Update Registration")
    is_registered = desk.kept.registration is not None
    more = ["Renew now", "Release this computer"] if is_registered else ["Type a serial number"]
    acts = ["Register with User", *more, "Close"]
    match acts[_choice(*acts) - 1]:
        case "Register with User":
            return _register_with_user(desk)
        case "Type a serial number":
            desk.type_number(_typed("Serial number"))
            _say(desk)
        case "Renew now":
            return _renew(desk)
        case "Release this computer":
            return _release(desk)
    return talk.DONE


def _register_with_user(desk: Desk) -> int:
    """Username and password, and OK; what was mistyped can be typed again."""
    talk.say("Register with User")
    kept = desk.kept.registration
    server = _typed("Server", kept.server if kept else "")
    Server(server)  # an address that can't be used is refused before a password is typed
    username = kept.username if kept else ""
    for tries_left in reversed(range(_TRIES)):
        username = _typed("Username", username)
        login = Login(server, username, _password())
        if _choice("OK", "Cancel") == 2:
            return talk.refuse("nothing was registered")
        try:
            return _register(desk, login)
        except Refused as refusal:
            if refusal.code not in _ASKS_AGAIN or not tries_left:
                raise
            talk.say(refusal.message)
    return talk.REFUSED


def _choice(*options: str) -> int:
    for number, option in enumerate(options, 1):
        talk.say(f"  {number}  {option}")
    typed = ""
    while typed not in map(str, range(1, len(options) + 1)):
        typed = _typed("Choose", "1")
    return int(typed)


def _typed(what: str, otherwise: str = "") -> str:
    typed: str = typer.prompt(what, default=otherwise or None)
    return typed.strip()


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return getpass.getpass("Password: ")


def _chosen_business(refusal: Refused) -> str:
    """Raises the refusal again where nobody is there to choose."""
    choices = [each["slug"] for each in refusal.extra["businesses"]]
    if not sys.stdin.isatty():
        raise refusal
    talk.say("For which business?")
    return str(choices[_choice(*choices) - 1])
