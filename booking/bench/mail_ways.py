"""One process that sends its share of a campaign in one way, for `booking bench invitations`.

Run as `python -m booking.bench.mail_ways WAY FIRST COUNT PORT`: it gets ready, says so, waits for a
line, sends, and tells how long it took, its CPU and its peak memory as JSON.
"""

import json
import os
import resource
import smtplib
import sys
import time
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.utils import make_msgid

import jinja2
from emails.message import Message

from booking.bench.server import peak_mib
from booking.config import Settings
from booking.database import Database
from booking.mail import pipelining
from booking.mail.message import Envelope, templates
from workers.jobs import send_due_invitations

SENDER = "bench@booking.example"
SUBJECT = "Your online account is ready"
_NAMES = ("Anna", "Zoë", "Bob", "Łukasz")
_PARTS = {
    kind: templates().get_template(f"invitations/templates/client_invitation.{kind}")
    for kind in ("txt", "html")
}


def reader(number: int) -> dict[str, object]:
    """What one message says to its reader: half of the names are not ASCII."""
    token = f"{number:043d}"
    return {
        "first_name": _NAMES[number % 4],
        "sender_name": "Happy Paws",
        "subject": SUBJECT,
        "message": "",
        "days": 14,
        "url": f"https://booking.example.com/i/{token}",
        "unsubscribe_url": f"https://booking.example.com/u/{token}",
    }


def address(number: int) -> str:
    return f"owner{number}@mail.example"


def built(number: int) -> EmailMessage:
    """As the standard library builds it, and Django's mail with it."""
    said = reader(number)
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = SUBJECT, SENDER, address(number)
    message["Message-ID"] = make_msgid(domain="booking.example")
    message["List-Unsubscribe"] = f"<{said['unsubscribe_url']}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(_PARTS["txt"].render(said))
    message.add_alternative(_PARTS["html"].render(said), subtype="html")
    return message


def naive(numbers: Sequence[int], port: int) -> Callable[[], None]:
    """As the README of `emails` shows it: templates and a connection for every message."""
    sources = {
        "text": "Hello {{ first_name }},\n\n" + "We look forward to you. {{ url }}\n" * 20,
        "html": "<p>Hello {{ first_name }},</p>" + "<p>We look <a href='{{ url }}'>on</a></p>" * 20,
    }

    def send() -> None:
        for number in numbers:
            said = reader(number)
            parts = {kind: jinja2.Template(text).render(said) for kind, text in sources.items()}
            message = Message(subject=SUBJECT, mail_from=SENDER, **parts)
            message.send(
                to=address(number),
                smtp={"host": "127.0.0.1", "port": port, "timeout": 30, "fail_silently": False},
            )

    return send


def one_connection(numbers: Sequence[int], port: int) -> Callable[[], None]:
    client = smtplib.SMTP("127.0.0.1", port)

    def send() -> None:
        for number in numbers:
            client.send_message(built(number))
        client.quit()

    return send


def prebuilt(numbers: Sequence[int], port: int) -> Callable[[], None]:
    client = smtplib.SMTP("127.0.0.1", port)
    ready = [(address(number), built(number).as_bytes()) for number in numbers]

    def send() -> None:
        for to, content in ready:
            client.sendmail(SENDER, [to], content)
        client.quit()

    return send


class _Pipelined(smtplib.SMTP):
    in_doubt = 0


def limit(numbers: Sequence[int], port: int) -> Callable[[], None]:
    client = _Pipelined("127.0.0.1", port)
    client.ehlo()
    ready = [Envelope(SENDER, address(n), _crlf(built(n).as_bytes())) for n in numbers]

    def send() -> None:
        for _ in pipelining.exchange(client, ready, lambda: True):
            pass
        client.quit()

    return send


def _crlf(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def product(_numbers: Sequence[int], _port: int) -> Callable[[], None]:
    """The worker's own job, until nothing is due."""
    database = Database(Settings())
    database.is_alive()
    return lambda: _send_all(database)


def _send_all(database: Database) -> None:
    while send_due_invitations(database):
        pass


WAYS = {each.__name__: each for each in (product, naive, one_connection, prebuilt, limit)}


def main() -> None:
    way, first, count, port = sys.argv[1], *map(int, sys.argv[2:5])
    send = WAYS[way](range(first, first + count), port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    send()
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    json.dump({"seconds": seconds, "cpu": cpu, "peak_mib": peak_mib(os.getpid())}, sys.stdout)


if __name__ == "__main__":
    main()
