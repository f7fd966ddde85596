"""What we write to those who want to be told of notices."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Literal

from booking.mail.message import Email, Links
from booking.mail.wording import ShownName, ShownText, plain_name
from booking.notices.rules import say_window
from booking.tokens import Purpose

OPENINGS = {
    "announced": "Announced",
    "in_48_hours": "In 48 hours",
    "in_1_hour": "In one hour",
    "started": "Now",
    "updated": "Update",
    "resolved": "Resolved",
    "ended": "Over",
    "lapsed": "Ran out",
    "cancelled": "Cancelled",
}
"""How each message begins; `ended` is told as what became of the notice."""

Said = Literal[
    "announced",
    "in_48_hours",
    "in_1_hour",
    "started",
    "updated",
    "resolved",
    "ended",
    "lapsed",
    "cancelled",
]


class ConfirmNotices(Email):
    """To an address somebody typed: nothing comes to it until its owner agrees."""

    template: ClassVar[str] = "notices/confirm_notices"
    subscription_id: uuid.UUID
    components: list[ShownName]
    hours: int

    @property
    def subject(self) -> str:
        return "Confirm that you want service notices"

    def context(self, links: Links) -> dict[str, Any]:
        secret = links.secret(Purpose.NOTICES_CONFIRM, self.subscription_id)
        return {"url": links.url(f"/status/confirm/{secret}")}


class ServiceNotice(Email):
    """One thing about one notice, to one subscriber. One-click unsubscribing after RFC 8058."""

    template: ClassVar[str] = "notices/service_notice"
    said: Said
    notice_id: uuid.UUID
    subscription_id: uuid.UUID
    title: ShownText
    text: ShownText
    components: list[ShownName]
    starts_at: datetime
    ends_at: datetime
    timezone: str
    writes_again: bool
    """`ends_at` is the time by which we write again, and not the end"""
    read_only: bool

    @property
    def subject(self) -> str:
        return f"{OPENINGS[self.said]}: {plain_name(self.title)}"

    def context(self, links: Links) -> dict[str, Any]:
        return {
            "opening": OPENINGS[self.said],
            "when": say_window(self.starts_at, self.ends_at, self.timezone),
            "url": links.url(f"/status/{self.notice_id}"),
            "stop_url": self._stop(links),
        }

    def headers(self, links: Links) -> dict[str, str]:
        return {
            "List-Unsubscribe": f"<{self._stop(links)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }

    def _stop(self, links: Links) -> str:
        secret = links.secret(Purpose.NOTICES_STOP, self.subscription_id)
        return links.url(f"/u/n/{secret}")
