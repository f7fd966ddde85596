"""The ways a text leaves this machine: a provider with Twilio's interface, or a folder of files."""

import uuid
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from booking import clock
from booking.config import Settings
from booking.texts.rules import Outcome, Stage, outcome_of

SECONDS = 15


class Transport(Protocol):
    def send(self, to: str, words: str) -> Outcome:
        """One attempt, no hidden retry. Never raises for what a provider may do."""

    def close(self) -> None: ...


def open_transport(settings: Settings) -> Transport:
    if settings.text_log is not None:
        return Log(settings.text_log)
    return Provider(settings.texts_url)


class Log:
    """The embedded kind: one file a text, complete before it has that ending. The first line says
    to whom."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, to: str, words: str) -> Outcome:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{clock.now():%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:8]}.txt"
        unfinished = self.folder / f"{name}.part"
        unfinished.write_text(f"To: {to}\n\n{words}\n")
        unfinished.replace(self.folder / name)
        return Outcome(Stage.ACCEPTED, "kept here")

    def close(self) -> None:
        return


class Provider:
    """`POST /2010-04-01/Accounts/{account}/Messages.json`, as Twilio has it and others took over.

    It knows no idempotency key: what may have been sent is not sent again.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        account = unquote(parts.username or "")
        place = parts.netloc.rpartition("@")[2]
        self._sender = parse_qs(parts.query)["from"][0]
        self._path = f"/2010-04-01/Accounts/{account}/Messages.json"
        self._client = httpx.Client(
            base_url=f"{parts.scheme}://{place}",
            auth=(account, unquote(parts.password or "")),
            timeout=SECONDS,
        )

    def send(self, to: str, words: str) -> Outcome:
        form = {"To": to, "From": self._sender, "Body": words}
        try:
            answer = self._client.post(self._path, data=form)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Outcome(Stage.UNREACHABLE, type(error).__name__)
        except httpx.HTTPError as error:
            return Outcome(Stage.UNKNOWN, type(error).__name__)
        code, said = _said(answer)
        return outcome_of(answer.status_code, code, said)

    def close(self) -> None:
        self._client.close()


def _said(answer: httpx.Response) -> tuple[int | None, str]:
    """Their code and message, where they give any."""
    try:
        body = answer.json()
    except ValueError:
        return None, ""
    if not isinstance(body, dict):
        return None, ""
    code = body.get("code")
    return code if isinstance(code, int) else None, str(body.get("message") or "")
