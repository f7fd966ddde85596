"""A mail server that keeps what it is sent, as a process of its own.

Run it with `python -m tests.smtp_sink --port 0 --dir D`: it prints `listening PORT` and then keeps
every message as `D/0000001.eml` with a line for it in `D/log.jsonl`. It is a separate process so
that a test may kill the sender or the server in the middle of a message, and may count afterwards
what really crossed the wire.

A test changes its behaviour while it runs by writing `D/rules.json` (`Mail.set_rules` does it).
"""

import argparse
import asyncio
import json
import os
import signal
import ssl
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

STORED_AND_CUT_OFF = "cut"
"""As an answer: the message is kept, then the connection is cut: the sender cannot know."""


@dataclass(frozen=True)
class Rules:
    """What the server does other than say 250.

    An address is written in lower case, as `@domain`, or as `*` for all.
    """

    at_rcpt: dict[str, str] = field(default_factory=dict)
    """address → answer to RCPT TO, such as `550 5.1.1 No such user`; nothing is kept."""
    at_data: dict[str, str] = field(default_factory=dict)
    """address → answer to the whole message; nothing is kept, but with `STORED_AND_CUT_OFF`."""
    times: dict[str, int] = field(default_factory=dict)
    """address → how often its answer is given before it is accepted; absent: for ever."""
    delay: dict[str, float] = field(default_factory=dict)
    """`ehlo`, `rcpt`, `data` or `kept` → seconds to wait before that answer.

    `data` waits before the message is kept, `kept` between keeping it and saying so.
    """

    per_connection: int = 0
    """How many messages it takes over one connection; 0: as many as come."""
    farewell: str = ""
    """What it says to the next one's MAIL before it ends that connection, if anything."""
    pipelining: bool = True
    """Whether it says that it takes commands in groups (RFC 2920); it can in any case."""
    chunking: bool = False
    """Whether it says that it takes messages by their length (RFC 3030); it can in any case."""

    def key_for(self, address: str, answers: dict[str, str]) -> str | None:
        """The most particular key that speaks of this address."""
        low = address.lower()
        keys = (low, "@" + low.rpartition("@")[2], "*")
        return next((key for key in keys if key in answers), None)


@dataclass(frozen=True)
class Event:
    """One line of the log: a message that was kept, or an address that was refused."""

    kind: str
    mail_from: str
    recipients: list[str]
    message_id: str = ""
    file: str = ""
    answer: str = ""


class Mail:
    """The folder of a sink as a test reads it; it needs no running server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def set_rules(self, rules: Rules) -> None:
        """Change the server's behaviour from its next answer on."""
        written = self.folder / "rules.json.new"
        written.write_text(json.dumps(asdict(rules)))
        written.rename(self.folder / "rules.json")

    def events(self) -> list[Event]:
        """Everything so far, in order; a line half written by a killed server is left out."""
        try:
            text = (self.folder / "log.jsonl").read_text()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind("\n") + 1]
        return [Event(**json.loads(line)) for line in whole.splitlines() if line]

    def received(self) -> list[Event]:
        """The messages that were kept."""
        return [event for event in self.events() if event.kind == "received"]

    def refused(self) -> list[Event]:
        """The refusals that were given."""
        return [event for event in self.events() if event.kind == "refused"]

    def messages(self) -> list[EmailMessage]:
        """The messages themselves, oldest first."""
        return [self.open(event) for event in self.received()]

    def open(self, event: Event) -> EmailMessage:
        """The message of one event."""
        raw = (self.folder / event.file).read_bytes()
        return message_from_bytes(raw, policy=modern)

    def per_recipient(self) -> Counter[str]:
        """How many messages each address was sent, by envelope and not by header."""
        return Counter(to.lower() for event in self.received() for to in event.recipients)

    def per_message_id(self) -> Counter[str]:
        """How often each Message-ID came: more than once is the same e-mail sent twice."""
        return Counter(event.message_id for event in self.received())


