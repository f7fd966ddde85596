"""The ways a message leaves this machine: a mail server, or a folder of files."""

import contextlib
import smtplib
import ssl
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import chain, takewhile
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from emails.backend.smtp.backend import SMTPBackend
from emails.backend.smtp.client import SMTPClientWithResponse

from booking import clock
from booking.config import Settings
from booking.mail import pipelining
from booking.mail.bounces import says_no_such_address
from booking.mail.message import Envelope
from booking.mail.signing import Signer, open_signer


class Stage(StrEnum):
    """How far one attempt came, which decides whether a repeat is safe.

    `unreachable`: the message itself was never looked at, since there was no connection, no login,
    or no leave to send at all. That says nothing of its receiver.
    """

    ACCEPTED = "accepted"
    UNREACHABLE = "unreachable"
    DELAYED = "delayed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`no_such_address`: refused for good because nobody has that address, not for what we are or
    what we sent."""

    stage: Stage
    code: int | None = None
    reason: str = ""
    no_such_address: bool = False


class Transport(Protocol):
    def send(self, envelope: Envelope) -> Outcome:
        """One attempt, no hidden retry. Never raises for what a mail server may do."""

    def send_many(
        self, envelopes: Iterable[Envelope], goes_on: Callable[[], bool]
    ) -> Iterator[Outcome]:
        """An attempt each, in order. Ends early when `goes_on` says no between two messages, or
        when nobody is there to take more: who has no outcome was not tried. The envelopes may be
        written as they are asked for."""

    def close(self) -> None: ...


def open_transport(settings: Settings) -> Transport:
    """Raises ValueError where mail is to be signed and the key can't be used: it waits then."""
    signer = open_signer(settings)
    transport = Smtp(settings) if settings.mailbox is None else Mailbox(settings.mailbox)
    return transport if signer is None else Signing(transport, signer)


class Signing:
    """Every message is signed (DKIM, RFC 6376) on its way out, whoever wrote it."""

    def __init__(self, transport: Transport, signer: Signer) -> None:
        self._transport = transport
        self._signed = signer.signed

    def send(self, envelope: Envelope) -> Outcome:
        return self._transport.send(self._signed(envelope))

    def send_many(
        self, envelopes: Iterable[Envelope], goes_on: Callable[[], bool]
    ) -> Iterator[Outcome]:
        return self._transport.send_many([self._signed(each) for each in envelopes], goes_on)

    def close(self) -> None:
        self._transport.close()


