"""What an email is: a class with values, a pair of templates, and how both become bytes.

A room that writes to people declares a subclass of `Email` in its `emails.py` and lays
`<name>.txt` and `<name>.html` into its `templates/`. This room never knows who writes.
"""

import abc
import functools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, ClassVar

import jinja2
from emails.message import Message
from pydantic import BaseModel, ConfigDict

from booking import clock
from booking.config import Settings
from booking.mail.marks import Mark, message_id, return_path
from booking.mail.wording import ShownName, display_name
from booking.tokens import Purpose, keyring


@dataclass(frozen=True, slots=True)
class Attachment:
    """`content_type` with its parameters, e.g. `text/calendar; method=REQUEST`."""

    file_name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses and secrets for a mail, derived while it is rendered; never kept."""

    settings: Settings

    def url(self, path: str) -> str:
        return f"{self.settings.public_url}{path}"

    def secret(self, purpose: Purpose, row_id: uuid.UUID, generation: int = 0) -> str:
        return keyring(self.settings.secret).derive(purpose, row_id, generation)

    def code(self, purpose: Purpose, row_id: uuid.UUID, generation: int = 0) -> str:
        return keyring(self.settings.secret).derive_code(purpose, row_id, generation)


class Email(BaseModel, abc.ABC):
    """One email to one person. Values are plain and small: they wait in the database as JSON.

    `sender_name` is who writes (a business); the address is always ours. `subject` holds nothing
    that a stranger typed. Fields with what people typed are a `ShownName` or a `ShownText`.

    `is_tracked`: word of a copy that comes back finds its row, by the sender of its envelope.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: ClassVar[str]
    kinds: ClassVar[dict[str, type["Email"]]] = {}
    is_tracked: ClassVar[bool] = False

    sender_name: ShownName = ""
    reply_to: str = ""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        Email.kinds[cls.__name__] = cls

    @property
    @abc.abstractmethod
    def subject(self) -> str: ...

    def context(self, links: Links) -> dict[str, Any]:
        """What the templates need besides the values themselves: links and codes."""
        return {}

    def attachments(self, settings: Settings) -> list[Attachment]:
        return []

    @property
    def edition(self) -> int:
        """Which copy of its row this is, where there may be several."""
        return 0

    def headers(self, links: Links) -> dict[str, str]:
        return {}

    def common_headers(self) -> dict[str, str]:
        """Those that say nothing of the reader."""
        return {}


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a transport is handed: where its bounces go, who to, and the bytes of the message.

    `is_repeat`: nobody knows whether it arrived the time before, so nothing may follow it until its
    answer is in.
    """

    mail_from: str
    to: str
    content: bytes
    is_repeat: bool = False


def render(email: Email, settings: Settings) -> Rendered:
    return rendered_with(email, {}, settings)


def rendered_with(email: Email, instead: Mapping[str, str], settings: Settings) -> Rendered:
    """Rendered, with other texts in the place of some values."""
    links = Links(settings)
    values = {name: getattr(email, name) for name in type(email).model_fields}
    own = {**values, **email.context(links), **instead}
    context = {**own, "subject": email.subject, "links": links}
    room, _, name = email.template.partition("/")
    pages = templates()
    return Rendered(
        subject=email.subject,
        text=pages.get_template(f"{room}/templates/{name}.txt").render(context),
        html=pages.get_template(f"{room}/templates/{name}.html").render(context),
    )


def compose(
    email: Email, *, to: str, row_id: uuid.UUID, written_at: datetime, settings: Settings
) -> Envelope:
    """The finished message. The same row always gives the same Message-ID and links."""
    rendered = render(email, settings)
    mark = Mark(row_id, email.edition)
    message = Message(
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        mail_from=(display_name(email.sender_name) or "Booking", settings.mail_from),
        mail_to=to,
        message_id=message_id(mark, settings),
        date=format_datetime(written_at),
        reply_to=email.reply_to or None,
        headers={
            "Auto-Submitted": "auto-generated",
            **email.common_headers(),
            **email.headers(Links(settings)),
        },
    )
    for attachment in email.attachments(settings):
        message.attach(
            filename=attachment.file_name,
            data=attachment.content,
            mime_type=attachment.content_type,
        )
    sender = return_path(mark, settings) if email.is_tracked else settings.mail_from
    return Envelope(sender, to, message.as_bytes())


@functools.cache
def templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("booking", ""),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["when"] = say_when
    environment.filters["money"] = say_money
    return environment


def say_when(moment: datetime, zone_name: str) -> str:
    """As people say it: `Sat 12 Dec 2026, 9:30 am`."""
    local = clock.to_local(moment, zone_name)
    hour = local.hour % 12 or 12
    half = "am" if local.hour < 12 else "pm"
    return f"{local:%a} {local.day} {local:%b %Y}, {hour}:{local:%M} {half}"


def say_money(minor: int, currency: str) -> str:
    """Minor units as people write them; ISO 4217 currencies without minor units have none."""
    if currency in {"JPY", "KRW", "CLP", "VND", "ISK"}:
        return f"{minor:,} {currency}"
    sign = {"USD": "$", "EUR": "€", "GBP": "£"}.get(currency)
    amount = f"{minor / 100:,.2f}"
    return f"{sign}{amount}" if sign else f"{amount} {currency}"