class Sink:
    """The aiosmtpd handler: asks the rules, then keeps the message before it says 250."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rules = Rules()
        self.rules_seen = (0, 0)
        self.given: Counter[str] = Counter()
        self.taken: WeakKeyDictionary[Session, int] = WeakKeyDictionary()
        self.kept = len(list(folder.glob("*.eml")))
        self._end_half_a_line()
        self.log = (folder / "log.jsonl").open("a", buffering=1)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd finds its hooks by these names
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Answer the greeting, perhaps late."""
        session.host_name = hostname
        await self._wait("ehlo")
        rules = self._current()
        offered = ["250-PIPELINING"] if rules.pipelining else []
        offered += ["250-CHUNKING"] if rules.chunking else []
        return [*responses[:-1], *offered, responses[-1]]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept the sender, unless this connection has been used enough."""
        rules = self._current()
        if rules.per_connection and self.taken.get(session, 0) >= rules.per_connection:
            if rules.farewell:
                await server.push(rules.farewell)
            if server.transport is not None:
                server.transport.close()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept or refuse one address."""
        await self._wait("rcpt")
        answer = self._answer(address, self._current().at_rcpt)
        if answer is not None:
            self._write(Event("refused", envelope.mail_from or "", [address], answer=answer))
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message, unless a rule refuses it for one of its recipients."""
        await self._wait("data")
        recipients = [str(to) for to in envelope.rcpt_tos]
        rules = self._current().at_data
        answers = [answer for to in recipients if (answer := self._answer(to, rules)) is not None]
        refusal = next((answer for answer in answers if answer != STORED_AND_CUT_OFF), None)
        if refusal is not None:
            self._write(Event("refused", envelope.mail_from or "", recipients, answer=refusal))
            return refusal
        self._keep(envelope, recipients)
        self.taken[session] = self.taken.get(session, 0) + 1
        await self._wait("kept")
        if answers and server.transport is not None:
            cast(asyncio.Transport, server.transport).abort()
        return "250 2.0.0 Kept"

    def _keep(self, envelope: Envelope, recipients: list[str]) -> None:
        raw = envelope.original_content or b""
        self.kept += 1
        name = f"{self.kept:07}.eml"
        written = self.folder / f"{name}.new"
        written.write_bytes(raw)
        written.rename(self.folder / name)
        message_id = str(message_from_bytes(raw.partition(b"\r\n\r\n")[0]).get("Message-ID", ""))
        self._write(
            Event("received", envelope.mail_from or "", recipients, message_id.strip(), name)
        )

    def _write(self, event: Event) -> None:
        self.log.write(json.dumps(asdict(event)) + "\n")

    def _end_half_a_line(self) -> None:
        """A server killed while it wrote must not spoil the first line of the next one."""
        log = self.folder / "log.jsonl"
        if log.exists():
            text = log.read_bytes()
            os.truncate(log, text.rfind(b"\n") + 1)

    def _answer(self, address: str, answers: dict[str, str]) -> str | None:
        key = self.rules.key_for(address, answers)
        if key is None:
            return None
        self.given[key] += 1
        return (
            answers[key] if self.given[key] <= self.rules.times.get(key, self.given[key]) else None
        )

    def _current(self) -> Rules:
        """The rules, read again only when the file is another one: this is asked very often."""
        try:
            seen = (self.folder / "rules.json").stat()
        except FileNotFoundError:
            return self.rules
        if (seen.st_ino, seen.st_mtime_ns) != self.rules_seen:
            self.rules = Rules(**json.loads((self.folder / "rules.json").read_text()))
            self.rules_seen = (seen.st_ino, seen.st_mtime_ns)
            self.given.clear()
        return self.rules

    async def _wait(self, stage: str) -> None:
        seconds = self._current().delay.get(stage, 0.0)
        if seconds:
            await asyncio.sleep(seconds)


class Chunks(SMTP):
    """With BDAT, which aiosmtpd does not know; each message in one chunk."""

    async def smtp_BDAT(self, arg: str) -> None:  # noqa: N802
        size, _ = arg.split()
        content = await self._reader.readexactly(int(size))
        assert self.envelope is not None
        assert self.session is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 nobody to give it to")
            return
        self.envelope.content = self.envelope.original_content = content
        answer = await self.event_handler.handle_DATA(self, self.session, self.envelope)
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(answer)


def _sign_in_as(user: str, password: str) -> dict[str, Any]:
    """The options that make the server ask for this user, with TLS or without."""

    def check(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: Any
    ) -> AuthResult:
        wanted = LoginPassword(user.encode(), password.encode())
        return AuthResult(success=auth_data == wanted, handled=False)

    return {"authenticator": check, "auth_required": True, "auth_require_tls": False}


async def serve(options: argparse.Namespace) -> None:
    """Listen until SIGTERM."""
    sink = Sink(options.dir)
    settings: dict[str, Any] = {"hostname": "sink.test", "enable_SMTPUTF8": True, "ident": "sink"}
    if options.user:
        settings |= _sign_in_as(options.user, options.password)
    context = None
    if options.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate, options.key)
    if context is not None and not options.implicit_tls:
        settings["tls_context"] = context
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Chunks(sink, loop=loop, **settings),
        "127.0.0.1",
        options.port,
        ssl=context if options.implicit_tls else None,
    )
    done = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, done.set)
    sys.stdout.write(f"listening {server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await done.wait()
    server.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(
        description="A mail server for tests: keeps every message in a folder."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one, which is printed")
    parser.add_argument(
        "--dir", type=Path, required=True, help="where messages and the log are kept"
    )
    parser.add_argument("--user", help="ask for this user name")
    parser.add_argument("--password", default="", help="and this password")
    parser.add_argument("--certificate", help="PEM file; offers STARTTLS")
    parser.add_argument("--key", help="PEM file of the certificate's key")
    parser.add_argument(
        "--implicit-tls", action="store_true", help="TLS from the first byte (smtps)"
    )
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(options))


if __name__ == "__main__":
    main()