class Mailbox:
    """The embedded kind: one `.eml` file a message, complete before it has that ending."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, envelope: Envelope) -> Outcome:
        name = f"{clock.now():%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:8]}.eml"
        unfinished = self.folder / f"{name}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(envelope.content)
            unfinished.replace(self.folder / name)
        except OSError as error:
            return Outcome(Stage.UNREACHABLE, None, f"not kept: {_words(error)}")
        return Outcome(Stage.ACCEPTED, 250, "kept in the local mailbox")

    def send_many(
        self, envelopes: Iterable[Envelope], goes_on: Callable[[], bool]
    ) -> Iterator[Outcome]:
        return _one_by_one(self, envelopes, goes_on)

    def close(self) -> None:
        return


def _one_by_one(
    transport: Transport, envelopes: Iterable[Envelope], goes_on: Callable[[], bool]
) -> Iterator[Outcome]:
    for place, envelope in enumerate(envelopes):
        if place and not goes_on():
            return
        outcome = transport.send(envelope)
        yield outcome
        if outcome.stage is Stage.UNREACHABLE:
            return


class _KnowsItsStage(SMTPClientWithResponse):
    """Remembers how many messages were on their way, unanswered, when a connection broke."""

    in_doubt = 0

    def starttls(self, **_: Any) -> tuple[int, bytes]:  # type: ignore[override]
        """With a look at the certificate, which smtplib by itself takes from anybody."""
        return super().starttls(context=ssl.create_default_context())

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.in_doubt = 0
        self.putcmd("data")
        code, reply = self.getreply()
        if code != 354:
            return code, reply
        self.in_doubt = 1
        quoted = smtplib._quote_periods(msg)  # type: ignore[attr-defined]
        self.send(quoted + (b"" if quoted.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        code, reply = self.getreply()
        self.in_doubt = 0
        return code, reply


class _KnowsItsStageOverTls(_KnowsItsStage, smtplib.SMTP_SSL):
    def __init__(self, **options: Any) -> None:
        self.context = ssl.create_default_context()
        super().__init__(**options)  # type: ignore[no-untyped-call]


class _OneAttempt(SMTPBackend):
    """`emails` sends again by itself after a lost connection, and the receiver gets two copies."""

    connection_cls = _KnowsItsStage
    connection_ssl_cls = _KnowsItsStageOverTls  # type: ignore[assignment]

    def retry_on_disconnect(self, func: Any) -> Any:
        return func


class Smtp:
    """A mail server, over one connection that is kept while it works.

    Many servers end one after so many messages, in words or without. One that did its work and ends
    before it has heard of the next message is replaced; that is no fault and no attempt.
    """

    def __init__(self, settings: Settings) -> None:
        self._open = partial(_OneAttempt, **_connection(settings))
        self._backend = self._open()
        self._has_worked = False
        self._may_chunk = True

    def send(self, envelope: Envelope) -> Outcome:
        try:
            response = self._backend.sendmail(
                from_addr=envelope.mail_from,
                to_addrs=[envelope.to],
                msg=_Bytes(envelope.content),
                mail_options=[] if envelope.to.isascii() else ["SMTPUTF8"],
            )
        except smtplib.SMTPRecipientsRefused as error:
            self._has_worked = True
            code, text = next(iter(error.recipients.values()))
            return self._answered(code, text)
        except smtplib.SMTPDataError as error:
            self._has_worked = True
            return self._answered(error.smtp_code, error.smtp_error, at_recipient=False)
        except smtplib.SMTPNotSupportedError:
            words = "the mail server takes no address with letters outside ASCII"
            return Outcome(Stage.REFUSED, None, words)
        except (smtplib.SMTPException, OSError) as error:
            if not self._is_worn_out(error):
                return self._broken(error)
            self._drop()
            return self.send(envelope)
        self._has_worked = True
        answered = response.status_code if response else None
        return Outcome(Stage.ACCEPTED, answered, "accepted by the mail server")

    def send_many(
        self, envelopes: Iterable[Envelope], goes_on: Callable[[], bool]
    ) -> Iterator[Outcome]:
        """Pipelined, and in chunks, where the server offers it and the addresses are plain ASCII.
        Ends early as well before an envelope of another kind, and when the server ends the
        connection between two messages: the next call opens another."""
        waiting = iter(envelopes)
        first = next(waiting, None)
        if first is None:
            return
        kind = _kind(first)
        alike = takewhile(lambda each: _kind(each) == kind, chain([first], waiting))
        try:
            client: Any = self._backend.get_client()
            client.ehlo_or_helo_if_needed()
        except (smtplib.SMTPException, OSError) as error:
            yield self._broken(error)
            return
        if not (first.to.isascii() and client.has_extn("pipelining")):
            yield from _one_by_one(self, alike, goes_on)
            return
        try:
            if client.has_extn("chunking") and self._may_chunk and not first.is_repeat:
                yield from self._chunked(pipelining.exchange_in_chunks(client, alike, goes_on))
            else:
                yield from self._pipelined(pipelining.exchange(client, alike, goes_on))
        except (smtplib.SMTPException, OSError) as error:
            if self._is_worn_out(error):
                self._drop()
                return
            self._may_chunk = client.in_doubt == 0
            yield from [self._broken(error)] * max(1, client.in_doubt)

    def _pipelined(self, exchange: Iterator[pipelining.Answers]) -> Iterator[Outcome]:
        for answers in exchange:
            if self._has_worked and answers.is_farewell:
                self._drop()
                return
            outcome = self._told(answers)
            if outcome.stage is Stage.UNREACHABLE:
                self._drop()
            yield outcome
            if outcome.code == 421 or outcome.stage is Stage.UNREACHABLE:
                return
            self._has_worked = True

    def _chunked(self, exchange: Iterator[pipelining.Answers]) -> Iterator[Outcome]:
        """All answers are heard: what one message was refused for says nothing of the next."""
        for answers in exchange:
            if self._has_worked and answers.is_farewell:
                self._drop()
                return
            outcome = self._told(answers)
            yield outcome
            self._has_worked = self._has_worked or outcome.stage is Stage.ACCEPTED

    def _told(self, answers: pipelining.Answers) -> Outcome:
        code, text = answers.decisive
        if code == 250:
            return Outcome(Stage.ACCEPTED, code, "accepted by the mail server")
        at_recipient = answers.receiver[0] not in (250, 251)
        outcome = self._answered(code, text, at_recipient=at_recipient)
        if answers.sender_refused:
            return Outcome(Stage.UNREACHABLE, code, outcome.reason)
        return outcome

    def check(self) -> None:
        """Connect and say hello. Raises OSError or SMTPException when the server is not there."""
        self._backend.get_client().noop()
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            self._backend.close()
        self._backend = self._open()
        self._has_worked = False

    def _is_worn_out(self, error: Exception) -> bool:
        client: Any = self._backend._client
        has_ended = isinstance(error, smtplib.SMTPServerDisconnected | ConnectionError)
        says_so = getattr(error, "smtp_code", None) == 421
        return self._has_worked and (has_ended or says_so) and not client.in_doubt

    def _broken(self, error: Exception) -> Outcome:
        """A refusal of the greeting, the login or the sender is about us, not about the receiver:
        whatever its code, it is no reason to give up on anybody."""
        client = self._backend._client
        after_the_dot = isinstance(client, _KnowsItsStage) and client.in_doubt > 0
        self._drop()
        stage = Stage.UNKNOWN if after_the_dot else Stage.UNREACHABLE
        return Outcome(stage, getattr(error, "smtp_code", None), f"not sent: {_words(error)}")

    def _answered(self, code: int, text: bytes | str, *, at_recipient: bool = True) -> Outcome:
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        if code == 421:
            self._drop()
        if not 500 <= code < 600:
            return Outcome(Stage.DELAYED, code, words[:300])
        nobody = says_no_such_address(code, words, at_recipient=at_recipient)
        return Outcome(Stage.REFUSED, code, words[:300], nobody)

    def _drop(self) -> None:
        """Leave a connection that no longer answers, without a word."""
        if self._backend._client is not None:
            self._backend._client.close()
        self._backend = self._open()
        self._has_worked = False


def _kind(envelope: Envelope) -> tuple[bool, bool]:
    """Those of one kind may go together."""
    return envelope.to.isascii(), envelope.is_repeat


@dataclass(frozen=True, slots=True)
class _Bytes:
    """`SMTPBackend.sendmail` asks its message for nothing but its bytes."""

    content: bytes

    def as_bytes(self) -> bytes:
        return self.content


def _connection(settings: Settings) -> dict[str, Any]:
    """`smtp://user:password@host:587?starttls=true` or `smtps://…` as the backend's arguments."""
    parts = urlsplit(settings.smtp_url)
    options = parse_qs(parts.query)
    tls_from_the_start = parts.scheme == "smtps"
    return {
        "host": parts.hostname or "localhost",
        "port": parts.port or (465 if tls_from_the_start else 25),
        "user": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "ssl": tls_from_the_start,
        "tls": options.get("starttls") == ["true"],
        "timeout": settings.smtp_timeout_seconds,
        "fail_silently": False,
    }


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
